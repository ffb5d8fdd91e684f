/**
 * @file What the rows of a chunk add to one parameter: the squares of each row's gradient, and the sum of all rows on the grid. Two ways,
 * of one meaning: gradients that stand in memory, and gradients that are products of two vectors (a linear layer's), which never do.
 */
import { type Expr, ops } from "@tacit/core/program";
import { rowsAndColumns } from "./grid.ts";

export interface Contribution {
  /** Σ g² of each row, f32 [P]; more than `MOST_SQUARE` or NaN where the gradient, or what it is made of, leaves float32's range. */
  readonly square: Expr;
  /** Σ round(g a) over rows that are kept, integers: the parameter's shape. scale a and keep: f32 and bool [P]. */
  sum(scale: Expr, keep: Expr): Expr;
}

/** Squares above this sum count as not finite. Of a product's factors either, so that neither can underflow unseen. */
export const MOST_SQUARE: number = 2 ** 60;

const full = (x: number): Expr => ops.constant("f32", x);
/** [P] as [P, 1, ...] beside a tensor [P, ...]. */
const besideRows = (x: Expr, like: Expr): Expr => ops.reshape(x, [x.shape[0]!, ...like.shape.slice(1).map(() => 1)]);

/** From per-example gradients [P, ...]. */
export function contribution(g: Expr): Contribution {
  const product = factors(g);
  return product === null ? dense(g) : outer(product, g.shape.slice(1));
}

function dense(g: Expr): Contribution {
  const [rows, columns] = rowsAndColumns(g.shape.slice(1));
  const flat = ops.reshape(g, [g.shape[0]!, rows, columns]);
  return {
    square: ops.sum(ops.sum(ops.mul(flat, flat), [2]), [1]),
    sum(scale, keep): Expr {
      const q = ops.round(ops.mul(g, besideRows(scale, g)));
      return ops.sum(ops.where(besideRows(keep, g), q, full(0)), [0]);
    },
  };
}

/** g[p] = left[p] right[p]ᵀ. */
interface Factors {
  readonly left: Expr;
  readonly right: Expr;
}

/** The factors of a batched matmul with an inner size of 1, which is what a linear layer's weight gets from one example. */
function factors(g: Expr): Factors | null {
  const product = g.op?.name === "reshape" ? g.args[0]! : g;
  if (product.op?.name !== "matmul" || product.shape.length !== 3 || product.shape[0] !== g.shape[0]) return null;
  const [a, b] = product.args as [Expr, Expr];
  if (a.shape.length !== 3 || b.shape.length !== 3 || a.shape[product.attrs[0] === 1 ? 1 : 2] !== 1) return null;
  const [size, m, n] = product.shape as [number, number, number];
  if (rowsAndColumns(g.shape.slice(1)).some((d, i) => d !== [m, n][i])) return null;
  return { left: ops.reshape(a, [size, m]), right: ops.reshape(b, [size, n]) };
}

/** Rows that one fused chain of the cpu device adds: it has room for 20 steps. */
const AT_ONCE = 6;

/** ‖x yᵀ‖² = ‖x‖² ‖y‖², and the sum row by row: P gradients of m n numbers are neither written nor read. */
function outer({ left, right }: Factors, shape: readonly number[]): Contribution {
  const [size, m] = left.shape as [number, number];
  const n = right.shape[1]!;
  const squares = [left, right].map((x) => ops.sum(ops.mul(x, x), [1]));
  const [x2, y2] = squares as [Expr, Expr];
  const small = ops.mul(inRange(x2), inRange(y2));
  return {
    square: ops.where(ops.gt(small, full(0)), ops.mul(x2, y2), full(Number.POSITIVE_INFINITY)),
    sum(scale, keep): Expr {
      // What is left out is 0 times 0: factors that are not finite go first.
      const clean = (x: Expr): Expr => ops.where(besideRows(keep, x), x, full(0));
      const x = clean(ops.mul(left, besideRows(scale, left)));
      const y = clean(right);
      const row = (v: Expr, p: number, to: readonly number[]): Expr =>
        ops.reshape(ops.slice(v, [p, 0], [p + 1, v.shape[1]!]), to);
      let total: Expr | null = null;
      for (let p = 0; p < size; p += AT_ONCE) {
        for (let k = p; k < Math.min(size, p + AT_ONCE); k++) {
          const q = ops.round(ops.mul(row(x, k, [m, 1]), row(y, k, [1, n])));
          total = total === null ? q : ops.add(total, q);
        }
      }
      return ops.reshape(total!, shape);
    },
  };
}

const inRange = (square: Expr): Expr => ops.cast(ops.le(square, full(MOST_SQUARE)), "f32");
