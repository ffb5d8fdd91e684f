/** @file A line search for the strong Wolfe conditions: Nocedal and Wright, "Numerical Optimization" (2006), algorithms 3.5 and 3.6, with PyTorch's constants. */

import type { Vector } from "./host-vector.ts";

/** The function along a direction: step size, value, gradient, and the slope gradient·direction. */
export interface Point {
  readonly t: number;
  readonly f: number;
  readonly gradient: Vector;
  readonly slope: number;
}

/** Sufficient decrease, and curvature. */
const C1 = 1e-4;
const C2 = 0.9;
const MOST = 25;
/** Brackets that move no parameter by more are left. */
const SMALLEST = 1e-9;

/** The minimum of the cubic through two points with their slopes (equation 3.59), kept inside bounds; their middle where there is none. */
function cubicMinimum(a: Point, b: Point, bounds?: readonly [number, number]): number {
  const [x, y] = a.t <= b.t ? [a, b] : [b, a];
  const [low, high] = bounds ?? [x.t, y.t];
  const d1 = a.slope + b.slope - (3 * (a.f - b.f)) / (a.t - b.t);
  const square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const d2 = Math.sqrt(square);
  const t = y.t - (y.t - x.t) * ((y.slope + d2 - d1) / (y.slope - x.slope + 2 * d2));
  return Math.min(Math.max(t, low), high);
}

interface Search {
  readonly start: Point;
  readonly at: (t: number) => Promise<Point>;
  /** Largest absolute value of the direction. */
  readonly norm: number;
}

const tooHigh = (p: Point, start: Point): boolean => p.f > start.f + C1 * p.t * start.slope;
const flat = (p: Point, start: Point): boolean => Math.abs(p.slope) <= -C2 * start.slope;

/** A point that satisfies the conditions (`pair` null), or two that enclose one. */
async function bracket(s: Search, t: number): Promise<{ best: Point; pair: [Point, Point] | null; rounds: number }> {
  let before = s.start;
  let point = await s.at(t);
  for (let rounds = 0; rounds < MOST; rounds++) {
    if (tooHigh(point, s.start) || (rounds > 1 && point.f >= before.f)) return { best: point, pair: [before, point], rounds };
    if (flat(point, s.start)) return { best: point, pair: null, rounds };
    if (point.slope >= 0) return { best: point, pair: [before, point], rounds };
    const next = cubicMinimum(before, point, [point.t + 0.01 * (point.t - before.t), point.t * 10]);
    before = point;
    point = await s.at(next);
  }
  return { best: point, pair: [s.start, point], rounds: MOST };
}

/** Keeps a trial away from the ends of the bracket where the last one was near an end, too. */
function awayFromEnds(t: number, [a, b]: readonly [Point, Point], stuck: boolean): { t: number; stuck: boolean } {
  const [low, high] = [Math.min(a.t, b.t), Math.max(a.t, b.t)];
  const margin = 0.1 * (high - low);
  if (Math.min(high - t, t - low) >= margin) return { t, stuck: false };
  if (!stuck && t < high && t > low) return { t, stuck: true };
  return { t: Math.abs(t - high) < Math.abs(t - low) ? high - margin : low + margin, stuck: false };
}

/** Searches from step size `t`; returns the point found (the lowest seen, if time runs out). */
export async function strongWolfe(s: Search, t: number): Promise<Point> {
  const { best, pair, rounds } = await bracket(s, t);
  if (pair === null) return best;
  let low = pair[0].f <= pair[1].f ? 0 : 1;
  let stuck = false;
  for (let i = rounds; i < MOST && Math.abs(pair[1].t - pair[0].t) * s.norm >= SMALLEST; i++) {
    const trial = awayFromEnds(cubicMinimum(pair[0], pair[1]), pair, stuck);
    stuck = trial.stuck;
    const point = await s.at(trial.t);
    if (tooHigh(point, s.start) || point.f >= pair[low]!.f) {
      pair[1 - low] = point;
      low = pair[0].f <= pair[1].f ? 0 : 1;
      continue;
    }
    if (flat(point, s.start)) return point;
    if (point.slope * (pair[1 - low]!.t - pair[low]!.t) >= 0) pair[1 - low] = pair[low]!;
    pair[low] = point;
  }
  return pair[low]!;
}
