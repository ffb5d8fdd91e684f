/** @file One list of arguments and attributes for every op: gradients, batching, decompositions and encodings are all tested on it. */
import { numberAttrs } from "../../src/ops/number.ts";
import { DTYPE } from "../../src/program/dtype.ts";
import { type Arg, f, filled, index, typed } from "./harness.ts";

export interface Case {
  readonly op: string;
  readonly args: readonly Arg[];
  readonly attrs: readonly number[];
}

const of = (op: string, args: readonly Arg[], attrs: readonly number[] = []): Case => ({ op, args, attrs });

const smooth = ["neg", "exp", "sin", "cos", "tanh", "sigmoid", "erf"];
const positive = ["log", "sqrt", "rsqrt", "reciprocal"];
const kinked = ["abs", "floor", "ceil", "round", "sign", "relu"];
const unary: Case[] = [
  ...smooth.flatMap((op) => [of(op, [f(2, 3)]), of(op, [f()])]),
  ...positive.map((op) => of(op, [filled("positive", 5)])),
  ...kinked.map((op) => of(op, [filled("distinct", 3, 3)])),
  ...["neg", "abs", "sign", "relu"].map((op) => of(op, [typed("i32", "normal", 5)])),
  of("neg", [typed("u64", "positive", 3)]),
  of("bitNot", [typed("bool", "bool", 4)]),
  of("bitNot", [typed("i64", "normal", 4)]),
  of("gelu", [f(3, 2)], [0]),
  of("gelu", [f(3, 2)], [1]),
];

const special: Case[] = [
  ...["expm1", "tan", "atan", "sinh", "cosh", "asinh", "erfc"].map((op) => of(op, [f(2, 3)])),
  ...["log1p", "log2", "log10", "lgamma"].map((op) => of(op, [filled("positive", 5)])),
  ...["asin", "acos", "atanh", "erfinv"].map((op) => of(op, [filled("unit", 2, 3)])),
  of("acosh", [filled("aboveOne", 5)]),
  ...[0, 1, 4].map((order) => of("polygamma", [filled("positive", 3, 2)], [order])),
  of("atan2", [f(2, 3), filled("distinct", 3)]),
];

/** Pairs of shapes that broadcast in every way. */
const pairs: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[], [2, 2]],
  [
    [0, 3],
    [1, 3],
  ],
];
const binary: Case[] = [
  ...["add", "sub", "mul"].flatMap((op) => pairs.map(([a, b]) => of(op, [f(...a), f(...b)]))),
  ...["div", "pow"].flatMap((op) => pairs.map(([a, b]) => of(op, [filled("positive", ...a), filled("positive", ...b)]))),
  of("div", [f(3), filled("positive", 2, 3)]),
  of("rem", [filled("distinct", 2, 3), filled("positive", 3)]),
  of("rem", [typed("i32", "normal", 4), typed("i32", "positive", 4)]),
  of("pow", [typed("i32", "normal", 4), typed("i32", "positive", 4)]),
  ...["maximum", "minimum"].flatMap((op) => [
    of(op, [filled("distinct", 3, 2), filled("positive", 2)]),
    of(op, [typed("i64", "ties", 4), typed("i64", "ties", 4)]),
  ]),
  ...["add", "sub", "mul"].map((op) => of(op, [typed("i32", "normal", 2, 3), typed("i32", "normal", 3)])),
  ...["add", "mul"].map((op) => of(op, [typed("u64", "positive", 2, 3), typed("u64", "positive", 3)])),
  ...["bitAnd", "bitOr", "bitXor"].flatMap((op) => [
    of(op, [typed("u32", "positive", 2, 3), typed("u32", "positive", 3)]),
    of(op, [typed("bool", "bool", 4), typed("bool", "bool", 3, 1)]),
  ]),
  ...["shiftLeft", "shiftRight"].map((op) => of(op, [typed("i32", "normal", 5), typed("i32", 4, 5)])),
  ...["eq", "ne", "lt", "le", "gt", "ge"].flatMap((op) => [
    of(op, [filled("ties", 2, 3), filled("ties", 3)]),
    of(op, [typed("i64", "ties", 5), typed("i64", "ties")]),
  ]),
  of("reluGrad", [f(2, 3), filled("distinct", 2, 3)]),
  of("where", [typed("bool", "bool", 2, 1), f(2, 3), f(3)]),
  of("where", [typed("bool", "bool", 3), f(), f(2, 1)]),
  of("cast", [f(2, 3)], [DTYPE.f64.code]),
  of("cast", [typed("i32", "normal", 4)], [DTYPE.f32.code]),
  of("cast", [typed("i64", "normal", 4)], [DTYPE.bool.code]),
];

