/** @file Rows of the elementwise ops. */
import { BITS, FLOAT, INTEGER, type Kind, NUMBER } from "../check.ts";
import { add, erf, gt, lit, maximum, mul, tanh, where } from "../emit.ts";
import type { OpRow } from "../row.ts";
import * as grads from "./grad.ts";
import { binaryInfer, castInfer, compareInfer, geluInfer, unaryInfer, whereInfer } from "./infer.ts";
import * as ref from "./reference.ts";
import * as scalar from "./scalar.ts";
import { batchElementwise } from "./vmap.ts";

type Grad = NonNullable<OpRow["grad"]>;

function unary(name: string, kind: Kind, f: ref.Unary, grad: Grad | null, big?: ref.UnaryBig): OpRow {
  return {
    name,
    arity: 1,
    attrs: [],
    infer: unaryInfer(name, kind),
    ...(grad && { grad }),
    vmap: batchElementwise(name),
    reference: ref.mapUnary(f, big),
  };
}

function binary(name: string, kind: Kind, f: ref.Binary, big: ref.BinaryBig | undefined, grad: Grad | null): OpRow {
  return {
    name,
    arity: 2,
    attrs: [],
    infer: binaryInfer(name, kind),
    ...(grad && { grad }),
    vmap: batchElementwise(name),
    reference: ref.mapBinary(f, big),
  };
}

function compare(name: string, f: (a: number | bigint, b: number | bigint) => boolean): OpRow {
  return { name, arity: 2, attrs: [], infer: compareInfer(name), vmap: batchElementwise(name), reference: ref.mapCompare(f) };
}

/** Integer products need 64 bits on the way: Math.imul keeps the low 32 exactly. */
const mulOf: ref.Binary = (a, b, dtype) => (dtype === "f32" || dtype === "f64" ? a * b : Math.imul(a, b));
const powOf: ref.Binary = (a, b, dtype) => (dtype === "f32" || dtype === "f64" ? scalar.powOf(a, b) : scalar.powInt32(a, b));

const relu: OpRow = {
  ...unary(
    "relu",
    NUMBER,
    (x) => (x > 0 || Number.isNaN(x) ? x : 0),
    grads.relu,
    (x) => (x > 0n ? x : 0n),
  ),
  decompose: ([x]) => maximum(x!, lit(x!, 0)),
};

const reluGrad: OpRow = {
  ...binary("reluGrad", FLOAT, (g, y) => (y > 0 ? g : 0), undefined, grads.reluGrad),
  decompose: ([g, y]) => where(gt(y!, lit(y!, 0)), g!, lit(g!, 0)),
};

const gelu: OpRow = {
  name: "gelu",
  arity: 1,
  attrs: ["tanhApprox"],
  infer: geluInfer,
  grad: grads.gelu,
  vmap: batchElementwise("gelu"),
  reference: (args, avals, attrs, out) => ref.mapUnary((x) => scalar.geluOf(x, attrs[0] === 1))(args, avals, attrs, out),
  decompose: ([x], attrs) => {
    const half = mul(x!, lit(x!, 0.5));
    const one = lit(x!, 1);
    if (attrs[0] === 0) return mul(half, add(one, erf(mul(x!, lit(x!, scalar.SQRT_HALF)))));
    const cubic = add(one, mul(lit(x!, scalar.GELU_TANH_CUBIC), mul(x!, x!)));
    return mul(half, add(one, tanh(mul(mul(x!, lit(x!, scalar.SQRT_2_OVER_PI)), cubic))));
  },
};

const where_: OpRow = {
  name: "where",
  arity: 3,
  attrs: [],
  infer: whereInfer,
  grad: grads.where,
  vmap: batchElementwise("where"),
  reference: ref.whereReference,
};

const cast: OpRow = {
  name: "cast",
  arity: 1,
  attrs: ["dtype"],
  infer: castInfer,
  grad: grads.cast,
  vmap: batchElementwise("cast"),
  reference: ref.castReference,
};

const bitNot: OpRow = {
  ...unary(
    "bitNot",
    BITS,
    (x) => ~x,
    null,
    (x) => ~x,
  ),
  reference: (args, avals, attrs, out) =>
    ref.mapUnary(out.dtype === "bool" ? (x) => 1 - x : (x) => ~x, (x) => ~x)(args, avals, attrs, out),
};

export const ELEMENTWISE_ROWS: readonly OpRow[] = [
  unary(
    "neg",
    NUMBER,
    (x) => -x,
    grads.neg,
    (x) => -x,
  ),
  unary("abs", NUMBER, Math.abs, grads.abs, (x) => (x < 0n ? -x : x)),
  unary("exp", FLOAT, Math.exp, grads.exp),
  unary("log", FLOAT, Math.log, grads.log),
  unary("sqrt", FLOAT, Math.sqrt, grads.sqrt),
  unary("rsqrt", FLOAT, (x) => 1 / Math.sqrt(x), grads.rsqrt),
  unary("reciprocal", FLOAT, (x) => 1 / x, grads.reciprocal),
  unary("sin", FLOAT, Math.sin, grads.sin),
  unary("cos", FLOAT, Math.cos, grads.cos),
  unary("tanh", FLOAT, Math.tanh, grads.tanh),
  unary("sigmoid", FLOAT, scalar.sigmoidOf, grads.sigmoid),
  unary("erf", FLOAT, scalar.erfOf, grads.erf),
  unary("floor", FLOAT, Math.floor, grads.flat),
  unary("ceil", FLOAT, Math.ceil, grads.flat),
  unary("round", FLOAT, scalar.roundHalfEven, grads.flat),
  unary("sign", NUMBER, scalar.signOf, grads.flat, (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n)),
  bitNot,
  relu,
  reluGrad,
  gelu,
  binary(
    "add",
    NUMBER,
    (a, b) => a + b,
    (a, b) => a + b,
    grads.add,
  ),
  binary(
    "sub",
    NUMBER,
    (a, b) => a - b,
    (a, b) => a - b,
    grads.sub,
  ),
  binary("mul", NUMBER, mulOf, (a, b) => a * b, grads.mul),
  binary("div", FLOAT, (a, b) => a / b, undefined, grads.div),
  binary("rem", NUMBER, ref.remOf, ref.remBig, grads.rem),
  binary("pow", NUMBER, powOf, scalar.powInt64, grads.pow),
  binary("maximum", NUMBER, scalar.maximumOf, scalar.largerBig, grads.maximum),
  binary("minimum", NUMBER, scalar.minimumOf, scalar.smallerBig, grads.minimum),
  binary(
    "bitAnd",
    BITS,
    (a, b) => a & b,
    (a, b) => a & b,
    null,
  ),
  binary(
    "bitOr",
    BITS,
    (a, b) => a | b,
    (a, b) => a | b,
    null,
  ),
  binary(
    "bitXor",
    BITS,
    (a, b) => a ^ b,
    (a, b) => a ^ b,
    null,
  ),
  binary("shiftLeft", INTEGER, ref.shiftLeftOf, ref.shiftLeftBig, null),
  binary("shiftRight", INTEGER, ref.shiftRightOf, ref.shiftRightBig, null),
  compare("eq", (a, b) => a === b),
  compare("ne", (a, b) => a !== b),
  compare("lt", (a, b) => a < b),
  compare("le", (a, b) => a <= b),
  compare("gt", (a, b) => a > b),
  compare("ge", (a, b) => a >= b),
  where_,
  cast,
];
