/** @file Steps on the cpu device: updates in place in WebAssembly memory give what the reference device gives. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import type { Device } from "../../src/device/device.ts";
import { referenceDevice } from "../../src/device/reference/index.ts";
import { engineStats, gradients, noGrad, Random, randn, setDefaultDevice, step, type Tensor, zeros } from "../../src/index.ts";
import { probe } from "./probe.ts";

afterEach(() => {
  setDefaultDevice(null);
});

/** Momentum steps of a small network, with copies, sinks and awaited values in between; everything that came out. */
async function train(device: Device): Promise<number[]> {
  setDefaultDevice(device);
  const random = new Random(7);
  const parameters = [randn([6, 4], random), randn([6], random), randn([3, 6], random)].map((p) => p.requiresGrad_());
  const [w1, b1, w2] = parameters as [Tensor, Tensor, Tensor];
  const momentum = parameters.map((p) => zeros(p.shape));
  const out: number[] = [];
  for (let i = 0; i < 6; i++) {
    const x = randn([i === 3 ? 2 : 5, 4], random);
    const hidden = x.linear(w1, b1).tanh();
    const loss = hidden.linear(w2).square().mean();
    const norm = w1.norm();
    if (i === 1) out.push(await loss.item());
    const before = i === 2 ? await w1.clone().realize() : null;
    if (i === 4) w2.copy_(w2.mul(0.5).detach());
    const snapshot = randn(w1.shape, random).copy_(w1);
    const current = i === 4 ? hidden.linear(w2).square().mean() : loss;
    const grads = gradients(current, parameters).map((g) => g!);
    const next = noGrad(() => momentum.map((m, k) => m.mul(0.9).add(grads[k]!)));
    const updates = parameters.flatMap((p, k) => [
      { tensor: momentum[k]!, next: next[k]! },
      { tensor: p, next: noGrad(() => p.sub(next[k]!.mul(0.1))) },
    ]);
    await step([current], updates);
    out.push(await current.item(), await norm.item(), await snapshot.sum().item(), await w1.sum().item());
    if (before) out.push(...((await before.flatten().tolist()) as number[]));
  }
  for (const p of [...parameters, ...momentum]) out.push(...((await p.flatten().tolist()) as number[]));
  return out;
}

describe("training on the cpu device", () => {
  test("gives the numbers of the reference device", async () => {
    const [got, want] = [await train(cpu()), await train(referenceDevice("f64"))];
    expect(got).toHaveLength(want.length);
    got.forEach((v, i) => {
      expect(Math.abs(v - want[i]!), `value ${i}`).toBeLessThan(1e-4 * Math.max(1, Math.abs(want[i]!)));
    });
  });
});

test("a dropped lazy tensor is not computed by a later step, nor kept", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const device = probe();
  setDefaultDevice(device);
  const w = zeros([4], { requiresGrad: true });
  let kept = w.mul(0);
  for (let i = 1; i <= 50; i++) kept = w.mul(i);
  const refs = Array.from({ length: 20 }, () => new WeakRef(w.mul(3)));
  await new Promise((resolve) => setTimeout(resolve, 5));
  gc();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(refs.filter((r) => r.deref() !== undefined).length).toBeLessThan(3);
  await step([], [{ tensor: w, next: noGrad(() => w.add(1)) }]);
  expect(device.jobs[0]!.program.outputs.length).toBeLessThan(6);
  expect(await kept.tolist()).toEqual([0, 0, 0, 0]);
  expect(engineStats(device).runs).toBe(1);
});
