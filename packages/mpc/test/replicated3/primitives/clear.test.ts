/** @file Functions of public numbers by exact arithmetic, against Math's. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cosine, exponentOf, levelsOf, log2, logarithm } from "../../../src/protocols/replicated3/functions/clear.ts";

const numbers = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => x !== 0);

test("log2 of any number other than 0 is within 2^-31 of Math.log2, and has no other sign for a negative one", () => {
  fc.assert(
    fc.property(numbers, (x) => {
      expect(Math.abs(log2(x) - Math.log2(Math.abs(x)))).toBeLessThan(2 ** -31 + 2 ** -42);
      expect(log2(-x)).toBe(log2(x));
    }),
    { numRuns: 2000 },
  );
});

test("log2 of powers of two is exact, subnormal ones too", () => {
  for (let k = -1074; k < 1024; k++) expect(log2(2 ** k)).toBe(k);
});

test("exponentOf is the exponent of a normal number", () => {
  for (const [x, e] of [
    [1, 0],
    [-1.99, 0],
    [2, 1],
    [2 ** 53 - 1, 52],
    [0.75, -1],
    [2 ** -1022, -1022],
  ] as const)
    expect(exponentOf(x)).toBe(e);
});

test("levelsOf counts the halvings of n", () => {
  for (let n = 0; n < 5000; n++) {
    const k = levelsOf(n);
    expect(2 ** k).toBeGreaterThanOrEqual(n);
    if (k > 0) expect(2 ** (k - 1)).toBeLessThan(n);
  }
  expect(levelsOf(2 ** 30)).toBe(30);
  expect(levelsOf(2 ** 30 + 1)).toBe(31);
});

test("cosine and logarithm are Math's to 13 digits", () => {
  for (let i = -100; i <= 100; i++) expect(cosine((i * Math.PI) / 100)).toBeCloseTo(Math.cos((i * Math.PI) / 100), 13);
  for (const x of [2 ** -20, 0.3, 1, Math.E, 1e6]) expect(logarithm(x)).toBeCloseTo(Math.log(x), 12);
});
