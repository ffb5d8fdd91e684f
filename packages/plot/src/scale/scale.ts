/** @file Scale: from values to positions in 0..1, with the ticks of the axis. */
import type { Extent } from "./extent.ts";
import { widened } from "./extent.ts";
import { short, tickLabels } from "./format.ts";
import { logTicks, niceStep, ticksOver, ticksWithin } from "./ticks.ts";

export interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface Scale extends Extent {
  readonly log: boolean;
  readonly ticks: readonly Tick[];
  /** The position of a value: 0 at `low`, 1 at `high`. */
  at(value: number): number;
}

export interface ScaleOptions {
  readonly log?: boolean;
  /** About how many ticks there is room for. */
  readonly count: number;
  /** Extend the range to whole ticks. */
  readonly round?: boolean;
  /** Only whole numbers are ticks: steps, epochs, counts. */
  readonly whole?: boolean;
}

/** A scale over the range; 0 to 1 where there are no values. */
export function scaleOver(range: Extent | null, options: ScaleOptions): Scale {
  return options.log === true
    ? logScale(range ?? { low: 0.1, high: 1 }, options)
    : linearScale(range ?? { low: 0, high: 1 }, options);
}

function linearScale(range: Extent, options: ScaleOptions): Scale {
  const wide = widened(range);
  const least = options.whole === true ? 1 : 0;
  const step = Math.max(least, niceStep(wide.high - wide.low, options.count));
  const over = ticksOver(wide, step);
  const ticks = options.round === true ? over : ticksWithin(wide, step);
  const { low, high } = options.round === true ? { low: over[0]!, high: over.at(-1)! } : wide;
  const labels = tickLabels(ticks, step);
  return {
    low,
    high,
    log: false,
    ticks: ticks.map((at, i) => ({ at, label: labels[i]! })),
    at: (v) => (v - low) / (high - low),
  };
}

function logScale(given: Extent, options: ScaleOptions): Scale {
  const range = { low: Math.max(given.low, 1e-300), high: Math.min(Math.max(given.high, 1e-300), 1e300) };
  const even = range.low === range.high ? { low: range.low / 2, high: range.high * 2 } : range;
  // A little air.
  const pad = options.round === true ? Math.min(2, even.high ** 0.03 / even.low ** 0.03) : 1;
  const [low, high] = [even.low / pad, even.high * pad];
  const found = logTicks({ low, high }, options.count);
  const ticks = found.length >= 2 ? found : ticksWithin({ low, high }, niceStep(high - low, options.count));
  const span = Math.log(high) - Math.log(low);
  return {
    low,
    high,
    log: true,
    ticks: ticks.map((at) => ({ at, label: short(at, 12) })),
    at: (v) => (Math.log(Math.max(v, low)) - Math.log(low)) / span,
  };
}
