/** @file Range analysis, op by op: values lie inside the intervals that `ranges` computes, and what leaves its range is warned of. */
import { type Expr, OPS, ops } from "@tacit/core/program";
import { describe, expect, test } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { analyse } from "../../../src/protocols/replicated3/ranges.ts";
import { type Case, type Input, known, makeCase, plainly, secret, uniform } from "./ops.ts";
import { OPTIONS } from "./parties.ts";

type Build = (...args: Expr[]) => Expr | Expr[];
const bool = (x: Expr | undefined): Expr => ops.gt(x!, ops.lit(x!, 0));
const lit = (x: Expr | undefined, v: number): Expr => ops.lit(x!, v);
/** 2 + x x: at least 2. */
const above = (x: Expr | undefined): Expr => ops.add(ops.mul(x!, x!), lit(x, 2));
const index = (
  shape: readonly number[],
  n: number,
  of: (s: readonly number[], v: (i: number) => number) => Input = secret,
): Input => ({
  ...of(shape, (i) => (i * 7) % n),
  dtype: "i32",
});

/** The interval of the first result for |input i| <= bounds[i]. */
function intervalOf(c: Case, bounds: readonly (number | undefined)[]): readonly [number, number] {
  return analyse(c.program, c.bindings, bounds, OPTIONS).intervals[c.program.outputs[0]!]!;
}

const BOUND = 3;
const x23 = secret([2, 3], uniform(-BOUND, BOUND));
const x24 = secret([4, 6], uniform(-BOUND, BOUND));
const image = secret([1, 2, 4, 4], uniform(-BOUND, BOUND));
const powers = [0, 1, 2, 3, 4, 7];

const RULES: readonly (readonly [name: string, inputs: readonly Input[], build: Build, within: readonly [number, number]])[] = [
  ...powers.map(
    (k) => [`pow ${k}`, [x23], (x: Expr | undefined) => ops.pow(x!, lit(x, k)), [k % 2 ? -(3 ** k) : k ? 0 : 1, 3 ** k]] as const,
  ),
  ["pow 1/2 of what is above 0", [x23], (x) => ops.pow(above(x), lit(x, 0.5)), [Math.SQRT2, Math.sqrt(11)]],
  ["pow -1/2 of what is above 0", [x23], (x) => ops.pow(above(x), lit(x, -0.5)), [1 / Math.sqrt(11), Math.SQRT1_2]],
  ["pow -1 of what is above 0", [x23], (x) => ops.pow(above(x), lit(x, -1)), [1 / 11, 1 / 2]],
  ["pow 1.5 of what is above 0", [x23], (x) => ops.pow(above(x), lit(x, 1.5)), [2 ** 1.5, 11 ** 1.5]],
  ["prod", [x23], (x) => ops.prod(x!, [1]), [-27, 27]],
  ["prod of what is above 0", [x23], (x) => ops.prod(above(x), [1]), [8, 1331]],
  ["sort", [x24], (x) => ops.sort(x!, 1), [-3, 3]],
  ["argsort", [x24], (x) => ops.argsort(x!, 1), [0, 5]],
  ["argmax", [x24], (x) => ops.argmax(x!, 1), [0, 5]],
  ["argmin", [x24], (x) => ops.argmin(x!, 0), [0, 3]],
  ["cumsum", [x24], (x) => ops.cumsum(x!, 1), [-18, 18]],
  ["cumsum of what is above 0", [x24], (x) => ops.cumsum(above(x), 1), [2, 66]],
  ["the sum of a variance's squares", [x24], (x) => ops.sum(ops.mul(x!, x!), [1]), [0, 54]],
  ["bitAnd", [x23], (x) => ops.bitAnd(bool(x), ops.bitNot(bool(x))), [0, 1]],
  ["bitXor, bitOr", [x23], (x) => ops.bitXor(bool(x), ops.bitOr(bool(x), bool(x))), [0, 1]],
  ["all of any", [x24], (x) => ops.all(ops.any(bool(x), [1]), [0]), [0, 1]],
  ["a bool as a number", [x23], (x) => ops.cast(bool(x), "f32"), [0, 1]],
  ["oneHot", [index([5], 4)], (i) => ops.oneHot(i!, 4, "f32"), [0, 1]],
  ["gather at public places", [x24, index([4, 2], 6, known)], (x, i) => ops.gather(above(x), i!, 1), [2, 11]],
  ["gather at secret places, 0 outside", [x24, index([4, 2], 6)], (x, i) => ops.gather(above(x), i!, 1), [0, 11]],
  ["indexSelect at secret places", [x24, index([3], 4)], (x, i) => ops.indexSelect(above(x), i!, 0), [0, 11]],
  [
    "indexAdd of five",
    [x24, index([5], 4), secret([5, 6], uniform(-BOUND, BOUND))],
    (x, i, y) => ops.indexAdd(x!, i!, y!, 0),
    [-18, 18],
  ],
  [
    "scatterAdd of two",
    [x24, index([4, 2], 6), secret([4, 2], uniform(-BOUND, BOUND))],
    (x, i, y) => ops.scatterAdd(x!, i!, y!, 1),
    [-9, 9],
  ],
  [
    "scatter",
    [x24, index([4, 2], 6, known), secret([4, 2], uniform(-BOUND, BOUND))],
    (x, i, y) => ops.scatter(above(x), i!, y!, 1),
    [-3, 11],
  ],
  ["an average that counts its padding", [image], (x) => ops.avgPool2d(above(x), [3, 3, 1, 1, 1, 1, 1]), [0, 11]],
  ["an average without padding", [image], (x) => ops.avgPool2d(above(x), [2, 2, 1, 1, 0, 0, 1]), [2, 11]],
  ["maximum with a constant", [x23], (x) => ops.maximum(x!, lit(x, 1)), [1, 3]],
  ["minimum with a constant", [x23], (x) => ops.minimum(x!, lit(x, 1)), [-3, 1]],
  ["abs of what is above 0", [x23], (x) => ops.abs(above(x)), [2, 11]],
  ["a quotient of two above 0", [x23], (x) => ops.div(above(x), above(x)), [2 / 11, 11 / 2]],
  ["reciprocal of what is above 0", [x23], (x) => ops.reciprocal(above(x)), [1 / 11, 1 / 2]],
  ["exp of what is above 0", [x23], (x) => ops.exp(ops.sqrt(above(x))), [Math.exp(Math.SQRT2), Math.exp(Math.sqrt(11))]],
  [
    "cross-entropy against any target",
    [x23, secret([2, 3], uniform(-BOUND, BOUND))],
    (x, t) => ops.softmaxCrossEntropy(x!, t!),
    [-63.8875, 63.8875],
  ],
  [
    "its gradient against any target",
    [x23, secret([2, 3], uniform(-BOUND, BOUND))],
    (x, t) => ops.softmaxCrossEntropyGrad(x!, t!, ops.full([2], "f32", 2)),
    [-24, 24],
  ],
];

