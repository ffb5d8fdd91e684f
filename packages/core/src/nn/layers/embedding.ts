/** @file Embedding: a learned row for each index, and bags of them: sums, means or maxima of rows. */
import { checkedData } from "../../debug/site.ts";
import { expected } from "../../errors.ts";
import { showAval, showShape } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { defaultRandom } from "../generator.ts";
import type { InitOptions } from "../init.ts";
import { isIndex } from "../losses/reduce.ts";
import { expectTensor } from "../mistakes.ts";
import { Module } from "../module.ts";
import { Parameter, type PlaceOptions, place } from "../parameter.ts";
import { checkSizes } from "./linear.ts";

export interface EmbeddingOptions extends PlaceOptions, InitOptions {
  /** A row that starts as zeros and gets no gradient; negative: from the end. */
  readonly paddingIdx?: number;
}

export interface PretrainedOptions {
  /** Whether the rows stay as they are; true unless said. */
  readonly freeze?: boolean;
  readonly paddingIdx?: number;
}

const REFUSED = ["maxNorm", "scaleGradByFreq", "sparse"] as const;

/** PyTorch's options that change weights or gradients behind the Program's back. @throws ARGUMENT_INVALID */
function checkOptions(where: string, options: object): void {
  const found = REFUSED.find((name) => name in options);
  if (found !== undefined) {
    expected(
      "ARGUMENT_INVALID",
      where,
      "options that it has",
      found,
      "rows may be normalised after a step, or gradients by registerHook",
    );
  }
}

function paddingRow(where: string, rows: number, index: number | undefined): number | null {
  if (index === undefined) return null;
  if (!Number.isInteger(index) || index < -rows || index >= rows) {
    expected("ARGUMENT_INVALID", where, `paddingIdx in ${-rows}..${rows - 1}`, `${index}`);
  }
  return index < 0 ? index + rows : index;
}

