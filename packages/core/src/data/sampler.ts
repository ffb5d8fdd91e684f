/** @file Samplers: which samples an epoch visits, in which order and batches, as functions of seed and epoch alone, so that a place in them can be taken up again. */
import { expected } from "../errors.ts";
import { Random } from "../random.ts";

/** An order of indices for every epoch. */
export interface Sampler {
  /** Indices in an epoch. */
  readonly length: number;
  /** How the order comes about: samplers with equal recipes give equal orders. Part of a loader's saved state. */
  readonly recipe: string;
  /** The indices of epoch `epoch`. */
  order(epoch: number): Int32Array;
}

/** Batches of indices for every epoch. */
export interface BatchSampler {
  /** Batches in an epoch. */
  readonly length: number;
  /** Samples of a batch, at most or in the mean; part of a loader's saved state. */
  readonly size: number;
  readonly recipe: string;
  /** The batches of epoch `epoch`, read by position. */
  batches(epoch: number): (position: number) => Int32Array;
}

/** Something with a number of samples, or that number. */
export type Sized = number | { readonly length: number };

function countOf(where: string, of: Sized): number {
  const n = typeof of === "number" ? of : of.length;
  if (!Number.isSafeInteger(n) || n < 0) expected("ARGUMENT_INVALID", where, "a count of samples", `${n}`);
  return n;
}

/** A short number that changes with the values: for recipes. FNV-1a over their bits. */
export function checksum(values: Iterable<number>): string {
  const view = new DataView(new ArrayBuffer(8));
  let hash = 0x811c9dc5;
  for (const v of values) {
    view.setFloat64(0, v);
    for (let i = 0; i < 8; i++) hash = Math.imul(hash ^ view.getUint8(i), 0x01000193);
  }
  return (hash >>> 0).toString(16);
}

const range = (n: number): Int32Array => Int32Array.from({ length: n }, (_, i) => i);
const epochRandom = (seed: number, epoch: number): Random => new Random(seed).fork(`epoch ${epoch}`);

/** 0, 1, 2, … */
export function sequentialSampler(of: Sized): Sampler {
  const n = countOf("sequentialSampler", of);
  return { length: n, recipe: `sequential ${n}`, order: () => range(n) };
}

/** A new order every epoch; with `replacement` every index is drawn from all. `numSamples` indices, as many as there are unless said. */
export function randomSampler(
  of: Sized,
  options: { readonly seed: number; readonly replacement?: boolean; readonly numSamples?: number },
): Sampler {
  const n = countOf("randomSampler", of);
  const { seed, replacement = false, numSamples = n } = options;
  const length = countOf("randomSampler", numSamples);
  if (n === 0 && length > 0) expected("ARGUMENT_INVALID", "randomSampler", "samples to draw from", "none");
  const order = (epoch: number): Int32Array => {
    const random = epochRandom(seed, epoch);
    if (replacement) return Int32Array.from({ length }, () => random.integer(0, n));
    const out = new Int32Array(length);
    // More than there are: one order after another.
    for (let at = 0; at < length; at += n) out.set(random.permutation(n).subarray(0, Math.min(n, length - at)), at);
    return out;
  };
  return { length, recipe: `random ${n} ${length}${replacement ? " replacement" : ""} seed ${seed}`, order };
}

/** These indices in a new order every epoch. */
export function subsetRandomSampler(indices: ArrayLike<number>, options: { readonly seed: number }): Sampler {
  const list = checkIndices("subsetRandomSampler", indices, 2 ** 31 - 1);
  const recipe = `subset ${list.length} ${checksum(list)} seed ${options.seed}`;
  return { length: list.length, recipe, order: (epoch) => epochRandom(options.seed, epoch).shuffle(list.slice()) };
}

/** Indices as an array of their own. @throws INDEX_INVALID outside 0..n-1 */
export function checkIndices(where: string, indices: ArrayLike<number>, n: number): Int32Array {
  const list = Int32Array.from(indices);
  for (let i = 0; i < list.length; i++) {
    const given = indices[i]!;
    if (list[i] !== given || given < 0 || given >= n) expected("INDEX_INVALID", where, `indices in 0..${n - 1}`, `${given}`);
  }
  return list;
}

