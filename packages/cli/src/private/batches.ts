/** @file What both trainings, on shares and in the clear, have in common: the samples, the order of batches, the schedule. */
import type { Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import { Random } from "@tacit/core/random";
import type { Labelled } from "../training/datasets.ts";

/** How pixels are centred before they are shared: (pixel - mean) / deviation. A saved model carries both numbers. */
export interface Centring {
  readonly mean: number;
  readonly deviation: number;
}

/** Mean and deviation of MNIST's pixels. */
export const CENTRING: Centring = { mean: 0.1307, deviation: 0.3081 };

/** Centres pixels in place. */
export function centre(pixels: Float32Array, { mean, deviation }: Centring): Float32Array {
  for (let i = 0; i < pixels.length; i++) pixels[i] = (pixels[i]! - mean) / deviation;
  return pixels;
}

/** Centred pictures f32 [n, 1, 28, 28] and class numbers. */
export interface Samples {
  readonly images: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
}

/** Values of a picture. */
export const PIXELS: number = 28 * 28;

/** The first `count` samples of a data set in an order of `seed` (null: as they come), in JavaScript memory. */
export async function samplesOf(source: Labelled["train"], count: number, seed: number | null): Promise<Samples> {
  const n = Math.min(count, source.length);
  const order = seed === null ? source.order(0) : source.shuffle({ seed }).order(0);
  const [x, y] = await source.read(order.slice(0, n));
  const images = centre((await x.data()) as Float32Array, CENTRING);
  return { images, labels: Int32Array.from((await y.data()) as Int32Array), count: n };
}

/** Samples from `start` to `end`; no copy. */
export const sliceOf = (s: Samples, start: number, end: number): Samples => ({
  images: s.images.subarray(start * PIXELS, end * PIXELS),
  labels: s.labels.subarray(start, end),
  count: end - start,
});

/** Rows start to end of the samples, shared as one input. */
export interface Block {
  readonly start: number;
  readonly end: number;
}

/** Most pictures of one input. Sharing takes about 60 bytes for each pixel at once, and a second of the owner's time for so many. */
const MOST_ROWS = 2048;

/** Cuts `count` rows into blocks of equal size, a multiple of `size` (the last one may be shorter); rows that fill no batch are left out. */
export function blocksOf(count: number, size: number): Block[] {
  const batches = Math.floor(count / size);
  const most = Math.max(1, Math.floor(MOST_ROWS / size));
  const each = Math.ceil(batches / Math.max(1, Math.ceil(batches / most)));
  const blocks: Block[] = [];
  for (let at = 0; at < batches; at += each) blocks.push({ start: at * size, end: Math.min(at + each, batches) * size });
  return blocks;
}

/** Row numbers of a batch within a block. */
export interface Rows {
  readonly block: number;
  readonly rows: Int32Array;
}

/** `steps` batches: epoch after epoch, block after block, the rows of each in a new order of the seed. */
export function* orders(blocks: readonly Block[], size: number, steps: number, seed: number): Generator<Rows, void, undefined> {
  const random = new Random(seed);
  if (blocks.length === 0) return;
  for (let step = 0, epoch = 0; step < steps; epoch++) {
    for (const [block, { start, end }] of blocks.entries()) {
      const order = random.fork(`epoch ${epoch} block ${block}`).permutation(end - start);
      for (let at = 0; at < order.length && step < steps; at += size, step++) yield { block, rows: order.slice(at, at + size) };
    }
  }
}

/** Learning rate of step `i`: from `base` to a twentieth of it along a cosine. */
export function rateAt(base: number, i: number, steps: number): number {
  return base * (0.05 + 0.475 * (1 + Math.cos((Math.PI * i) / steps)));
}

/** Plain batches for the training in the clear. */
export const plainDataset = (s: Samples): data.Dataset<readonly [Tensor, Tensor]> =>
  data.tensorDataset([
    { values: s.images, shape: [s.count, 1, 28, 28], dtype: "f32" },
    { values: s.labels, shape: [s.count], dtype: "i32" },
  ]);
