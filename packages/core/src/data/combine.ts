/** @file Datasets made of datasets: several as one, and one split by chance. */
import { expected } from "../errors.ts";
import { sameShape, showShape, sizeOf } from "../program/aval.ts";
import { DTYPE, type TypedArray } from "../program/dtype.ts";
import { Random } from "../random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { type Batch, Dataset, type Origin } from "./dataset.ts";
import { setValues } from "./host.ts";

/** A batch of some part: its tensors, and the rows of the whole batch that they are. */
interface Piece {
  readonly batch: Batch;
  readonly rows: readonly number[];
}

class Concat<T extends Batch> extends Dataset<T> {
  private readonly parts: readonly Dataset<T>[];
  /** Where each part begins, and the end. */
  private readonly starts: readonly number[];

  constructor(parts: readonly Dataset<T>[]) {
    const starts = [0];
    for (const p of parts) starts.push(starts.at(-1)! + p.length);
    super(parts.map((p) => p.name).join(" and "), starts.at(-1)!);
    this.parts = parts;
    this.starts = starts;
  }

  override get recipe(): string {
    return `concat(${this.parts.map((p) => p.recipe).join(", ")})`;
  }

  override async read(indices: Int32Array, epoch = 0): Promise<T> {
    const rows = this.parts.map((_, k) => [...indices.keys()].filter((r) => this.partOf(indices[r]!) === k));
    const used = indices.length === 0 ? [0] : [...rows.keys()].filter((k) => rows[k]!.length > 0);
    const pieces = await Promise.all(
      used.map(async (k): Promise<Piece> => {
        const own = Int32Array.from(rows[k]!, (r) => indices[r]! - this.starts[k]!);
        return { batch: await this.parts[k]!.read(own, epoch), rows: rows[k]! };
      }),
    );
    if (pieces.length === 1) return pieces[0]!.batch as T;
    const columns = pieces[0]!.batch.map((_, c) => interleave(pieces, c, indices.length));
    return (await Promise.all(columns)) as readonly Tensor[] as T;
  }

  override origins(indices: Int32Array): readonly Origin[] {
    return this.parts.flatMap((part, k) => {
      const own = indices.filter((i) => i >= this.starts[k]! && i < this.starts[k + 1]!).map((i) => i - this.starts[k]!);
      return own.length === 0 ? [] : part.origins(own);
    });
  }

  private partOf(index: number): number {
    return this.starts.findIndex((start) => start > index) - 1;
  }
}

/** Column `c` of all pieces, row by row, in memory: tensor ops would give each mixture a Program of its own. */
async function interleave(pieces: readonly Piece[], c: number, count: number): Promise<Tensor> {
  const first = pieces[0]!.batch[c]!;
  const shape = first.shape.slice(1);
  const width = sizeOf(shape);
  const out = DTYPE[first.dtype].make(count * width);
  for (const { batch, rows } of pieces) {
    const t = batch[c];
    if (t === undefined || t.dtype !== first.dtype || !sameShape(t.shape.slice(1), shape)) {
      const got = t === undefined ? "none" : `${t.dtype}${showShape(t.shape.slice(1))}`;
      expected("SHAPE_MISMATCH", "concat", `column ${c} of ${first.dtype}${showShape(shape)} in every part`, got);
    }
    const values = await t.data();
    rows.forEach((row, i) => void setValues(out, values.subarray(i * width, (i + 1) * width) as TypedArray, row * width));
  }
  return Tensor.adopt(out, [count, ...shape], first.dtype);
}

/** Several datasets as one, in their order; a batch may come from more than one, whose values then must be readable. */
export function concat<T extends Batch>(parts: readonly Dataset<T>[]): Dataset<T> {
  if (parts.length === 0) expected("ARGUMENT_INVALID", "concat", "at least one dataset", "none");
  return new Concat(parts);
}

/**
 * Splits by chance into parts of these lengths, or of these fractions (which sum to 1; what rounding leaves goes to the first parts,
 * one each, as in PyTorch). Same seed, same parts. @throws ARGUMENT_INVALID when they do not add up
 */
export function randomSplit<T extends Batch>(
  dataset: Dataset<T>,
  lengths: readonly number[],
  options: { readonly seed: number },
): Dataset<T>[] {
  const n = dataset.length;
  const sum = lengths.reduce((a, b) => a + b, 0);
  if (lengths.some((v) => !(v >= 0))) expected("ARGUMENT_INVALID", "randomSplit", "lengths of at least 0", lengths.join(", "));
  const fractions = lengths.some((v) => !Number.isInteger(v)) || (sum === 1 && n !== 1);
  if (fractions ? Math.abs(sum - 1) > 1e-9 : sum !== n)
    expected("ARGUMENT_INVALID", "randomSplit", `lengths that sum to ${n}, or fractions that sum to 1`, lengths.join(", "));
  const counts = fractions ? lengths.map((f) => Math.floor(n * f + 1e-9)) : [...lengths];
  const left = n - counts.reduce((a, b) => a + b, 0);
  for (let i = 0; i < left; i++) counts[i % counts.length]!++;
  const order = new Random(options.seed).fork("split").permutation(n);
  let at = 0;
  return counts.map((count) => dataset.subset(order.subarray(at, (at += count))));
}