/** Index i with probability weight i / Σ weights, `numSamples` times; without `replacement` no index twice. */
export function weightedRandomSampler(
  weights: ArrayLike<number>,
  options: { readonly seed: number; readonly numSamples?: number; readonly replacement?: boolean },
): Sampler {
  const { seed, replacement = true, numSamples = weights.length } = options;
  const w = Float64Array.from(weights);
  const length = countOf("weightedRandomSampler", numSamples);
  const positive = w.filter((v) => v > 0).length;
  if (w.some((v) => !(v >= 0 && Number.isFinite(v))) || positive === 0)
    expected("ARGUMENT_INVALID", "weightedRandomSampler", "finite weights of at least 0, not all 0", "others");
  if (!replacement && length > positive)
    expected("ARGUMENT_INVALID", "weightedRandomSampler", `at most ${positive} samples without replacement`, `${length}`);
  const recipe = `weighted ${w.length} ${checksum(w)} ${length}${replacement ? "" : " distinct"} seed ${seed}`;
  const draw = replacement ? drawWeighted : drawDistinct;
  return { length, recipe, order: (epoch) => draw(w, length, epochRandom(seed, epoch)) };
}

/** By bisection in the running sums. */
function drawWeighted(weights: Float64Array, count: number, random: Random): Int32Array {
  const sums = weights.slice();
  for (let i = 1; i < sums.length; i++) sums[i]! += sums[i - 1]!;
  const total = sums.at(-1)!;
  return Int32Array.from({ length: count }, () => {
    const x = random.next() * total;
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > x) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/** The largest of u^(1/w), u uniform, are a weighted sample without replacement (Efraimidis and Spirakis 2006). Compared as log(u)/w. */
function drawDistinct(weights: Float64Array, count: number, random: Random): Int32Array {
  const keys = weights.map((w) => {
    const u = 1 - random.next();
    return w === 0 ? Number.NEGATIVE_INFINITY : Math.log(u) / w;
  });
  return range(weights.length)
    .sort((a, b) => keys[b]! - keys[a]! || a - b)
    .slice(0, count);
}

/** Batches of `size` indices of a sampler; the last one is shorter unless `dropLast`. */
export function batchSampler(sampler: Sampler, size: number, options: { readonly dropLast?: boolean } = {}): BatchSampler {
  if (!Number.isInteger(size) || size < 1) expected("ARGUMENT_INVALID", "batch", "a size of at least 1", `${size}`);
  const exact = sampler.length / size;
  return {
    length: options.dropLast ? Math.floor(exact) : Math.ceil(exact),
    size,
    recipe: sampler.recipe,
    batches: (epoch) => {
      const order = sampler.order(epoch);
      return (i) => order.slice(i * size, (i + 1) * size);
    },
  };
}

/**
 * True Poisson sampling: every sample is in every batch with probability `rate`, independently of all others and of other batches, as the
 * analysis of differentially private SGD assumes (Abadi et al. 2016; Mironov, Talwar and Zhang 2019). Batches differ in size and may be
 * empty: the loader then gives tensors with 0 rows, and the step is to be made all the same. Divide a sum of losses by the expected size
 * n·rate, as that analysis does; a mean over no sample is NaN. Each size has a Program of its own. `steps` batches are an epoch, 1/rate
 * unless said. Where the privacy of the samples rests on the draw, the seed is a secret: take it from `@tacit/core/secure-random`.
 */
export function poissonSampler(
  of: Sized,
  options: { readonly rate: number; readonly seed: number | bigint; readonly steps?: number },
): BatchSampler {
  const n = countOf("poissonSampler", of);
  const { rate, seed, steps = Math.max(1, Math.round(1 / rate)) } = options;
  if (!(rate > 0 && rate <= 1)) expected("ARGUMENT_INVALID", "poissonSampler", "a rate above 0, at most 1", `${rate}`);
  const length = countOf("poissonSampler", steps);
  const batches = (epoch: number) => {
    const random = new Random(seed).fork(`poisson epoch ${epoch}`);
    return (position: number): Int32Array => {
      const draws = random.fork(position);
      return range(n).filter(() => draws.next() < rate);
    };
  };
  // The seed may be a secret, a saved state is none: a word that follows from it stands for it.
  const mark = new Random(seed).fork("mark").bits().toString(16);
  return { length, size: Math.round(n * rate), recipe: `poisson ${n} ${rate} ${length} mark ${mark}`, batches };
}
