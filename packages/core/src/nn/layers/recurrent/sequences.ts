/** @file Sequences of different lengths, as `torch.nn.utils.rnn`: padded, packed, and back. Lengths are numbers of the host. */
import { expected } from "../../../errors.ts";
import { type Run, Runs } from "../../../ops/recurrent/runs.ts";
import { showShape } from "../../../program/aval.ts";
import { cat, stack } from "../../../tensor/functions.ts";
import { Tensor } from "../../../tensor/tensor.ts";

/** Equal neighbours of `batchSizes` as one run. */
function runsOf(batchSizes: readonly number[]): Runs {
  const runs: Run[] = [];
  let first = 0;
  batchSizes.forEach((count, t) => {
    const last = runs.at(-1);
    if (last?.count === count) runs[runs.length - 1] = { ...last, to: t + 1 };
    else runs.push({ count, from: t, to: t + 1, first });
    first += count;
  });
  return new Runs(runs);
}

/** Places as a public index tensor: which sequence stands where is an input of the Program, not a part of it. */
export const indexTensor = (indices: readonly number[]): Tensor =>
  Tensor.adopt(Int32Array.from(indices), [indices.length], "i32", { public: true });

/**
 * Sequences by falling length, step after step: `data` [Σ batchSizes, ...] holds step 0 of all sequences, then step 1 of those that
 * have one, and so on. Made by `packPaddedSequence` and `packSequence`; recurrent layers take and give it.
 */
export class PackedSequence {
  readonly data: Tensor;
  /** How many sequences have step t. */
  readonly batchSizes: readonly number[];
  /** Which of the sequences that were given stands at each place; null: they were given by falling length. */
  readonly sortedIndices: readonly number[] | null;
  /** At which place each of the sequences that were given stands. */
  readonly unsortedIndices: readonly number[] | null;
  readonly runs: Runs;

  /** @throws ARGUMENT_INVALID unless batch sizes are positive and fall; SHAPE_MISMATCH unless `data` has as many rows */
  constructor(data: Tensor, batchSizes: readonly number[], sortedIndices: readonly number[] | null = null) {
    const falls = batchSizes.every((n, t) => Number.isSafeInteger(n) && n >= 1 && (t === 0 || n <= batchSizes[t - 1]!));
    if (batchSizes.length === 0 || !falls) {
      expected("ARGUMENT_INVALID", "packedSequence", "positive batch sizes that never rise", `${batchSizes}`);
    }
    this.runs = runsOf(batchSizes);
    if (data.shape[0] !== this.runs.rows) {
      expected("SHAPE_MISMATCH", "packedSequence", `data of ${this.runs.rows} rows`, showShape(data.shape));
    }
    this.data = data;
    this.batchSizes = batchSizes;
    this.sortedIndices = sortedIndices;
    this.unsortedIndices = sortedIndices === null ? null : inverse(sortedIndices);
  }

  /** Length of each sequence, in the order in which they were given. */
  get lengths(): number[] {
    const sorted = Array.from({ length: this.runs.sequences }, (_, n) => this.batchSizes.findLastIndex((count) => count > n) + 1);
    return this.unsortedIndices === null ? sorted : this.unsortedIndices.map((at) => sorted[at]!);
  }

  /** The same layout around other rows. */
  with(data: Tensor): PackedSequence {
    return new PackedSequence(data, this.batchSizes, this.sortedIndices);
  }
}

function inverse(order: readonly number[]): number[] {
  const out = new Array<number>(order.length).fill(-1);
  order.forEach((from, to) => {
    out[from] = to;
  });
  if (order.some((from) => !Number.isInteger(from)) || out.length !== order.length || out.includes(-1)) {
    expected("ARGUMENT_INVALID", "packedSequence", "every index once", `${order}`);
  }
  return out;
}

export interface PackOptions {
  /** Whether the batch is dimension 0 and time dimension 1; false unless said. */
  readonly batchFirst?: boolean;
  /** Whether sequences must come by falling length; true unless said. With false they are sorted, and results put back in order. */
  readonly enforceSorted?: boolean;
}

function checkLengths(where: string, lengths: readonly number[], count: number, longest: number, enforceSorted: boolean): void {
  if (lengths.length !== count) expected("SHAPE_MISMATCH", where, `${count} lengths, one per sequence`, `${lengths.length}`);
  lengths.forEach((n, i) => {
    if (!Number.isSafeInteger(n) || n < 1) {
      expected(
        "ARGUMENT_INVALID",
        where,
        `length ${i} to be a positive integer`,
        `${n}`,
        "leave empty sequences out of the batch",
      );
    }
    if (n > longest) expected("ARGUMENT_INVALID", where, `length ${i} to be at most ${longest}, the padded length`, `${n}`);
    if (enforceSorted && i > 0 && n > lengths[i - 1]!) {
      expected(
        "ARGUMENT_INVALID",
        where,
        "lengths that never rise",
        `${lengths[i - 1]} then ${n}`,
        "or pass { enforceSorted: false }",
      );
    }
  });
}

