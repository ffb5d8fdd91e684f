/** @file Every op on shares against the reference device: random and extreme values, awkward shapes; cost equal to the estimate; no memory left. */
import { type Expr, ops } from "@tacit/core/program";
import { afterAll, beforeAll, describe, test } from "vitest";
import { expectClose, type Input, known, makeCase, secret, uniform } from "./ops.ts";
import { Parties } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

const LSB = 2 ** -16;
type Build = (...args: Expr[]) => Expr | Expr[];
type Row = readonly [name: string, inputs: readonly Input[], build: Build, absolute: number, relative?: number];

function cases(rows: readonly Row[]): void {
  test.each(rows.map((row) => ({ name: row[0], row })))("$name", async ({ row }) => {
    const [, inputs, build, absolute, relative] = row;
    await expectClose(parties, makeCase(inputs, build), absolute, relative);
  });
}

/** The loss of every row and its gradient. */
const crossEntropy: Build = (z, t) => {
  const each = ops.full([z!.shape[0]!], "f32", 0.125);
  return [ops.softmaxCrossEntropy(z!, t!), ops.softmaxCrossEntropyGrad(z!, t!, each)];
};

/** Small values around zero, exact zeros, and one large. */
const awkward = (i: number): number => [0, LSB, -LSB, 0.5, -0.5, 1, -1, 100.25, -100.25][i % 9]!;
const positive = uniform(0.01, 50);

describe("linear ops", () => {
  const { add, sub, mul, neg, div, lit } = ops;
  cases([
    ["add broadcasts", [secret([3, 1, 5]), secret([4, 1])], (x, y) => add(x!, y!), LSB],
    ["sub with a public row", [known([5]), secret([3, 5])], (x, y) => sub(x!, y!), LSB],
    ["neg", [secret([7], awkward)], (x) => neg(x!), 0],
    ["mul", [secret([6, 5], awkward), secret([6, 5], awkward)], (x, y) => mul(x!, y!), 2 * LSB],
    ["mul broadcasts", [secret([2, 3, 4]), secret([3, 1])], (x, y) => mul(x!, y!), 2 * LSB],
    ["a square", [secret([33])], (x) => mul(x!, x!), 2 * LSB],
    ["mul by a constant and by its inverse", [secret([9])], (x) => div(mul(x!, lit(x!, 3)), lit(x!, 7)), 3 * LSB, 2 ** -11],
    ["mul by a public scalar", [secret([9]), known([])], (x, y) => mul(x!, y!), 3 * LSB, 2 ** -11],
    ["mul by a public array", [secret([4, 3]), known([3])], (x, y) => mul(x!, y!), 8 * LSB],
    ["div by a public array", [secret([4, 3]), known([3], uniform(1, 4))], (x, y) => div(x!, y!), 8 * LSB],
    [
      "a long combination",
      [secret([20]), secret([20]), known([])],
      (x, y, z) => add(mul(sub(x!, mul(y!, z!)), lit(x!, 0.25)), mul(mul(x!, y!), lit(x!, 2))),
      8 * LSB,
      2 ** -10,
    ],
    ["one value returned twice and an input returned", [secret([4]), secret([4])], (x, y) => [add(x!, y!), add(x!, y!), x!], LSB],
    ["nothing at all", [secret([0, 3]), secret([0, 3])], (x, y) => mul(add(x!, y!), y!), 0],
  ]);
});

describe("matrix products and convolutions", () => {
  const { matmul, conv2d, conv2dGradInput, conv2dGradWeight } = ops;
  const conv = [2, 1, 1, 2, 1, 2, 2];
  cases([
    ["matmul", [secret([5, 7]), secret([7, 3])], (x, y) => matmul(x!, y!), 2 * LSB],
    ["matmul transposed", [secret([7, 5]), secret([3, 7])], (x, y) => matmul(x!, y!, true, true), 2 * LSB],
    ["matmul of batches", [secret([2, 3, 5, 7]), secret([2, 3, 7, 2])], (x, y) => matmul(x!, y!), 2 * LSB],
    ["matmul of a batch with one", [secret([4, 5, 7]), secret([7, 2])], (x, y) => matmul(x!, y!), 2 * LSB],
    ["matmul of one with a batch", [secret([5, 7]), secret([4, 7, 2])], (x, y) => matmul(x!, y!), 2 * LSB],
    ["matmul by a public matrix", [secret([5, 7]), known([7, 3])], (x, y) => matmul(x!, y!), 64 * LSB],
    ["conv2d", [secret([2, 4, 7, 6]), secret([6, 2, 3, 2])], (x, w) => conv2d(x!, w!, conv), 2 * LSB],
    ["conv2d, public input", [known([2, 4, 7, 6]), secret([6, 2, 3, 2])], (x, w) => conv2d(x!, w!, conv), 64 * LSB],
    [
      "conv2dGradInput",
      [secret([2, 6, 4, 8]), secret([6, 2, 3, 2])],
      (g, w) => conv2dGradInput(g!, w!, [...conv, 7, 6]),
      2 * LSB,
    ],
    [
      "conv2dGradWeight",
      [secret([2, 4, 7, 6]), secret([2, 6, 4, 8])],
      (x, g) => conv2dGradWeight(x!, g!, [...conv, 3, 2]),
      2 * LSB,
    ],
  ]);
});

