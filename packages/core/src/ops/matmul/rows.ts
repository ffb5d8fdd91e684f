/** @file Row of matmul: the product of the last two axes, with batches. */

import { expected } from "../../errors.ts";
import type { Expr } from "../../expr.ts";
import { type Aval, type Shape, sameShape, showAval, sizeOf } from "../../program/aval.ts";
import { checkCount, checkFlag, checkKind, checkSameDType, NUMBER } from "../check.ts";
import { expand, matmul as product, reshape, sum, transpose } from "../emit.ts";
import type { BatchRule, GradContext, OpRow } from "../row.ts";
import { matmulReference } from "./reference.ts";

const leading = (shape: Shape): Shape => shape.slice(0, -2);

function infer([a, b]: readonly Aval[], attrs: readonly number[]): Aval {
  checkCount("matmul", attrs, 2);
  const transposeA = checkFlag("matmul", "transposeA", attrs[0]);
  const transposeB = checkFlag("matmul", "transposeB", attrs[1]);
  checkSameDType("matmul", a!, b!);
  checkKind("matmul", a!, NUMBER);
  const ra = a!.shape.length;
  const rb = b!.shape.length;
  const got = (): string => `${showAval(a!)}${transposeA ? "ᵀ" : ""} and ${showAval(b!)}${transposeB ? "ᵀ" : ""}`;
  if (ra < 2 || rb < 2) expected("SHAPE_MISMATCH", "matmul", "ranks of at least 2", got());
  if (a!.shape[ra - (transposeA ? 2 : 1)] !== b!.shape[rb - (transposeB ? 1 : 2)]) {
    expected("SHAPE_MISMATCH", "matmul", "equal inner sizes", got());
  }
  const batch = leading(ra > 2 ? a!.shape : b!.shape);
  if (ra > 2 && rb > 2 && !sameShape(batch, leading(b!.shape))) {
    expected("SHAPE_MISMATCH", "matmul", "equal batch dimensions, or one side of rank 2", got());
  }
  const m = a!.shape[ra - (transposeA ? 1 : 2)]!;
  const n = b!.shape[rb - (transposeB ? 2 : 1)]!;
  return { shape: [...batch, m, n], dtype: a!.dtype };
}

/** Sums a batched gradient for a side that was used for every batch; as one long product where that is possible. */
function unbatched(x: Expr, shape: Shape): Expr {
  const axes = x.shape.slice(0, x.shape.length - shape.length).map((_, i) => i);
  return axes.length === 0 ? x : sum(x, axes);
}

/** Rows of every batch one below the other: [..., M, K] -> [batch * M, K]. */
const flatten = (x: Expr): Expr => reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);

function gradA({ args, attrs, grad }: GradContext): Expr {
  const [a, b] = args as [Expr, Expr];
  const [ta, tb] = [attrs[0] === 1, attrs[1] === 1];
  const da = ta ? product(b, grad, tb, true) : product(grad, b, false, !tb);
  return unbatched(da, a.shape);
}

function gradB({ args, attrs, grad }: GradContext): Expr {
  const [a, b] = args as [Expr, Expr];
  const [ta, tb] = [attrs[0] === 1, attrs[1] === 1];
  if (b.shape.length === 2 && a.shape.length > 2) {
    // Σ over batches of AᵀG is one product over the stacked rows.
    const rows = flatten(ta ? transpose(a) : a);
    const g = flatten(grad);
    return tb ? product(g, rows, true, false) : product(rows, g, true, false);
  }
  const db = tb ? product(grad, a, true, ta) : product(a, grad, !ta, false);
  return unbatched(db, b.shape);
}

const vmap: BatchRule = (args, batched, attrs, size) => {
  const [a, b] = args as [Expr, Expr];
  const inner = args.map((x, i) => leading(batched[i] ? x.shape.slice(1) : x.shape));
  const batch = inner[0]!.length > 0 ? inner[0]! : inner[1]!;
  // A side of rank 2 that is not batched serves every batch as it is; all others get the full batch dimensions.
  const full = (x: Expr, i: number): Expr => {
    if (!batched[i] && x.shape.length === 2) return x;
    const tail = x.shape.slice(-2);
    const ones = new Array<number>(batch.length - inner[i]!.length).fill(1);
    return expand(reshape(x, [batched[i] ? size : 1, ...ones, ...inner[i]!, ...tail]), [size, ...batch, ...tail]);
  };
  return product(full(a, 0), full(b, 1), attrs[0] === 1, attrs[1] === 1);
};

const matmul: OpRow = {
  name: "matmul",
  arity: 2,
  attrs: ["transposeA", "transposeB"],
  infer,
  grad: (c) => [c.needs(0) ? gradA(c) : null, c.needs(1) ? gradB(c) : null],
  vmap,
  reference: matmulReference,
};

export const MATMUL_ROWS: readonly OpRow[] = [matmul];
