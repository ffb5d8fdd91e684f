/** @file Stacks of layers: TransformerEncoder, TransformerDecoder, and the Transformer of both (Vaswani et al. 2017). */
import { expected } from "../../../errors.ts";
import { showShape } from "../../../program/aval.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { xavierUniform_ } from "../../init.ts";
import { type Layer, Module } from "../../module.ts";
import { layerNorm } from "../layer-norm.ts";
import { checkSizes } from "../linear.ts";
import {
  type DecoderLayerCall,
  type EncoderLayerCall,
  type TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
  transformerDecoderLayer,
} from "./layers.ts";

/** A layer that can be copied, or a function that makes the layer of a position. */
type Source<T extends Module> = T | ((index: number) => T);

/** n layers with parameters of their own: copies of one, with its values, as PyTorch makes them; or made one by one. */
function stack<T extends Module & { copy(): T }>(where: string, source: Source<T>, n: number): readonly T[] {
  checkSizes(where, { numLayers: n });
  if (!(source instanceof Module)) return Array.from({ length: n }, (_, i) => source(i));
  if (typeof source.copy !== "function") {
    expected("ARGUMENT_INVALID", where, "a layer with copy(), or a function that makes one", String(source.constructor.name));
  }
  return Array.from({ length: n }, () => source.copy());
}

export interface EncoderCall {
  /** [L, L] or [N·heads, L, L]; bool: true hides, float: added. */
  readonly mask?: Tensor | undefined;
  /** [N, L]; bool: true for padding. */
  readonly srcKeyPaddingMask?: Tensor | undefined;
  readonly isCausal?: boolean | undefined;
}

/** `numLayers` copies of an encoder layer, one after the other, then `norm`. */
export class TransformerEncoder extends Module {
  readonly layers: readonly TransformerEncoderLayer[];
  readonly norm: Layer | null;

  constructor(layer: Source<TransformerEncoderLayer>, numLayers: number, norm: Layer | null = null) {
    super();
    this.layers = stack("transformerEncoder", layer, numLayers);
    this.norm = norm;
  }

  /** [L, N, E] ([N, L, E] if the layers are batch first) -> the same shape. */
  forward(src: Tensor, { mask, srcKeyPaddingMask, isCausal }: EncoderCall = {}): Tensor {
    const call: EncoderLayerCall = { srcMask: mask, srcKeyPaddingMask, isCausal };
    const y = this.layers.reduce((x, layer) => layer(x, call), src);
    return this.norm === null ? y : this.norm(y);
  }
}

/** `numLayers` copies of a decoder layer, one after the other, then `norm`. */
export class TransformerDecoder extends Module {
  readonly layers: readonly TransformerDecoderLayer[];
  readonly norm: Layer | null;

  constructor(layer: Source<TransformerDecoderLayer>, numLayers: number, norm: Layer | null = null) {
    super();
    this.layers = stack("transformerDecoder", layer, numLayers);
    this.norm = norm;
  }

  /** tgt [T, N, E], memory [L, N, E] (batch first if the layers are) -> the shape of tgt. */
  forward(tgt: Tensor, memory: Tensor, call: DecoderLayerCall = {}): Tensor {
    const y = this.layers.reduce((x, layer) => layer(x, memory, call), tgt);
    return this.norm === null ? y : this.norm(y);
  }
}

export interface TransformerOptions extends TransformerLayerOptions {
  /** 512 unless said. */
  readonly dModel?: number;
  /** 8 unless said. */
  readonly nhead?: number;
  /** 6 unless said. */
  readonly numEncoderLayers?: number;
  /** 6 unless said. */
  readonly numDecoderLayers?: number;
}

export interface TransformerCall extends DecoderLayerCall {
  readonly srcMask?: Tensor | undefined;
  readonly srcKeyPaddingMask?: Tensor | undefined;
  readonly srcIsCausal?: boolean | undefined;
}

/** Encoder and decoder (Vaswani et al. 2017), as `torch.nn.Transformer`: without embeddings and output layer. @throws ARGUMENT_INVALID */
export class Transformer extends Module {
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;
  readonly encoder: TransformerEncoder;
  readonly decoder: TransformerDecoder;

  constructor(options: TransformerOptions = {}) {
    super();
    const { dModel = 512, nhead = 8, numEncoderLayers = 6, numDecoderLayers = 6, layerNormEps: eps = 1e-5 } = options;
    const norm = (): Layer => layerNorm(dModel, { eps, ...placeOf(options) });
    this.dModel = dModel;
    this.nhead = nhead;
    this.batchFirst = options.batchFirst ?? false;
    const encoderLayer = (): TransformerEncoderLayer => new TransformerEncoderLayer(dModel, nhead, options);
    this.encoder = new TransformerEncoder(encoderLayer, numEncoderLayers, norm());
    this.decoder = new TransformerDecoder(() => transformerDecoderLayer(dModel, nhead, options), numDecoderLayers, norm());
    for (const p of this.parameters()) if (p.ndim > 1) xavierUniform_(p, options);
  }

  /** src [S, N, E], tgt [T, N, E] (batch first if so made; both without batch) -> the shape of tgt. @throws SHAPE_MISMATCH */
  forward(src: Tensor, tgt: Tensor, call: TransformerCall = {}): Tensor {
    const batch = this.batchFirst ? 0 : 1;
    if (src.ndim !== tgt.ndim || (src.ndim === 3 && src.shape[batch] !== tgt.shape[batch])) {
      const got = `${showShape(src.shape)} and ${showShape(tgt.shape)}`;
      expected("SHAPE_MISMATCH", "transformer", "src and tgt of one batch size", got, "batchFirst: true takes [N,L,E]");
    }
    for (const [name, x] of Object.entries({ src, tgt })) {
      if (x.shape.at(-1) !== this.dModel)
        expected("SHAPE_MISMATCH", "transformer", `${name} [...,${this.dModel}]`, showShape(x.shape));
    }
    const { srcMask: mask, srcKeyPaddingMask, srcIsCausal: isCausal } = call;
    return this.decoder(tgt, this.encoder(src, { mask, srcKeyPaddingMask, isCausal }), call);
  }
}

const placeOf = ({ device, dtype }: TransformerOptions): Pick<TransformerOptions, "device" | "dtype"> => ({
  ...(device !== undefined && { device }),
  ...(dtype !== undefined && { dtype }),
});

/** `nn.transformerEncoder(nn.transformerEncoderLayer(128, 8), 6)`: six copies of the layer, each with its own parameters. */
export const transformerEncoder = (
  layer: Source<TransformerEncoderLayer>,
  numLayers: number,
  norm: Layer | null = null,
): TransformerEncoder => new TransformerEncoder(layer, numLayers, norm);
/** As `transformerEncoder`, of decoder layers. */
export const transformerDecoder = (
  layer: Source<TransformerDecoderLayer>,
  numLayers: number,
  norm: Layer | null = null,
): TransformerDecoder => new TransformerDecoder(layer, numLayers, norm);
/** `nn.transformer({ dModel: 128, nhead: 8 })`. */
export const transformer = (options: TransformerOptions = {}): Transformer => new Transformer(options);
