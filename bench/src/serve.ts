/** @file The contender's side of the harness: answers one timed sample per line of standard input. */
import { createInterface } from "node:readline";
import type { Sample } from "./harness.ts";

/** A row made ready: one call is one timed sample. */
export type Timed = () => Promise<Sample> | Sample;

/** Serves rows by name until standard input ends. `prepare` is called once per row and includes the warm-up. */
export async function serve(rows: Readonly<Record<string, () => Promise<Timed>>>): Promise<void> {
  const ready = new Map<string, Timed>();
  for await (const line of createInterface({ input: process.stdin })) {
    const { row } = JSON.parse(line) as { row: string };
    try {
      const make = rows[row];
      if (make === undefined) throw new Error(`no such row: ${row}`);
      let timed = ready.get(row);
      if (timed === undefined) {
        timed = await make();
        ready.set(row, timed);
      }
      process.stdout.write(`${JSON.stringify(await timed())}\n`);
    } catch (e) {
      process.stdout.write(`${JSON.stringify({ error: e instanceof Error ? e.message : String(e) })}\n`);
    }
  }
}

/** Times `calls` calls of `f` and gives milliseconds per call, with CPU seconds of this process. */
export async function timeCalls(calls: number, f: () => unknown): Promise<Sample> {
  const cpu0 = process.cpuUsage();
  const t0 = performance.now();
  for (let i = 0; i < calls; i++) await f();
  const ms = (performance.now() - t0) / calls;
  const cpu = process.cpuUsage(cpu0);
  return { value: ms, cpu: (cpu.user + cpu.system) / 1e6 / calls };
}
