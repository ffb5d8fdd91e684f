/** @file A training of 2,000 steps on shares: a party is killed every 200 and all go on; memory, files and disk stay as they are. */
import { afterEach, describe, expect, test } from "vitest";
import { NAMES } from "../process/parties.ts";
import { scratch } from "../process/tacit.ts";
import { median, type Soaked, showSoak, soak } from "./soak.ts";

const LONG = process.env.TACIT_LONG !== undefined;
const places: ReturnType<typeof scratch>[] = [];
afterEach(() => {
  for (const p of places.splice(0)) p[Symbol.dispose]();
});
const place = (): ReturnType<typeof scratch> => {
  const made = scratch();
  places.push(made);
  return made;
};

/** What holds of every soak with kills, however short. */
function wentOn(s: Soaked, kills: number): void {
  expect(s.killed.map((k) => k.party)).toEqual(Array.from({ length: kills }, (_, i) => NAMES[i % 3]));
  expect(s.resumed).toHaveLength(kills);
  for (const n of s.starts) expect(n).toBeGreaterThanOrEqual(kills + 1);
  for (const code of s.lost) expect(code).toMatch(/^MPC_/);
  // At rest are the inputs, the model, its momentum, and what the driver has dropped and its collector has not told of yet.
  const bytes = s.shares.map((x) => x.bytes[0]!);
  expect(Math.max(...bytes)).toBeLessThan(2 * Math.min(...bytes));
}

describe("a training on shares", () => {
  test("goes on from its checkpoints when a party is killed twice in 40 steps", { timeout: 300_000 }, async () => {
    const s = await soak(place(), { steps: 40, save: 5, say: 1, kill: 15 });
    wentOn(s, 2);
    expect(s.samples.at(-1)!.step).toBe(40);
    expect(s.accuracy).toBeGreaterThan(0.5);
  });

  test.runIf(LONG)(
    "of 2,000 steps holds no more at its end than at its beginning, with a party killed every 200 or with none",
    async () => {
      const STEPS = 2000;
      const plain = await soak(place(), { steps: STEPS, save: 100, say: 10, kill: 0 });
      console.log(`without a restart\n${showSoak(plain, STEPS)}`);
      const killed = await soak(place(), { steps: STEPS, save: 60, say: 10, kill: 200 });
      console.log(`a party killed every 200 steps\n${showSoak(killed, STEPS)}`);
      wentOn(killed, 9);
      expect(Math.abs(killed.accuracy - plain.accuracy)).toBeLessThanOrEqual(0.02);
      expect(plain.accuracy).toBeGreaterThan(0.85);
      flat(plain, STEPS);
      flat(killed, STEPS);
      for (const d of [...plain.disk, ...killed.disk]) {
        expect(d.checkpoint ?? 0).toBe(0);
        expect(d.counters).toBeLessThan(64_000);
      }
    },
  );
});

/** From the second fifth to the last: resident memory grows by less than 10 % and 8 MB, open files and handles not at all. */
function flat(s: Soaked, steps: number): void {
  const grown = (of: Parameters<typeof median>[3]): readonly [number, number] => [
    median(s.samples, steps / 5, (2 * steps) / 5, of),
    median(s.samples, (4 * steps) / 5, steps, of),
  ];
  for (const i of NAMES.keys()) {
    const [first, last] = grown((x) => x.parties[i]?.rss);
    expect(last).toBeLessThan(1.1 * first + 8e6);
    const [files, filesLast] = grown((x) => x.parties[i]?.files);
    expect(filesLast).toBeLessThanOrEqual(files + 2);
  }
  const [first, last] = grown((x) => x.driver?.rss);
  expect(last).toBeLessThan(1.1 * first + 8e6);
  const [handles, handlesLast] = grown((x) => x.handles);
  expect(handlesLast).toBeLessThanOrEqual(handles + 2);
}
