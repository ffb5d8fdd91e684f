/** @file nn: modules, layers, losses, initialisers, metrics. */
export * from "./containers.ts";
export * as functional from "./functional/index.ts";
export { defaultRandomState, loadDefaultRandomState, manualSeed } from "./generator.ts";
export type { BackwardHook, ForwardHook, ForwardPreHook, Gradients } from "./hooks.ts";
export type { InitOptions } from "./init.ts";
export * as init from "./init.ts";
export * from "./layers/activation.ts";
export * from "./layers/attention/index.ts";
export { BatchNorm2d, type BatchNormOptions, batchNorm2d } from "./layers/batch-norm.ts";
export { Conv2d, type Conv2dLayerOptions, conv2d } from "./layers/conv.ts";
export { Dropout, type DropoutState, dropout } from "./layers/dropout.ts";
export { LayerNorm, type LayerNormOptions, layerNorm, RmsNorm, type RmsNormOptions, rmsNorm } from "./layers/layer-norm.ts";
export { Linear, type LinearOptions, linear } from "./layers/linear.ts";
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
export { AvgPool2d, type AvgPool2dOptions, avgPool2d, Flatten, flatten, MaxPool2d, maxPool2d } from "./layers/shape.ts";
export * from "./losses/index.ts";
export { accuracy, confusionMatrix, type Labelled } from "./metrics.ts";
export { type Layer, Module, type StateDict } from "./module.ts";
export { Buffer, buffer, Parameter, type PlaceOptions, parameter } from "./parameter.ts";
export { onWarning, type Warning } from "./warn.ts";
