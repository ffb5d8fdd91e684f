/** @file One op as a Program, its plain result, and its result on shares. */
import { type Binding, referenceDevice } from "@tacit/core/device";
import { type Aval, Expr, type Program, type TypedArray, trace } from "@tacit/core/program";
import { expect } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { type Parties, PUBLIC, SECRET } from "./parties.ts";

/** An input: shape, and what fills it. */
export interface Input {
  readonly shape: readonly number[];
  readonly values: (i: number) => number;
  readonly public?: boolean;
  readonly dtype?: "i32" | "f32" | "bool";
}

/** Uniform in [lo, hi). */
export const uniform =
  (lo: number, hi: number): ((i: number) => number) =>
  () =>
    lo + (hi - lo) * Math.random();

export const secret = (shape: readonly number[], values: (i: number) => number = uniform(-4, 4)): Input => ({ shape, values });
export const known = (shape: readonly number[], values: (i: number) => number = uniform(-4, 4)): Input => ({
  shape,
  values,
  public: true,
});

export interface Case {
  readonly program: Program;
  readonly bindings: readonly Binding[];
  readonly inputs: readonly TypedArray[];
}

function fill({ shape, values, dtype }: Input): TypedArray {
  const n = shape.reduce((a, b) => a * b, 1);
  const numbers = Array.from({ length: n }, (_, i) => values(i));
  if (dtype === "i32") return Int32Array.from(numbers);
  if (dtype === "bool") return Uint8Array.from(numbers);
  // Fixed-point values, so that sharing itself adds no error to discontinuous ops.
  return Float32Array.from(numbers, (v) => Math.round(v * 65536) / 65536);
}

export function makeCase(inputs: readonly Input[], build: (...args: Expr[]) => Expr | Expr[]): Case {
  const args = inputs.map((x) => Expr.placeholder({ shape: x.shape, dtype: x.dtype ?? "f32" } as Aval));
  const results = build(...args);
  const { program } = trace(Array.isArray(results) ? results : [results], args);
  return { program, bindings: inputs.map((x) => (x.public ? PUBLIC : SECRET)), inputs: inputs.map(fill) };
}

/** The results in f64. */
export async function plainly({ program, bindings, inputs }: Case): Promise<TypedArray[]> {
  const device = referenceDevice("f64");
  const executable = await device.prepare({ program, bindings, updates: [] });
  const results = await executable.run(inputs.map((x, i) => device.put(x, program.inputs[i]!)));
  return results.map((r, i) => device.read(r, program.outputAvals[i]!) as TypedArray);
}

/**
 * Results on shares, after checking that nothing is missing, that the run cost exactly the estimate and that it left no memory behind.
 */
export async function onShares(parties: Parties, c: Case): Promise<TypedArray[]> {
  expect(replicated3.check(c.program, c.bindings, parties.options)).toEqual([]);
  const used = parties.parties.map((p) => p.memoryUsed);
  const { values, counters } = await parties.compute(c.program, c.bindings, c.inputs);
  const cost = await replicated3.estimate(c.program, c.bindings, parties.options);
  expect(Math.max(...counters.map((k) => k.rounds))).toBe(cost.rounds);
  expect(counters.map((k) => k.bytesSent)).toEqual(cost.bytesPerParty);
  expect(counters.map((k) => k.framesSent)).toEqual(cost.framesPerParty);
  expect(parties.parties.map((p) => p.memoryUsed)).toEqual(used);
  return values;
}

/** Asserts |shares - plain| <= absolute + relative |plain| for every element of every result. */
export async function expectClose(parties: Parties, c: Case, absolute: number, relative = 0): Promise<void> {
  const [want, got] = [await plainly(c), await onShares(parties, c)];
  want.forEach((w, k) => {
    for (let i = 0; i < w.length; i++) {
      const [x, y] = [Number(w[i]), Number(got[k]![i])];
      if (Math.abs(x - y) > absolute + relative * Math.abs(x)) {
        const at = c.inputs.map((v) => (v.length === w.length ? Number(v[i]) : "-")).join(", ");
        expect(y, `result ${k}, element ${i} of ${w.length}, inputs ${at}`).toBeCloseTo(x, 6);
      }
    }
  });
}
