/** @file TransformerEncoderLayer and TransformerDecoderLayer (Vaswani et al. 2017, section 3.1; norm first: Xiong et al. 2020). */
import { expected } from "../../../errors.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import type { InitOptions } from "../../init.ts";
import { Module } from "../../module.ts";
import type { PlaceOptions } from "../../parameter.ts";
import { type Dropout, dropout } from "../dropout.ts";
import { type LayerNorm, layerNorm } from "../layer-norm.ts";
import { type Linear, linear } from "../linear.ts";
import { type MultiheadAttention, type MultiheadAttentionCall, multiheadAttention } from "./multihead.ts";

export interface TransformerLayerOptions extends PlaceOptions, InitOptions {
  /** Width of the hidden layer between; 2048 unless said. */
  readonly dimFeedforward?: number;
  /** 0.1 unless said. */
  readonly dropout?: number;
  /** "relu" unless said; or any function of a tensor. */
  readonly activation?: "relu" | "gelu" | ((x: Tensor) => Tensor);
  /** 1e-5 unless said. */
  readonly layerNormEps?: number;
  /** [N, L, E] instead of [L, N, E]; false unless said, as in PyTorch. */
  readonly batchFirst?: boolean;
  /** Normalises before attention and hidden layer, not after; false unless said. */
  readonly normFirst?: boolean;
}

const ACTIVATIONS: Readonly<Record<"relu" | "gelu", (x: Tensor) => Tensor>> = { relu: (x) => x.relu(), gelu: (x) => x.gelu() };

function activationOf(where: string, choice: TransformerLayerOptions["activation"] = "relu"): (x: Tensor) => Tensor {
  if (typeof choice === "function") return choice;
  const found = Object.hasOwn(ACTIVATIONS, choice) ? ACTIVATIONS[choice] : undefined;
  return found ?? expected("ARGUMENT_INVALID", where, "activation relu, gelu or a function", JSON.stringify(choice));
}

/** What both kinds of layer have: self-attention, the hidden layer, norms, and where these stand. */
abstract class TransformerLayer extends Module {
  readonly dModel: number;
  readonly nhead: number;
  readonly normFirst: boolean;
  protected readonly options: TransformerLayerOptions;
  protected readonly activation: (x: Tensor) => Tensor;
  readonly selfAttn: MultiheadAttention;

  constructor(where: string, dModel: number, nhead: number, options: TransformerLayerOptions) {
    super();
    this.dModel = dModel;
    this.nhead = nhead;
    this.options = options;
    this.normFirst = options.normFirst ?? false;
    this.activation = activationOf(where, options.activation);
    this.selfAttn = this.attention();
  }

  abstract readonly linear1: Linear;
  abstract readonly dropout: Dropout;
  abstract readonly linear2: Linear;

  /** Another layer with the same settings and the same values in parameters of its own. */
  abstract copy(): this;

  protected attention(): MultiheadAttention {
    const { dropout: p = 0.1, device, dtype, random, batchFirst } = this.options;
    return multiheadAttention(this.dModel, this.nhead, {
      dropout: p,
      ...(batchFirst !== undefined && { batchFirst }),
      ...(device !== undefined && { device }),
      ...(dtype !== undefined && { dtype }),
      ...(random !== undefined && { random }),
    });
  }
  protected norm(): LayerNorm {
    const { layerNormEps: eps = 1e-5, device, dtype } = this.options;
    return layerNorm(this.dModel, { eps, ...(device !== undefined && { device }), ...(dtype !== undefined && { dtype }) });
  }
  protected dropping(): Dropout {
    return dropout(this.options.dropout ?? 0.1, this.options);
  }

  /** x + f(norm(x)) where the norm is first, else norm(x + f(x)). */
  protected residual(x: Tensor, norm: LayerNorm, f: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? x.add(f(norm(x))) : norm(x.add(f(x)));
  }

  protected hidden(x: Tensor): Tensor {
    return this.linear2(this.dropout(this.activation(this.linear1(x))));
  }

  override extraRepr(): string {
    return `${this.dModel}, ${this.nhead}${this.normFirst ? ", normFirst" : ""}`;
  }
}

/** The output of an attention whose weights nobody asked for. */
const attended = (attention: MultiheadAttention, q: Tensor, k: Tensor, call: MultiheadAttentionCall): Tensor =>
  attention(q, k, k, { ...call, needWeights: false })[0];

export interface EncoderLayerCall {
  /** [L, L] or [N·heads, L, L]; bool: true hides, float: added. */
  readonly srcMask?: Tensor | undefined;
  /** [N, L]; bool: true for padding. */
  readonly srcKeyPaddingMask?: Tensor | undefined;
  /** Position i sees positions 0..i. */
  readonly isCausal?: boolean | undefined;
}

