/** @file Shape rules refuse everything that does not fit, by code and in words, and say what they got. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TacitError } from "../../src/errors.ts";
import { emit } from "../../src/expr.ts";
import type { OpRow } from "../../src/ops/row.ts";
import { OPS } from "../../src/ops/table.ts";
import { type Aval, sizeOf } from "../../src/program/aval.ts";
import { DTYPE, DTYPES } from "../../src/program/dtype.ts";
import { CASES } from "./cases.ts";
import { type Arg, f, index, placeholders, typed, values } from "./harness.ts";

type Bad = [op: string, args: Arg[], attrs: number[], code: string, message: RegExp];

const bool = (...shape: number[]): Arg => typed("bool", "bool", ...shape);
const i64 = (...shape: number[]): Arg => typed("i64", "ties", ...shape);

const BAD: Bad[] = [
  ["add", [f(2, 3), f(2, 4)], [], "SHAPE_MISMATCH", /add: expected shapes that broadcast, got \[2,3\] and \[2,4\]/],
  ["add", [f(2), i64(2)], [], "DTYPE_MISMATCH", /add: expected arguments of one dtype, got f32 and i64/],
  ["add", [bool(2), bool(2)], [], "DTYPE_UNSUPPORTED", /float or integer/],
  ["exp", [i64(2)], [], "DTYPE_UNSUPPORTED", /exp: expected a float dtype, got i64\[2\]/],
  ["exp", [f(2)], [1], "ATTR_INVALID", /expected 0 attributes, got 1/],
  ["div", [i64(2), i64(2)], [], "DTYPE_UNSUPPORTED", /float/],
  ["bitAnd", [f(2), f(2)], [], "DTYPE_UNSUPPORTED", /integer dtype or bool/],
  ["shiftLeft", [bool(2), bool(2)], [], "DTYPE_UNSUPPORTED", /integer/],
  ["where", [f(2), f(2), f(2)], [], "DTYPE_UNSUPPORTED", /bool/],
  ["where", [bool(3), f(2), f(2)], [], "SHAPE_MISMATCH", /broadcast/],
  ["cast", [f(2)], [8], "ATTR_INVALID", /dtype code in 0..7, got 8/],
  ["cast", [f(2)], [-0], "ATTR_INVALID", /dtype code/],
  ["gelu", [f(2)], [2], "ATTR_INVALID", /tanhApprox/],
  ["constant", [], [1, 0, 5.5], "ATTR_INVALID", /low half/],
  ["constant", [], [3, 0, 256], "ATTR_INVALID", /0..255 for u8/],
  ["constant", [], [1, 1, 0], "ATTR_INVALID", /for i32/],
  ["iota", [], [1, 0], "ATTR_INVALID", /at least 3/],
  ["iota", [], [1, 2, 3, 4], "ATTR_INVALID", /axis in 0..1, got 2/],
  ["iota", [], [4, 0, 3], "DTYPE_UNSUPPORTED", /float or integer/],
  ["matmul", [f(2, 3), f(4, 2)], [0, 0], "SHAPE_MISMATCH", /matmul: expected equal inner sizes, got f32\[2,3\] and f32\[4,2\]/],
  ["matmul", [f(3), f(3, 2)], [0, 0], "SHAPE_MISMATCH", /ranks of at least 2/],
  ["matmul", [f(2, 2, 3), f(3, 3, 2)], [0, 0], "SHAPE_MISMATCH", /batch dimensions/],
  ["matmul", [f(2, 2), f(2, 2)], [2, 0], "ATTR_INVALID", /transposeA/],
  ["conv2d", [f(1, 3, 4, 4), f(2, 2, 3, 3)], [1, 1, 0, 0, 1, 1, 1], "SHAPE_MISMATCH", /an input of 2 channels, got 3/],
  ["conv2d", [f(1, 2, 2, 4), f(2, 2, 3, 3)], [1, 1, 0, 0, 1, 1, 1], "SHAPE_MISMATCH", /padded size of at least 3/],
  ["conv2d", [f(1, 2, 4, 4), f(3, 1, 3, 3)], [1, 1, 0, 0, 1, 1, 2], "SHAPE_MISMATCH", /groups/],
  ["conv2d", [f(1, 2, 4, 4), f(2, 2, 3, 3)], [0, 1, 0, 0, 1, 1, 1], "ATTR_INVALID", /strideH/],
  ["conv2d", [f(1, 2, 4, 4), f(2, 2, 3, 3)], [1, 1, -1, 0, 1, 1, 1], "ATTR_INVALID", /padH/],
  ["conv2d", [f(2, 4, 4), f(2, 2, 3, 3)], [1, 1, 0, 0, 1, 1, 1], "SHAPE_MISMATCH", /rank 4/],
  ["conv2d", [f(1, 1, 3, 3), f(1, 1, 0, 1)], [1, 1, 0, 0, 1, 1, 1], "SHAPE_MISMATCH", /kernel of at least 1x1/],
  [
    "conv2dGradInput",
    [f(1, 2, 3, 3), f(2, 2, 3, 3)],
    [1, 1, 0, 0, 1, 1, 1, 4, 4],
    "SHAPE_MISMATCH",
    /gradient of shape \[1,2,2,2\]/,
  ],
  ["conv2dGradWeight", [f(1, 2, 4, 4), f(1, 2, 2, 2)], [1, 1, 0, 0, 1, 1, 1, 2, 3], "SHAPE_MISMATCH", /gradient of shape/],
  ["maxPool2d", [f(1, 1, 4, 4)], [2, 2, 2, 2, 2, 0], "ATTR_INVALID", /at most half the kernel/],
  ["avgPool2d", [f(1, 1, 4, 4)], [2, 2, 2, 2, 0, 0, 2], "ATTR_INVALID", /countIncludePad/],
  ["maxPool2dGrad", [f(1, 1, 2, 2), f(1, 1, 4, 4), f(1, 1, 2, 1)], [2, 2, 2, 2, 0, 0], "SHAPE_MISMATCH", /\[1,1,2,2\]/],
  ["layerNorm", [f(2, 3)], [0, 1, 0, 0], "ATTR_INVALID", /axes an integer in 1..2, got 0/],
  ["layerNorm", [f(2, 3)], [1, 1, -1074790400, 0], "ATTR_INVALID", /eps of at least 0, got -1/],
  ["layerNormGrad", [f(2, 3), f(3, 2)], [1, 1, 0, 0], "SHAPE_MISMATCH", /shape \[3,2\], got \[2,3\]/],
  ["attention", [f(2, 3), f(4, 2), f(4, 2)], [0, 0, 0], "SHAPE_MISMATCH", /k of shape \[\] \+ \[S,3\] beside q f32\[2,3\]/],
  ["attention", [f(2, 3), f(4, 3), f(5, 2)], [0, 0, 0], "SHAPE_MISMATCH", /v of shape .*\[4,D\]/],
  ["attention", [f(2, 3), f(4, 3)], [0, 0, 0], "ARITY_MISMATCH", /3 arguments, or 4 with a mask, got 2/],
  ["attention", [f(2, 3), f(4, 3), f(4, 3), f(3, 4)], [0, 0, 0], "SHAPE_MISMATCH", /broadcasts to \[2,4\], got f32\[3,4\]/],
  ["attention", [f(2, 3), f(4, 3), f(4, 3), i64(4)], [0, 0, 0], "DTYPE_MISMATCH", /mask of bool or f32/],
  ["attention", [f(2, 3), f(4, 3), f(4, 3)], [2, 0, 0], "ATTR_INVALID", /causal/],
  ["attentionGrad", [f(3, 2), f(2, 3), f(4, 3), f(4, 2)], [0, 0, 0], "SHAPE_MISMATCH", /gradient of shape \[2,2\]/],
  ["sum", [f(2, 3)], [], "ATTR_INVALID", /at least 1/],
  ["sum", [f(2, 3)], [0, 1, 0], "ATTR_INVALID", /ascending/],
  ["sum", [f(2, 3)], [0, 0, 0], "ATTR_INVALID", /without repetition/],
  ["sum", [f(2, 3)], [0, 2], "ATTR_INVALID", /axis in 0..1, got 2/],
  ["sum", [f(2, 3)], [0, -1], "ATTR_INVALID", /axis/],
  ["sum", [bool(2)], [0, 0], "DTYPE_UNSUPPORTED", /float or integer/],
  ["all", [f(2)], [0, 0], "DTYPE_UNSUPPORTED", /bool/],
  ["amax", [f(0, 3)], [0, 0], "SHAPE_MISMATCH", /not empty/],
  ["argmax", [f(0)], [0, 0], "SHAPE_MISMATCH", /not empty/],
  ["argmax", [f()], [0, 0], "ATTR_INVALID", /axis/],
  ["reshape", [f(2, 3)], [4], "SHAPE_MISMATCH", /6 elements, got \[4\]/],
  ["reshape", [f(2, 3)], [-2, -3], "ATTR_INVALID", /size/],
  ["permute", [f(2, 3)], [0, 0], "ATTR_INVALID", /repetition/],
  ["permute", [f(2, 3)], [0], "ATTR_INVALID", /2 attributes/],
  ["expand", [f(2, 3)], [3, 3], "SHAPE_MISMATCH", /broadcast/],
  ["expand", [f(2, 3)], [3], "SHAPE_MISMATCH", /broadcasts to/],
  ["expand", [f(3)], [1], "SHAPE_MISMATCH", /broadcasts to/],
  ["slice", [f(3)], [2, 1, 1], "ATTR_INVALID", /stop/],
  ["slice", [f(3)], [0, 4, 1], "ATTR_INVALID", /stop an integer in 0..3/],
  ["slice", [f(3)], [0, 3, 0], "ATTR_INVALID", /step/],
  ["pad", [f(3)], [-1, 0, 0], "ATTR_INVALID", /padding/],
  ["pad", [f(3)], [2147483647, 2147483647, 0], "ATTR_INVALID", /size/],
  ["cat", [f(2, 3), f(2, 4)], [0], "SHAPE_MISMATCH", /equal but for axis 0/],
  ["cat", [f(2), f(2, 1)], [0], "SHAPE_MISMATCH", /equal but/],
  ["cat", [f(2), i64(2)], [0], "DTYPE_MISMATCH", /one dtype/],
  ["gather", [f(2, 3), index(2, 2)], [0], "SHAPE_MISMATCH", /rank 2/],
  ["gather", [f(2, 3), index(2, 2, 4)], [0], "SHAPE_MISMATCH", /no larger/],
  ["gather", [f(2), i64(2)], [0], "DTYPE_UNSUPPORTED", /i32/],
  ["scatterAdd", [f(3), index(3, 2), f(3)], [0], "SHAPE_MISMATCH", /shape \[2\]/],
  ["indexSelect", [f(3), index(3, 2, 1)], [0], "SHAPE_MISMATCH", /rank 1/],
  ["indexAdd", [f(3, 2), index(3, 2), f(2, 3)], [0], "SHAPE_MISMATCH", /shape \[2,2\]/],
  ["oneHot", [f(3)], [3, 0], "DTYPE_UNSUPPORTED", /i32 or i64/],
  ["oneHot", [index(3, 2)], [0, 0], "ATTR_INVALID", /classes/],
  ["sort", [bool(3)], [0, 0], "DTYPE_UNSUPPORTED", /float or integer/],
  ["softmax", [f(3)], [1], "ATTR_INVALID", /axis/],
  ["softmaxCrossEntropy", [f(3, 2), f(2, 3)], [], "SHAPE_MISMATCH", /shape \[3,2\]/],
  ["softmaxCrossEntropy", [f(3), f(3)], [], "SHAPE_MISMATCH", /rank 2/],
  ["softmaxCrossEntropyGrad", [f(3, 2), f(3, 2), f(2)], [], "SHAPE_MISMATCH", /shape \[3\]/],
  ["randomBits", [typed("u32", 9, 3), typed("u32", 9, 1)], [4], "SHAPE_MISMATCH", /shape \[2\]/],
  ["randomBits", [typed("u32", 9, 2), typed("u32", 9, 5)], [4], "SHAPE_MISMATCH", /1 to 4 words/],
  ["randomBits", [typed("i32", 9, 2), typed("u32", 9, 1)], [4], "DTYPE_UNSUPPORTED", /u32/],
];

/** The reference keeps the promise of the shape rule: array type and length; or throws a TacitError about the data. */
function checkReference(row: OpRow, args: readonly Aval[], attrs: readonly number[], out: Aval): void {
  if (sizeOf(out.shape) > 1e5) return;
  const given = args
    .map((a, i) => values({ ...a, fill: "ties" }, i + 1))
    .map((v, i) => (args[i]!.dtype === "f32" ? Float32Array.from(v as Float64Array) : v));
  const y = row.reference(given, args, attrs, out);
  expect(y.constructor, row.name).toBe(DTYPE[out.dtype].make(0).constructor);
  expect(y.length, row.name).toBe(sizeOf(out.shape));
}

