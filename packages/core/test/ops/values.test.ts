/** @file Values of single ops where PyTorch's rules are particular: NaN, ties, signs, wrapping, rounding, bounds. */
import { describe, expect, it } from "vitest";
import { emit } from "../../src/expr.ts";
import { constantAttrs, constantValue } from "../../src/ops/constant/value.ts";
import { constant } from "../../src/ops/emit.ts";
import { DTYPE, type DType, type TypedArray } from "../../src/program/dtype.ts";
import { placeholders, run } from "./harness.ts";

interface Given {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly values: readonly (number | bigint)[];
}

const f32 = (values: readonly number[], shape: readonly number[] = [values.length]): Given => ({ shape, dtype: "f32", values });
const of = (dtype: DType, values: readonly (number | bigint)[], shape: readonly number[] = [values.length]): Given => ({
  shape,
  dtype,
  values,
});

function arrayOf({ dtype, values }: Given): TypedArray {
  const out = DTYPE[dtype].make(values.length);
  values.forEach((v, i) => {
    if (out instanceof BigInt64Array || out instanceof BigUint64Array) out[i] = BigInt(v);
    else out[i] = Number(v);
  });
  return out;
}

/** The op at the precision of f32. */
function apply(op: string, args: readonly Given[], attrs: readonly number[] = []): (number | bigint)[] {
  const leaves = placeholders(args);
  return [...run([emit(op, leaves, attrs)], leaves, args.map(arrayOf), "f32")[0]!];
}

const NaN_ = Number.NaN;
const Inf = Number.POSITIVE_INFINITY;

