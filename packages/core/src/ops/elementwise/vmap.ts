/** @file Batching of elementwise ops: align ranks, so that the new leading axis meets only itself. */
import type { Expr } from "../../expr.ts";
import { emit } from "../../expr.ts";
import { reshape } from "../emit.ts";
import type { BatchRule } from "../row.ts";

export const batchElementwise =
  (name: string): BatchRule =>
  (args, batched, attrs) => {
    let rank = 0;
    for (let i = 0; i < args.length; i++) rank = Math.max(rank, args[i]!.shape.length - (batched[i] ? 1 : 0));
    const aligned = args.map((x, i): Expr => {
      const missing = rank - (x.shape.length - 1);
      if (!batched[i] || missing === 0) return x;
      return reshape(x, [x.shape[0]!, ...new Array<number>(missing).fill(1), ...x.shape.slice(1)]);
    });
    return emit(name, aligned, attrs);
  };