describe("movement", () => {
  cases([
    ["reshape", [secret([4, 6])], (x) => ops.reshape(x!, [3, 8]), 0],
    ["permute", [secret([2, 3, 4])], (x) => ops.permute(x!, [2, 0, 1]), 0],
    ["expand", [secret([3, 1])], (x) => ops.expand(x!, [2, 3, 4]), 0],
    ["slice", [secret([7, 9])], (x) => ops.slice(x!, [1, 2], [6, 9], [2, 3]), 0],
    ["slice of nothing", [secret([7, 9])], (x) => ops.slice(x!, [3, 2], [3, 9], [2, 3]), 0],
    ["pad", [secret([3, 4])], (x) => ops.pad(x!, [1, 0], [0, 2], [0, 1]), 0],
    ["cat", [secret([2, 3]), secret([2, 1]), known([2, 2])], (x, y, z) => ops.cat([x!, y!, z!], 1), LSB],
    ["flip", [secret([3, 4, 2])], (x) => ops.flip(x!, [0, 2]), 0],
    ["reshape of a product", [secret([4, 3]), secret([4, 3])], (x, y) => ops.reshape(ops.mul(x!, y!), [12]), 2 * LSB],
  ]);
});

describe("comparisons and choices", () => {
  const { cast, where } = ops;
  const pair = [secret([41], awkward), secret([41], (i) => awkward(i * 5 + 1))];
  const compare = (name: "gt" | "ge" | "lt" | "le" | "eq" | "ne"): Row => [
    name,
    pair,
    (x, y) => [ops[name](x!, y!), cast(ops[name](x!, y!), "f32")],
    0,
  ];
  cases([
    ...(["gt", "ge", "lt", "le", "eq", "ne"] as const).map(compare),
    ["relu", [secret([51], awkward)], (x) => ops.relu(x!), 0],
    ["relu of a product", [secret([40, 9]), secret([9, 90])], (x, y) => ops.relu(ops.matmul(x!, y!)), 2 * LSB],
    ["relu's gradient", [secret([51]), secret([51], awkward)], (g, x) => ops.reluGrad(g!, ops.relu(x!)), 0],
    ["relu's gradient at a stranger", [secret([51]), secret([51], awkward)], (g, y) => ops.reluGrad(g!, y!), 0],
    ["abs", [secret([51], awkward)], (x) => ops.abs(x!), 0],
    ["sign", [secret([51], awkward)], (x) => ops.sign(x!), 0],
    ["maximum", [secret([5, 1]), secret([4])], (x, y) => ops.maximum(x!, y!), 0],
    ["minimum with a public array", [secret([5, 4]), known([4])], (x, y) => ops.minimum(x!, y!), LSB],
    ["maximum of two products", [secret([30]), secret([30])], (x, y) => ops.maximum(ops.mul(x!, y!), ops.mul(x!, x!)), 3 * LSB],
    [
      "where by a comparison",
      [secret([30]), secret([30])],
      (x, y) => where(ops.gt(x!, y!), ops.mul(x!, y!), ops.sub(x!, y!)),
      2 * LSB,
    ],
    [
      "where by a secret of bits",
      [{ shape: [30], values: (i: number) => i % 2, dtype: "bool" }, secret([30]), secret([30])],
      (c, x, y) => where(c!, x!, y!),
      0,
    ],
    [
      "where by a public condition",
      [known([30]), secret([30]), secret([30])],
      (c, x, y) => where(ops.gt(c!, ops.lit(c!, 0)), x!, y!),
      0,
    ],
    ["not", pair, (x, y) => ops.bitNot(ops.gt(x!, y!)), 0],
  ]);
});

