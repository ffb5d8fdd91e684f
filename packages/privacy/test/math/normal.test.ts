/** @file Tails to the last digits. */
import { describe, expect, it } from "vitest";
import { log1mExp, logAdd, logSubtract } from "../../src/math/log-space.ts";
import { erfc, logErfc, logNormalCdf, normalCdf, normalMass } from "../../src/math/normal.ts";

/** Abramowitz and Stegun, tables 7.1 and 7.3; the far ones from the asymptotic series in 50 digits. */
const ERFC = [
  [0.1, 0.887537083981715],
  [0.5, 0.4795001221869535],
  [1, 0.15729920705028513],
  [2, 0.004677734981047266],
  [3, 2.209049699858544e-5],
  [4, 1.541725790028002e-8],
  [5, 1.5374597944280349e-12],
  [10, 2.088487583762545e-45],
  [26, 5.663192408856143e-296],
  [-1, 1.8427007929497148],
] as const;

describe("the normal distribution", () => {
  it("has erfc to 15 digits, in the far tail too", () => {
    for (const [x, value] of ERFC) {
      expect(Math.abs(erfc(x) / value - 1)).toBeLessThan(1e-14);
      expect(logErfc(x)).toBeCloseTo(Math.log(value), 11);
    }
    expect(erfc(Number.POSITIVE_INFINITY)).toBe(0);
    expect(erfc(Number.NEGATIVE_INFINITY)).toBe(2);
    expect(logErfc(100)).toBeCloseTo(-10_000 - Math.log(100 * Math.sqrt(Math.PI)), 3);
  });

  it("has masses that add up, on both sides of the middle", () => {
    for (const [a, b, c] of [
      [-9, -8, -7.9],
      [-1, 0.5, 2],
      [7.9, 8, 9],
    ] as const) {
      expect((normalMass(a, b) + normalMass(b, c)) / normalMass(a, c)).toBeCloseTo(1, 12);
    }
    expect(normalMass(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(1);
    expect(normalCdf(1.959963984540054)).toBeCloseTo(0.975, 14);
    expect(logNormalCdf(-40)).toBeCloseTo(-804.608442, 5);
  });

  it("adds and subtracts logarithms without overflow", () => {
    expect(logAdd(1000, 1000)).toBeCloseTo(1000 + Math.LN2, 12);
    expect(logSubtract(1000, 999)).toBeCloseTo(1000 + Math.log(1 - Math.exp(-1)), 12);
    expect(logSubtract(3, 3)).toBe(Number.NEGATIVE_INFINITY);
    expect(log1mExp(1e-20)).toBeCloseTo(Math.log(1e-20), 12);
  });
});