/** Self-attention and a hidden layer, each with a residual and a norm (Vaswani et al. 2017, section 3.1). @throws ARGUMENT_INVALID unless heads divide dModel */
export class TransformerEncoderLayer extends TransformerLayer {
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super("transformerEncoderLayer", dModel, nhead, options);
    const width = options.dimFeedforward ?? 2048;
    this.linear1 = linear(dModel, width, options);
    this.dropout = this.dropping();
    this.linear2 = linear(width, dModel, options);
    this.norm1 = this.norm();
    this.norm2 = this.norm();
    this.dropout1 = this.dropping();
    this.dropout2 = this.dropping();
  }

  /** [L, N, E] ([N, L, E] if batch first; [L, E] without batch) -> the same shape. */
  forward(src: Tensor, { srcMask, srcKeyPaddingMask, isCausal = false }: EncoderLayerCall = {}): Tensor {
    const call = { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, isCausal };
    const x = this.residual(src, this.norm1, (y) => this.dropout1(attended(this.selfAttn, y, y, call)));
    return this.residual(x, this.norm2, (y) => this.dropout2(this.hidden(y)));
  }

  override copy(): this {
    return sameValues(this, new TransformerEncoderLayer(this.dModel, this.nhead, this.options));
  }
}

export interface DecoderLayerCall {
  readonly tgtMask?: Tensor | undefined;
  readonly memoryMask?: Tensor | undefined;
  readonly tgtKeyPaddingMask?: Tensor | undefined;
  readonly memoryKeyPaddingMask?: Tensor | undefined;
  /** Target position i sees target positions 0..i. */
  readonly tgtIsCausal?: boolean | undefined;
  /** Target position i sees memory positions 0..i. */
  readonly memoryIsCausal?: boolean | undefined;
}

/** As the encoder's layer, with attention to the encoder's output between. @throws ARGUMENT_INVALID unless heads divide dModel */
export class TransformerDecoderLayer extends TransformerLayer {
  readonly multiheadAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly dropout3: Dropout;

  constructor(dModel: number, nhead: number, options: TransformerLayerOptions = {}) {
    super("transformerDecoderLayer", dModel, nhead, options);
    const width = options.dimFeedforward ?? 2048;
    this.multiheadAttn = this.attention();
    this.linear1 = linear(dModel, width, options);
    this.dropout = this.dropping();
    this.linear2 = linear(width, dModel, options);
    this.norm1 = this.norm();
    this.norm2 = this.norm();
    this.norm3 = this.norm();
    this.dropout1 = this.dropping();
    this.dropout2 = this.dropping();
    this.dropout3 = this.dropping();
  }

  /** tgt [T, N, E] and the encoder's output memory [L, N, E] (batch first if so made) -> the shape of tgt. */
  forward(tgt: Tensor, memory: Tensor, call: DecoderLayerCall = {}): Tensor {
    const own = { attnMask: call.tgtMask, keyPaddingMask: call.tgtKeyPaddingMask, isCausal: call.tgtIsCausal ?? false };
    const cross = {
      attnMask: call.memoryMask,
      keyPaddingMask: call.memoryKeyPaddingMask,
      isCausal: call.memoryIsCausal ?? false,
    };
    const x = this.residual(tgt, this.norm1, (y) => this.dropout1(attended(this.selfAttn, y, y, own)));
    const z = this.residual(x, this.norm2, (y) => this.dropout2(attended(this.multiheadAttn, y, memory, cross)));
    return this.residual(z, this.norm3, (y) => this.dropout3(this.hidden(y)));
  }

  override copy(): this {
    return sameValues(this, new TransformerDecoderLayer(this.dModel, this.nhead, this.options));
  }
}

/** `fresh` with the values of `from`, whose settings it was made with. */
function sameValues<T extends TransformerLayer>(from: T, fresh: TransformerLayer): T {
  fresh.loadStateDict(from.stateDict());
  return fresh.train(from.training) as T;
}

/** `nn.transformerEncoderLayer(128, 8, { batchFirst: true })`. @throws as `TransformerEncoderLayer` */
export const transformerEncoderLayer = (
  dModel: number,
  nhead: number,
  options: TransformerLayerOptions = {},
): TransformerEncoderLayer => new TransformerEncoderLayer(dModel, nhead, options);
/** `nn.transformerDecoderLayer(128, 8, { batchFirst: true })`. @throws as `TransformerDecoderLayer` */
export const transformerDecoderLayer = (
  dModel: number,
  nhead: number,
  options: TransformerLayerOptions = {},
): TransformerDecoderLayer => new TransformerDecoderLayer(dModel, nhead, options);
