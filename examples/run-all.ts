/** @file Runs every example and lesson, as CI does, with few steps, as many at once as there are cores; after one that fails none is started. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const scripts = (folder: string): string[] =>
  readdirSync(here + folder).flatMap((f) => (f.endsWith(".ts") && f !== "run-all.ts" ? [folder + f] : []));
const examples = [...scripts(""), ...scripts("learn/"), "learn/grokking/main.ts", "three-machines/run.ts"];

const TIMEOUT_MS = 300_000;

/** What came of one example; its output is kept together. */
function run(file: string): Promise<{ ok: boolean; out: string; errors: string }> {
  const child = spawn(process.execPath, ["--no-warnings", `${here}${file}`], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { EXAMPLE_STEPS: "60", ...process.env },
    timeout: TIMEOUT_MS,
  });
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ ok: code === 0, out, errors })));
}

let failed = false;
const left = [...examples];
/** One after another, until none is left or one failed. */
async function work(): Promise<void> {
  for (let file = left.shift(); file !== undefined && !failed; file = left.shift()) {
    const started = performance.now();
    const { ok, out, errors } = await run(file);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(`== ${file} (${seconds} s)\n${out}`);
    if (ok) continue;
    failed = true;
    process.stderr.write(`${file} failed\n${errors}`);
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
if (failed) process.exitCode = 1;
else process.stdout.write(`${examples.length} examples ran\n`);
