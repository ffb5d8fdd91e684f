/** @file Runs that fail leave everything as it was: bad data found late, memory that the machine refuses. */
import { afterAll, describe, expect, it } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import type { Binding, Update } from "../../src/device/device.ts";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, input, prepare } from "./harness.ts";
import { PlainMachine } from "./plain-machine.ts";

const PUBLIC: Binding = { kind: "public" };
const DONATED: Binding = { kind: "resident", donate: true };
const on = device();
afterAll(() => on.stop());

/** p moves by g; `other` reads an index that may lie outside, and is computed in the same run. */
async function refused(other: (p: Expr, index: Expr) => Expr, bad: TypedArray, good: TypedArray): Promise<void> {
  const [p, g] = [input([4, 3]), input([4, 3])];
  const index = input([bad.length], bad instanceof BigInt64Array ? "i64" : "i32");
  const next = op.sub(p, g);
  const { program } = trace([next, other(p, index)], [p, g, index]);
  const updates: Update[] = [{ output: 0, input: 0 }];
  const executable = await prepare(on, program, [DONATED, PUBLIC, PUBLIC], updates);
  const parameter = on.put(new Float32Array(12).fill(1), program.inputs[0]!);
  const gradient = on.put(new Float32Array(12).fill(0.25), program.inputs[1]!);
  const run = (values: TypedArray): unknown => executable.run([parameter, gradient, on.put(values, program.inputs[2]!)]);
  const now = (): number[] => [...on.read(parameter, program.inputs[0]!)].map(Number);
  run(good);
  expect(now()).toEqual(new Array(12).fill(0.75));
  expect(() => run(bad)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^(LABEL_OUT_OF_RANGE|INDEX_INVALID)$/) }),
  );
  expect(now()).toEqual(new Array(12).fill(0.75));
  run(good);
  expect(now()).toEqual(new Array(12).fill(0.5));
}

describe("a step whose data is refused updates nothing", () => {
  const [bad, good] = [Int32Array.of(0, 9), Int32Array.of(0, 2)];
  it("by a label outside, whose rows nobody in the update needs", () => refused((_, i) => op.oneHot(i, 4, "f32"), bad, good));
  it("by a 64-bit label, which the host looks at", () =>
    refused((_, i) => op.oneHot(i, 4, "f32"), BigInt64Array.of(0n, -1n), BigInt64Array.of(3n, 1n)));
  it("by an index into the parameter itself", () => refused((p, i) => op.indexSelect(p, i, 0), bad, good));
  it("by an index that comes after long work", () =>
    refused((p, i) => op.indexAdd(op.tanh(op.matmul(p, p, false, true)), i, op.full([2, 4], "f32", 1), 0), bad, good));
  it("by an index into the new value, for which the old one is kept", () =>
    refused((p, i) => op.indexSelect(op.sub(p, op.full([4, 3], "f32", 1)), i, 0), bad, good));
});

/** A machine whose memory can be full. */
class FullMachine extends PlainMachine {
  full = false;
  /** Allocations that still succeed once it is full. */
  left = 0;
  override alloc(bytes: number): number {
    if (this.full && this.left-- <= 0) throw new Error("full");
    return super.alloc(bytes);
  }
}

it("memory that is refused at any point of a run spoils nothing: later runs are right", async () => {
  for (let left = 0; left < 6; left++) {
    const machine = new FullMachine(1 << 20);
    const at = cpu({ machine });
    const [x, w] = [input([5, 4]), input([4, 3])];
    const small = trace([op.mul(x, op.lit(x, 2))], [x]).program;
    const big = trace([op.tanh(op.matmul(op.expand(op.reshape(x, [1, 5, 4]), [7, 5, 4]), w))], [x, w]).program;
    const [first, second] = [await prepare(at, small), await prepare(at, big, [PUBLIC, { kind: "resident", donate: false }])];
    const put = (): ReturnType<typeof at.put> => at.put(new Float32Array(20).fill(0.5), { shape: [5, 4], dtype: "f32" });
    const weights = (): ReturnType<typeof at.put> => at.put(new Float32Array(12).fill(0.25), { shape: [4, 3], dtype: "f32" });
    const doubled = (): number => Number(at.read((first.run([put()]) as object[])[0]!, small.outputAvals[0]!)[19]);
    const product = (w: object): number => Number(at.read((second.run([put(), w]) as object[])[0]!, big.outputAvals[0]!)[104]);
    expect(doubled()).toBe(1);
    machine.full = true;
    machine.left = left;
    const kept = weights();
    try {
      product(kept);
    } catch (e) {
      expect(String(e)).toBe("Error: full");
    }
    machine.full = false;
    for (const w of [kept, weights(), kept]) {
      expect(product(w)).toBeCloseTo(Math.tanh(0.5), 6);
      expect(doubled()).toBe(1);
    }
  }
});
