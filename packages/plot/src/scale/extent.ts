/** @file The range of values, gaps left out. */

export interface Extent {
  readonly low: number;
  readonly high: number;
}

/** Lowest and highest finite value (only those above 0 for a logarithmic axis); null where there is none. */
export function extentOf(lists: Iterable<ArrayLike<number | null>>, positive = false): Extent | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const list of lists) {
    for (let i = 0; i < list.length; i++) {
      const v = list[i] ?? Number.NaN;
      if (!Number.isFinite(v) || (positive && v <= 0)) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  return low <= high ? { low, high } : null;
}

/** A range that a point or a constant can stand in the middle of. */
export function widened({ low, high }: Extent): Extent {
  // Less than this is noise of the last digits, and has no ticks of its own.
  if (high - low > Math.max(Math.abs(low), Math.abs(high)) * 1e-12) return { low, high };
  const half = low === 0 ? 1 : Math.abs(low) / 2;
  return { low: low - half, high: high + half };
}
