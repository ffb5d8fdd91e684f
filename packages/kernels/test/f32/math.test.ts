/** @file Measures the elementary functions against f64 over dense ranges; the bounds are what README.md states. */
import { afterAll, describe, expect, it } from "vitest";
import { type ChainOp, type ChainParams, F32_KERNELS, F32Engine, writeInstruction } from "../../src/f32/index.ts";
import { erf, erfinv } from "../../src/f32/reference/erf.ts";

const engines = await Promise.all([false, true].map((relaxed) => F32Engine.create({ relaxed })));
afterAll(() => Promise.all(engines.map((e) => e.stop())));

function evaluate(engine: F32Engine, op: ChainOp, xs: Float32Array): Float32Array {
  const n = xs.length;
  const x = engine.alloc(4 * n);
  const y = engine.alloc(4 * n);
  const params: ChainParams = {
    shape: [n],
    inputs: [{ address: x, dtype: "f32" }],
    steps: [{ op, args: [0] }],
    outputs: [{ value: 1, address: y }],
  };
  const instruction = F32_KERNELS.chain.encode(params);
  const side = engine.alloc(instruction.side!.byteLength);
  const table = engine.alloc(128);
  engine.reserveScratch(F32_KERNELS.chain.scratchBytes(params));
  writeInstruction(engine.views, table, 0, instruction, side);
  engine.f32.set(xs, x / 4);
  engine.run(table, 1);
  const out = engine.f32.slice(y / 4, y / 4 + n);
  engine.release(table, 128);
  engine.release(side, instruction.side!.byteLength);
  engine.release(y, 4 * n);
  engine.release(x, 4 * n);
  return out;
}

/** Distance in units of the last place of the expected f32. */
function ulps(actual: number, expected: number): number {
  if (Math.fround(expected) === actual) return 0;
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(expected))));
  return Math.abs(actual - expected) / 2 ** (exponent - 23);
}

const N = process.env.TACIT_LONG ? 4_000_000 : 100_000;
const linear = (low: number, high: number): Float32Array =>
  Float32Array.from({ length: N }, (_, i) => low + ((high - low) * i) / N);
/** Every magnitude from 2^low to 2^high, both signs. */
const magnitudes = (low: number, high: number): Float32Array =>
  Float32Array.from({ length: N }, (_, i) => (i % 2 ? 1 : -1) * 2 ** (low + ((high - low) * i) / N));

const sigmoid = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));
const FUNCTIONS: readonly (readonly [ChainOp, (x: number) => number, number, readonly Float32Array[]])[] = [
  ["exp", Math.exp, 1.5, [linear(-103, 88.7), magnitudes(-40, 6)]],
  ["log", (x) => Math.log(x), 1.5, [linear(0.3, 3), magnitudes(-148, 127).map(Math.abs)]],
  ["tanh", Math.tanh, 2, [linear(-10, 10), magnitudes(-60, 5)]],
  ["sigmoid", sigmoid, 2.5, [linear(-87, 30), magnitudes(-40, 6)]],
  ["erf", erf, 2, [linear(-5, 5), magnitudes(-60, 3)]],
  ["log1p", Math.log1p, 2, [linear(-0.999, 10), magnitudes(-60, 20).map((x) => Math.max(x, -0.99))]],
  ["expm1", Math.expm1, 3, [linear(-20, 20), magnitudes(-60, 6)]],
  ["atan", Math.atan, 2.5, [linear(-10, 10), magnitudes(-60, 60)]],
  ["erfinv", erfinv, 5, [linear(-1, 1), magnitudes(-60, -1)]],
  ["sin", Math.sin, 1.5, [linear(-20, 20), magnitudes(-60, 127)]],
  ["cos", Math.cos, 1.5, [linear(-20, 20), magnitudes(-60, 127)]],
  ["rsqrt", (x) => 1 / Math.sqrt(x), 1.5, [magnitudes(-148, 127).map(Math.abs)]],
];

describe("elementary functions", () => {
  it.each(FUNCTIONS)("%s stays within its error bound in plain and relaxed SIMD", (op, f, bound, ranges) => {
    for (const engine of engines) {
      let worst = 0;
      for (const xs of ranges)
        for (const [i, y] of evaluate(engine, op, xs).entries()) worst = Math.max(worst, ulps(y, f(xs[i]!)));
      if (process.env.TACIT_REPORT) console.log(op, engine === engines[0] ? "simd" : "relaxed", worst.toFixed(2));
      expect(worst).toBeLessThan(bound);
    }
  });
});
