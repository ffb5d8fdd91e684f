/** @file Starts `tacit` with its party processes in view: tests stop or kill them, and see that nothing is left. Linux only (/proc). */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { MAIN } from "../process/tacit.ts";

export interface Watched {
  readonly process: ChildProcess;
  readonly stderr: () => string;
  readonly stdout: () => string;
  readonly ended: Promise<number | null>;
  /** Resolves when stderr holds `text`, or when it is as asked. */
  until(text: string | ((stderr: string) => boolean)): Promise<void>;
}

/** Runs `tacit ...args` in a process group of its own, as a terminal does. */
export function watch(args: readonly string[], more: Readonly<Record<string, string>> = {}): Watched {
  const { TACIT_DATA: _, ...environment } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    detached: true,
    env: { ...environment, NO_COLOR: "1", ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  let said = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    said();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const until = (text: string | ((stderr: string) => boolean)): Promise<void> =>
    new Promise((resolve, reject) => {
      said = () => {
        if (typeof text === "string" ? stderr.includes(text) : text(stderr)) resolve();
      };
      said();
      void ended.then(() => reject(new Error(`ended before ${String(text)}: ${stderr}`)));
    });
  return { process: child, stdout: () => stdout, stderr: () => stderr, ended, until };
}

/** Process ids of the children of `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}

/** Whether a process runs; one that ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
