/** @file Public numbers on their way into the ring: exact, or refused. */
import { describe, expect, test } from "vitest";
import { fromRing, toRing } from "../../../src/protocols/replicated3/lower/fixed-point.ts";

describe("public numbers as ring integers", () => {
  test("of up to 2^37 come back within half a unit", () => {
    const values = Float64Array.of(0, -0, 1, -1, 2 ** -16, -(2 ** -17), 12345.678, -(2 ** 36), 2 ** 36 + 0.25);
    const out = new Float64Array(values.length);
    fromRing(toRing(values, 16), 16, out);
    values.forEach((v, i) => {
      expect(Math.abs(out[i]! - v)).toBeLessThanOrEqual(2 ** -17);
    });
  });
  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 37, -(2 ** 38)])("%s is refused", (v) => {
    expect(() => toRing(Float64Array.of(1, v), 16)).toThrow(expect.objectContaining({ code: "MPC_RANGE" }));
  });
});
