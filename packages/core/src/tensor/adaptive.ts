/**
 * @file Adaptive pooling: windows floor(i·n/out) to ceil((i+1)·n/out), of one size where out divides n (then it is plain pooling).
 * Window borders are counted from index comparisons, so that they are literals of the Program and no input.
 */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { showShape } from "../program/aval.ts";

type Sizes = readonly [number, number];

function check(where: string, x: Expr, size: Sizes): void {
  if (size.some((s) => !Number.isInteger(s) || s < 1))
    expected("ARGUMENT_INVALID", where, "sizes of at least 1", showShape(size), "null keeps the size of the image");
  if (x.shape[2] === 0 || x.shape[3] === 0) expected("SHAPE_MISMATCH", where, "an image that is not empty", showShape(x.shape));
}

const divides = (x: Expr, size: Sizes, d: 0 | 1): boolean => x.shape[2 + d]! % size[d]! === 0;

interface Borders {
  /** Whether window o [out,1] begins after place i [1,n], and whether it reaches it: bool [out,n]. */
  readonly after: Expr;
  readonly reaches: Expr;
}

/** floor(o·n/out) > i where o·n >= (i+1)·out; i < ceil((o+1)·n/out) where i·out < (o+1)·n. */
function borders(where: string, n: number, out: number): Borders {
  if ((n + 1) * (out + 1) >= 2 ** 31) expected("SHAPE_MISMATCH", where, "sizes whose product is below 2^31", `${n} and ${out}`);
  const shape = [out, n];
  const times = (axis: number, plus: number, by: number): Expr =>
    op.mul(op.add(op.iota("i32", axis, shape), op.constant("i32", plus)), op.constant("i32", by));
  return { after: op.ge(times(0, 0, n), times(1, 1, out)), reaches: op.lt(times(1, 0, out), times(0, 1, n)) };
}

/** The mean along `axis` as a product with a matrix [out,n] of 0 and 1/size. */
function averageAlong(where: string, x: Expr, axis: 2 | 3, out: number): Expr {
  const { after, reaches } = borders(where, x.shape[axis]!, out);
  const inside = op.cast(op.bitAnd(op.bitNot(after), reaches), x.dtype);
  const weights = op.div(inside, op.sum(inside, [1], true));
  return axis === 3 ? op.matmul(x, weights, false, true) : op.matmul(weights, x);
}

/** [N,C,H,W] -> [N,C,...size]: plain windows where they fit, then products. */
export function adaptiveAverage(where: string, x: Expr, size: Sizes): Expr {
  check(where, x, size);
  const kernel = ([0, 1] as const).map((d) => (divides(x, size, d) ? x.shape[2 + d]! / size[d] : 1));
  let y = kernel.some((k) => k > 1) ? op.avgPool2d(x, [...kernel, ...kernel, 0, 0, 1]) : x;
  if (!divides(x, size, 0)) y = averageAlong(where, y, 2, size[0]);
  if (!divides(x, size, 1)) y = averageAlong(where, y, 3, size[1]);
  return y;
}

/** Windows of unequal size laid out one after the other, each filled up to `k` places by its last element: [..., out·k]. */
function laidOut(where: string, x: Expr, axis: 2 | 3, out: number, k: number): Expr {
  const { after, reaches } = borders(where, x.shape[axis]!, out);
  const count = (mask: Expr): Expr => op.sum(op.cast(mask, "i32"), [1], true);
  const place = op.add(count(after), op.iota("i32", 1, [out, k]));
  const last = op.sub(count(reaches), op.constant("i32", 1));
  return op.indexSelect(x, op.reshape(op.minimum(place, last), [out * k]), axis);
}

/** [N,C,H,W] -> [N,C,...size]. Of equal elements the first gets the gradient, as in `maxPool2d`. */
export function adaptiveMaximum(where: string, x: Expr, size: Sizes): Expr {
  check(where, x, size);
  let y = x;
  const kernel = ([0, 1] as const).map((d) => {
    const [n, out] = [x.shape[2 + d]!, size[d]];
    if (divides(x, size, d)) return n / out;
    // A window that begins inside an element reaches one more.
    const k = Math.ceil(n / out) + 1;
    y = laidOut(where, y, d === 0 ? 2 : 3, out, k);
    return k;
  });
  return kernel.some((k) => k > 1) ? op.maxPool2d(y, [...kernel, ...kernel, 0, 0]) : y;
}