describe("shape rules", () => {
  it.each(BAD)("%s refuses what does not fit (case %#)", (op, args, attrs, code, message) => {
    expect(() => emit(op, placeholders(args), attrs)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("refuse the name of an op that is not there", () => {
    expect(() => emit("toString", [])).toThrow(expect.objectContaining({ code: "OP_UNKNOWN" }));
  });

  it("give for any attributes and argument types a result of whole sizes that the reference fills, or a TacitError", () => {
    const aval: fc.Arbitrary<Aval> = fc.record({
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 }),
    });
    const attr = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.integer(), fc.double(), fc.constant(-0));
    const changed = fc.constantFrom(...CASES).chain((c) =>
      fc.record({
        row: fc.constant(OPS.get(c.op)!),
        args: fc.tuple(...c.args.map((a) => fc.oneof({ weight: 3, arbitrary: fc.constant<Aval>(a) }, aval))),
        attrs: fc.oneof(
          fc.array(attr, { maxLength: 12 }),
          fc.tuple(...c.attrs.map((a) => fc.oneof({ weight: 4, arbitrary: fc.constant(a) }, attr))),
        ),
      }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(changed, ({ row, args, attrs }) => {
        try {
          const out = row.infer(args, attrs);
          accepted++;
          expect(DTYPES).toContain(out.dtype);
          for (const d of out.shape) expect(Number.isSafeInteger(d) && d >= 0, `${row.name} gives a size of ${d}`).toBe(true);
          checkReference(row, args, attrs, out);
        } catch (e) {
          if (!(e instanceof TacitError)) throw e;
        }
      }),
      { numRuns: 3000 },
    );
    // The test would be empty if everything were refused.
    expect(accepted).toBeGreaterThan(300);
  });
});
