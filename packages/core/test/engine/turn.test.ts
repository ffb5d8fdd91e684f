/** @file A loop of steps or reads lets the host take its turn: timers fire, and what was made for a batch can be collected. */
import { nn, optim, Random, realize, type Tensor, tensor } from "@tacit/core";
import { describe, expect, it } from "vitest";

/** Timers that fire while `work` is repeated for `ms`, by a clock that the work itself reads. */
async function fired(ms: number, work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const timer = setInterval(() => count++, 1);
  const end = performance.now() + ms;
  while (performance.now() < end) await work();
  clearInterval(timer);
  return count;
}

const model = nn.linear(4, 2, { random: new Random(0) });
const x = tensor([[1, 2, 3, 4]]);

describe("a loop on a device that answers at once", () => {
  it("of training steps is no single job for the host", async () => {
    const optimizer = optim.sgd(model, { lr: 0.01 });
    const step = async (): Promise<void> => {
      model(x).sum().backward();
      await optimizer.step();
      optimizer.zeroGrad();
    };
    expect(await fired(300, step)).toBeGreaterThan(3);
  });

  it("of reads neither", async () => {
    expect(await fired(300, () => (model(x) as Tensor).data())).toBeGreaterThan(3);
  });

  it("keeps no batch: memory of arrays does not grow with the number of lazy batches", async () => {
    if (typeof process === "undefined") return expect(typeof window).toBe("object");
    const size = 100_000;
    const weight = nn.parameter(tensor([1]));
    const optimizer = optim.sgd([weight], { lr: 0.01 });
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 300; i++) {
      const batch = await Promise.resolve(tensor(new Float32Array(size)).mul(2)); // lazy at the end of its job, as a mapped data set gives it
      batch.mul(weight).sum().backward();
      await optimizer.step();
      optimizer.zeroGrad();
    }
    await realize(weight);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(60e6); // 120 MB where all are kept
  });
});
