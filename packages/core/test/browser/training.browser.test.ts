/** @file The engine in a real Chromium: on the page, in a Worker, with and without cross-origin isolation. */
import { describe, expect, it } from "vitest";
import { trainTiny } from "./tiny.ts";

/** Runs the same training in a Worker. */
function inWorker(threads: number): Promise<{ losses: number[]; isolated: boolean }> {
  const worker = new Worker(new URL("./tiny-worker.ts", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = (e: MessageEvent<{ losses: number[]; isolated: boolean } | { error: string }>) => {
      worker.terminate();
      if ("error" in e.data) reject(new Error(e.data.error));
      else resolve(e.data);
    };
    worker.onerror = (e) => reject(new Error(e.message));
    worker.postMessage({ threads });
  });
}

describe("the engine in Chromium", () => {
  it("trains a small CNN on the page, and the loss falls", async () => {
    const losses = await trainTiny();
    expect(losses).toHaveLength(12);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  });

  it("gives in a Worker the numbers that it gives on the page", async () => {
    const [page, worker] = [await trainTiny(), await inWorker(1)];
    expect(worker.losses).toEqual(page);
  });

  it("gives the same numbers on two threads where the page is cross-origin isolated, and runs on one where it is not", async () => {
    const page = await trainTiny();
    const worker = await inWorker(2);
    expect(worker.isolated).toBe(globalThis.crossOriginIsolated);
    expect(worker.losses).toEqual(page);
  });
});
