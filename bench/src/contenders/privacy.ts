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
/** Steps of Poisson samples: their sizes differ by 8, and more than 64 rows take two chunks. */
const SAMPLED = 20;
const RATE = 0.1;

interface Turns {
  plain(): Promise<number>;
  private(): Promise<number>;
}

/** Steps of the engine suite's CNN (batch 64) on one thread, in milliseconds: plain ones, and private ones on `rows` rows of which 64 are expected. */
async function turns(rows: number): Promise<Turns> {
  setDefaultDevice(cpu({ threads: 1 }));
  const { images, labels } = data.digits({ count: rows });
  const values = Float32Array.from(images.values as Uint8Array, (v) => v / 255);
  const set = data.tensorDataset([{ values, shape: images.shape, dtype: "f32" }, labels]);
  const some = Int32Array.from({ length: BATCH }, (_, i) => i);
  const [open, closed] = [cnn().model, cnn().model];
  const opt = optim.sgd(open, { lr: 0.01 });
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
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const started = performance.now();
    await work();
    return performance.now() - started;
  };
  const step = async (): Promise<void> => {
    const [x, y] = await set.read(some);
    await opt.step(nn.crossEntropy(open(x), y));
  };
  const made = { plain: () => timed(step), private: () => timed(() => trainer.step()) };
  for (let i = 0; i < 3 * STEPS; i++) {
    await made.plain();
    await made.private();
  }
  return made;
}

/** A private step on as many rows as the plain one over that; least times of each. Per-example gradients, clipping, exact sums, noise, SGD. */
async function overhead(): Promise<Timed> {
  const t = await turns(BATCH);
  return async (): Promise<Sample> => {
    let [a, b] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let i = 0; i < STEPS; i++) [a, b] = [Math.min(a, await t.plain()), Math.min(b, await t.private())];
    return { value: b / a };
  };
}

/** The same on Poisson samples of 64 expected rows, in chunks of 64: mean times. */
async function sampledOverhead(): Promise<Timed> {
  const t = await turns(BATCH / RATE);
  return async (): Promise<Sample> => {
    let [a, b] = [0, 0];
    for (let i = 0; i < SAMPLED; i++) [a, b] = [a + (await t.plain()), b + (await t.private())];
    return { value: b / a };
  };
}

serve({
  "gaussian-samples": samples(10),
  "gaussian-samples-1e6": samples(1e6),
  "compose-1e5": account(FIFTY, "pld"),
  "compose-1e5-distinct": account(DISTINCT, "rdp"),
  "dp-sgd-overhead": overhead,
  "dp-sgd-overhead-poisson": sampledOverhead,
});
