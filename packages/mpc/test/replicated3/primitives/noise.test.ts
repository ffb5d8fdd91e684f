/** @file Noise that parties add: its law, each party's part of it, and its cost. False-alarm rates stand beside each test of a law. */
import { describe, expect, it } from "vitest";
import { dryRun } from "../../../src/protocols/replicated3/dry.ts";
import { exactNoise, type NoiseSource, noiseShares } from "../../../src/protocols/replicated3/primitives/index.ts";
import { Harness, INDICES, type Index } from "./harness.ts";

const ID = 7;
const none: NoiseSource = () => () => 0;

async function noise(n: number, stdDev: number, of?: (me: Index) => NoiseSource): Promise<BigInt64Array> {
  const h = await Harness.start(of ? { noise: of } : {});
  return h.reveal(await h.run((ctx) => noiseShares(ctx, ID, n, stdDev)));
}

/** Sum of squares over the variance, as a normal deviate: (χ²_n - n) / √(2n). */
function excess(values: BigInt64Array, variance: number): number {
  const total = values.reduce((sum, v) => sum + Number(v) ** 2, 0);
  return (total / variance - values.length) / Math.sqrt(2 * values.length);
}

describe("party noise", () => {
  const n = 40_000;
  const stdDev = 1000;

  // 5.5 deviations: a false alarm in 2.6e7 runs each; a σ of 0.95 would be off by 13.
  it("has the variance of three parties' noise together", async () => {
    expect(Math.abs(excess(await noise(n, stdDev), 3 * stdDev ** 2))).toBeLessThan(5.5);
  });

  it.each([[0], [1], [2]] as const)(
    "of the two others alone, when party %i draws none, has what is accounted for",
    async (silent) => {
      const values = await noise(n, stdDev, (me) => (me === silent ? none : exactNoise));
      expect(Math.abs(excess(values, 2 * stdDev ** 2))).toBeLessThan(5.5);
    },
  );

  it("is the sum of what each party drew, exactly, in one piece and in several", async () => {
    for (const size of [1, 130, 3200, 10_000]) {
      const values = await noise(size, 5, (me) => counting(me));
      values.forEach((v, i) => {
        const want = INDICES.reduce((sum: number, me) => sum + drawn(me, i), 0);
        if (Number(v) !== want) throw new Error(`element ${i}: ${v}, not ${want}`);
      });
    }
  });

  it("is new in every element and run", async () => {
    const [a, b] = [await noise(500, 2 ** 30), await noise(500, 2 ** 30)];
    expect(new Set([...a, ...b]).size).toBe(1000);
  });

  it("takes one round and 8 bytes per element and party, as a dry run says", async () => {
    const h = await Harness.start();
    await h.run((ctx) => noiseShares(ctx, ID, 3200, 9));
    const dry = await dryRun((ctx) => noiseShares(ctx, ID, 3200, 9));
    expect(h.rounds).toBe(1);
    expect(dry.rounds).toBe(1);
    expect(h.bytesSent()).toEqual(dry.bytesPerParty);
    expect(dry.bytesPerParty).toEqual([0, 1, 2].map(() => 8 * 3200 + 3 * 16));
  });
});

/** Draws of a party that can be told: pieces draw in the order in which they are cut. */
const drawn = (me: Index, i: number): number => (me + 1) * 1000 - 37 * i;
function counting(me: Index): NoiseSource {
  return () => {
    let i = 0;
    return () => drawn(me, i++);
  };
}
