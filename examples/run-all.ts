/** @file Runs every example and lesson, as CI does, with few steps; stops at the first that fails. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const scripts = (folder: string): string[] =>
  readdirSync(here + folder).flatMap((f) => (f.endsWith(".ts") && f !== "run-all.ts" ? [folder + f] : []));
const examples = [...scripts(""), ...scripts("learn/"), "learn/grokking/main.ts", "three-machines/run.ts"];
for (const file of examples) {
  const started = performance.now();
  const run = spawnSync(process.execPath, ["--no-warnings", `${here}${file}`], {
    encoding: "utf8",
    env: { EXAMPLE_STEPS: "60", ...process.env },
    timeout: 300_000,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`== ${file} (${seconds} s)\n${run.stdout}`);
  if (run.status !== 0) {
    process.stderr.write(run.stderr);
    process.exit(1);
  }
}
process.stdout.write(`${examples.length} examples ran\n`);