describe("pools", () => {
  const image = secret([2, 3, 9, 8], (i) => ((i * 37) % 23) / 4 - 3);
  const shapes = [
    [2, 2, 2, 2, 0, 0],
    [3, 3, 2, 2, 1, 1],
    [3, 2, 1, 3, 0, 1],
    [1, 1, 2, 2, 0, 0],
  ];
  const both =
    (attrs: number[]): Build =>
    (x) => {
      const y = ops.maxPool2d(x!, attrs);
      return [y, ops.maxPool2dGrad(ops.mul(y, y), x!, y, attrs)];
    };
  const afterRelu =
    (attrs: number[]): Build =>
    (x) => {
      const r = ops.relu(x!);
      const y = ops.maxPool2d(r, attrs);
      const g = ops.maxPool2dGrad(ops.neg(y), r, y, attrs);
      return [y, ops.reluGrad(g, r)];
    };
  cases([
    ...shapes.map((a): Row => [`maximum ${a} and its gradient`, [image], both(a), 16 * LSB]),
    ...shapes.map((a): Row => [`maximum ${a} of a relu`, [image], afterRelu(a), 16 * LSB]),
    [
      "maximum's gradient at a stranger",
      [secret([2, 3, 4, 4]), image, secret([2, 3, 4, 4])],
      (g, x, y) => ops.maxPool2dGrad(g!, x!, y!, shapes[0]!),
      0,
    ],
    ...shapes.flatMap((a) =>
      [0, 1].map(
        (count): Row => [
          `average ${a}, ${count}, and its gradient`,
          [image],
          (x) => {
            const y = ops.avgPool2d(x!, [...a, count]);
            return [y, ops.avgPool2dGrad(y, [...a, count, 9, 8])];
          },
          24 * LSB,
          2 ** -11,
        ],
      ),
    ),
  ]);
});

describe("reductions", () => {
  const x3 = secret([3, 4, 5]);
  const some = secret([6, 7], awkward);
  cases([
    ["sum over each axis", [x3], (x) => [0, 1, 2].map((a) => ops.sum(x!, [a], a === 1)), 0],
    ["sum over apart axes", [x3], (x) => ops.sum(x!, [0, 2]), 0],
    ["sum of squares", [x3], (x) => [ops.sum(ops.mul(x!, x!), [0, 1, 2]), ops.sum(ops.mul(x!, x!), [0, 2])], 16 * LSB],
    ["amax and amin", [some], (x) => [ops.amax(x!, [1]), ops.amin(x!, [0, 1]), ops.amax(x!, [0], true)], 0],
    ["argmax and argmin", [some], (x) => [ops.argmax(x!, 1), ops.argmin(x!, 0, true)], 0],
    ["argmax of 20 classes", [secret([3, 20])], (x) => ops.argmax(x!, 1), 0],
    ["cumsum", [x3], (x) => ops.cumsum(x!, 1), 0],
    ["indexSelect", [x3, { ...known([4], (i) => i % 3), dtype: "i32" }], (x, i) => ops.indexSelect(x!, i!, 0), 0],
    ["gather", [x3, { ...known([3, 2, 5], (i) => i % 4), dtype: "i32" }], (x, i) => ops.gather(x!, i!, 1), 0],
    [
      "scatterAdd",
      [x3, { ...known([3, 4, 5], (i) => i % 3), dtype: "i32" }, secret([3, 4, 5])],
      (x, i, s) => ops.scatterAdd(x!, i!, s!, 0),
      0,
    ],
    [
      "indexAdd into public zeros",
      [known([3, 4], () => 0), { ...known([5], (i) => i % 3), dtype: "i32" }, secret([5, 4])],
      (x, i, s) => ops.indexAdd(x!, i!, s!, 0),
      0,
    ],
  ]);
});