/**
 * Packs padded sequences [T, N, ...] (`batchFirst`: [N, T, ...]); step t of sequence n counts where t < lengths[n]. As
 * `pack_padded_sequence`. @throws SHAPE_MISMATCH, ARGUMENT_INVALID when lengths are not 1..T, or rise while `enforceSorted`
 */
export function packPaddedSequence(input: Tensor, lengths: readonly number[], options: PackOptions = {}): PackedSequence {
  const where = "packPaddedSequence";
  if (input.ndim < 2) expected("SHAPE_MISMATCH", where, "at least 2 dimensions, time and batch", showShape(input.shape));
  const x = options.batchFirst ? input.transpose(0, 1) : input;
  const [longest, count] = x.shape as [number, number];
  if (count === 0) expected("SHAPE_MISMATCH", where, "at least one sequence", showShape(input.shape));
  const enforceSorted = options.enforceSorted ?? true;
  checkLengths(where, lengths, count, longest, enforceSorted);
  const order = enforceSorted ? null : lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const sorted = order === null ? x : x.indexSelect(1, indexTensor(order));
  const most = lengths.reduce((a, b) => Math.max(a, b));
  const batchSizes = Array.from({ length: most }, (_, t) => lengths.filter((n) => n > t).length);
  const parts = runsOf(batchSizes).runs.map((r) =>
    sorted.slice([r.from, r.to], [0, r.count]).reshape(r.count * (r.to - r.from), ...x.shape.slice(2)),
  );
  return new PackedSequence(cat(parts), batchSizes, order);
}

export interface PadPackedOptions {
  readonly batchFirst?: boolean;
  /** What stands after the end of a sequence; 0 unless said. */
  readonly paddingValue?: number;
  /** Pads to this many steps, not only to the longest sequence. */
  readonly totalLength?: number;
}

/** The inverse of `packPaddedSequence`: `[padded [T, N, ...], lengths]`, in the order given there. @throws ARGUMENT_INVALID */
export function padPackedSequence(packed: PackedSequence, options: PadPackedOptions = {}): [Tensor, number[]] {
  const { data, runs, unsortedIndices } = packed;
  const steps = packed.batchSizes.length;
  const total = options.totalLength ?? steps;
  if (!Number.isSafeInteger(total) || total < steps) {
    expected("ARGUMENT_INVALID", "padPackedSequence", `a totalLength of at least ${steps}, the longest sequence`, `${total}`);
  }
  const value = options.paddingValue ?? 0;
  const tail = data.shape.slice(1);
  const around = tail.flatMap(() => [0, 0]);
  const parts = runs.runs.map((r) => {
    const n = r.to - r.from;
    const block = data.narrow(0, r.first, n * r.count).reshape(n, r.count, ...tail);
    return r.count === runs.sequences ? block : block.pad([...around, 0, runs.sequences - r.count], value);
  });
  const joined = cat(parts);
  const padded = total === steps ? joined : joined.pad([...around, 0, 0, 0, total - steps], value);
  const ordered = unsortedIndices === null ? padded : padded.indexSelect(1, indexTensor(unsortedIndices));
  return [options.batchFirst ? ordered.transpose(0, 1) : ordered, packed.lengths];
}

export interface PadOptions {
  readonly batchFirst?: boolean;
  /** 0 unless said. */
  readonly paddingValue?: number;
}

/** Sequences [T_n, ...] as one tensor [max T, N, ...] (`batchFirst`: [N, max T, ...]). @throws ARGUMENT_INVALID, SHAPE_MISMATCH */
export function padSequence(sequences: readonly Tensor[], options: PadOptions = {}): Tensor {
  const first = sequences[0];
  if (first === undefined) expected("ARGUMENT_INVALID", "padSequence", "at least one sequence", "none");
  for (const s of sequences) {
    if (s.ndim === 0 || showShape(s.shape.slice(1)) !== showShape(first.shape.slice(1))) {
      expected("SHAPE_MISMATCH", "padSequence", `sequences [T,${first.shape.slice(1)}]`, showShape(s.shape));
    }
  }
  const longest = Math.max(...sequences.map((s) => s.shape[0]!));
  const around = first.shape.slice(1).flatMap(() => [0, 0]);
  const value = options.paddingValue ?? 0;
  const padded = sequences.map((s) => (s.shape[0] === longest ? s : s.pad([...around, 0, longest - s.shape[0]!], value)));
  return stack(padded, options.batchFirst ? 0 : 1);
}

/** Packs sequences [T_n, ...]. As `pack_sequence`. @throws as `padSequence` and `packPaddedSequence` */
export const packSequence = (sequences: readonly Tensor[], options: { readonly enforceSorted?: boolean } = {}): PackedSequence =>
  packPaddedSequence(
    padSequence(sequences),
    sequences.map((s) => s.shape[0]!),
    options,
  );