const constants: Case[] = [of("constant", [], [DTYPE.f32.code, 0x3ff80000, 0]), of("iota", [], [DTYPE.i32.code, 1, 2, 3, 2])];

const transposes: [number, number][] = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
];
const matmul: Case[] = [
  ...transposes.flatMap(([ta, tb]) => {
    const a = ta === 1 ? [4, 2] : [2, 4];
    const b = tb === 1 ? [3, 4] : [4, 3];
    return [
      of("matmul", [f(...a), f(...b)], [ta, tb]),
      of("matmul", [f(2, ...a), f(2, ...b)], [ta, tb]),
      of("matmul", [f(3, ...a), f(...b)], [ta, tb]),
      of("matmul", [f(...a), f(2, 1, ...b)], [ta, tb]),
    ];
  }),
  of("matmul", [f(2, 0), f(0, 3)], [0, 0]),
  of("matmul", [typed("u64", "positive", 2, 3), typed("u64", "positive", 3, 2)], [0, 0]),
  of("matmul", [typed("i32", "normal", 2, 3), typed("i32", "normal", 2, 3)], [0, 1]),
];

/** Image, weight, attributes, and the size of the result. */
const convolutions: [number[], number[], number[], [number, number]][] = [
  [
    [2, 2, 5, 4],
    [3, 2, 3, 2],
    [1, 1, 0, 0, 1, 1, 1],
    [3, 3],
  ],
  [
    [1, 2, 5, 7],
    [2, 2, 3, 3],
    [2, 3, 1, 2, 1, 1, 1],
    [3, 3],
  ],
  [
    [1, 4, 6, 5],
    [6, 2, 2, 3],
    [1, 2, 1, 1, 2, 1, 2],
    [6, 3],
  ],
  [
    [2, 3, 4, 4],
    [3, 1, 1, 2],
    [3, 1, 0, 0, 1, 2, 3],
    [2, 2],
  ],
  [
    [0, 1, 3, 3],
    [2, 1, 2, 2],
    [1, 1, 0, 0, 1, 1, 1],
    [2, 2],
  ],
];
const conv: Case[] = convolutions.flatMap(([x, w, attrs, [oh, ow]]) => {
  const g = f(x[0]!, w[0]!, oh, ow);
  return [
    of("conv2d", [f(...x), f(...w)], attrs),
    of("conv2dGradInput", [g, f(...w)], [...attrs, x[2]!, x[3]!]),
    of("conv2dGradWeight", [f(...x), g], [...attrs, w[2]!, w[3]!]),
  ];
});

/** Image, attributes of the window, size of the result. */
const pools: [number[], number[], [number, number]][] = [
  [
    [2, 2, 4, 6],
    [2, 2, 2, 2, 0, 0],
    [2, 3],
  ],
  [
    [1, 2, 5, 5],
    [3, 2, 2, 1, 1, 1],
    [3, 6],
  ],
  [
    [1, 1, 7, 4],
    [2, 3, 3, 2, 0, 1],
    [2, 2],
  ],
];
const pool: Case[] = pools.flatMap(([x, attrs, [oh, ow]]) => {
  const y = [x[0]!, x[1]!, oh, ow];
  return [
    of("maxPool2d", [filled("distinct", ...x)], attrs),
    of("maxPool2dGrad", [f(...y), filled("distinct", ...x), filled("distinct", ...y)], attrs),
    ...[0, 1].flatMap((include) => [
      of("avgPool2d", [f(...x)], [...attrs, include]),
      of("avgPool2dGrad", [f(...y)], [...attrs, include, x[2]!, x[3]!]),
    ]),
  ];
});