describe("values lie inside their intervals", () => {
  test.each(RULES)("%s", async (_name, inputs, build, [lo, hi]) => {
    for (let again = 0; again < 20; again++) {
      const c = makeCase(inputs, build);
      const [least, most] = intervalOf(
        c,
        inputs.map((x) => (x.dtype === "i32" ? 5 : BOUND)),
      );
      expect(least).toBeCloseTo(lo, 3);
      expect(most).toBeCloseTo(hi, 3);
      for (const v of (await plainly(c))[0]! as Float64Array) {
        expect(Number(v)).toBeGreaterThanOrEqual(least - 1e-9);
        expect(Number(v)).toBeLessThanOrEqual(most + 1e-9);
      }
    }
  });
  test("each op that runs on secrets has one: an interval of known inputs is known", async () => {
    const c = makeCase([x24], (x) => ops.prod(ops.pow(ops.cumsum(ops.sort(x!, 1), 1), lit(x, 2)), [0]));
    expect(intervalOf(c, [1]).every(Number.isFinite)).toBe(true);
    expect(intervalOf(c, [undefined]).every(Number.isFinite)).toBe(false);
    expect(OPS.has("cumsum")).toBe(true);
  });
});

describe("ranges warn", () => {
  const warned = (inputs: readonly Input[], bounds: readonly number[], build: Build): string => {
    const c = makeCase(inputs, build);
    return replicated3
      .ranges(c.program, c.bindings, bounds, OPTIONS)
      .map((w) => w.message)
      .join("; ");
  };
  const one = [secret([5])];
  test.each<readonly [string, Build, readonly [number, number], RegExp]>([
    ["a power", (x) => ops.pow(x!, lit(x, 3)), [2 ** 9.9, 2 ** 10], /pow: a product can reach 2\^30/],
    ["a root of what may be negative", (x) => ops.pow(ops.add(x!, lit(x, 1)), lit(x, 0.5)), [0.9, 1.1], /negative/],
    ["a power by logarithm", (x) => ops.pow(ops.add(ops.abs(x!), lit(x, 1)), lit(x, 3.5)), [15, 17], /a power can reach 2\^14/],
    ["an inverse", (x) => ops.pow(ops.add(x!, lit(x, 1)), lit(x, -1)), [0.9, 1], /divisor/],
    ["a product of all", (x) => ops.prod(x!, [0]), [63, 64], /prod: a product can reach 2\^30/],
    ["what follows from a sort", (x) => ops.exp(ops.sort(x!, 0)), [10, 11], /exp: .* range ends at 10/],
    ["what follows from a running sum", (x) => ops.exp(ops.cumsum(x!, 0)), [2, 2.1], /exp: .* range ends at 10/],
  ])("of %s", (_name, build, [quiet, loud], message) => {
    expect(warned(one, [quiet], build)).toBe("");
    expect(warned(one, [loud], build)).toMatch(message);
  });
  test("of cross-entropies of large targets, and of nothing for probabilities", () => {
    const build: Build = (x, t) => ops.softmaxCrossEntropy(x!, t!);
    expect(warned([x23, x23], [2 ** 13, 1], build)).toBe("");
    expect(warned([x23, x23], [2 ** 13, 2 ** 15], build)).toMatch(/softmaxCrossEntropy: a product can reach 2\^30/);
  });
});