describe("elementwise values", () => {
  it("round halves to even and keep the sign of zero", () => {
    expect(apply("round", [f32([2.5, 3.5, -2.5, -0.5, 0.5, 1.4999, -3.5, 8388609])])).toEqual([2, 4, -2, -0, 0, 1, -4, 8388609]);
  });

  it("take sign of NaN as 0 and let relu pass NaN, as PyTorch", () => {
    expect(apply("sign", [f32([NaN_, -0, -3, Inf])])).toEqual([0, 0, -1, 1]);
    expect(apply("relu", [f32([NaN_, -1, 2])])).toEqual([NaN_, 0, 2]);
    expect(apply("reluGrad", [f32([5, 5, 5]), f32([NaN_, 0, 1])])).toEqual([0, 0, 5]);
  });

  it("propagate NaN from either side of maximum and minimum", () => {
    expect(apply("maximum", [f32([NaN_, 1, 2]), f32([1, NaN_, 3])])).toEqual([NaN_, NaN_, 3]);
    expect(apply("minimum", [f32([NaN_, 1, 2]), f32([1, NaN_, 3])])).toEqual([NaN_, NaN_, 2]);
  });

  it("compare NaN as unequal and unordered", () => {
    const pair = [f32([NaN_, 1]), f32([NaN_, 1])];
    expect(["eq", "ne", "lt", "le", "gt", "ge"].map((op) => apply(op, pair))).toEqual([
      [0, 1],
      [1, 0],
      [0, 0],
      [0, 1],
      [0, 0],
      [0, 1],
    ]);
  });

  it("keep sigmoid, erf and gelu finite far out", () => {
    expect(apply("sigmoid", [f32([-1000, 1000, 0])])).toEqual([0, 1, 0.5]);
    expect(apply("erf", [f32([-Inf, Inf, 0, 7])])).toEqual([-1, 1, 0, 1]);
    expect(apply("gelu", [f32([-40, 40])], [0])).toEqual([-0, 40]);
  });

  it("give erf to f64 accuracy on both branches", () => {
    // Values to 16 digits: Abramowitz & Stegun, table 7.1, and DLMF §7.
    const leaves = placeholders([f32([0, 0, 0, 0])]);
    const at = Float64Array.of(0.5, 1, 2, 3);
    const got = run([emit("erf", leaves)], leaves, [at])[0]!;
    const want = [0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.9999779095030014];
    want.forEach((w, i) => {
      expect(Math.abs(Number(got[i]) - w)).toBeLessThan(4e-16);
    });
  });

  it("follow IEEE 754 where JavaScript's ** does not", () => {
    expect(apply("pow", [f32([1, 1, -1, 0, 2]), f32([NaN_, Inf, Inf, 0, -1])])).toEqual([1, 1, 1, 1, 0.5]);
  });

  it("divide integers towards zero in rem, and refuse a zero divisor", () => {
    expect(apply("rem", [of("i32", [-7, 7, -7]), of("i32", [3, -3, -3])])).toEqual([-1, 1, -1]);
    expect(apply("rem", [of("i64", [-7n, 7n]), of("i64", [3n, -3n])])).toEqual([-1n, 1n]);
    expect(apply("rem", [f32([-7.5, 7.5]), f32([2, -2])])).toEqual([-1.5, 1.5]);
    expect(() => apply("rem", [of("i32", [1]), of("i32", [0])])).toThrow(expect.objectContaining({ code: "DIVISION_BY_ZERO" }));
  });

  it("wrap integers in their own width", () => {
    const big = 2 ** 31 - 1;
    expect(apply("add", [of("i32", [big]), of("i32", [1])])).toEqual([-(2 ** 31)]);
    expect(apply("mul", [of("u32", [0xffffffff]), of("u32", [0xffffffff])])).toEqual([1]);
    expect(apply("mul", [of("u64", [2n ** 64n - 1n]), of("u64", [2n ** 64n - 1n])])).toEqual([1n]);
    expect(apply("neg", [of("u8", [1])])).toEqual([255]);
    expect(apply("abs", [of("i32", [-(2 ** 31)])])).toEqual([-(2 ** 31)]);
    expect(apply("sum", [of("i32", [big, big, 3])], [0, 0])).toEqual([1]);
    expect(apply("prod", [of("i32", [65537, 65537])], [0, 0])).toEqual([131073]);
    expect(apply("cumsum", [of("i32", [big, 1])], [0])).toEqual([big, -(2 ** 31)]);
  });

  it("raise integers with wrapping, and negative exponents only for 1 and -1", () => {
    expect(apply("pow", [of("i32", [3, -2, 7]), of("i32", [4, 31, 0])])).toEqual([81, -(2 ** 31), 1]);
    expect(apply("pow", [of("i32", [2, 1, -1, -1]), of("i32", [-1, -3, -3, -2])])).toEqual([0, 1, -1, 1]);
    expect(apply("pow", [of("u64", [3n]), of("u64", [41n])])).toEqual([BigInt.asUintN(64, 3n ** 41n)]);
  });

  it("shift by the width or more to zero, or to the sign on the right", () => {
    expect(apply("shiftLeft", [of("i32", [1, 1, 1]), of("i32", [31, 32, -1])])).toEqual([-(2 ** 31), 0, 0]);
    expect(apply("shiftRight", [of("i32", [-8, -8]), of("i32", [1, 40])])).toEqual([-4, -1]);
    expect(apply("shiftRight", [of("u32", [0x80000000, 1]), of("u32", [31, 32])])).toEqual([1, 0]);
    expect(apply("shiftRight", [of("u64", [2n ** 63n, 5n]), of("u64", [63n, 64n])])).toEqual([1n, 0n]);
  });

  it("invert bits of integers and the truth of bool", () => {
    expect(apply("bitNot", [of("bool", [0, 1])])).toEqual([1, 0]);
    expect(apply("bitNot", [of("u8", [0, 0xf0])])).toEqual([255, 15]);
    expect(apply("bitNot", [of("u64", [0n])])).toEqual([2n ** 64n - 1n]);
  });

  it("cast by truncation, with NaN as 0, and anything but zero as true", () => {
    expect(apply("cast", [f32([-1.9, 1.9, NaN_])], [DTYPE.i32.code])).toEqual([-1, 1, 0]);
    expect(apply("cast", [f32([-1.9, NaN_])], [DTYPE.i64.code])).toEqual([-1n, 0n]);
    expect(apply("cast", [f32([0.1, -0, NaN_])], [DTYPE.bool.code])).toEqual([1, 0, 1]);
    expect(apply("cast", [of("i64", [2n ** 33n + 5n, -1n])], [DTYPE.i32.code])).toEqual([5, -1]);
    expect(apply("cast", [of("i32", [-1])], [DTYPE.u64.code])).toEqual([2n ** 64n - 1n]);
  });
});

describe("reductions", () => {
  it("take NaN as the largest and the smallest, at its first place", () => {
    const x = f32([1, NaN_, 3, NaN_]);
    expect(apply("amax", [x], [0, 0])).toEqual([NaN_]);
    expect(apply("amin", [x], [0, 0])).toEqual([NaN_]);
    expect(apply("argmax", [x], [0, 0])).toEqual([1]);
    expect(apply("argmin", [x], [0, 0])).toEqual([1]);
  });

  it("answer with the first of equal elements", () => {
    expect(apply("argmax", [f32([1, 3, 3])], [0, 0])).toEqual([1]);
    expect(apply("argmin", [of("i64", [2n, 1n, 1n])], [0, 0])).toEqual([1]);
  });

  it("give the neutral element for empty sums, products, all and any", () => {
    expect(apply("sum", [f32([], [0])], [0, 0])).toEqual([0]);
    expect(apply("prod", [f32([], [2, 0])], [0, 1])).toEqual([1, 1]);
    expect(apply("all", [of("bool", [], [0])], [0, 0])).toEqual([1]);
    expect(apply("any", [of("bool", [], [0])], [0, 0])).toEqual([0]);
  });

  it("accumulate floats wider than f32", () => {
    expect(apply("sum", [f32([2 ** 24, 1, 1, -(2 ** 24)])], [0, 0])).toEqual([2]);
  });
});