describe("functions, over their stated ranges", () => {
  const range = (lo: number, hi: number): Input =>
    secret([900], (i) => (i === 0 ? lo : i === 1 ? hi : lo + (hi - lo) * Math.random()));
  /** Even in the logarithm, and both ends. */
  const octaves = (lo: number, hi: number, signed = false): Input =>
    secret([900], (i) => {
      const e = i === 0 ? lo : i === 1 ? hi - 1e-9 : lo + (hi - lo) * Math.random();
      return (Math.floor(2 ** e * 65536) / 65536) * (signed && i % 2 ? -1 : 1);
    });
  cases([
    ["exp", [range(-30, 10)], (x) => ops.exp(x!), 2 ** -14.5, 2 ** -16.5],
    ["exp near zero", [range(-2, 0.5)], (x) => ops.exp(x!), 2 ** -14.5],
    ["log", [octaves(-8, 14)], (x) => ops.log(x!), 2 ** -14],
    ["sqrt", [octaves(-16, 14)], (x) => ops.sqrt(x!), 2 ** -14.5, 2 ** -16],
    ["sqrt of zero", [secret([3], () => 0)], (x) => ops.sqrt(x!), 2 ** -15],
    ["rsqrt", [octaves(-12, 14)], (x) => ops.rsqrt(x!), 2 ** -14.5, 2 ** -15],
    ["reciprocal", [octaves(-10, 14, true)], (x) => ops.reciprocal(x!), 2 ** -14.5, 2 ** -14.5],
    ["div", [range(-50, 50), octaves(-4, 10, true)], (x, y) => ops.div(x!, y!), 2 ** -14.5, 2 ** -14.5],
    ["a public number by a secret column", [known([]), secret([6, 1], positive)], (x, y) => ops.div(x!, y!), 2 ** -13],
    ["sigmoid", [range(-40, 40)], (x) => ops.sigmoid(x!), 2 ** -14.5],
    ["tanh", [range(-40, 40)], (x) => ops.tanh(x!), 2 ** -14],
    ["erf", [range(-6, 6)], (x) => ops.erf(x!), 2 ** -14],
    ["gelu", [range(-8, 8)], (x) => ops.gelu(x!), 2 ** -12.5],
    ["gelu by tanh", [range(-8, 8)], (x) => ops.gelu(x!, true), 2 ** -12],
    ["pow", [range(-3, 3)], (x) => [0, 1, 2, 3, 5].map((k) => ops.pow(x!, ops.lit(x!, k))), 2 ** -8.5],
    ["pow with roots", [range(0.5, 9)], (x) => [0.5, -0.5, -1].map((k) => ops.pow(x!, ops.lit(x!, k))), 2 ** -13.5],
  ]);
});

describe("softmax and cross-entropy", () => {
  const logits = (n: number, c: number): Input => secret([n, c], (i) => (i < c ? 3 : uniform(-9, 9)(i)));
  const target = (n: number, c: number): Input => secret([n, c], (i) => (i % c === (Math.floor(i / c) * 7) % c ? 1 : 0));
  const loss = crossEntropy;
  cases([
    ...[1, 2, 3, 10, 16, 17, 100].map(
      (c): Row => [`cross-entropy of ${c} classes`, [logits(5, c), target(5, c)], loss, 2 ** -12],
    ),
    ["cross-entropy of 130 rows", [logits(130, 10), target(130, 10)], loss, 2 ** -12],
    [
      "gradient with a factor for every row",
      [logits(5, 4), secret([5, 4], uniform(0, 1)), secret([5])],
      (z, t, g) => ops.softmaxCrossEntropyGrad(z!, t!, g!),
      2 ** -11,
    ],
    [
      "gradient with a public factor for every row",
      [logits(5, 4), secret([5, 4], uniform(0, 1)), known([5])],
      (z, t, g) => ops.softmaxCrossEntropyGrad(z!, t!, g!),
      2 ** -11,
    ],
    ["softmax", [logits(6, 5)], (z) => [ops.softmax(z!, 1), ops.logSoftmax(z!, 1)], 2 ** -13],
    [
      "softmax along another axis",
      [secret([3, 4, 5])],
      (z) => [ops.softmax(z!, 1), ops.softmax(z!, 0), ops.logSoftmax(z!, 2)],
      2 ** -13,
    ],
  ]);
});

describe("other fraction bits", () => {
  const on13 = (i: number): number => Math.round(uniform(0.1, 8)(i) * 8192) / 8192;
  const rows: readonly Row[] = [
    ["products", [secret([5, 7], on13), secret([7, 3], on13)], (x, y) => ops.relu(ops.matmul(x!, y!)), 2 ** -11],
    ["division, roots, logarithm", [secret([60], on13)], (x) => [ops.reciprocal(x!), ops.sqrt(x!), ops.log(x!)], 2 ** -10],
    ["exp and sigmoid", [secret([60], on13)], (x) => [ops.exp(ops.neg(x!)), ops.sigmoid(x!), ops.tanh(x!)], 2 ** -11],
    ["cross-entropy", [secret([6, 5], on13), secret([6, 5], (i) => (i % 5 === 2 ? 1 : 0))], crossEntropy, 2 ** -10],
    ["a public factor", [secret([9], on13), known([])], (x, y) => ops.mul(ops.mul(x!, x!), y!), 2 ** -10, 2 ** -10],
  ];
  test.each(rows.map((row) => ({ name: row[0], row })))("13: $name", async ({ row }) => {
    const few = await Parties.start({ protocol: { fractionBits: 13, prgRounds: 12 }, memoryLimit: 2 ** 25 });
    const [, inputs, build, absolute, relative] = row;
    await expectClose(few, makeCase(inputs, build), absolute, relative);
    few.close();
  });
});
