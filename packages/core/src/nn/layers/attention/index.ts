/** @file Attention and the transformer. */
export {
  type DecoderLayerCall,
  type EncoderLayerCall,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
  transformerDecoderLayer,
  transformerEncoderLayer,
} from "./layers.ts";
export { causalMask, type MaskOptions } from "./masks.ts";
export {
  MultiheadAttention,
  type MultiheadAttentionCall,
  type MultiheadAttentionOptions,
  multiheadAttention,
} from "./multihead.ts";
export {
  alibiBias,
  alibiSlopes,
  type EncodingOptions,
  LearnedEncoding,
  learnedEncoding,
  type RotaryOptions,
  rotary,
  SinusoidalEncoding,
  sinusoidalEncoding,
  sinusoidalTable,
} from "./positions.ts";
export { type AttentionOptions, scaledDotProductAttention } from "./scaled-dot-product.ts";
export {
  type EncoderCall,
  Transformer,
  type TransformerCall,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerOptions,
  transformer,
  transformerDecoder,
  transformerEncoder,
} from "./transformer.ts";
