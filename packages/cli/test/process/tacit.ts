/** @file Runs the `tacit` command as a process of its own, and makes the files that it reads. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digits, encodeIdx } from "@tacit/core/data";
import { encodeSafetensors } from "./safetensors.ts";

export const MAIN: string = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** Compiled sources, kept from process to process: halves the start of each (0.74 s to 0.37 s of CPU). */
const COMPILED: string = fileURLToPath(new URL("../../../../node_modules/.cache/tacit-tests", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sent when stderr first holds `when`. */
  readonly interrupt?: { readonly when: string; readonly times?: number };
  /** KiB that a file may have (the shell's `ulimit -f`). */
  readonly fileLimit?: number;
  /** The process is killed after so many seconds, with `signal` SIGKILL in the result: for what might never end. */
  readonly seconds?: number;
}

/** Runs `tacit ...args` to its end. */
export function tacit(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const command = [process.execPath, MAIN, ...args];
  const limited = ["bash", "-c", `ulimit -f ${options.fileLimit}; exec "$@"`, "bash", ...command];
  const [file, ...rest] = options.fileLimit === undefined ? command : limited;
  const { TACIT_DATA: _data, TACIT_THREADS: _threads, ...environment } = process.env;
  const child = spawn(file!, rest, {
    cwd: options.cwd,
    env: { ...environment, NO_COLOR: "1", NODE_COMPILE_CACHE: COMPILED, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.seconds !== undefined && { timeout: 1000 * options.seconds, killSignal: "SIGKILL" }),
  });
  let [stdout, stderr, sent] = ["", "", 0];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    const { interrupt } = options;
    if (interrupt && sent === 0 && stderr.includes(interrupt.when)) {
      for (; sent < (interrupt.times ?? 1); sent++) child.kill("SIGINT");
    }
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A directory that is gone after the tests. */
export function scratch(): {
  readonly path: string;
  file(name: string): string;
  write(name: string, bytes: string | Uint8Array): string;
} & Disposable {
  const path = mkdtempSync(join(tmpdir(), "tacit-cli-"));
  const file = (name: string): string => join(path, name);
  return {
    path,
    file,
    write(name, bytes) {
      writeFileSync(file(name), bytes);
      return file(name);
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** `count` drawn digits: pictures u8 [count, 28, 28] and labels u8 [count]. */
export function drawn(count: number): { readonly pictures: Uint8Array; readonly labels: Uint8Array } {
  const { images, labels } = digits({ count, seed: 5 });
  return { pictures: Uint8Array.from(images.values, Number), labels: Uint8Array.from(labels.values, Number) };
}

/** They as a safetensors file, an IDX pair and CSV. */
export function digitFiles(count: number): {
  readonly safetensors: Uint8Array;
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly csv: string;
} {
  const { pictures, labels } = drawn(count);
  const rows = Array.from(labels, (label, i) => `${label},${pictures.subarray(i * 784, (i + 1) * 784).join(",")}`);
  return {
    safetensors: encodeSafetensors([
      { name: "images", dtype: "U8", shape: [count, 28, 28], bytes: pictures },
      { name: "labels", dtype: "U8", shape: [count], bytes: labels },
    ]),
    images: encodeIdx({ values: pictures, shape: [count, 28, 28], dtype: "u8" }),
    labels: encodeIdx({ values: labels, shape: [count], dtype: "u8" }),
    csv: `${rows.join("\n")}\n`,
  };
}
