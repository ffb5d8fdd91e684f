/** @file Memory over 5,000 CNN steps with fresh inputs, an evaluation every tenth step, and no dispose: run in a process of its own. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { makeRow, type Row } from "./rows.ts";

/** What the measuring process prints. */
export interface MemoryResult {
  /** Median of heap + array buffers after gc over steps 500–1000, and over the last 500, bytes. */
  readonly early: number;
  readonly late: number;
  readonly wasmEarly: number;
  readonly wasmLate: number;
  readonly arena: number;
}

/** The row `memory-cnn-growth`, in MB; fails too if WASM bytes in use changed or the arena passes 10 MB. */
export async function memoryGrowth(): Promise<Row> {
  const file = fileURLToPath(new URL("./contenders/memory.ts", import.meta.url));
  const run = spawnSync(process.execPath, ["--no-warnings", "--expose-gc", file], { encoding: "utf8", maxBuffer: 1 << 20 });
  if (run.status !== 0) throw new Error(`memory: the measuring process failed: ${run.stderr}`);
  const r = JSON.parse(run.stdout) as MemoryResult;
  process.stderr.write(`bench: wasm ${r.wasmEarly} -> ${r.wasmLate} B, arena ${(r.arena / 1e6).toFixed(2)} MB\n`);
  const row = makeRow(
    { name: "memory-cnn-growth", unit: "MB", better: "lower", runs: 1, target: 1 },
    [{ value: (r.late - r.early) / 1e6 }],
    new Map(),
  );
  return { ...row, meets: row.meets === true && r.wasmEarly === r.wasmLate && r.arena <= 10e6 };
}
