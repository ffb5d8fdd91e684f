/** @file Random Programs for property tests: small tensors, all families, shared subexpressions, many outputs. */
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { sameShape, sizeOf } from "../../src/program/aval.ts";
import type { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/trace.ts";
import { generator, input } from "./harness.ts";

type Random = () => number;
const below = (r: Random, n: number): number => Math.floor(r() * n);
const choose = <T>(r: Random, items: readonly T[]): T => items[below(r, items.length)]!;

/** Values stay in a few units: results of steep ops pass through tanh. */
const calm = (x: Expr): Expr => op.tanh(x);

const UNARY = [op.neg, op.abs, op.sin, op.cos, op.tanh, op.sigmoid, op.erf, op.relu, (x: Expr): Expr => op.exp(calm(x))];
const MORE_UNARY = [
  (x: Expr): Expr => op.log(op.add(op.abs(x), op.lit(x, 1))),
  (x: Expr): Expr => op.sqrt(op.abs(x)),
  (x: Expr): Expr => op.rsqrt(op.add(op.mul(x, x), op.lit(x, 0.5))),
  (x: Expr): Expr => op.gelu(x),
  (x: Expr): Expr => op.gelu(x, true),
  (x: Expr): Expr => op.cast(op.cast(op.gt(x, op.lit(x, 0.123)), "i32"), "f32"),
];
const BINARY = [
  op.add,
  op.sub,
  op.mul,
  op.maximum,
  op.minimum,
  (a: Expr, b: Expr): Expr => op.div(a, op.add(op.abs(b), op.lit(b, 1))),
];
const MORE_BINARY = [
  op.reluGrad,
  (a: Expr, b: Expr): Expr => op.where(op.lt(a, b), b, op.neg(a)),
  (a: Expr, b: Expr): Expr => op.pow(op.add(op.abs(a), op.lit(a, 0.5)), calm(b)),
];

/** A shape of rank 0..4 with sizes 1..5. */
const randomShape = (r: Random): number[] => Array.from({ length: below(r, 5) }, () => 1 + below(r, 5));

/** A partner that broadcasts against x: some axes dropped or 1. */
function partner(r: Random, pool: Expr[], inputs: Expr[], x: Expr): Expr {
  const same = pool.filter((y) => sameShape(y.shape, x.shape));
  if (r() < 0.6) return choose(r, same);
  if (r() < 0.2) return op.lit(x, choose(r, [0.5, -1, 2, 1]));
  const y = input(x.shape.slice(below(r, x.shape.length + 1)).map((d) => (r() < 0.3 ? 1 : d)));
  inputs.push(y);
  return y;
}

function axes(r: Random, x: Expr): number[] {
  return x.shape.map((_, i) => i).filter(() => r() < 0.5);
}

function move(r: Random, x: Expr): Expr {
  const rank = x.shape.length;
  switch (below(r, 7)) {
    case 0:
      return op.reshape(x, [sizeOf(x.shape)]);
    case 1:
      return op.permute(
        x,
        x.shape.map((_, i) => i).sort(() => r() - 0.5),
      );
    case 2:
      return sizeOf(x.shape) > 200 ? x : op.expand(op.reshape(x, [1, ...x.shape]), [1 + below(r, 3), ...x.shape]);
    case 3: {
      const start = x.shape.map((d) => below(r, d));
      const stop = x.shape.map((d, i) => start[i]! + 1 + below(r, d - start[i]!));
      return rank === 0
        ? x
        : op.slice(
            x,
            start,
            stop,
            x.shape.map(() => 1 + below(r, 2)),
          );
    }
    case 4:
      return rank === 0 || sizeOf(x.shape) > 200
        ? x
        : op.pad(
            x,
            x.shape.map(() => below(r, 2)),
            x.shape.map(() => below(r, 2)),
            x.shape.map(() => below(r, 2)),
          );
    case 5:
      return rank === 0 || sizeOf(x.shape) > 200 ? x : op.cat([x, op.neg(x), x], below(r, rank));
    default:
      return op.flip(x, axes(r, x));
  }
}

function reduce(r: Random, x: Expr): Expr {
  const rank = x.shape.length;
  switch (below(r, 6)) {
    case 0:
      return op.amax(x, axes(r, x), r() < 0.5);
    case 1:
      return op.amin(x, axes(r, x), r() < 0.5);
    case 2:
      return rank === 0 ? x : op.softmax(x, below(r, rank));
    case 3:
      return rank === 0 ? x : op.logSoftmax(x, below(r, rank));
    case 4:
      return rank === 0 ? x : op.cumsum(x, below(r, rank));
    default:
      return calm(op.sum(x, axes(r, x), r() < 0.5));
  }
}

function product(r: Random, x: Expr, inputs: Expr[]): Expr {
  if (x.shape.length < 2) return x;
  const k = x.shape.at(-1)!;
  const n = 1 + below(r, 9);
  const transpose = r() < 0.5;
  const w = input(transpose ? [n, k] : [k, n]);
  inputs.push(w);
  let y = op.matmul(x, w, false, transpose);
  if (r() < 0.6) {
    const b = input([n]);
    inputs.push(b);
    y = op.add(y, b);
  }
  return r() < 0.5 ? op.relu(y) : calm(y);
}

/** A Program of about `steps` ops; the same for the same seed. */
export function randomProgram(seed: number, steps: number): Program {
  const r = generator(seed);
  const inputs: Expr[] = [];
  const pool: Expr[] = [];
  for (let i = 0; i < 3; i++) {
    inputs.push(input(randomShape(r)));
    pool.push(inputs.at(-1)!);
  }
  for (let i = 0; i < steps; i++) {
    const x = choose(r, pool.slice(-12));
    const u = r();
    if (u < 0.3) pool.push(choose(r, r() < 0.7 ? UNARY : MORE_UNARY)(x));
    else if (u < 0.65) {
      const f = choose(r, r() < 0.7 ? BINARY : MORE_BINARY);
      const y = partner(r, pool, inputs, x);
      pool.push(r() < 0.5 ? f(x, y) : f(y, x));
    } else if (u < 0.8) pool.push(move(r, x));
    else if (u < 0.92) pool.push(reduce(r, x));
    else pool.push(product(r, x, inputs));
  }
  const outputs = [pool.at(-1)!, ...pool.filter(() => r() < 0.15)];
  return trace([...new Set(outputs)], inputs).program;
}
