/** @file When a wait is said, and in which words. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sayWaiting, whileWaiting } from "../../src/session/waiting.ts";

describe("a wait", () => {
  it("is said after 1, 5 and 10 s, then every 10, by name and number", () => {
    const said: string[] = [];
    const tell = sayWaiting(3, (words) => said.push(words));
    for (let ms = 0; ms <= 34_000; ms += 250) tell(["clinic-c"], ms);
    expect(said).toEqual([1, 5, 10, 20, 30].map((s) => `waiting for clinic-c (2 of 3), ${s} s`));
  });

  it("is said at once when somebody comes or goes, and not at all where everybody is there", () => {
    const said: string[] = [];
    const tell = sayWaiting(3, (words) => said.push(words));
    tell(["clinic-b", "clinic-c"], 400);
    tell(["clinic-b", "clinic-c"], 1200);
    tell(["clinic-c"], 1300);
    tell([], 1400);
    tell(["clinic-c"], 14_400);
    expect(said).toEqual([
      "waiting for clinic-b, clinic-c (1 of 3), 1 s",
      "waiting for clinic-c (2 of 3), 1 s",
      "waiting for clinic-c (2 of 3), 14 s",
    ]);
  });

  it("holds sizes and names for programs that show it in their own way", () => {
    const said: unknown[] = [];
    sayWaiting(3, (_words, w) => said.push(w))(["clinic-a", "clinic-b"], 2600);
    expect(said).toEqual([{ missing: ["clinic-a", "clinic-b"], here: 1, of: 3, seconds: 3 }]);
  });
});

describe("work that is waited for", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is said while it lasts, by who is missing at that moment, and its result and its error pass through", async () => {
    const missing = ["clinic-b", "clinic-c"];
    const said: string[] = [];
    let done: (x: number) => void = () => {};
    const work = new Promise<number>((resolve) => (done = resolve));
    const waited = whileWaiting(
      work,
      3,
      () => missing,
      (words) => said.push(words),
    );
    await vi.advanceTimersByTimeAsync(1000);
    missing.shift();
    await vi.advanceTimersByTimeAsync(1000);
    done(7);
    expect(await waited).toBe(7);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(said).toHaveLength(2);
    expect(said[1]).toMatch(/^waiting for clinic-c \(2 of 3\), 1 s$/);
    const failing = whileWaiting(
      Promise.reject(new Error("gone")),
      3,
      () => missing,
      () => {},
    );
    await expect(failing).rejects.toThrow("gone");
    expect(vi.getTimerCount()).toBe(0);
  });
});
