/** @file partyNoise in a Program on shares: what it adds to what, what it costs, and where it is refused. */
import { Expr, ops, trace } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { OPTIONS, Parties, PUBLIC, SECRET } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

type Make = (x: Expr) => Expr;
const programOf = (make: Make, dtype: "f32" | "i32", shape: readonly number[]): ReturnType<typeof trace>["program"] => {
  const x = Expr.placeholder({ shape, dtype });
  return trace([make(x)], [x]).program;
};

describe("partyNoise on shares", () => {
  // 20,000 draws; 5.5 deviations of a χ²: a false alarm in 2.6e7 runs each.
  it.each([
    ["f32", 0.25, [1, 2]],
    ["i32", 3, [3, 0]],
  ] as const)("adds the noise of three parties to %s, in units of the value", async (dtype, deviation, attrs) => {
    const n = 20_000;
    const program = programOf((x) => ops.partyNoise(x, attrs), dtype, [n]);
    const values =
      dtype === "f32" ? Float32Array.from({ length: n }, (_, i) => i % 7) : Int32Array.from({ length: n }, (_, i) => i % 7);
    const { outputs } = await parties.run(program, [SECRET], parties.bind(program, [SECRET], [values]));
    const got = parties.reveal(outputs[0]!, program.outputAvals[0]!);
    let total = 0;
    for (let i = 0; i < n; i++) total += (Number(got[i]) - (i % 7)) ** 2;
    const excess = (total / (3 * deviation ** 2) - n) / Math.sqrt(2 * n);
    expect(Math.abs(excess)).toBeLessThan(5.5);
  });

  it("costs bytes, and no round beside a value that takes one", async () => {
    const plain = programOf((x) => ops.mul(x, x), "f32", [100]);
    const noisy = programOf((x) => ops.partyNoise(ops.mul(x, x), [1, 0]), "f32", [100]);
    const [a, b] = await Promise.all([plain, noisy].map((p) => replicated3.estimate(p, [SECRET], OPTIONS)));
    expect(b!.rounds).toBe(a!.rounds);
    expect(b!.bytesPerParty.map((x, i) => x - a!.bytesPerParty[i]!)).toEqual([816, 816, 816]);
    const { counters } = await parties.run(noisy, [SECRET], parties.bind(noisy, [SECRET], [new Float32Array(100).fill(1.5)]));
    expect(counters.map((c) => c.bytesSent)).toEqual(b!.bytesPerParty);
  });

  it("is refused on public values, and where its deviation is below a unit or beyond the sampler", () => {
    const gaps = (attrs: readonly [number, number], binding = SECRET, dtype: "f32" | "i32" = "f32"): string[] =>
      replicated3
        .check(
          programOf((x) => ops.partyNoise(x, attrs), dtype, [2]),
          [binding],
          OPTIONS,
        )
        .map((g) => g.reason);
    expect(gaps([1, 0])).toEqual([]);
    expect(gaps([1, 0], PUBLIC)).toEqual(["noise on a value that everybody knows"]);
    expect(gaps([1, 17])[0]).toMatch(/deviation from 1/);
    expect(gaps([1, 1], SECRET, "i32")[0]).toMatch(/deviation from 1/);
    expect(gaps([2 ** 31 - 1, 0])[0]).toMatch(/2\^45/);
    const nothing = trace([ops.partyNoise(ops.full([2], "f32", 1), [1, 0])], []).program;
    expect(replicated3.check(nothing, [], OPTIONS)).toHaveLength(1);
  });
});
