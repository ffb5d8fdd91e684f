/** @file Ticks, scales, decimation and smoothing hold what they promise. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimate, segments } from "../src/scale/decimate.ts";
import { extentOf } from "../src/scale/extent.ts";
import { percent, short } from "../src/scale/format.ts";
import { scaleOver } from "../src/scale/scale.ts";
import { smooth } from "../src/scale/smooth.ts";
import { logTicks, niceStep, ticksOver } from "../src/scale/ticks.ts";

const range = fc
  .tuple(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.double({ min: 1e-6, max: 1e9, noNaN: true }))
  .map(([low, span]) => ({ low, high: low + span }))
  .filter((r) => r.high - r.low > Math.abs(r.low) * 1e-9);

describe("ticks", () => {
  test("are 1, 2 or 5 times a power of ten apart, cover the range, and are not many more than asked for", () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 12 }), (r, count) => {
        const step = niceStep(r.high - r.low, count);
        const mantissa = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
        expect([1, 2, 5].some((m) => Math.abs(m - mantissa) < 1e-6)).toBe(true);
        const ticks = ticksOver(r, step);
        expect(ticks[0]!).toBeLessThanOrEqual(r.low + step * 1e-6);
        expect(ticks.at(-1)!).toBeGreaterThanOrEqual(r.high - step * 1e-6);
        expect(ticks.length).toBeLessThanOrEqual(count + 3);
      }),
    );
  });

  test("of a logarithmic axis lie within, ascend, and are not many more than asked for", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -300, max: 290, noNaN: true }),
        fc.double({ min: 0.01, max: 300, noNaN: true }),
        (exponent, span) => {
          const r = { low: 10 ** exponent, high: 10 ** Math.min(exponent + span, 300) };
          const ticks = logTicks(r, 6);
          expect(ticks.length).toBeLessThanOrEqual(8);
          expect(
            ticks.every((t, i) => t >= r.low * (1 - 1e-8) && t <= r.high * (1 + 1e-8) && (i === 0 || t > ticks[i - 1]!)),
          ).toBe(true);
        },
      ),
    );
  });

  test("have labels that tell neighbours apart", () => {
    fc.assert(
      fc.property(range, (r) => {
        const labels = scaleOver(r, { count: 6, round: true }).ticks.map((t) => t.label);
        expect(new Set(labels).size).toBe(labels.length);
      }),
    );
  });

  test("are written as people do", () => {
    const labels = (low: number, high: number): string[] =>
      scaleOver({ low, high }, { count: 5, round: true }).ticks.map((t) => t.label);
    expect(labels(0, 1)).toEqual(["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    expect(labels(3, 938)).toEqual(["0", "200", "400", "600", "800", "1000"]);
    expect(labels(-1e-5, 2e-5)).toEqual(["-1e-5", "0", "1e-5", "2e-5"]);
    expect(scaleOver({ low: 0.02, high: 3 }, { count: 6, log: true }).ticks.map((t) => t.label)).toEqual([
      "0.02",
      "0.05",
      "0.1",
      "0.2",
      "0.5",
      "1",
      "2",
    ]);
    expect(scaleOver({ low: 1, high: 3 }, { count: 9, whole: true }).ticks.map((t) => t.label)).toEqual(["1", "2", "3"]);
    expect([0, 0.05, 12.345, 123456, 1234567, 1.5e-7, Number.NaN, Number.POSITIVE_INFINITY].map((v) => short(v))).toEqual([
      "0",
      "0.05",
      "12.3",
      "123000",
      "1.23e6",
      "1.5e-7",
      "–",
      "∞",
    ]);
    expect([percent(0.9731), percent(Number.NaN)]).toEqual(["97.3 %", "–"]);
  });

  test("stand at 0 to 1 of their scale, in order", () => {
    for (const log of [false, true]) {
      const s = scaleOver({ low: 0.3, high: 900 }, { count: 5, log, round: true });
      const at = s.ticks.map((t) => s.at(t.at));
      expect(at.every((p, i) => p >= -1e-9 && p <= 1 + 1e-9 && (i === 0 || p > at[i - 1]!))).toBe(true);
      expect([s.at(s.low), s.at(s.high)]).toEqual([0, 1]);
    }
  });

  test("exist for one value, for none, and for ranges that a double can hardly tell apart", () => {
    for (const r of [
      null,
      { low: 5, high: 5 },
      { low: 0, high: 0 },
      { low: -1e300, high: 1e300 },
      { low: 1, high: 1 + 2 ** -52 },
    ]) {
      for (const log of [false, true]) {
        if (log && r !== null && r.low <= 0) continue;
        const s = scaleOver(r, { count: 5, log, round: true });
        expect(s.ticks.length).toBeGreaterThan(0);
        expect(s.ticks.length).toBeLessThan(40);
        expect(Number.isFinite(s.at(r?.low ?? 0.5))).toBe(true);
      }
    }
  });
});

describe("decimation", () => {
  test("keeps the first, the last, the lowest and the highest point, and the order", () => {
    const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 3000 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 50 }), (y, columns) => {
        const x = y.map((_, i) => i);
        const kept = decimate({ x, y }, columns, (v) => (v / y.length) * columns);
        expect(extentOf([kept.y])).toEqual(extentOf([y]));
        expect([kept.x[0], kept.x.at(-1)]).toEqual([0, y.length - 1]);
        expect(kept.x.length).toBeLessThanOrEqual(4 * columns);
        expect(kept.x.every((v, i) => y[v] === kept.y[i] && (i === 0 || v > kept.x[i - 1]!))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("keeps the extremes of every column", () => {
    const y = Array.from({ length: 5000 }, (_, i) => Math.sin(i * i));
    const column = (x: number): number => Math.floor(x / 100);
    const kept = decimate({ x: y.map((_, i) => i), y }, 50, (x) => x / 100);
    for (let c = 0; c < 50; c++) {
      const mine = kept.y.filter((_, i) => column(kept.x[i]!) === c);
      expect(extentOf([mine])).toEqual(extentOf([y.slice(100 * c, 100 * c + 100)]));
    }
  });

  test("leaves a curve whole whose x goes back and forth", () => {
    const p = { x: [0, 2, 1, 3, 0, 5], y: [1, 2, 3, 4, 5, 6] };
    expect(decimate(p, 1, (x) => x)).toBe(p);
  });

  test("never joins points across a gap", () => {
    const parts = segments([1, 2, 3, 4, 5, 6], [1, null, 3, 4, Number.NaN, 6]);
    expect(parts.map((p) => p.x)).toEqual([[1], [3, 4], [6]]);
    expect(segments([1, 2, 3], [1, -1, 2], true).map((p) => p.x)).toEqual([[1], [3]]);
  });
});

describe("smoothing", () => {
  test("leaves a constant as it is from the first point on, and stays within the range", () => {
    expect(smooth([2, 2, 2], 0.9).map((v) => Math.round(v! * 1e12) / 1e12)).toEqual([2, 2, 2]);
    const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 0.99, noNaN: true }), (y, weight) => {
        const [all, out] = [extentOf([y])!, extentOf([smooth(y, weight)])!];
        expect(out.low).toBeGreaterThanOrEqual(all.low - 1e-9);
        expect(out.high).toBeLessThanOrEqual(all.high + 1e-9);
      }),
    );
  });

  test("of [1, 2, 4] at one half is [1, 5/3, 3], and steps over gaps", () => {
    expect(smooth([1, 2, null, 4], 0.5).map((v) => (v === null ? null : v.toFixed(6)))).toEqual([
      "1.000000",
      "1.666667",
      null,
      "3.000000",
    ]);
  });
});
