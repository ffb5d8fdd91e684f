/** @file MultiheadAttention (Vaswani et al. 2017, section 3.2.2), with PyTorch's parameters and masks. */
import { expected } from "../../../errors.ts";
import { type Shape, sameShape, showAval, showShape } from "../../../program/aval.ts";
import { cat } from "../../../tensor/functions.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { type InitOptions, xavierNormal_, xavierUniform_, zeros_ } from "../../init.ts";
import { Module } from "../../module.ts";
import type { Parameter, PlaceOptions } from "../../parameter.ts";
import { type Dropout, dropout } from "../dropout.ts";
import { blank, checkSizes, type Linear, linear } from "../linear.ts";
import { extendMask, type MaskOptions, mergeMasks, type ScoreSizes } from "./masks.ts";
import { type AttentionCall, attend, weightsOf } from "./scaled-dot-product.ts";

export interface MultiheadAttentionOptions extends PlaceOptions, InitOptions {
  /** Probability that an attention weight is dropped while training; 0 unless said. */
  readonly dropout?: number;
  /** true unless said. */
  readonly bias?: boolean;
  /** [N, L, E] instead of [L, N, E]; false unless said, as in PyTorch. */
  readonly batchFirst?: boolean;
  /** Features of the keys; embedDim unless said. */
  readonly kdim?: number;
  /** Features of the values; embedDim unless said. */
  readonly vdim?: number;
  /** A learned key and value behind all others; false unless said. */
  readonly addBiasKv?: boolean;
  /** A key and a value of zeros behind all others; false unless said. */
  readonly addZeroAttn?: boolean;
}

export interface MultiheadAttentionCall extends MaskOptions {
  /** Whether the weights are returned, too; true unless said. Without them the scores are never stored. */
  readonly needWeights?: boolean;
  /** Mean of the weights over the heads ([N, L, S]) or each head's ([N, heads, L, S]); true unless said. */
  readonly averageAttnWeights?: boolean;
  /** Query i sees keys 0..i, beside what the masks say. */
  readonly isCausal?: boolean;
}

const NAME = "multiheadAttention";

