/** @file Batching of pooling: the batch joins N. */
import { type Expr, emit } from "../../expr.ts";
import { expand, reshape } from "../emit.ts";
import type { BatchRule } from "../row.ts";

export const batchPlanes =
  (name: string): BatchRule =>
  (args, batched, attrs, size) => {
    const merged = args.map((x, i): Expr => {
      const full = batched[i] ? x : expand(reshape(x, [1, ...x.shape]), [size, ...x.shape]);
      return reshape(full, [size * full.shape[1]!, ...full.shape.slice(2)]);
    });
    const out = emit(name, merged, attrs);
    return reshape(out, [size, out.shape[0]! / size, ...out.shape.slice(1)]);
  };
