/**
 * @file What the rig's processes run: the `tacit` command, a driver and the hook, bundled once from the sources as they are. A bundled process
 * starts with 0.25 s of CPU, one from sources with 0.66 s, and the whole matrix starts some 2,000.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "tsdown";

export interface Bundle extends Disposable {
  readonly tacit: string;
  readonly driver: string;
  readonly hook: string;
  /** Compiled code, kept from process to process. */
  readonly cache: string;
}

const CLI = join(import.meta.dirname, "../..");

export async function bundle(): Promise<Bundle> {
  const path = mkdtempSync(join(tmpdir(), "tacit-faults-code-"));
  const js = join(path, "js");
  // Kernels are read from ../build, seen from the code.
  symlinkSync(join(CLI, "../kernels/build"), join(path, "build"));
  await build({
    config: false,
    cwd: CLI,
    entry: { tacit: "src/main.ts", driver: "test/faults/driver.ts", hook: "test/faults/hook.ts" },
    outDir: js,
    platform: "node",
    format: "esm",
    dts: false,
    deps: { alwaysBundle: [/.*/], onlyBundle: false },
    logLevel: "silent",
  });
  const at = (name: string): string => join(js, `${name}.mjs`);
  return {
    tacit: at("tacit"),
    driver: at("driver"),
    hook: at("hook"),
    cache: join(path, "cache"),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
