/** @file RecurrentLayer: what RNN, LSTM and GRU share: parameters by PyTorch's names, layers and directions, packed and unbatched inputs. */

import { warnOnce } from "../../../debug/warn.ts";
import { expected } from "../../../errors.ts";
import type { Expr } from "../../../expr.ts";
import * as op from "../../../ops/emit.ts";
import { Runs } from "../../../ops/recurrent/runs.ts";
import { showShape } from "../../../program/aval.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import { type InitOptions, uniform_ } from "../../init.ts";
import { Module } from "../../module.ts";
import type { Parameter, PlaceOptions } from "../../parameter.ts";
import { Dropout } from "../dropout.ts";
import { blank, checkSizes } from "../linear.ts";
import { type Kind, runDirection, stateList, type Weights } from "./direction.ts";
import { indexTensor, PackedSequence } from "./sequences.ts";

export interface RecurrentOptions extends PlaceOptions, InitOptions {
  /** Layers one above the other; 1 unless said. */
  readonly numLayers?: number;
  /** true unless said. */
  readonly bias?: boolean;
  /** Whether inputs and outputs are [N, T, ...]; states stay [layers, N, ...]. false unless said. */
  readonly batchFirst?: boolean;
  /** Probability that an output of every layer but the last is dropped while training; 0 unless said. */
  readonly dropout?: number;
  /** Whether a second set of weights reads every sequence from its end; false unless said. */
  readonly bidirectional?: boolean;
}

/** The input as packed rows, and what is needed to give the output the input's form. */
interface Rows {
  readonly data: Tensor;
  readonly runs: Runs;
  readonly sortedIndices: readonly number[] | null;
  readonly unsortedIndices: readonly number[] | null;
  readonly batched: boolean;
  restore(rows: Tensor): Tensor | PackedSequence;
}

