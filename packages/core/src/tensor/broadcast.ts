/** @file A column [N,1] against a row [N] broadcasts to [N,N]: nearly always a prediction against labels of another shape. */

import { warnOnce } from "../debug/warn.ts";
import type { Expr } from "../expr.ts";
import { showShape } from "../program/aval.ts";

/** What `e` shows in another shape. */
function root(e: Expr): Expr {
  let x = e;
  while (x.op?.name === "reshape") x = x.args[0]!;
  return x;
}

/**
 * Warns where a loss or a count of hits is probably meant: a difference of something learned and something given, or a comparison of
 * two different tensors (a tensor against its own column is how pairs are made).
 */
export function suspectBroadcast(where: string, a: Expr, b: Expr): void {
  if (where !== "sub" && where !== "eq") return;
  const [column, row] = a.shape.length > b.shape.length ? [a, b] : [b, a];
  if (column.shape.length !== 2 || row.shape.length !== 1 || column.shape[1] !== 1) return;
  const n = row.shape[0]!;
  if (n < 2 || column.shape[0] !== n) return;
  if (where === "sub" ? a.requiresGrad === b.requiresGrad : root(a) === root(b)) return;
  warnOnce(
    "BROADCAST_IN_LOSS",
    `${where}: expected two tensors of one shape, got ${showShape(a.shape)} and ${showShape(b.shape)}, which give [${n},${n}]`,
    "squeeze(1) the one or unsqueeze(1) the other; write expand() where all pairs are meant",
  );
}