const reduce: Case[] = [
  ...["sum", "prod"].flatMap((op) => [
    of(op, [filled("positive", 2, 3, 2)], [0, 1]),
    of(op, [filled("distinct", 2, 3, 2)], [1, 0, 2]),
    of(op, [f(2, 2)], [0, 0, 1]),
    of(op, [f(3)], [0]),
    of(op, [f(0, 2)], [0, 0]),
    of(op, [typed("i32", "normal", 3, 2)], [0, 0]),
    of(op, [typed("u64", "positive", 3, 2)], [1, 1]),
  ]),
  ...["amax", "amin"].flatMap((op) => [
    of(op, [filled("distinct", 3, 4)], [0, 1]),
    of(op, [filled("distinct", 2, 3, 2)], [1, 0, 2]),
    of(op, [typed("i64", "ties", 2, 3)], [0, 0]),
  ]),
  ...["argmax", "argmin"].flatMap((op) => [of(op, [filled("ties", 3, 4)], [1, 0]), of(op, [filled("ties", 3, 2, 2)], [0, 1])]),
  ...["all", "any"].map((op) => of(op, [typed("bool", "bool", 3, 2)], [0, 1])),
  of("cumsum", [f(2, 3, 2)], [1]),
  of("cumsum", [typed("i32", "normal", 4)], [0]),
];

const movement: Case[] = [
  of("reshape", [f(2, 6)], [3, 4]),
  of("reshape", [f(1)], []),
  of("permute", [f(2, 3, 4)], [2, 0, 1]),
  of("permute", [f()], []),
  of("expand", [f(2, 1, 3)], [4, 2, 5, 3]),
  of("expand", [f()], [2, 2]),
  of("slice", [f(5, 4)], [1, 0, 5, 3, 2, 1]),
  of("slice", [f(5, 4)], [1, 2, 4, 2, 1, 1]),
  of("pad", [f(2, 3)], [1, 0, 2, 1, 0, 2]),
  of("pad", [f(0, 3)], [1, 0, 2, 1, 3, 0]),
  of("cat", [f(2, 1), f(2, 3), f(2, 0)], [1]),
  of("cat", [f(2)], [0]),
  of("flip", [f(2, 3, 2)], [0, 2]),
  of("flip", [typed("bool", "bool", 3)], [0]),
];

const indexing: Case[] = [
  of("gather", [f(4, 3), index(4, 2, 3)], [0]),
  of("gather", [f(2, 5, 2), index(5, 2, 3, 1)], [1]),
  of("scatterAdd", [f(4, 3), index(4, 5, 2), f(5, 2)], [0]),
  of("scatterAdd", [typed("i32", "normal", 3), index(3, 6), typed("i32", "normal", 6)], [0]),
  of("scatter", [f(4, 3), index(4, 5, 2), f(5, 2)], [0]),
  of("scatter", [typed("bool", "bool", 2, 3), index(3, 2, 6), typed("bool", "bool", 2, 6)], [1]),
  of("indexSelect", [f(2, 4, 3), index(4, 5)], [1]),
  of("indexAdd", [f(2, 4, 3), index(4, 6), f(2, 6, 3)], [1]),
  of("oneHot", [index(3, 2, 2)], [3, DTYPE.f32.code]),
  of("oneHot", [typed("i64", 3, 4)], [3, DTYPE.u64.code]),
  ...[0, 1].flatMap((descending) => [
    of("sort", [filled("distinct", 3, 4)], [1, descending]),
    of("sort", [filled("distinct", 4, 2)], [0, descending]),
    of("argsort", [filled("ties", 3, 4)], [0, descending]),
  ]),
];

const loss: Case[] = [
  of("softmax", [f(3, 4)], [1]),
  of("softmax", [f(3, 2, 2)], [0]),
  of("logSoftmax", [f(3, 4)], [1]),
  of("logSoftmax", [f(3, 2, 2)], [1]),
  of("softmaxCrossEntropy", [f(3, 4), filled("probability", 3, 4)]),
  of("softmaxCrossEntropyGrad", [f(3, 4), filled("probability", 3, 4), f(3)]),
];

