/** @file The dry run's cost equals what runs count, and is what the README's table says. */
import { describe, expect, it } from "vitest";
import { dryRun } from "../../../src/protocols/replicated3/dry.ts";
import * as r3 from "../../../src/protocols/replicated3/primitives/index.ts";
import { HEADER_BYTES } from "../../../src/transport/link.ts";
import { Harness, INDICES } from "./harness.ts";

type Code = (ctx: r3.Context, n: number) => Promise<unknown>;
const zeros = r3.zeros;

const OPS: readonly (readonly [name: string, rounds: number | ((n: number) => number), code: Code])[] = [
  ["reshare", 1, (c, n) => r3.reshare(c, 64, r3.mulRaw(c, zeros(c, n), zeros(c, n)))],
  ["truncate", 2, (c, n) => r3.truncate(c, 64, r3.mulRaw(c, zeros(c, n), zeros(c, n)), 16)],
  ["truncateShares", 2, (c, n) => r3.truncateShares(c, 64, zeros(c, n), 16)],
  ["signBits", 6, (c, n) => r3.signBits(c, 64, zeros(c, n))],
  ["signBits with a carry", 6, (c, n) => r3.signBits(c, 64, zeros(c, n), { carryBits: 44 })],
  ["relu", 7, (c, n) => r3.relu(c, 64, zeros(c, n))],
  ["signBits on 32 bits", 5, (c, n) => r3.signBits(c, 64, zeros(c, n), { width: 32 })],
  ["signBits on 32 bits with a carry", 5, (c, n) => r3.signBits(c, 64, zeros(c, n), { carryBits: 20, width: 32 })],
  ["relu on 32 bits", 6, (c, n) => r3.relu(c, 64, zeros(c, n), 32)],
  ["open", 1, (c, n) => r3.open(c, 64, zeros(c, n))],
  [
    "bits to a conjunction of three, times a value",
    // In one piece role 2 deals a round early; a party that has all roles waits for its own bits, twice.
    (n) => (n < 3072 ? 8 : 10),
    async (c, n) => {
      const { bits } = await r3.signBits(c, 64, zeros(c, n));
      return r3.inject(c, 66, await r3.conjunction(c, 65, [bits, bits, bits]), zeros(c, n));
    },
  ],
  [
    "sign, then integers, carry and selection at once",
    7,
    (c, n) =>
      r3.signBits(c, 64, zeros(c, n), { integers: true, carryBits: 20, carryIntegers: true, inject: [zeros(c, n), zeros(c, n)] }),
  ],
  [
    "truncation and relu in one",
    7,
    (c, n) => r3.truncateSigns(c, 64, r3.mulRaw(c, zeros(c, n), zeros(c, n)), 16, { threshold: 1n, injectSelf: true }),
  ],
  [
    "matmul, truncate, relu, twice",
    // In one piece the party that deals in both has its share early: a round less.
    (n) => (n < 3072 ? 17 : 18),
    async (c, n) => {
      let x = zeros(c, n);
      for (let i = 0; i < 2; i++) {
        const y = await r3.truncate(c, 64 * i, r3.matmulRaw(c, 64 * i, x, zeros(c, 9), { m: Math.floor(n / 3), k: 3, n: 3 }), 16);
        x = (await r3.relu(c, 64 * i + 1, y)).y;
      }
      return x;
    },
  ],
];

describe("cost", () => {
  it.each(OPS)("of %s: rounds, bytes and frames of a dry run equal a real run's", async (_name, rounds, code) => {
    for (const n of [3, 999, 4200]) {
      const dry = await dryRun((ctx) => code(ctx, n));
      const h = await Harness.start();
      await h.run((ctx) => code(ctx, n));
      expect(h.bytesSent()).toEqual(dry.bytesPerParty);
      expect(h.framesSent()).toEqual(dry.framesPerParty);
      expect(h.rounds).toBe(dry.rounds);
      expect(dry.rounds).toBe(typeof rounds === "number" ? rounds : rounds(n));
      expect(dry.peakMemory).toBeGreaterThan(0);
    }
  });

  it("in rounds is the critical path by the clock, when every message is 40 ms late", async () => {
    const h = await Harness.start({ delay: 40 });
    const started = performance.now();
    await h.run((ctx) => r3.relu(ctx, 64, zeros(ctx, 200)));
    const rounds = (performance.now() - started) / 40;
    expect(rounds).toBeGreaterThanOrEqual(7);
    // A loaded machine is late; messages one after the other would be more than twenty.
    expect(rounds).toBeLessThan(20);
  });

  it("per element is what the README says, at every party, with an even load", async () => {
    const n = 1_000_000;
    const expected: readonly (readonly [number, Code])[] = [
      [8, OPS[0]![2]],
      [10.13, OPS[1]![2]],
      [4.8, OPS[2]![2]],
      [15.6, OPS[3]![2]],
      [26.3, OPS[5]![2]],
      [7.33, OPS[6]![2]],
      [18, OPS[8]![2]],
      [8, OPS[9]![2]],
    ];
    for (const [bytes, code] of expected) {
      const cost = await dryRun((ctx) => code(ctx, n));
      for (const me of INDICES) expect(cost.bytesPerParty[me]! / n).toBeLessThan(bytes * 1.01);
      expect(Math.max(...cost.bytesPerParty) / n).toBeGreaterThan(bytes * 0.98);
      expect(Math.max(...cost.framesPerParty) * HEADER_BYTES).toBeLessThan(20_000);
    }
  });

  it("of a tensor without elements is nothing", async () => {
    const cost = await dryRun(async (ctx) => r3.relu(ctx, 64, await r3.truncateShares(ctx, 1, zeros(ctx, 0), 16)));
    expect(cost).toMatchObject({ rounds: 0, bytesPerParty: [0, 0, 0], framesPerParty: [0, 0, 0] });
  });
});
