/** @file Averages of weights: their numbers, swapping, saved states, Programs. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import { checkpoint } from "../../src/io/checkpoint.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const model = (): nn.Linear => nn.linear(2, 1, { random: new Random(1), bias: false });
const set = (m: nn.Linear, a: number, b: number): void => void m.weight.copy_(Tensor.from([a, b], [1, 2]));
const read = async (t: Tensor): Promise<number[]> => [...(await t.data())].map(Number);
const average = (a: optim.AveragedModel): Promise<number[]> => read(a.stateDict().tensors.get("weight")!);

describe("an average of weights", () => {
  test("by SWA is their mean, by EMA what the decay leaves", async () => {
    const m = model();
    const [mean, moving, warm] = [optim.swa(m), optim.ema(m, { decay: 0.75 }), optim.ema(m, { decay: 0.75, warmup: true })];
    for (const [a, b] of [
      [1, 2],
      [3, 6],
      [8, -2],
    ] as const) {
      set(m, a, b);
      for (const each of [mean, moving, warm]) await each.update();
    }
    expect(await average(mean)).toEqual([4, 2]);
    expect(await average(moving)).toEqual([1.5 * 0.75 + 2, 3 * 0.75 - 0.5]);
    // Decays 2/11 and 3/12, both below 0.75.
    const second = 1 + 2 * (9 / 11);
    expect((await average(warm))[0]).toBeCloseTo(second + (8 - second) * 0.75, 5);
  });

  test("is swapped in for evaluation and out again, and training goes on as if it never had been", async () => {
    const [a, b] = [model(), model()];
    const [optA, optB] = [optim.adam(a, { lr: 0.1 }), optim.adam(b, { lr: 0.1 })];
    const moving = optim.ema(a, { decay: 0.5 });
    const x = Tensor.from([1, 2, -3, 4], [2, 2]);
    const step = async (m: nn.Linear, opt: optim.Optimizer): Promise<void> => opt.step(m(x).sub(1).square().mean());
    for (let i = 0; i < 3; i++) {
      await step(a, optA);
      await step(b, optB);
      await moving.update();
    }
    const own = await read(a.weight);
    const seen = await moving.evaluate(() => read(a(x)));
    const [w] = [await average(moving)];
    expect(seen[0]).toBeCloseTo(w[0]! + 2 * w[1]!, 6);
    expect(await read(a.weight)).toEqual(own);
    await expect(
      moving.evaluate(() => {
        throw new Error("stop");
      }),
    ).rejects.toThrow("stop");
    await step(a, optA);
    await step(b, optB);
    expect(await read(a.weight)).toEqual(await read(b.weight));
    moving.swapIn();
    expect(await codeOfAsync(moving.update())).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => moving.swapIn())).toBe("ARGUMENT_INVALID");
    moving.swapOut();
  });

  test("is one Program per update, whatever the decay, and goes on from a saved state", async () => {
    const m = nn.sequential(nn.linear(3, 4), nn.linear(4, 2));
    const moving = optim.ema(m, { warmup: true });
    await moving.update();
    const before = engineStats(defaultDevice()).prepared;
    for (let i = 0; i < 5; i++) await moving.update();
    expect(engineStats(defaultDevice()).prepared - before).toBe(0);
    const again = optim.ema(m, { warmup: true });
    again.loadStateDict(moving.stateDict());
    for (const each of [moving, again]) await each.update();
    for (const [name, t] of moving.stateDict().tensors)
      expect(await read(again.stateDict().tensors.get(name)!)).toEqual(await read(t));
    expect(codeOf(() => optim.swa(m).loadStateDict(moving.stateDict()))).toBe("STATE_MISMATCH");
    expect(codeOf(() => optim.ema(nn.linear(3, 4)).loadStateDict(moving.stateDict()))).toBe("STATE_MISMATCH");
    expect(codeOf(() => optim.ema(m, { decay: 1 }))).toBe("ARGUMENT_INVALID");
  });

  test("goes into a checkpoint and out of it", async () => {
    const [a, b] = [model(), model()];
    const [from, to] = [optim.ema(a, { decay: 0.5 }), optim.ema(b, { decay: 0.5 })];
    await from.update();
    set(a, 5, 6);
    await from.update();
    const bytes = await checkpoint.encode({ model: a, average: from });
    checkpoint.decode(bytes, { model: b, average: to });
    expect(await average(to)).toEqual(await average(from));
    for (const each of [from, to]) await each.update();
    expect(await average(to)).toEqual(await average(from));
    const without = await checkpoint.encode({ model: a });
    expect(codeOf(() => checkpoint.decode(without, { model: b, average: to }))).toBe("CHECKPOINT_INVALID");
  });

  test("has the buffers too when asked", async () => {
    const m = nn.batchNorm2d(1);
    expect([...optim.ema(m).stateDict().tensors.keys()]).toEqual(["weight", "bias"]);
    const all = optim.ema(m, { buffers: true });
    expect([...all.stateDict().tensors.keys()]).toEqual(["weight", "bias", "runningMean", "runningVar"]);
    m.runningMean?.update(Tensor.from([4]));
    await all.update();
    expect(await read(all.stateDict().tensors.get("runningMean")!)).toEqual([4]);
  });
});
