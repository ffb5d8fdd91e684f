/**
 * @file Fewer points for a curve that nobody can tell from the whole one: per pixel column the first, lowest, highest and last point
 * (M4: Jugel et al., "M4: a visualization-oriented time series data aggregation", VLDB 2014).
 */

/** Points in drawing order. */
export interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Parts between gaps; each has at least one point. */
export function segments(x: readonly number[], y: readonly (number | null)[], positive = false, positiveX = false): Points[] {
  const out: { x: number[]; y: number[] }[] = [];
  let open = false;
  for (let i = 0; i < x.length; i++) {
    const [at, v] = [x[i]!, y[i] ?? Number.NaN];
    if (!Number.isFinite(at) || !Number.isFinite(v) || (positive && v <= 0) || (positiveX && at <= 0)) {
      open = false;
      continue;
    }
    if (!open) out.push({ x: [], y: [] });
    open = true;
    const last = out.at(-1)!;
    last.x.push(at);
    last.y.push(v);
  }
  return out;
}

/** At most about 4 points for each of `columns` columns between `low` and `high`. Keeps every column's extremes; x that goes back and forth stays whole. */
export function decimate(points: Points, columns: number, column: (x: number) => number): Points {
  const { x, y } = points;
  if (x.length <= 4 * columns || x.some((v, i) => i > 0 && v < x[i - 1]!)) return points;
  const kept: number[] = [];
  for (let start = 0; start < x.length; ) {
    const here = Math.floor(column(x[start]!));
    let [end, least, most] = [start, start, start];
    while (end + 1 < x.length && Math.floor(column(x[end + 1]!)) === here) {
      end++;
      if (y[end]! < y[least]!) least = end;
      if (y[end]! > y[most]!) most = end;
    }
    kept.push(...[...new Set([start, least, most, end])].sort((a, b) => a - b));
    start = end + 1;
  }
  return { x: kept.map((i) => x[i]!), y: kept.map((i) => y[i]!) };
}