/** softmax(q kᵀ/√E_head) v for several heads at once, between learned projections (Vaswani et al. 2017, section 3.2.2). @throws ARGUMENT_INVALID unless heads divide embedDim */
export class MultiheadAttention extends Module {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;
  /** Rows of q, k and v: [3 E, E]; null where kdim or vdim differ from E. */
  readonly inProjWeight: Parameter | null;
  /** [E, E], [E, kdim], [E, vdim]; null where `inProjWeight` holds them. */
  readonly qProjWeight: Parameter | null;
  readonly kProjWeight: Parameter | null;
  readonly vProjWeight: Parameter | null;
  /** [3 E], or null. */
  readonly inProjBias: Parameter | null;
  /** [1, 1, E], or null. */
  readonly biasK: Parameter | null;
  readonly biasV: Parameter | null;
  readonly outProj: Linear;
  readonly weightDropout: Dropout;

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super();
    const { kdim = embedDim, vdim = embedDim } = options;
    checkSizes(NAME, { embedDim, numHeads, kdim, vdim });
    if (embedDim % numHeads !== 0) {
      expected("ARGUMENT_INVALID", NAME, `embedDim a multiple of numHeads ${numHeads}`, `${embedDim}`);
    }
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.kdim = kdim;
    this.vdim = vdim;
    this.batchFirst = options.batchFirst ?? false;
    this.addZeroAttn = options.addZeroAttn ?? false;
    const packed = kdim === embedDim && vdim === embedDim;
    const weight = (rows: number, columns: number): Parameter => xavierUniform_(blank([rows, columns], options), options);
    this.inProjWeight = packed ? weight(3 * embedDim, embedDim) : null;
    this.qProjWeight = packed ? null : weight(embedDim, embedDim);
    this.kProjWeight = packed ? null : weight(embedDim, kdim);
    this.vProjWeight = packed ? null : weight(embedDim, vdim);
    this.inProjBias = options.bias === false ? null : blank([3 * embedDim], options);
    const extra = (): Parameter => xavierNormal_(blank([1, 1, embedDim], options), options);
    this.biasK = options.addBiasKv === true ? extra() : null;
    this.biasV = options.addBiasKv === true ? extra() : null;
    this.outProj = linear(embedDim, embedDim, options);
    if (this.outProj.bias !== null) zeros_(this.outProj.bias);
    this.weightDropout = dropout(options.dropout ?? 0, options);
  }

  /**
   * query [L, N, E], key [S, N, kdim], value [S, N, vdim] (batch first if so made; or all without batch) -> output of query's shape, and
   * the weights [N, L, S] (or per head), null unless asked for.
   * @throws SHAPE_MISMATCH, DTYPE_MISMATCH
   */
  forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    options: MultiheadAttentionCall = {},
  ): [output: Tensor, weights: Tensor | null] {
    this.checkInputs(query, key, value);
    if (query.ndim === 3) {
      if (this.batchFirst) return this.batched(query, key, value, options);
      const [y, weights] = this.batched(swap(query), swap(key), swap(value), options);
      return [swap(y), weights];
    }
    const { keyPaddingMask } = options;
    const [y, weights] = this.batched(query.unsqueeze(0), key.unsqueeze(0), value.unsqueeze(0), {
      ...options,
      keyPaddingMask: keyPaddingMask?.ndim === 1 ? keyPaddingMask.unsqueeze(0) : keyPaddingMask,
    });
    return [y.squeeze(0), weights?.squeeze(0) ?? null];
  }

  /** All batch first: [N, L, E]. */
  private batched(query: Tensor, key: Tensor, value: Tensor, options: MultiheadAttentionCall): [Tensor, Tensor | null] {
    const [n, l] = query.shape as [number, number, number];
    const sizes: ScoreSizes = { n, heads: this.numHeads, l, s: key.shape[1]! };
    let mask = mergeMasks(NAME, options, sizes);
    let causal = options.isCausal ?? false;
    const extra = (this.biasK === null ? 0 : 1) + (this.addZeroAttn ? 1 : 0);
    if (extra > 0) {
      mask = extendMask(mask, causal, extra, sizes);
      causal = false;
    }
    const [q, k, v] = this.project(query, key, value);
    const scale = 1 / Math.sqrt(this.embedDim / this.numHeads);
    const call: AttentionCall = { q: this.split(q), k: this.split(k), v: this.split(v), mask, causal, scale };
    const needWeights = options.needWeights ?? true;
    const dropping = this.training && this.weightDropout.p > 0;
    const weights = needWeights || dropping ? this.weightDropout(weightsOf(call)) : null;
    const heads = weights === null ? attend(call) : weights.matmul(call.v);
    const y = this.outProj(heads.permute(0, 2, 1, 3).reshape(n, l, this.embedDim));
    if (!needWeights || weights === null) return [y, null];
    return [y, options.averageAttnWeights === false ? weights : weights.mean(1)];
  }

  /** q, k and v [N, L or S, E], each by its own rows of the weights: slices of parameters are views, of activations would be copies. */
  private project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const e = this.embedDim;
    const part = (t: Tensor | null, i: number): Tensor | null => t?.slice([i * e, (i + 1) * e]) ?? null;
    const own = [this.qProjWeight, this.kProjWeight, this.vProjWeight];
    const [q, k, v] = [query, key, value].map((x, i) =>
      x.linear(own[i] ?? part(this.inProjWeight, i)!, part(this.inProjBias, i)),
    ) as [Tensor, Tensor, Tensor];
    return [q, this.extended(k, this.biasK), this.extended(v, this.biasV)];
  }

  /** Keys or values with the learned one and the one of zeros behind them. */
  private extended(x: Tensor, bias: Parameter | null): Tensor {
    const one: Shape = [x.shape[0]!, 1, this.embedDim];
    const learned = bias === null ? x : cat([x, bias.expand(one)], 1);
    return this.addZeroAttn ? learned.pad([0, 0, 0, 1]) : learned;
  }

  /** [N, L, E] -> [N, heads, L, E / heads]. */
  private split(x: Tensor): Tensor {
    const [n, l] = x.shape as [number, number, number];
    return x.reshape(n, l, this.numHeads, this.embedDim / this.numHeads).permute(0, 2, 1, 3);
  }

  private checkInputs(query: Tensor, key: Tensor, value: Tensor): void {
    const { ndim } = query;
    if ((ndim !== 2 && ndim !== 3) || key.ndim !== ndim || value.ndim !== ndim) {
      const got = [query, key, value].map(showAval).join(", ");
      expected("SHAPE_MISMATCH", NAME, "query, key and value all of 3 dimensions, or all of 2 (no batch)", got);
    }
    const widths = { query: this.embedDim, key: this.kdim, value: this.vdim };
    const given = { query, key, value };
    for (const name of ["query", "key", "value"] as const) {
      if (given[name].shape.at(-1) !== widths[name])
        expected("SHAPE_MISMATCH", NAME, `${name} [...,${widths[name]}]`, showShape(given[name].shape));
    }
    if (!sameShape(key.shape.slice(0, -1), value.shape.slice(0, -1)))
      expected("SHAPE_MISMATCH", NAME, `value [${key.shape.slice(0, -1)},${this.vdim}] beside the key`, showShape(value.shape));
    const batch = this.batchFirst ? 0 : 1;
    if (ndim === 3 && query.shape[batch] !== key.shape[batch]) {
      const hint = this.batchFirst ? "inputs are [N,L,E]" : "inputs are [L,N,E]; batchFirst: true takes [N,L,E]";
      expected("SHAPE_MISMATCH", NAME, `keys for ${query.shape[batch]} batch entries`, `${key.shape[batch]}`, hint);
    }
  }

  override extraRepr(): string {
    return `${this.embedDim}, ${this.numHeads}${this.batchFirst ? ", batchFirst" : ""}`;
  }
}

/** [L, N, E] and [N, L, E]. */
const swap = (x: Tensor): Tensor => x.transpose(0, 1);

/** `nn.multiheadAttention(128, 8, { batchFirst: true })`. */
export const multiheadAttention = (
  embedDim: number,
  numHeads: number,
  options: MultiheadAttentionOptions = {},
): MultiheadAttention => new MultiheadAttention(embedDim, numHeads, options);
