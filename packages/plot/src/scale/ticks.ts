/** @file Ticks at 1, 2 and 5 times powers of ten, and at powers of ten on a logarithmic axis. */
import type { Extent } from "./extent.ts";

/** The step of the 1-2-5 series that gives at most about `count` intervals. */
export function niceStep(span: number, count: number): number {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough * (1 - 1e-9)) ?? 10;
  return step * power;
}

/** Multiples of `step` from at or below `low` to at or above `high`. */
export function ticksOver({ low, high }: Extent, step: number): number[] {
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => clean((first + i) * step, step));
}

/** Multiples of `step` that lie within. */
export const ticksWithin = (range: Extent, step: number): number[] =>
  ticksOver(range, step).filter((t) => t >= range.low - step * 1e-9 && t <= range.high + step * 1e-9);

/** 3 * 0.1 is 0.30000000000000004: rounded to 12 digits below the step. */
const clean = (v: number, step: number): number => {
  const decimals = Math.min(100, Math.max(0, 12 - Math.floor(Math.log10(step))));
  return decimals > 20 ? v : Number(v.toFixed(decimals));
};

/** Ticks of a logarithmic axis: 1-2-5 in every decade where there is room for them, else powers of ten, every second, third, … */
export function logTicks({ low, high }: Extent, count: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low) + 1e-9), Math.ceil(Math.log10(high) - 1e-9)];
  const within = (stride: number, mantissas: readonly number[]): number[] => {
    const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((e) => e % stride === 0);
    return decades
      .flatMap((e) => mantissas.map((m) => Number(`${m}e${e}`)))
      .filter((t) => t >= low * (1 - 1e-9) && t <= high * (1 + 1e-9));
  };
  const fine = within(1, [1, 2, 5]);
  if (fine.length <= count + 2) return fine;
  for (let stride = 1; ; stride++) {
    const tens = within(stride, [1]);
    if (tens.length <= count + 2) return tens;
  }
}
