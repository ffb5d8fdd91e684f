/** @file Placement of buffers: what lives together never overlaps, and little is wasted. */
import { expect, it } from "vitest";
import { type Interval, place } from "../../src/device/cpu/arena.ts";
import { generator } from "./harness.ts";

function intervals(n: number, seed: number): Interval[] {
  const r = generator(seed);
  return Array.from({ length: n }, () => {
    const from = Math.floor(r() * n);
    return { bytes: 64 * (1 + Math.floor(r() ** 3 * 1000)), from, to: from + Math.floor(r() * 12) };
  });
}

/** The most bytes that live at one step: no placement can take less. */
function peak(list: readonly Interval[]): number {
  const change = new Map<number, number>();
  for (const { bytes, from, to } of list) {
    change.set(from, (change.get(from) ?? 0) + bytes);
    change.set(to + 1, (change.get(to + 1) ?? 0) - bytes);
  }
  let live = 0;
  let most = 0;
  for (const at of [...change.keys()].sort((a, b) => a - b)) most = Math.max(most, (live += change.get(at)!));
  return most;
}

// 6500 buffers are more than the quadratic placement takes.
it.each([0, 1, 30, 400, 6500])("places %i buffers without overlap, close to the least possible", (n) => {
  for (let seed = 1; seed <= (n > 1000 ? 1 : 5); seed++) {
    const list = intervals(n, seed);
    const { offsets, bytes } = place(list);
    const byStart = list.map((x, i) => ({ ...x, at: offsets[i]! })).sort((a, b) => a.from - b.from);
    byStart.forEach((a, i) => {
      expect(a.at % 64).toBe(0);
      expect(a.at + a.bytes).toBeLessThanOrEqual(bytes);
      for (let j = i + 1; j < byStart.length && byStart[j]!.from <= a.to; j++) {
        const b = byStart[j]!;
        if (a.at < b.at + b.bytes && b.at < a.at + a.bytes) throw new Error(`buffers overlap: ${JSON.stringify([a, b])}`);
      }
    });
    expect(bytes).toBeGreaterThanOrEqual(peak(list));
    expect(bytes).toBeLessThanOrEqual(1.5 * peak(list));
  }
});
