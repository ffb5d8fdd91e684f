/** @file Cases: elementwise methods against plain arithmetic. */
import type { Random } from "../../src/random.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Case } from "./harness.ts";
import { draw, drawInts, map, narrower, shapeOf, zip } from "./oracle.ts";

const shape = (random: Random): number[] => shapeOf(random, random.integer(0, 4));

type UnaryName = { [K in keyof Tensor]: Tensor[K] extends () => Tensor ? K : never }[keyof Tensor];

function unary(name: UnaryName, f: (v: number) => number, low = -3, high = 3): Case {
  return {
    name,
    run(random) {
      const { x, nd } = draw(random, shape(random), low, high);
      return { got: x[name](), want: map(nd, f) };
    },
  };
}

/** Abramowitz and Stegun 7.1.5: the series of erf, exact enough for |x| <= 3. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 80; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const roundEven = (v: number): number => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));

type BinaryName =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "fmod"
  | "remainder"
  | "maximum"
  | "minimum"
  | "pow"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge";

function binary(name: BinaryName, f: (a: number, b: number) => number, low = -2, high = 2): Case {
  return {
    name,
    run(random) {
      const full = shape(random);
      const [a, b] = [draw(random, full, low, high), draw(random, narrower(random, full), low, high)];
      switch (random.integer(0, 3)) {
        case 0:
          return { got: a.x[name](0.75), want: map(a.nd, (v) => f(v, 0.75)) };
        case 1:
          return { got: b.x[name](a.x), want: zip((v, w) => f(w, v), a.nd, b.nd) };
        default:
          return { got: a.x[name](b.x), want: zip(f, a.nd, b.nd) };
      }
    },
  };
}

type BitName = "bitwiseAnd" | "bitwiseOr" | "bitwiseXor" | "bitwiseLeftShift" | "bitwiseRightShift";
function bits(name: BitName, f: (a: number, b: number) => number, low = -1000): Case {
  return {
    name,
    run(random) {
      const full = shape(random);
      const [a, b] = [drawInts(random, full, low, 1000), drawInts(random, narrower(random, full), 0, 9)];
      return { got: a.x[name](b.x), want: zip(f, a.nd, b.nd) };
    },
  };
}

type LogicName = "logicalAnd" | "logicalOr" | "logicalXor";
function logic(name: LogicName, f: (a: boolean, b: boolean) => boolean): Case {
  return {
    name,
    run(random) {
      const [a, b] = [drawInts(random, [3, 4], 0, 2), drawInts(random, [4], 0, 2)];
      return { got: a.x.float()[name](b.x.bool()), want: zip((v, w) => Number(f(v !== 0, w !== 0)), a.nd, b.nd) };
    },
  };
}

const positive = (f: (v: number) => number): [(v: number) => number, number, number] => [f, 0.1, 4];

export const elementwise: readonly Case[] = [
  unary("neg", (v) => -v),
  unary("abs", Math.abs),
  unary("sign", Math.sign),
  unary("square", (v) => v * v),
  unary("exp", Math.exp),
  unary("log", ...positive(Math.log)),
  unary("sqrt", ...positive(Math.sqrt)),
  unary("rsqrt", ...positive((v) => 1 / Math.sqrt(v))),
  unary("reciprocal", ...positive((v) => 1 / v)),
  unary("sin", Math.sin),
  unary("cos", Math.cos),
  unary("tanh", Math.tanh),
  unary("sigmoid", sigmoid),
  unary("erf", erf),
  unary("floor", Math.floor),
  unary("ceil", Math.ceil),
  unary("round", roundEven),
  unary("relu", (v) => Math.max(0, v)),
  unary("silu", (v) => v * sigmoid(v)),
  unary("softplus", (v) => Math.log1p(Math.exp(v))),
  unary("logSigmoid", (v) => Math.log(sigmoid(v))),
  unary("isnan", () => 0),
  unary("float", (v) => v),
  unary("int", Math.trunc),
  unary("long", Math.trunc),
  unary("byte", Math.trunc, 0, 200),
  unary("bool", (v) => Number(v !== 0)),
  unary("logicalNot", () => 0, 1, 2),
  binary("add", (a, b) => a + b),
  binary("sub", (a, b) => a - b),
  binary("mul", (a, b) => a * b),
  binary("div", (a, b) => a / b, 0.5, 3),
  binary("fmod", (a, b) => a % b, 0.5, 3),
  binary("maximum", Math.max),
  binary("minimum", Math.min),
  binary("pow", (a, b) => a ** b, 0.2, 2),
  binary("eq", (a, b) => Number(a === b)),
  binary("ne", (a, b) => Number(a !== b)),
  binary("lt", (a, b) => Number(a < b)),
  binary("le", (a, b) => Number(a <= b)),
  binary("gt", (a, b) => Number(a > b)),
  binary("ge", (a, b) => Number(a >= b)),
  bits("bitwiseAnd", (a, b) => a & b),
  bits("bitwiseOr", (a, b) => a | b),
  bits("bitwiseXor", (a, b) => a ^ b),
  bits("bitwiseLeftShift", (a, b) => a << b),
  bits("bitwiseRightShift", (a, b) => a >> b),
  logic("logicalAnd", (a, b) => a && b),
  logic("logicalOr", (a, b) => a || b),
  logic("logicalXor", (a, b) => a !== b),
  {
    name: "bitwiseNot",
    run(random) {
      const a = drawInts(random, shape(random), -50, 50);
      return { got: a.x.bitwiseNot(), want: map(a.nd, (v) => ~v) };
    },
  },
  {
    name: "remainder",
    run(random) {
      const [a, b] = [drawInts(random, [4, 5], -9, 10), drawInts(random, [5], 1, 5)];
      const sign = random.integer(0, 2) * 2 - 1;
      return { got: a.x.remainder(b.x.mul(sign)), want: zip((v, w) => v - w * sign * Math.floor(v / (w * sign)), a.nd, b.nd) };
    },
  },
  {
    name: "pow",
    run(random) {
      const a = draw(random, shape(random), 0.2, 3);
      const e = [1, 2, 0.5, -1, 3, 2.5][random.integer(0, 6)]!;
      return { got: a.x.pow(e), want: map(a.nd, (v) => v ** e) };
    },
  },
  {
    name: "gelu",
    run(random) {
      const { x, nd } = draw(random, shape(random));
      const cubic = (v: number): number => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)));
      if (random.integer(0, 2) === 0) return { got: x.gelu({ approximate: "tanh" }), want: map(nd, cubic) };
      return { got: x.gelu(), want: map(nd, (v) => (v * (1 + erf(v / Math.SQRT2))) / 2) };
    },
  },
  {
    name: "leakyRelu",
    run(random) {
      const { x, nd } = draw(random, shape(random));
      return { got: x.leakyRelu(0.2), want: map(nd, (v) => (v > 0 ? v : 0.2 * v)) };
    },
  },
  {
    name: "clamp",
    run(random) {
      const { x, nd } = draw(random, shape(random));
      const [min, max] = [
        [-1, 1],
        [undefined, 0.5],
        [-0.5, undefined],
      ][random.integer(0, 3)]!;
      return { got: x.clamp(min, max), want: map(nd, (v) => Math.min(max ?? 9, Math.max(min ?? -9, v))) };
    },
  },
  {
    name: "where",
    methods: ["where", "maskedFill"],
    run(random) {
      const full = shape(random);
      const [c, a, b] = [draw(random, full), draw(random, narrower(random, full)), draw(random, full)];
      if (random.integer(0, 2) === 0)
        return { got: b.x.maskedFill(c.x.gt(0), -7), want: zip((m, v) => (m > 0 ? -7 : v), c.nd, b.nd) };
      return { got: a.x.where(c.x.gt(0), b.x), want: zip((m, v, w) => (m > 0 ? v : w), c.nd, a.nd, b.nd) };
    },
  },
  {
    name: "cast",
    methods: ["cast", "to"],
    run(random) {
      const { x, nd } = draw(random, shape(random), -9, 9);
      return { got: x.to("i32").cast("f32"), want: map(nd, Math.trunc) };
    },
  },
];