abstract class RowTable extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  /** [numEmbeddings, embeddingDim], standard normal at first. */
  readonly weight: Parameter;

  constructor(where: string, rows: number, size: number, options: EmbeddingOptions, weight?: Parameter) {
    super();
    checkSizes(where, { numEmbeddings: rows, embeddingDim: size });
    checkOptions(where, options);
    this.numEmbeddings = rows;
    this.embeddingDim = size;
    this.paddingIdx = paddingRow(where, rows, options.paddingIdx);
    this.weight = weight ?? this.drawn(options);
  }

  private drawn(options: EmbeddingOptions): Parameter {
    const { dtype = "f32", random = defaultRandom() } = options;
    const { numEmbeddings: rows, embeddingDim: size, paddingIdx } = this;
    const values = DTYPE[dtype].make(rows * size);
    for (let i = 0; i < values.length; i++) values[i] = random.gaussian();
    if (paddingIdx !== null) values.fill(0 as never, paddingIdx * size, (paddingIdx + 1) * size);
    return new Parameter(place(values, [rows, size], dtype, options));
  }

  /** Rows [..., size] of indices [...]; those of the padding without gradient. @throws INDEX_INVALID, DTYPE_MISMATCH */
  protected rows(where: string, indices: Tensor): Tensor {
    expectTensor(where, indices);
    if (!isIndex(indices)) expected("DTYPE_MISMATCH", where, "indices i32", showAval(indices), "convert with int()");
    const look = (): Tensor =>
      this.weight.indexSelect(0, indices.reshape(indices.numel)).reshape(...indices.shape, this.embeddingDim);
    const found = this.inRange(where, indices) ? checkedData(look) : look();
    if (this.paddingIdx === null || !found.requiresGrad) return found;
    return found.detach().where(indices.eq(this.paddingIdx).unsqueeze(-1), found);
  }

  /** Indices that the host can see are checked at once (true); others when they are used. */
  protected inRange(where: string, indices: Tensor): boolean {
    const host = indices.expr.leaf?.host;
    if (host == null) return false;
    for (let i = 0; i < host.length; i++) {
      const index = Number(host[i]);
      if (index < 0 || index >= this.numEmbeddings) {
        expected("INDEX_INVALID", where, `indices in 0..${this.numEmbeddings - 1}`, `${index} at position ${i}`);
      }
    }
    return true;
  }

  override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.embeddingDim}${this.paddingIdx === null ? "" : `, paddingIdx: ${this.paddingIdx}`}`;
  }
}

/** The rows of a matrix as a parameter. */
function pretrained(where: string, weight: Tensor, options: PretrainedOptions): Parameter {
  if (weight.ndim !== 2) expected("SHAPE_MISMATCH", where, "rows [numEmbeddings,embeddingDim]", showShape(weight.shape));
  const own = new Parameter(weight.detach().clone());
  return options.freeze === false ? own : own.requiresGrad_(false);
}

/** A table of rows that indices look up. @throws ARGUMENT_INVALID for sizes, and for a `paddingIdx` outside */
export class Embedding extends RowTable {
  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}, weight?: Parameter) {
    super("embedding", numEmbeddings, embeddingDim, options, weight);
  }

  /** An embedding with the rows of `weight` [V, D], frozen unless `freeze` is false. @throws SHAPE_MISMATCH */
  static fromPretrained(weight: Tensor, options: PretrainedOptions = {}): Embedding {
    const own = pretrained("embedding", weight, options);
    return new Embedding(weight.shape[0]!, weight.shape[1]!, { ...padding(options) }, own);
  }

  /** Indices i32/i64/u8 [...] -> rows [..., D]. Throws INDEX_INVALID for one outside, at once where the host can see it. */
  forward(indices: Tensor): Tensor {
    return this.rows("embedding", indices);
  }
}

const padding = ({ paddingIdx }: PretrainedOptions): EmbeddingOptions => (paddingIdx === undefined ? {} : { paddingIdx });

export type BagMode = "sum" | "mean" | "max";

export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** "mean" unless said. */
  readonly mode?: BagMode;
  /** Whether the last offset is the end of the last bag; false unless said. */
  readonly includeLastOffset?: boolean;
}

/** Indices of all bags as a matrix [B, M], M the longest, and which of its places count (null: all). */
interface Bags {
  readonly indices: Tensor;
  readonly counts: Tensor | null;
  readonly weights: Tensor | null;
}

/** Sums, means or maxima of the rows of bags of indices. @throws as `Embedding` */
export class EmbeddingBag extends RowTable {
  readonly mode: BagMode;
  readonly includeLastOffset: boolean;

  constructor(numEmbeddings: number, embeddingDim: number, options: EmbeddingBagOptions = {}, weight?: Parameter) {
    super("embeddingBag", numEmbeddings, embeddingDim, options, weight);
    this.mode = options.mode ?? "mean";
    if (!["sum", "mean", "max"].includes(this.mode)) {
      expected("ARGUMENT_INVALID", "embeddingBag", 'a mode "sum", "mean" or "max"', JSON.stringify(this.mode));
    }
    this.includeLastOffset = options.includeLastOffset ?? false;
  }

  /** As `Embedding.fromPretrained`. */
  static fromPretrained(weight: Tensor, options: PretrainedOptions & Pick<EmbeddingBagOptions, "mode"> = {}): EmbeddingBag {
    const own = pretrained("embeddingBag", weight, options);
    const mode = options.mode === undefined ? {} : { mode: options.mode };
    return new EmbeddingBag(weight.shape[0]!, weight.shape[1]!, { ...padding(options), ...mode }, own);
  }

  /**
   * Bags of indices -> [B, D]: indices [B, L], or [n] with the position where each bag begins. Rows of the padding do not count; a bag
   * without rows gives zeros. `weights` (for "sum" only) has the shape of the indices.
   * @throws INDEX_INVALID, SHAPE_MISMATCH, ARGUMENT_INVALID for offsets that do not ascend from 0
   */
  forward(indices: Tensor, offsets?: readonly number[], weights?: Tensor): Tensor {
    if (weights !== undefined && this.mode !== "sum") {
      expected("ARGUMENT_INVALID", "embeddingBag", 'weights in mode "sum" only', `mode ${this.mode}`);
    }
    if (weights !== undefined && showShape(weights.shape) !== showShape(indices.shape)) {
      expected("SHAPE_MISMATCH", "embeddingBag", `weights ${showShape(indices.shape)}`, showShape(weights.shape));
    }
    this.inRange("embeddingBag", indices);
    const bags = this.bags(indices, offsets, weights ?? null);
    let { counts } = bags;
    if (this.paddingIdx !== null) {
      const real = bags.indices.ne(this.paddingIdx);
      counts = counts === null ? real : counts.logicalAnd(real);
    }
    const found = this.rows("embeddingBag", bags.indices);
    if (found.shape[1] === 0) return found.sum(1);
    return this.mode === "max" ? largest(found, counts) : this.added(found, counts, bags.weights);
  }

  private added(found: Tensor, counts: Tensor | null, weights: Tensor | null): Tensor {
    let rows = weights === null ? found : found.mul(weights.cast(found.dtype).unsqueeze(2));
    if (counts !== null) rows = rows.maskedFill(counts.logicalNot().unsqueeze(2), 0);
    const sum = rows.sum(1);
    if (this.mode === "sum") return sum;
    if (counts === null) return sum.div(found.shape[1]!);
    return sum.div(counts.cast("i32").sum(1, { keepdim: true }).maximum(1).cast(found.dtype));
  }

  private bags(indices: Tensor, offsets: readonly number[] | undefined, weights: Tensor | null): Bags {
    if (indices.ndim === 2) {
      if (offsets !== undefined)
        expected("ARGUMENT_INVALID", "embeddingBag", "offsets for indices [n] only", showShape(indices.shape));
      return { indices, counts: null, weights };
    }
    if (indices.ndim !== 1 || offsets === undefined) {
      expected("SHAPE_MISMATCH", "embeddingBag", "indices [B,L], or [n] with offsets", showShape(indices.shape));
    }
    const ends = this.ends(offsets, indices.numel);
    const longest = Math.max(0, ...ends.map(([from, to]) => to - from));
    const size = [ends.length, longest];
    if (ends.length === 0 || longest === 0) return { indices: indices.slice([0, 0]).reshape(size), counts: null, weights: null };
    const places = ends.flatMap(([from, to]) => Array.from({ length: longest }, (_, k) => (from + k < to ? from + k : -1)));
    const at = Tensor.from(
      Int32Array.from(places, (p) => Math.max(p, 0)),
      [places.length],
      { public: true },
    );
    const counts = Tensor.from(
      Uint8Array.from(places, (p) => (p < 0 ? 0 : 1)),
      size,
      { dtype: "bool", public: true },
    );
    const spread = (x: Tensor): Tensor => x.indexSelect(0, at).reshape(size);
    return { indices: spread(indices.cast("i32")), counts, weights: weights && spread(weights) };
  }

  /** Begin and end of each bag. */
  private ends(offsets: readonly number[], n: number): [number, number][] {
    const ascends = offsets.every((o, i) => Number.isInteger(o) && o >= (i === 0 ? 0 : offsets[i - 1]!) && o <= n);
    if (!ascends || (offsets[0] ?? 0) !== 0) {
      expected("ARGUMENT_INVALID", "embeddingBag", `offsets that ascend from 0 to at most ${n}`, showShape(offsets));
    }
    const all = offsets.map((o, i): [number, number] => [o, offsets[i + 1] ?? n]);
    return this.includeLastOffset ? all.slice(0, -1) : all;
  }

  override extraRepr(): string {
    return `${super.extraRepr()}, mode: ${this.mode}`;
  }
}

/** Maximum over the bag; of equal rows the first gets the gradient. */
function largest(found: Tensor, counts: Tensor | null): Tensor {
  if (counts === null) return found.max(1).values;
  const { values } = found.maskedFill(counts.logicalNot().unsqueeze(2), Number.NEGATIVE_INFINITY).max(1);
  return values.maskedFill(counts.any(1, { keepdim: true }).logicalNot(), 0);
}

/** `nn.embedding(1000, 64)`: indices [...] -> [..., 64]. @throws as `Embedding` */
export const embedding = (numEmbeddings: number, embeddingDim: number, options: EmbeddingOptions = {}): Embedding =>
  new Embedding(numEmbeddings, embeddingDim, options);
/** `nn.embeddingBag(1000, 64)`: bags [B, L] -> [B, 64]. @throws as `Embedding` */
export const embeddingBag = (numEmbeddings: number, embeddingDim: number, options: EmbeddingBagOptions = {}): EmbeddingBag =>
  new EmbeddingBag(numEmbeddings, embeddingDim, options);
