/** @file Random Programs of all dtypes, with empty axes, give on the cpu device what the reference gives, or the same error. */
import { afterAll, expect, it } from "vitest";
import { interpret } from "../../src/device/reference/reference.ts";
import { TacitError } from "../../src/errors.ts";
import { type Expr, emit } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { sizeOf } from "../../src/program/aval.ts";
import type { DType, TypedArray } from "../../src/program/dtype.ts";
import type { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, expectClose, generator, input, randomInputs, run } from "./harness.ts";

const COUNT = process.env.TACIT_LONG ? 100_000 : 1500;
const on = device();
afterAll(() => on.stop());

const TYPES: readonly DType[] = ["f32", "i32", "i64", "u8", "bool", "u32", "u64"];
const UNARY = ["neg", "abs", "sin", "cos", "tanh", "sigmoid", "floor", "ceil", "round", "sign", "relu", "bitNot"];
const BINARY = [
  ...["add", "sub", "mul", "rem", "maximum", "minimum", "bitAnd", "bitOr", "bitXor", "shiftLeft", "shiftRight"],
  ...["eq", "ne", "lt", "le", "gt", "ge", "reluGrad"],
];
const AXIS = ["cumsum", "softmax", "logSoftmax"];
const PAIR = ["argmax", "argmin", "sort", "argsort"];
const REDUCE = ["sum", "amax", "amin", "all", "any"];

/** One more value from those there are; throws the op's TacitError where types do not fit. */
function grow(r: () => number, pool: readonly Expr[], inputs: Expr[]): Expr {
  const below = (n: number): number => Math.floor(r() * n);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const x = pick(pool.slice(-6));
  const { shape, dtype } = x;
  const axis = below(Math.max(1, shape.length));
  const some = shape.map((_, i) => i).filter(() => r() < 0.5);
  const fresh = (sizes: number[], type: DType): Expr => {
    inputs.push(input(sizes, type));
    return inputs.at(-1)!;
  };
  const partner = (): Expr =>
    r() < 0.4
      ? op.cast(pick(pool), dtype)
      : fresh(
          shape.slice(below(shape.length + 1)).map((d) => (r() < 0.3 ? 1 : d)),
          dtype,
        );
  const kinds: readonly (() => Expr)[] = [
    () => emit(pick(UNARY), [x]),
    () => emit(pick(BINARY), r() < 0.5 ? [x, partner()] : [partner(), x]),
    () => op.cast(x, pick(TYPES)),
    () => op.where(fresh([...shape], "bool"), x, partner()),
    () => emit(pick(REDUCE), [x], [below(2), ...some]),
    () => emit(pick(AXIS), [x], [axis]),
    () => emit(pick(PAIR), [x], [axis, below(2)]),
    () => op.permute(x, shape.map((_, i) => i).reverse()),
    () => op.flip(x, some),
    () => op.cat([x, partner()], axis),
    () => op.reshape(x, [sizeOf(shape)]),
    () => {
      const start = shape.map((d) => below(d + 1));
      const stop = shape.map((d, i) => start[i]! + below(d - start[i]! + 1));
      return op.slice(
        x,
        start,
        stop,
        shape.map(() => 1 + below(3)),
      );
    },
    () => {
      const edge = (): number[] => shape.map(() => below(2));
      return op.pad(x, edge(), edge(), edge());
    },
  ];
  return pick(kinds)();
}

function wideProgram(seed: number): Program | null {
  const r = generator(seed);
  const below = (n: number): number => Math.floor(r() * n);
  const sizes = (): number[] => Array.from({ length: below(4) }, () => (r() < 0.08 ? 0 : 1 + below(5)));
  const inputs = [0, 1].map(() => input(sizes(), TYPES[below(TYPES.length)]!));
  const pool: Expr[] = [...inputs];
  for (let i = 0; i < 16 && pool.length < 8; i++) {
    try {
      const next = grow(r, pool, inputs);
      if (sizeOf(next.shape) < 2000) pool.push(next);
    } catch (e) {
      if (!(e instanceof TacitError)) throw e;
    }
  }
  const made = pool.filter((x) => !inputs.includes(x));
  return made.length === 0 ? null : trace([...new Set([made.at(-1)!, made[below(made.length)]!])], inputs).program;
}

const codeOf = (e: unknown): string => (e instanceof TacitError ? e.code : String(e));

it(`${COUNT} random programs of all dtypes are computed, or refused, as by the reference`, async () => {
  let computed = 0;
  for (let seed = 1; seed <= COUNT; seed++) {
    const program = wideProgram(seed);
    if (program === null) continue;
    const inputs = randomInputs(generator(seed), program);
    let refusal: string | null = null;
    try {
      interpret(program, inputs, "f32");
    } catch (e) {
      refusal = codeOf(e);
    }
    let got: TypedArray[] | string;
    try {
      got = await run(on, program, inputs);
    } catch (e) {
      got = codeOf(e);
    }
    if (refusal !== null) expect(got, `seed ${seed}`).toBe(refusal);
    else if (typeof got === "string") throw new Error(`seed ${seed}: expected values, got ${got}\n${program}`);
    else {
      computed++;
      expectClose(got, program, inputs, 1e-4);
    }
  }
  expect(computed).toBeGreaterThan(0.7 * COUNT);
});