describe("sorting and indexing", () => {
  it("put NaN last, first when descending, and keep the order of equals", () => {
    const x = f32([2, NaN_, 1, 2]);
    expect(apply("sort", [x], [0, 0])).toEqual([1, 2, 2, NaN_]);
    expect(apply("sort", [x], [0, 1])).toEqual([NaN_, 2, 2, 1]);
    expect(apply("argsort", [x], [0, 0])).toEqual([2, 0, 3, 1]);
    expect(apply("argsort", [x], [0, 1])).toEqual([1, 0, 3, 2]);
  });

  it("refuse indices outside, by code, without naming them", () => {
    const x = f32([1, 2]);
    const src = f32([1]);
    for (const bad of [-1, 2]) {
      const i = of("i32", [bad]);
      for (const [op, args] of [
        ["gather", [x, i]],
        ["indexSelect", [x, i]],
        ["scatterAdd", [x, i, src]],
        ["indexAdd", [x, i, src]],
      ] as const) {
        expect(() => apply(op, args, [0]), op).toThrow(expect.objectContaining({ code: "INDEX_INVALID" }));
      }
    }
  });

  it("refuse labels outside of the classes", () => {
    for (const bad of [-1, 3]) {
      expect(() => apply("oneHot", [of("i32", [0, bad])], [3, 0])).toThrow(
        expect.objectContaining({ code: "LABEL_OUT_OF_RANGE" }),
      );
    }
    expect(apply("oneHot", [of("i32", [2, 0])], [3, 0])).toEqual([0, 0, 1, 1, 0, 0]);
  });

  it("add every repetition of an index", () => {
    expect(apply("indexAdd", [f32([1, 1]), of("i32", [1, 1, 1]), f32([1, 2, 3])], [0])).toEqual([1, 7]);
  });
});

describe("pooling values", () => {
  it("let NaN win a window, and padding never", () => {
    expect(apply("maxPool2d", [f32([1, NaN_, -3, -4], [1, 1, 2, 2])], [1, 2, 1, 1, 0, 1])).toEqual([1, NaN_, NaN_, -3, -3, -4]);
  });

  it("give the gradient of a tie to the first place in row-major order", () => {
    expect(
      apply(
        "maxPool2dGrad",
        [f32([5], [1, 1, 1, 1]), f32([1, 7, 7, 7], [1, 1, 2, 2]), f32([7], [1, 1, 1, 1])],
        [2, 2, 2, 2, 0, 0],
      ),
    ).toEqual([0, 5, 0, 0]);
  });

  it("count the padding in a mean or leave it out", () => {
    const x = f32([2, 4], [1, 1, 1, 2]);
    expect(apply("avgPool2d", [x], [1, 2, 1, 1, 0, 1, 1])).toEqual([1, 3, 2]);
    expect(apply("avgPool2d", [x], [1, 2, 1, 1, 0, 1, 0])).toEqual([2, 3, 4]);
  });
});

describe("literals", () => {
  it.each([
    ["f32", 0.1],
    ["f32", -0],
    ["f64", Number.MIN_VALUE],
    ["f32", Number.NEGATIVE_INFINITY],
    ["i32", -(2 ** 31)],
    ["u32", 2 ** 32 - 1],
    ["i64", -(2n ** 63n)],
    ["u64", 2n ** 64n - 1n],
    ["bool", 1],
    ["u8", 255],
  ] as const)("of %s keep %s exactly", (dtype, value) => {
    expect(constantValue(constantAttrs(dtype, value))).toBe(value);
  });

  it("have one NaN", () => {
    const weird = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0]!;
    expect(constantAttrs("f32", weird)).toEqual(constantAttrs("f32", Number.NaN));
    expect(() => constantValue([0, 0x7ff80000, 1])).toThrow(expect.objectContaining({ code: "ATTR_INVALID" }));
  });

  it("refuse what a dtype cannot hold", () => {
    for (const [dtype, value] of [
      ["i32", 2 ** 31],
      ["u8", -1],
      ["i32", 0.5],
      ["bool", 2],
      ["u64", 2n ** 64n],
      ["i64", Number.NaN],
    ] as const) {
      expect(() => constant(dtype, value), `${dtype} ${value}`).toThrow(expect.objectContaining({ code: "ATTR_INVALID" }));
    }
  });
});