const EPS = numberAttrs(0.1);
const norm: Case[] = [1, 0].flatMap((centre) =>
  (
    [
      [[3, 5], 1],
      [[2, 3, 4], 2],
      [[4], 1],
      [[0, 3], 1],
      [[2, 1], 1],
    ] as const
  ).flatMap(([shape, axes]) => [
    of("layerNorm", [f(...shape)], [axes, centre, ...EPS]),
    of("layerNormGrad", [f(...shape), f(...shape)], [axes, centre, ...EPS]),
  ]),
);

/** Batch, queries, keys, widths of keys and values, mask, causal. */
const attentions: [number[], number, number, number, number, Arg | null, number][] = [
  [[], 3, 4, 2, 2, null, 0],
  [[2], 4, 3, 2, 3, null, 1],
  [[2, 2], 2, 3, 3, 1, f(2, 3), 0],
  [[2], 3, 3, 2, 2, f(2, 1, 3), 1],
  [[2, 1], 3, 2, 1, 2, filled("positive", 3, 1), 0],
  [[2], 2, 2, 2, 2, typed("bool", "mask", 2, 2), 0],
  [[0], 2, 2, 2, 2, null, 0],
  [[2], 0, 2, 2, 1, null, 0],
];
const attention: Case[] = attentions.flatMap(([batch, l, s, e, d, mask, causal]) => {
  const operands = [f(...batch, l, e), f(...batch, s, e), f(...batch, s, d), ...(mask === null ? [] : [mask])];
  const attrs = [causal, ...numberAttrs(0.7)];
  return [of("attention", operands, attrs), of("attentionGrad", [f(...batch, l, d), ...operands], attrs)];
});

const random: Case[] = [of("randomBits", [typed("u32", 1000, 2), typed("u32", 1000, 1)], [3, 3])];

/** Sequences of one length, backwards, and of lengths 4, 2 and 1 in both directions. */
const recurrent: Case[] = [
  { rows: 6, n: 2, reverse: 1, runs: [2, 3] },
  { rows: 7, n: 3, reverse: 0, runs: [3, 1, 2, 1, 1, 2] },
  { rows: 7, n: 3, reverse: 1, runs: [3, 1, 2, 1, 1, 2] },
].flatMap(({ rows, n, reverse, runs }) => [
  ...[0, 1].flatMap((relu) => [
    of("rnn", [f(rows, 2), f(2, 2), f(n, 2)], [reverse, relu, ...runs]),
    of("rnnGrad", [f(rows, 2), filled("distinct", rows, 2), f(2, 2)], [reverse, relu, ...runs]),
  ]),
  of("lstm", [f(rows, 8), f(8, 2), f(n, 2), f(n, 2)], [reverse, ...runs]),
  of("lstmGrad", [f(rows, 12), f(rows, 12), f(8, 2), f(n, 2)], [reverse, ...runs]),
  of("gru", [f(rows, 6), f(6, 2), f(n, 2), f(2)], [reverse, ...runs]),
  of("gruGrad", [f(rows, 10), f(rows, 10), f(6, 2), f(n, 2)], [reverse, ...runs]),
]);

const release: Case[] = [
  ...[[4, 3], [3, 2, 2], [5], [0, 3], [2, 0]].map((shape) => of("clippedSum", [f(...shape)], [3, 1])),
  of("clippedSum", [f(4, 3)], [1000, 0]),
  of("partyNoise", [f(3)], [1, 12]),
];

/** Ops that see all examples at once and have no batching rule, and no gradient: what comes out is released, not trained through. */
export const RELEASES: ReadonlySet<string> = new Set(["clippedSum", "partyNoise"]);

/** Every op of the table occurs: a test checks it. */
export const CASES: readonly Case[] = [
  ...release,
  ...unary,
  ...special,
  ...binary,
  ...constants,
  ...matmul,
  ...conv,
  ...pool,
  ...reduce,
  ...movement,
  ...indexing,
  ...loss,
  ...norm,
  ...attention,
  ...random,
  ...recurrent,
];

export const title = (c: Case): string =>
  `${c.op}[${c.attrs.join(",")}] of ${c.args.map((a) => `${a.dtype}[${a.shape.join(",")}]`).join(" ")}`;
