/** @file What both trainings, on shares and in the clear, have in common: the samples, the order of batches, the schedule. */
import type { Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import { Random } from "@tacit/core/random";
import type { Labelled } from "../training/datasets.ts";

/** Mean and deviation of MNIST's pixels: the data owner centres the pictures before they are shared. */
const CENTRE = { mean: 0.1307, deviation: 0.3081 } as const;

/** Centred pictures f32 [n, 1, 28, 28] and class numbers. */
export interface Samples {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
}

/** The first `count` samples of a data set in an order of `seed`, in JavaScript memory. */
export async function samplesOf(source: Labelled["train"], count: number, seed: number | null): Promise<Samples> {
  const n = Math.min(count, source.length);
  const order = seed === null ? source.order(0) : source.shuffle({ seed }).order(0);
  const [x, y] = await source.read(order.slice(0, n));
  const images = Float32Array.from((await x.data()) as Float32Array, (v) => (v - CENTRE.mean) / CENTRE.deviation);
  return { images, labels: Int32Array.from((await y.data()) as Int32Array), count: n };
}

export const shapeOf = (s: Samples): readonly number[] => [s.count, 1, 28, 28];

/** `steps` batches of row numbers: epoch after epoch, each in a new order of the seed; short last batches are left out. */
export function* orders(count: number, size: number, steps: number, seed: number): Generator<Int32Array, void, undefined> {
  const random = new Random(seed);
  for (let step = 0, epoch = 0; step < steps; epoch++) {
    const order = random.fork(`epoch ${epoch}`).permutation(count);
    for (let at = 0; at + size <= count && step < steps; at += size, step++) yield order.slice(at, at + size);
    if (size > count) return;
  }
}

/** Learning rate of step `i`: from `base` to a twentieth of it along a cosine. */
export function rateAt(base: number, i: number, steps: number): number {
  return base * (0.05 + 0.475 * (1 + Math.cos((Math.PI * i) / steps)));
}

/** Plain batches for the training in the clear. */
export const plainDataset = (s: Samples): data.Dataset<readonly [Tensor, Tensor]> =>
  data.tensorDataset([
    { values: s.images, shape: [...shapeOf(s)], dtype: "f32" },
    { values: s.labels, shape: [s.count], dtype: "i32" },
  ]);
