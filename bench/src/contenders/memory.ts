/** @file Measures memory over 5,000 CNN steps; prints one JSON object. Run with --expose-gc. */
import { cpu, setDefaultDevice } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { median } from "../harness.ts";
import type { MemoryResult } from "../memory.ts";
import { cnn } from "./models.ts";

const STEPS = Number(process.argv[2] ?? 5000);
/** Steps between two readings; a collection costs milliseconds. */
const EVERY = 10;

const device = cpu();
setDefaultDevice(device);
const trainer = cnn();
const collect = globalThis.gc ?? (() => {});

async function step(i: number): Promise<void> {
  await trainer.step(...trainer.batch());
  if (i % 10 === 0) {
    const [x, y] = trainer.batch();
    await nn.accuracy(trainer.model, [[x, y] as const]);
  }
}

const used = (): number => {
  collect();
  const m = process.memoryUsage();
  return m.heapUsed + m.arrayBuffers;
};

const early: number[] = [];
const late: number[] = [];
let wasmEarly = 0;
for (let i = 0; i < STEPS; i++) {
  await step(i);
  if (i % EVERY !== 0) continue;
  if (i >= 500 && i < 1000) early.push(used());
  if (i === 500) wasmEarly = device.usedBytes;
  if (i >= STEPS - 500) late.push(used());
}
const result: MemoryResult = {
  early: median(early),
  late: median(late),
  wasmEarly,
  wasmLate: device.usedBytes,
  arena: device.arena.bytes,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
await device.stop();