export abstract class RecurrentLayer extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** Width of h where it is projected (LSTM), else 0. */
  readonly projSize: number;
  /** Drops between layers; a module, so that checkpoints keep its state. */
  readonly drop: Dropout;
  /** Of every layer and direction. @remarks layer 0: `weightIhL0`, `weightHhL0`, `biasIhL0`, `biasHhL0`; `…Reverse` for the second direction. */
  declare readonly weightIhL0: Parameter;
  declare readonly weightHhL0: Parameter;
  protected readonly where: string;
  private readonly kind: Kind;

  protected constructor(
    where: string,
    kind: Kind,
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & { readonly projSize?: number },
  ) {
    super();
    const { numLayers = 1, bias = true, batchFirst = false, dropout = 0, bidirectional = false, projSize = 0 } = options;
    checkSizes(where, { inputSize, hiddenSize, numLayers });
    if (!Number.isSafeInteger(projSize) || projSize < 0 || projSize >= hiddenSize) {
      expected("ARGUMENT_INVALID", where, "projSize to be an integer below hiddenSize", `${projSize} of ${hiddenSize}`);
    }
    this.where = where;
    this.kind = kind;
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.bias = bias;
    this.batchFirst = batchFirst;
    this.dropout = dropout;
    this.bidirectional = bidirectional;
    this.projSize = projSize;
    this.makeParameters(options);
    this.drop = new Dropout(dropout, options);
    if (dropout > 0 && numLayers === 1) {
      warnOnce(
        "DROPOUT_UNUSED",
        `${where}: dropout ${dropout} with one layer drops nothing`,
        "it drops between layers: set numLayers",
      );
    }
  }

  private get directions(): 1 | 2 {
    return this.bidirectional ? 2 : 1;
  }

  /** Width of h. */
  private get width(): number {
    return this.projSize || this.hiddenSize;
  }

  /** Parameters in PyTorch's order, all uniform in ±1/√hidden. */
  private makeParameters(options: RecurrentOptions): void {
    const bound = 1 / Math.sqrt(this.hiddenSize);
    const rows = this.kind.cell.gates * this.hiddenSize;
    for (let layer = 0; layer < this.numLayers; layer++) {
      const inputs = layer === 0 ? this.inputSize : this.width * this.directions;
      for (let d = 0; d < this.directions; d++) {
        const shapes: [string, number[]][] = [
          ["weightIh", [rows, inputs]],
          ["weightHh", [rows, this.width]],
        ];
        if (this.bias) shapes.push(["biasIh", [rows]], ["biasHh", [rows]]);
        if (this.projSize > 0) shapes.push(["weightHr", [this.projSize, this.hiddenSize]]);
        for (const [name, shape] of shapes) {
          Object.assign(this, { [named(name, layer, d)]: uniform_(blank(shape, options), -bound, bound, options) });
        }
      }
    }
  }

  private weights(layer: number, direction: number): Weights {
    const own = this as unknown as Readonly<Record<string, Parameter | undefined>>;
    const at = (name: string): Expr | undefined => own[named(name, layer, direction)]?.expr;
    return {
      ih: at("weightIh")!,
      hh: at("weightHh")!,
      biasIh: at("biasIh") ?? null,
      biasHh: at("biasHh") ?? null,
      hr: at("weightHr") ?? null,
    };
  }

  /** Output and last states for an input of any form; `state`: h or [h, c], undefined for zeros. */
  protected run(
    input: Tensor | PackedSequence,
    state: Tensor | readonly Tensor[] | undefined,
  ): { readonly output: Tensor | PackedSequence; readonly states: Tensor[] } {
    const rows = this.rowsOf(input);
    const initial = stateList(this.where, this.kind, state);
    const { cell } = this.kind;
    const widths = cell.states.map((_, k) => (k === 0 ? this.width : this.hiddenSize));
    const states = widths.map((width, k) => this.initialState(initial?.[k], width, "hc"[k]!, rows));
    let x = rows.data.expr;
    const last: Expr[][] = widths.map(() => []);
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outputs: Expr[] = [];
      for (let d = 0; d < this.directions; d++) {
        const start = states.map((s) => s(layer * this.directions + d));
        const result = runDirection(this.kind, x, this.weights(layer, d), start, rows.runs, d === 1);
        outputs.push(result.output);
        result.last.forEach((e, k) => void last[k]!.push(op.reshape(e, [1, ...e.shape])));
      }
      x = op.cat(outputs, 1);
      if (layer + 1 < this.numLayers && this.dropout > 0) x = this.drop(new Tensor(x)).expr;
    }
    return { output: rows.restore(new Tensor(x)), states: last.map((list) => this.lastState(new Tensor(op.cat(list, 0)), rows)) };
  }

  private rowsOf(input: Tensor | PackedSequence): Rows {
    const sized = (shape: readonly number[]): void => {
      if (shape.at(-1) !== this.inputSize)
        expected("SHAPE_MISMATCH", this.where, `${this.inputSize} features in the last dimension`, showShape(shape));
    };
    if (input instanceof PackedSequence) {
      if (input.data.ndim !== 2) expected("SHAPE_MISMATCH", this.where, "packed vectors", showShape(input.data.shape));
      sized(input.data.shape);
      const { data, runs, sortedIndices, unsortedIndices } = input;
      return { data, runs, sortedIndices, unsortedIndices, batched: true, restore: (rows) => input.with(rows) };
    }
    const batched = input.ndim === 3;
    if (!batched && input.ndim !== 2) {
      const form = this.batchFirst ? "[batch, time, features]" : "[time, batch, features]";
      expected("SHAPE_MISMATCH", this.where, `${form}, or [time, features]`, showShape(input.shape));
    }
    sized(input.shape);
    const swap = batched && this.batchFirst;
    const x = swap ? input.transpose(0, 1) : batched ? input : input.unsqueeze(1);
    const [steps, count] = x.shape as [number, number];
    if (steps === 0) expected("SHAPE_MISMATCH", this.where, "at least one step", showShape(input.shape));
    const restore = (rows: Tensor): Tensor => {
      if (!batched) return rows;
      const y = rows.reshape(steps, count, rows.shape[1]!);
      return swap ? y.transpose(0, 1) : y;
    };
    const runs = new Runs([{ count, from: 0, to: steps, first: 0 }]);
    return { data: x.reshape(steps * count, this.inputSize), runs, sortedIndices: null, unsortedIndices: null, batched, restore };
  }

  /** The state before the first step, by layer and direction. */
  private initialState(given: Tensor | undefined, width: number, name: string, rows: Rows): (layer: number) => Expr {
    const { sequences } = rows.runs;
    if (given === undefined) {
      const zeros = op.full([sequences, width], rows.data.dtype, 0);
      return () => zeros;
    }
    const layers = this.numLayers * this.directions;
    const shape = rows.batched ? [layers, sequences, width] : [layers, width];
    if (showShape(given.shape) !== showShape(shape)) {
      expected("SHAPE_MISMATCH", `${this.where}: initial ${name}`, showShape(shape), showShape(given.shape));
    }
    const batched = given.reshape(layers, sequences, width);
    const sorted = rows.sortedIndices === null ? batched : batched.indexSelect(1, indexTensor(rows.sortedIndices));
    return (layer) => sorted.select(0, layer).expr;
  }

  private lastState(state: Tensor, rows: Rows): Tensor {
    if (!rows.batched) return state.squeeze(1);
    return rows.unsortedIndices === null ? state : state.indexSelect(1, indexTensor(rows.unsortedIndices));
  }

  override namedChildren(): [string, Module][] {
    return this.dropout > 0 ? super.namedChildren() : [];
  }

  override extraRepr(): string {
    const shown: [string, unknown, unknown][] = [
      ["numLayers", this.numLayers, 1],
      ["bias", this.bias, true],
      ["batchFirst", this.batchFirst, false],
      ["dropout", this.dropout, 0],
      ["bidirectional", this.bidirectional, false],
      ["projSize", this.projSize, 0],
    ];
    const options = shown.filter(([, value, usual]) => value !== usual).map(([name, value]) => `, ${name}: ${value}`);
    return `${this.inputSize}, ${this.hiddenSize}${options.join("")}`;
  }
}

/** PyTorch's weight_ih_l1_reverse is weightIhL1Reverse. */
const named = (name: string, layer: number, direction: number): string => `${name}L${layer}${direction === 1 ? "Reverse" : ""}`;
