/** @file Tacit as a contender of the privacy suite. */
import { cpu, data, nn, optim, setDefaultDevice } from "@tacit/core";
import { discreteGaussian, epsilonOf, type PrivacyEvent } from "@tacit/privacy";
import { makePrivate } from "@tacit/privacy/training";
import type { Sample } from "../harness.ts";
import { serve, type Timed } from "../serve.ts";
import { cnn } from "./models.ts";

const SAMPLES = 1_000_000;
const EVENTS = 100_000;

const seconds = (work: () => void): number => {
  const started = performance.now();
  work();
  return (performance.now() - started) / 1000;
};

/** Millions of samples a second. */
const samples = (stdDev: number): (() => Promise<Timed>) => {
  return async () => {
    const draw = discreteGaussian(stdDev);
    return async () => {
      const taken = seconds(() => {
        for (let i = 0; i < SAMPLES; i++) draw();
      });
      return { value: SAMPLES / 1e6 / taken };
    };
  };
};

const event = (noiseMultiplier: number, rate: number): PrivacyEvent => ({
  mechanism: { kind: "gaussian", noiseMultiplier },
  neighbours: "add-remove",
  sampling: { kind: "poisson", rate },
  count: 1,
});

/** Seconds for ε at δ 1e-5. */
const account = (events: readonly PrivacyEvent[], accountant: "pld" | "rdp"): (() => Promise<Timed>) => {
  return async () => async () => ({ value: seconds(() => void epsilonOf(events, { delta: 1e-5, accountant })) });
};

const FIFTY = Array.from({ length: EVENTS }, (_, i) => event(3 + (i % 50) / 10, 0.001 * (1 + (i % 50))));
const DISTINCT = Array.from({ length: EVENTS }, (_, i) =>
  event(1 + (4 * ((i * 7919) % EVENTS)) / EVENTS, 0.001 + (0.1 * i) / EVENTS),
);

/** Steps in one sample: each takes some 30 ms. */
const STEPS = 5;
const BATCH = 64;

/**
 * A private step of the engine suite's CNN (batch 64, all rows every time: as many as the plain one) over a plain one, both on one thread, in turns;
 * least times of each. Private: per-example gradients, clipping, exact sums, noise, SGD.
 */
async function overhead(): Promise<Timed> {
  setDefaultDevice(cpu({ threads: 1 }));
  const { images, labels } = data.digits({ count: BATCH });
  const values = Float32Array.from(images.values as Uint8Array, (v) => v / 255);
  const set = data.tensorDataset([{ values, shape: images.shape, dtype: "f32" }, labels]);
  const everything = Int32Array.from({ length: BATCH }, (_, i) => i);
  const [open, closed] = [cnn().model, cnn().model];
  const opt = optim.sgd(open, { lr: 0.01 });
  const plain = async (): Promise<void> => {
    const [x, y] = await set.read(everything);
    await opt.step(nn.crossEntropy(open(x), y));
  };
  const trainer = await makePrivate({
    model: closed,
    optimizer: optim.sgd(closed, { lr: 0.01 }),
    data: set,
    loss: (x, y) => nn.crossEntropy(closed(x), y),
    noiseMultiplier: 1,
    delta: 1e-5,
    batch: BATCH,
    maxGradNorm: 1,
  });
  const once = async (work: () => Promise<void>): Promise<number> => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  };
  const round = async (): Promise<Sample> => {
    let [a, b] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let i = 0; i < STEPS; i++) {
      a = Math.min(a, await once(plain));
      b = Math.min(b, await once(() => trainer.step()));
    }
    return { value: b / a };
  };
  for (let i = 0; i < 3; i++) await round();
  return round;
}

serve({
  "gaussian-samples": samples(10),
  "gaussian-samples-1e6": samples(1e6),
  "compose-1e5": account(FIFTY, "pld"),
  "compose-1e5-distinct": account(DISTINCT, "rdp"),
  "dp-sgd-overhead": overhead,
});
