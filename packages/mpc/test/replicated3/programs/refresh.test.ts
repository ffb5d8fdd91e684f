/** @file What a party does with shares that come from its own sealed file: new sharings of the same values, under keys of the run. */
import type { Aval } from "@tacit/core/program";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ShareValue } from "../../../src/protocols/protocol.ts";
import { Parties, type Spread } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start({ memoryLimit: 2 ** 24 });
});
afterAll(() => parties.close());

const AVALS: readonly Aval[] = [
  { shape: [5000], dtype: "f32" },
  { shape: [7], dtype: "i32" },
  { shape: [], dtype: "f32" },
];
const shareOf = (x: Spread, i: number): ShareValue => ("share" in x[i]! ? x[i].share : expect.unreachable());

test("saved, loaded and refreshed values are the same, in one round; no component is what it was, and neighbours agree on each", async () => {
  const values = [Float32Array.from({ length: 5000 }, (_, i) => i / 16 - 9), Int32Array.from({ length: 7 }, (_, i) => i - 3)];
  const given = [...values, Float32Array.of(0)].map((v, k) => parties.share(v, AVALS[k]!));
  const saved = given.map((x) => parties.parties.map((p, i) => p.saveShare(shareOf(x, i))));
  parties.free(...given);
  const loaded = saved.map((parts, k) => parts.map((bytes, i) => parties.parties[i]!.loadShare(bytes, AVALS[k]!)));
  const at = { run: 1_000_000, attempt: 0 };
  const renewed = await Promise.all(
    parties.parties.map((p, i) =>
      p.refresh(
        loaded.map((x) => x[i]!),
        at,
      ),
    ),
  );
  for (const { counters } of renewed) expect(counters.rounds).toBe(1);
  for (const [k, aval] of AVALS.entries()) {
    const spread = renewed.map(({ shares }) => ({ share: shares[k]! }));
    const parts = spread.map((x, i) => parties.parties[i]!.saveShare(x.share));
    for (const [i, part] of parts.entries()) {
      const half = part.length / 2;
      expect(part.subarray(half)).toEqual(parts[(i + 1) % 3]!.subarray(0, half));
      for (const at of [0, half]) expect(part.subarray(at, at + half)).not.toEqual(saved[k]![i]!.subarray(at, at + half));
    }
    expect(parties.reveal(spread, aval)).toEqual([...values, Float32Array.of(0)][k]);
    parties.free(spread);
  }
  expect(parties.parties.map((p) => p.memoryUsed)).toEqual([0, 0, 0]);
});

test("a file of another length is refused", () => {
  expect(() => parties.parties[0]!.loadShare(new Uint8Array(16 * 7 - 1), AVALS[1]!)).toThrow(
    expect.objectContaining({ code: "MPC_PAYLOAD" }),
  );
  expect(parties.parties[0]!.memoryUsed).toBe(0);
});
