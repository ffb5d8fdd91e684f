/** @file A large matrix as a smaller one that keeps what stands out. */
import type { HeatmapSpec, Value } from "../../spec.ts";

export interface Reduced {
  readonly rows: number;
  readonly columns: number;
  readonly values: readonly Value[];
}

/** At most `rows` x `columns`: each cell is that one of those it covers which is farthest from zero (diverging), or the highest. */
export function reduce(spec: HeatmapSpec, rows: number, columns: number): Reduced {
  if (spec.rows <= rows && spec.columns <= columns) return spec;
  const out: Reduced = { rows: Math.min(rows, spec.rows), columns: Math.min(columns, spec.columns), values: [] };
  const best = new Array<Value>(out.rows * out.columns).fill(null);
  const weight = (v: number): number => (spec.ramp === "diverging" ? Math.abs(v) : v);
  for (let r = 0; r < spec.rows; r++) {
    for (let c = 0; c < spec.columns; c++) {
      const v = spec.values[r * spec.columns + c];
      if (v === null || v === undefined) continue;
      const at = Math.floor((r * out.rows) / spec.rows) * out.columns + Math.floor((c * out.columns) / spec.columns);
      if (best[at] === null || weight(v) > weight(best[at]!)) best[at] = v;
    }
  }
  return { ...out, values: best };
}
