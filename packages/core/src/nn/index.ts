/** @file nn: modules, layers, losses, initialisers, metrics. */

export { onWarning, type Warning } from "../debug/warn.ts";
export * from "./containers.ts";
export * as functional from "./functional/index.ts";
export { defaultRandomState, loadDefaultRandomState, manualSeed } from "./generator.ts";
export type { BackwardHook, ForwardHook, ForwardPreHook, Gradients } from "./hooks.ts";
export type { InitOptions } from "./init.ts";
export * as init from "./init.ts";
export * from "./layers/activation.ts";
export * from "./layers/arithmetic.ts";
export * from "./layers/attention/index.ts";
export * from "./layers/batch-norm.ts";
export * from "./layers/capsules.ts";
export {
  Conv1d,
  type Conv1dLayerOptions,
  Conv2d,
  type Conv2dLayerOptions,
  conv1d,
  conv2d,
  type PaddingMode,
} from "./layers/conv.ts";
export * from "./layers/conv-transpose.ts";
export * from "./layers/dropout.ts";
export * from "./layers/embedding.ts";
export * from "./layers/group-norm.ts";
export { LayerNorm, type LayerNormOptions, layerNorm, RMSNorm, type RmsNormOptions, rmsNorm } from "./layers/layer-norm.ts";
export { Linear, type LinearOptions, linear } from "./layers/linear.ts";
export * from "./layers/padding.ts";
export * from "./layers/pool.ts";
export type { DropoutState } from "./layers/random-layer.ts";
export {
  type CellOptions,
  GRUCell,
  gruCell,
  LSTMCell,
  lstmCell,
  RNNCell,
  type RnnCellOptions,
  rnnCell,
} from "./layers/recurrent/cells.ts";
export type { RecurrentOptions } from "./layers/recurrent/layer.ts";
export { GRU, gru, LSTM, type LstmOptions, type LstmState, lstm, RNN, type RnnOptions, rnn } from "./layers/recurrent/layers.ts";
export {
  PackedSequence,
  type PackOptions,
  type PadOptions,
  type PadPackedOptions,
  packPaddedSequence,
  packSequence,
  padPackedSequence,
  padSequence,
} from "./layers/recurrent/sequences.ts";
export * from "./layers/rrelu.ts";
export * from "./layers/shape.ts";
export * from "./layers/upsample.ts";
export * from "./losses/index.ts";
export { accuracy, confusionMatrix, type Labelled } from "./metrics.ts";
export { type Layer, Module, type StateDict } from "./module.ts";
export { Buffer, buffer, Parameter, type PlaceOptions, parameter } from "./parameter.ts";
export { type SummaryOptions, type SummaryRow, summary, summaryRows } from "./summary.ts";
export * as utils from "./utils.ts";
