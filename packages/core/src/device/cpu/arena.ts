/** @file Arena: offsets for buffers whose lifetimes are known, so that those that live at the same time do not overlap. */

/** A buffer of `bytes` (a multiple of 64) that lives in steps from..to, both included. */
export interface Interval {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface Placement {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

// Placing n buffers costs up to n² comparisons; beyond this number only the linear sweep is used.
const GREEDY_LIMIT = 6000;

/**
 * Greedy by size (Pisarchyk & Lee 2020, "Efficient memory management for deep neural net inference", §5.2): largest
 * first, each at the lowest gap that fits among those alive with it; and greedy by start. The smaller arena is taken.
 */
export function place(intervals: readonly Interval[]): Placement {
  const indices = intervals.map((_, i) => i);
  const byStart = greedy(
    intervals,
    indices.toSorted((a, b) => intervals[a]!.from - intervals[b]!.from || a - b),
  );
  if (intervals.length > GREEDY_LIMIT) return byStart;
  const bySize = greedy(
    intervals,
    indices.toSorted((a, b) => intervals[b]!.bytes - intervals[a]!.bytes || a - b),
  );
  return bySize.bytes <= byStart.bytes ? bySize : byStart;
}

/** Best fit: each buffer takes the smallest gap that holds it among the placed buffers that live when it does. */
function greedy(intervals: readonly Interval[], order: readonly number[]): Placement {
  const offsets = new Array<number>(intervals.length).fill(0);
  let placed: number[] = [];
  let end = 0;
  const sweep = intervals.length > GREEDY_LIMIT;
  for (const i of order) {
    const x = intervals[i]!;
    // In order of start, whatever ended before this one starts can never matter again.
    if (sweep) placed = placed.filter((j) => intervals[j]!.to >= x.from);
    offsets[i] = bestGap(intervals, offsets, placed, x);
    end = Math.max(end, offsets[i]! + x.bytes);
    insert(placed, offsets, i);
  }
  return { offsets, bytes: end };
}

function bestGap(intervals: readonly Interval[], offsets: readonly number[], placed: readonly number[], x: Interval): number {
  let top = 0;
  let best = -1;
  let bestBytes = Number.POSITIVE_INFINITY;
  for (const j of placed) {
    const y = intervals[j]!;
    if (y.to < x.from || x.to < y.from) continue;
    const gap = offsets[j]! - top;
    if (gap >= x.bytes && gap < bestBytes) {
      best = top;
      bestBytes = gap;
    }
    top = Math.max(top, offsets[j]! + y.bytes);
  }
  return best < 0 ? top : best;
}

/** Keeps `placed` sorted by offset. */
function insert(placed: number[], offsets: readonly number[], i: number): void {
  let lo = 0;
  let hi = placed.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (offsets[placed[mid]!]! <= offsets[i]!) lo = mid + 1;
    else hi = mid;
  }
  placed.splice(lo, 0, i);
}
