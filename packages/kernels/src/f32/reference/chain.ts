/** @file Reference of elementwise chains: one element at a time, each operation by its definition. */
import type { ChainParams } from "../chain.ts";
import { contiguousStrides } from "../copy.ts";
import type { ElementType, MemoryViews } from "../instruction.ts";
import { erf, erfinv } from "./erf.ts";

type Op = (a: number, b: number, c: number, type: ElementType) => number;

const roundHalfEven = (x: number): number => {
  const f = Math.floor(x);
  const d = x - f;
  const r = d < 0.5 ? f : d > 0.5 ? f + 1 : f % 2 === 0 ? f : f + 1;
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r;
};
/** 1 for 1^y, also of NaN, and for (-1)^±inf, as IEEE 754 and PyTorch; JavaScript says NaN. */
const pow = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b);
const outside = (amount: number): boolean => amount < 0 || amount > 31;
const isFloat = (t: ElementType): boolean => t === "f32";

const OPS: Readonly<Record<string, Op>> = {
  add: (a, b, _c, t) => (t === "bool" ? a | b : a + b),
  sub: (a, b) => a - b,
  mul: (a, b, _c, t) => (isFloat(t) ? a * b : Math.imul(a, b)),
  div: (a, b) => a / b,
  rem: (a, b, _c, t) => (!isFloat(t) && b === 0 ? 0 : a % b),
  pow,
  maximum: (a, b) => Math.max(a, b),
  minimum: (a, b) => Math.min(a, b),
  fma: (a, b, c) => a * b + c,
  neg: (a) => -a,
  abs: (a) => Math.abs(a),
  sign: (a) => (a > 0 ? 1 : a < 0 ? -1 : 0),
  exp: (a) => Math.exp(a),
  log: (a) => Math.log(a),
  sqrt: (a) => Math.sqrt(a),
  rsqrt: (a) => 1 / Math.sqrt(a),
  reciprocal: (a) => 1 / a,
  sigmoid: (a) => 1 / (1 + Math.exp(-a)),
  tanh: (a) => Math.tanh(a),
  erf,
  log1p: (a) => Math.log1p(a),
  expm1: (a) => Math.expm1(a),
  atan: (a) => Math.atan(a),
  erfinv,
  sin: (a) => Math.sin(a),
  cos: (a) => Math.cos(a),
  floor: (a) => Math.floor(a),
  ceil: (a) => Math.ceil(a),
  round: roundHalfEven,
  relu: (a) => Math.max(a, 0),
  reluGrad: (g, y) => (y > 0 ? g : 0),
  bitAnd: (a, b) => a & b,
  bitOr: (a, b) => a | b,
  bitXor: (a, b) => a ^ b,
  bitNot: (a, _b, _c, t) => (t === "bool" ? 1 - a : ~a),
  shiftLeft: (a, b) => (outside(b) ? 0 : a << b),
  shiftRight: (a, b, _c, t) => (t === "i32" ? a >> (outside(b) ? 31 : b) : outside(b) ? 0 : a >>> b),
  eq: (a, b) => Number(a === b),
  ne: (a, b) => Number(a !== b),
  lt: (a, b) => Number(a < b),
  le: (a, b) => Number(a <= b),
  gt: (a, b) => Number(a > b),
  ge: (a, b) => Number(a >= b),
  where: (a, b, c) => (a ? b : c),
};
const COMPARE = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);

/** A number as a value of a type: rounded to f32, or its low bits. */
function normalize(x: number, type: ElementType): number {
  if (type === "f32") return Math.fround(x);
  return type === "i32" ? x | 0 : type === "u32" ? x >>> 0 : x & 255;
}
function saturate(x: number, low: number, high: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, low), high));
}
function cast(x: number, from: ElementType, to: ElementType): number {
  if (to === "bool") return Number(x !== 0);
  if (from !== "f32" || to === "f32") return normalize(x, to);
  return to === "u32" ? saturate(x, 0, 2 ** 32 - 1) : normalize(saturate(x, -(2 ** 31), 2 ** 31 - 1), to);
}

function array(m: MemoryViews, type: ElementType): Float32Array | Int32Array | Uint32Array | Uint8Array {
  return type === "bool" ? m.u8 : m[type];
}
const shift = (type: ElementType): number => (type === "u8" || type === "bool" ? 0 : 2);

function indexOf(i: number, shape: readonly number[], strides: readonly number[]): number {
  let at = 0;
  for (let d = shape.length - 1; d >= 0; d--) {
    at += (i % shape[d]!) * strides[d]!;
    i = Math.floor(i / shape[d]!);
  }
  return at;
}

export function chainReference(p: ChainParams, memory: MemoryViews): number {
  const n = p.shape.reduce((a, b) => a * b, 1);
  const order = contiguousStrides(p.shape);
  for (let i = 0; i < n; i++) {
    const values: number[] = [];
    const types: ElementType[] = [];
    for (const input of p.inputs) {
      types.push(input.dtype);
      if ("constant" in input) values.push(normalize(input.constant, input.dtype));
      else
        values.push(
          array(memory, input.dtype)[(input.address >> shift(input.dtype)) + indexOf(i, p.shape, input.strides ?? order)]!,
        );
    }
    for (const { op, args, to } of p.steps) {
      const [a = 0, b = 0, c = 0] = args.map((v) => values[v]!);
      const type = types[args[op === "where" ? 1 : 0]!]!;
      const result = COMPARE.has(op) ? "bool" : op === "cast" ? to! : type;
      values.push(op === "cast" ? cast(a, type, result) : normalize(OPS[op]!(a, b, c, type), result));
      types.push(result);
    }
    for (const o of p.outputs) array(memory, types[o.value]!)[(o.address >> shift(types[o.value]!)) + i] = values[o.value]!;
  }
  return 0;
}
