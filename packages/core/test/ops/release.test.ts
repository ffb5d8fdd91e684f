/** @file The ops of a private release: what is clipped, what is refused, and fractions that stand in attributes exactly. */
import { describe, expect, it } from "vitest";
import { Expr, emit } from "../../src/expr.ts";
import { clippedSum, partyNoise } from "../../src/ops/emit.ts";
import { fractionAbove, fractionBelow, fractionOf } from "../../src/ops/release/fraction.ts";
import { trace } from "../../src/transform/trace.ts";
import { f, placeholders, run } from "./harness.ts";

describe("clippedSum", () => {
  it("scales rows above the bound to it, leaves the others, and adds up", () => {
    const leaves = placeholders([f(3, 2)]);
    const rows = Float64Array.of(3, 4, 0.3, -0.4, 0, 0);
    expect([...run([clippedSum(leaves[0]!, [1, 0])], leaves, [rows])[0]!]).toEqual([0.6000000000000001 + 0.3, 0.8 - 0.4]);
  });

  it("takes the norm over all axes but the first", () => {
    const leaves = placeholders([f(1, 2, 2)]);
    expect([...run([clippedSum(leaves[0]!, [1, 0])], leaves, [Float64Array.of(1, 1, 1, 1)])[0]!]).toEqual([0.5, 0.5, 0.5, 0.5]);
  });
});

describe("partyNoise", () => {
  it("is refused where there are no parties, with the way to noise on one machine", () => {
    const leaves = placeholders([f(2)]);
    expect(() => run([partyNoise(leaves[0]!, [1, 0])], leaves, [Float64Array.of(1, 2)])).toThrow(/session of parties/);
    expect(() => partyNoise(Expr.placeholder({ shape: [2], dtype: "u32" }), [1, 0])).toThrow(/f32, f64 or i32/);
  });

  it("stands in the Program's print and id with its deviation", () => {
    const program = (deviation: readonly [number, number]): ReturnType<typeof trace>["program"] => {
      const leaves = placeholders([f(2)]);
      return trace([partyNoise(leaves[0]!, deviation)], leaves).program;
    };
    expect(`${program([3, 2])}`).toContain("partyNoise");
    expect(program([3, 2]).id).not.toBe(program([3, 3]).id);
  });
});

describe("fractions in attributes", () => {
  it("are exact where the number has 31 bits, and on the safe side where not", () => {
    for (const x of [1, 0.5, 0.75, 12, 2 ** -40, 2 ** 31 - 1, 4.25]) {
      expect(fractionOf("f", fractionBelow("f", x))).toBe(x);
      expect(fractionOf("f", fractionAbove("f", x))).toBe(x);
    }
    for (const x of [0.1, Math.PI, 1 / 3, 123.456, 1e-7]) {
      const [below, above] = [fractionOf("f", fractionBelow("f", x)), fractionOf("f", fractionAbove("f", x))];
      expect(below).toBeLessThan(x);
      expect(above).toBeGreaterThan(x);
      expect(above / below).toBeLessThan(1 + 2 ** -29);
    }
  });

  it("are refused where they are no positive fraction", () => {
    for (const x of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 1e-30]) {
      expect(() => fractionBelow("f", x)).toThrow(expect.objectContaining({ code: "ATTR_INVALID" }));
    }
    for (const attrs of [[], [0, 1], [1, -1], [1, 63], [-3, 2], [1.5, 1], [1, 2, 3]]) {
      expect(() => emit("clippedSum", placeholders([f(2, 2)]), attrs)).toThrow(expect.objectContaining({ code: "ATTR_INVALID" }));
    }
  });
});
