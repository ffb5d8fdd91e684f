/** @file RNNCell, LSTMCell and GRUCell: one step, for loops of one's own. */
import { expected } from "../../../errors.ts";
import type { Expr } from "../../../expr.ts";
import * as op from "../../../ops/emit.ts";
import { Runs } from "../../../ops/recurrent/runs.ts";
import { showShape } from "../../../program/aval.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import { type InitOptions, uniform_ } from "../../init.ts";
import { Module } from "../../module.ts";
import type { Parameter, PlaceOptions } from "../../parameter.ts";
import { blank, checkSizes } from "../linear.ts";
import { KINDS, type Kind, runDirection, stateList } from "./direction.ts";
import { type LstmState, type Nonlinearity, rnnKind } from "./layers.ts";

export interface CellOptions extends PlaceOptions, InitOptions {
  /** true unless said. */
  readonly bias?: boolean;
}

abstract class RecurrentCell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  /** [gates * hidden, inputs]. */
  readonly weightIh: Parameter;
  /** [gates * hidden, hidden]. */
  readonly weightHh: Parameter;
  /** Both [gates * hidden], or both null. */
  readonly biasIh: Parameter | null;
  readonly biasHh: Parameter | null;
  private readonly where: string;
  private readonly kind: Kind;

  protected constructor(where: string, kind: Kind, inputSize: number, hiddenSize: number, options: CellOptions) {
    super();
    checkSizes(where, { inputSize, hiddenSize });
    this.where = where;
    this.kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const bound = 1 / Math.sqrt(hiddenSize);
    const rows = kind.cell.gates * hiddenSize;
    const make = (shape: readonly number[]): Parameter => uniform_(blank(shape, options), -bound, bound, options);
    this.weightIh = make([rows, inputSize]);
    this.weightHh = make([rows, hiddenSize]);
    this.biasIh = options.bias === false ? null : make([rows]);
    this.biasHh = options.bias === false ? null : make([rows]);
  }

  /** The states after one step, of the form of the input: [N, hidden] or [hidden]. */
  protected step(input: Tensor, state: Tensor | readonly Tensor[] | undefined): Tensor[] {
    const initial = stateList(this.where, this.kind, state);
    const batched = input.ndim === 2;
    if ((!batched && input.ndim !== 1) || input.shape.at(-1) !== this.inputSize) {
      const want = `[batch, ${this.inputSize}] or [${this.inputSize}]`;
      expected("SHAPE_MISMATCH", this.where, want, showShape(input.shape));
    }
    const count = batched ? input.shape[0]! : 1;
    const shape = batched ? [count, this.hiddenSize] : [this.hiddenSize];
    const states = this.kind.cell.states.map((_, k): Expr => {
      const given = initial?.[k];
      if (given && showShape(given.shape) !== showShape(shape))
        expected("SHAPE_MISMATCH", `${this.where}: initial ${"hc"[k]}`, showShape(shape), showShape(given.shape));
      const full = [count, this.hiddenSize];
      return given === undefined ? op.full(full, input.dtype, 0) : op.reshape(given.expr, full);
    });
    const weights = {
      ih: this.weightIh.expr,
      hh: this.weightHh.expr,
      biasIh: this.biasIh?.expr ?? null,
      biasHh: this.biasHh?.expr ?? null,
      hr: null,
    };
    const runs = new Runs([{ count, from: 0, to: 1, first: 0 }]);
    const x = op.reshape(input.expr, [count, this.inputSize]);
    return runDirection(this.kind, x, weights, states, runs, false).last.map((e) => new Tensor(op.reshape(e, shape)));
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.biasIh === null ? ", bias: false" : ""}`;
  }
}

export interface RnnCellOptions extends CellOptions {
  /** tanh unless said. */
  readonly nonlinearity?: Nonlinearity;
}

/** One step of `rnn`: `cell(x, h?)` gives h'. x [N, inputSize] or [inputSize]; h is zeros unless given. @throws SHAPE_MISMATCH */
export class RNNCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: RnnCellOptions = {}) {
    super("rnnCell", rnnKind("rnnCell", options.nonlinearity), inputSize, hiddenSize, options);
  }
  forward(input: Tensor, h?: Tensor): Tensor {
    return this.step(input, h)[0]!;
  }
}

/** One step of `lstm`: `cell(x, [h, c]?)` gives `[h', c']`. x [N, inputSize] or [inputSize]. @throws SHAPE_MISMATCH */
export class LSTMCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super("lstmCell", KINDS.lstm, inputSize, hiddenSize, options);
  }
  forward(input: Tensor, state?: LstmState): [Tensor, Tensor] {
    const [h, c] = this.step(input, state);
    return [h!, c!];
  }
}

/** One step of `gru`: `cell(x, h?)` gives h'. x [N, inputSize] or [inputSize]. @throws SHAPE_MISMATCH */
export class GRUCell extends RecurrentCell {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super("gruCell", KINDS.gru, inputSize, hiddenSize, options);
  }
  forward(input: Tensor, h?: Tensor): Tensor {
    return this.step(input, h)[0]!;
  }
}

/** `cell(x, h?)` for x [N, inputSize]. @throws ARGUMENT_INVALID */
export const rnnCell = (inputSize: number, hiddenSize: number, options: RnnCellOptions = {}): RNNCell =>
  new RNNCell(inputSize, hiddenSize, options);
/** `cell(x, [h, c]?)` for x [N, inputSize]. @throws ARGUMENT_INVALID */
export const lstmCell = (inputSize: number, hiddenSize: number, options: CellOptions = {}): LSTMCell =>
  new LSTMCell(inputSize, hiddenSize, options);
/** `cell(x, h?)` for x [N, inputSize]. @throws ARGUMENT_INVALID */
export const gruCell = (inputSize: number, hiddenSize: number, options: CellOptions = {}): GRUCell =>
  new GRUCell(inputSize, hiddenSize, options);
