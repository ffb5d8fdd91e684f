/** @file Where a token stands: sinusoidal (Vaswani et al. 2017), learned, rotary (Su et al. 2021) and ALiBi (Press et al. 2022). */
import { expected } from "../../../errors.ts";
import { showShape } from "../../../program/aval.ts";
import { toArray } from "../../../tensor/data.ts";
import { cat, stack } from "../../../tensor/functions.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import { type InitOptions, normal_ } from "../../init.ts";
import { Module } from "../../module.ts";
import type { Parameter, PlaceOptions } from "../../parameter.ts";
import { type Dropout, dropout } from "../dropout.ts";
import { blank, checkSizes } from "../linear.ts";

type Float = "f32" | "f64";

/** A table [rows, columns] that everyone knows. */
function table(rows: number, columns: number, dtype: Float, at: (row: number, column: number) => number): Tensor {
  const values = Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  return Tensor.adopt(toArray(values, dtype), [rows, columns], dtype, { public: true });
}

/** [length, dModel]: sin(p / 10000^(2i/dModel)) in column 2i, the cosine in column 2i + 1 (Vaswani et al. 2017, section 3.5). */
export function sinusoidalTable(length: number, dModel: number, options: { readonly dtype?: Float } = {}): Tensor {
  checkSizes("sinusoidalTable", { length, dModel });
  return table(length, dModel, options.dtype ?? "f32", (p, c) => {
    const angle = p / 10000 ** ((c - (c % 2)) / dModel);
    return c % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

export interface EncodingOptions extends PlaceOptions, InitOptions {
  /** Longest sequence; 5000 unless said. */
  readonly maxLen?: number;
  /** Dropped after the sum; 0 unless said. */
  readonly dropout?: number;
  /** [N, L, E] instead of [L, N, E]; false unless said. */
  readonly batchFirst?: boolean;
}

/** x [L, N, E], [N, L, E] if batch first, or [L, E], plus the first L rows of a table [maxLen, E]. */
function addRows(where: string, x: Tensor, rows: Tensor, batchFirst: boolean): Tensor {
  const [maxLen, width] = rows.shape as [number, number];
  const axis = x.ndim === 3 && batchFirst ? 1 : 0;
  const length = x.shape[axis];
  if ((x.ndim !== 2 && x.ndim !== 3) || x.shape.at(-1) !== width || length! > maxLen) {
    const want = `${batchFirst ? "[N,L" : "[L,N"},${width}] with L at most ${maxLen}`;
    expected("SHAPE_MISMATCH", where, want, showShape(x.shape));
  }
  const own = rows.slice([0, length!]);
  return x.add(x.ndim === 3 && !batchFirst ? own.unsqueeze(1) : own);
}

/** Adds the sinusoidal table. No parameters; nothing of it stands in the state. */
export class SinusoidalEncoding extends Module {
  readonly batchFirst: boolean;
  readonly dropout: Dropout;
  private readonly rows: Tensor;

  constructor(dModel: number, options: EncodingOptions = {}) {
    super();
    this.rows = sinusoidalTable(options.maxLen ?? 5000, dModel, options);
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = dropout(options.dropout ?? 0, options);
  }

  /** [L, N, E] ([N, L, E] if batch first; [L, E]) -> the same shape. Throws SHAPE_MISMATCH beyond maxLen. */
  forward(x: Tensor): Tensor {
    return this.dropout(addRows("sinusoidalEncoding", x, this.rows, this.batchFirst));
  }

  override extraRepr(): string {
    return `${this.rows.shape[1]}, maxLen: ${this.rows.shape[0]}`;
  }
}

/** Adds a learned row per position, drawn from N(0, 0.02²) as in BERT (Devlin et al. 2019). */
export class LearnedEncoding extends Module {
  readonly batchFirst: boolean;
  /** [maxLen, E]. */
  readonly weight: Parameter;
  readonly dropout: Dropout;

  constructor(dModel: number, options: EncodingOptions = {}) {
    super();
    const maxLen = options.maxLen ?? 5000;
    checkSizes("learnedEncoding", { dModel, maxLen });
    this.weight = normal_(blank([maxLen, dModel], options), 0, 0.02, options);
    this.batchFirst = options.batchFirst ?? false;
    this.dropout = dropout(options.dropout ?? 0, options);
  }

  /** [L, N, E] ([N, L, E] if batch first; [L, E]) -> the same shape. Throws SHAPE_MISMATCH beyond maxLen. */
  forward(x: Tensor): Tensor {
    return this.dropout(addRows("learnedEncoding", x, this.weight, this.batchFirst));
  }

  override extraRepr(): string {
    return `${this.weight.shape[1]}, maxLen: ${this.weight.shape[0]}`;
  }
}

export interface RotaryOptions {
  /** 10000 unless said. */
  readonly base?: number;
  /** Position of the first row; 0 unless said. */
  readonly offset?: number;
  /** Pairs are neighbours (2i, 2i + 1), as in the paper; false: i and i + E/2, as GPT-NeoX and LLaMA store them. true unless said. */
  readonly interleaved?: boolean;
}

/**
 * x [..., L, E] with pair i of row p turned by the angle (p + offset) / base^(2i/E) (Su et al. 2021, equation 34): products of turned
 * queries and keys depend on the distance of their positions alone. E must be even.
 * @throws SHAPE_MISMATCH
 */
export function rotary(x: Tensor, options: RotaryOptions = {}): Tensor {
  const [length, width] = [x.shape.at(-2), x.shape.at(-1)];
  if (length === undefined || width === undefined || width % 2 !== 0)
    expected("SHAPE_MISMATCH", "rotary", "[...,L,E] with an even E", showShape(x.shape));
  const { base = 10000, offset = 0, interleaved = true } = options;
  const half = width / 2;
  const angle = (p: number, i: number): number => (p + offset) / base ** ((2 * i) / width);
  const dtype = x.dtype === "f64" ? "f64" : "f32";
  const cos = table(length, half, dtype, (p, i) => Math.cos(angle(p, i)));
  const sin = table(length, half, dtype, (p, i) => Math.sin(angle(p, i)));
  const lead = x.shape.slice(0, -1);
  const pairs = interleaved ? x.reshape([...lead, half, 2]).unbind(-1) : x.split(half, -1);
  const [a, b] = pairs as [Tensor, Tensor];
  const turned = [a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))];
  return interleaved ? stack(turned, -1).reshape([...x.shape]) : cat(turned, -1);
}

/** Slopes of ALiBi: 2^(-8/n), 2^(-16/n), ...; for other counts than powers of two as in the paper's code: every other one of the next. */
export function alibiSlopes(heads: number): number[] {
  checkSizes("alibiSlopes", { heads });
  const powers = (n: number): number[] => Array.from({ length: n }, (_, i) => 2 ** ((-8 * (i + 1)) / n));
  const below = 2 ** Math.floor(Math.log2(heads));
  const rest = powers(2 * below).filter((_, i) => i % 2 === 0);
  return [...powers(below), ...rest].slice(0, heads);
}

/**
 * [heads, L, S]: -slope · |distance| of query i and key j, to add to scores (Press et al. 2022, section 3); the last query stands at the
 * last key. Pass it as `attnMask` of `scaledDotProductAttention`, with a causal mask added where the future is hidden.
 */
export function alibiBias(
  heads: number,
  length: number,
  keys: number = length,
  options: { readonly dtype?: Float } = {},
): Tensor {
  checkSizes("alibiBias", { heads, length, keys });
  const slopes = alibiSlopes(heads);
  const value = (row: number, j: number): number =>
    -slopes[Math.floor(row / length)]! * Math.abs((row % length) + keys - length - j);
  return table(heads * length, keys, options.dtype ?? "f32", value).reshape(heads, length, keys);
}

/** x plus a fixed table of sines and cosines. @throws ARGUMENT_INVALID */
export const sinusoidalEncoding = (dModel: number, options: EncodingOptions = {}): SinusoidalEncoding =>
  new SinusoidalEncoding(dModel, options);
/** x plus a learned row for each position. @throws ARGUMENT_INVALID */
export const learnedEncoding = (dModel: number, options: EncodingOptions = {}): LearnedEncoding =>
  new LearnedEncoding(dModel, options);
