/** @file RNN, LSTM and GRU, as `torch.nn.RNN`, `LSTM` and `GRU`. */
import { expected } from "../../../errors.ts";
import type { Tensor } from "../../../tensor/tensor.ts";
import { KINDS, type Kind } from "./direction.ts";
import { RecurrentLayer, type RecurrentOptions } from "./layer.ts";
import type { PackedSequence } from "./sequences.ts";

export interface RnnOptions extends RecurrentOptions {
  /** tanh unless said. */
  readonly nonlinearity?: Nonlinearity;
}
export type Nonlinearity = "tanh" | "relu";

/** The kind of an RNN layer or cell. @throws ARGUMENT_INVALID for another nonlinearity */
export function rnnKind(where: string, nonlinearity: Nonlinearity = "tanh"): Kind {
  if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
    expected("ARGUMENT_INVALID", where, 'nonlinearity "tanh" or "relu"', JSON.stringify(nonlinearity));
  }
  return KINDS[nonlinearity];
}

/**
 * Elman's network: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.
 *
 * `rnn(x, h0?)` takes x [T, N, inputSize] (`batchFirst`: [N, T, ...]; one sequence: [T, inputSize]) or a PackedSequence, and h0
 * [layers * directions, N, hidden] or zeros. It returns `[output, h]`: h of the last layer at every step [T, N, directions * hidden], in
 * the form of the input, and the last h of every layer and direction. @throws SHAPE_MISMATCH
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: calling a module runs forward; one signature per form of the input
export class RNN extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, options: RnnOptions = {}) {
    super("rnn", rnnKind("rnn", options.nonlinearity), inputSize, hiddenSize, options);
  }
  forward(input: Tensor, h0?: Tensor): [Tensor, Tensor];
  forward(input: PackedSequence, h0?: Tensor): [PackedSequence, Tensor];
  forward(input: Tensor | PackedSequence, h0?: Tensor): [Tensor | PackedSequence, Tensor] {
    const { output, states } = this.run(input, h0);
    return [output, states[0]!];
  }
}
export interface RNN {
  (input: Tensor, h0?: Tensor): [Tensor, Tensor];
  (input: PackedSequence, h0?: Tensor): [PackedSequence, Tensor];
}

export interface LstmOptions extends RecurrentOptions {
  /** Width of h where it is projected (Sak et al. 2014), below hiddenSize; 0 (none) unless said. Runs step by step, unfused. */
  readonly projSize?: number;
}

/** h and c. */
export type LstmState = readonly [Tensor, Tensor];

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997) with forget gates; gates stand as i, f, g, o.
 *
 * `lstm(x, [h0, c0]?)` takes x as `rnn` does, h0 [layers * directions, N, projSize or hidden] and c0 [layers * directions, N, hidden], and
 * returns `[output, [h, c]]`. @throws SHAPE_MISMATCH
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: calling a module runs forward; one signature per form of the input
export class LSTM extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, options: LstmOptions = {}) {
    super("lstm", KINDS.lstm, inputSize, hiddenSize, options);
  }
  forward(input: Tensor, state?: LstmState): [Tensor, [Tensor, Tensor]];
  forward(input: PackedSequence, state?: LstmState): [PackedSequence, [Tensor, Tensor]];
  forward(input: Tensor | PackedSequence, state?: LstmState): [Tensor | PackedSequence, [Tensor, Tensor]] {
    const { output, states } = this.run(input, state);
    return [output, [states[0]!, states[1]!]];
  }
}
export interface LSTM {
  (input: Tensor, state?: LstmState): [Tensor, [Tensor, Tensor]];
  (input: PackedSequence, state?: LstmState): [PackedSequence, [Tensor, Tensor]];
}

/**
 * Gated recurrent units (Cho et al. 2014), in PyTorch's form: n = tanh(W_in x + b_in + r * (W_hn h + b_hn)); gates stand as r, z, n.
 * Takes and returns what `rnn` does. @throws SHAPE_MISMATCH
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: calling a module runs forward; one signature per form of the input
export class GRU extends RecurrentLayer {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super("gru", KINDS.gru, inputSize, hiddenSize, options);
  }
  forward(input: Tensor, h0?: Tensor): [Tensor, Tensor];
  forward(input: PackedSequence, h0?: Tensor): [PackedSequence, Tensor];
  forward(input: Tensor | PackedSequence, h0?: Tensor): [Tensor | PackedSequence, Tensor] {
    const { output, states } = this.run(input, h0);
    return [output, states[0]!];
  }
}
export interface GRU {
  (input: Tensor, h0?: Tensor): [Tensor, Tensor];
  (input: PackedSequence, h0?: Tensor): [PackedSequence, Tensor];
}

/** `const [output, h] = rnn(x)` for x [T, N, inputSize]. @throws ARGUMENT_INVALID */
export const rnn = (inputSize: number, hiddenSize: number, options: RnnOptions = {}): RNN =>
  new RNN(inputSize, hiddenSize, options);
/** `const [output, [h, c]] = lstm(x)` for x [T, N, inputSize]. @throws ARGUMENT_INVALID */
export const lstm = (inputSize: number, hiddenSize: number, options: LstmOptions = {}): LSTM =>
  new LSTM(inputSize, hiddenSize, options);
/** `const [output, h] = gru(x)` for x [T, N, inputSize]. @throws ARGUMENT_INVALID */
export const gru = (inputSize: number, hiddenSize: number, options: RecurrentOptions = {}): GRU =>
  new GRU(inputSize, hiddenSize, options);
