/** @file Convolutions, plain and transposed, and pooling, in one and two dimensions. A 1-D image is a 2-D one of height 1. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { showShape } from "../program/aval.ts";
import { adaptiveAverage, adaptiveMaximum } from "./adaptive.ts";
import { type Pair, pairOf } from "./axes.ts";
import type { TensorBase } from "./base.ts";
import { LinearTensor } from "./linear.ts";
import { averagePool, maximumPool } from "./pooling.ts";
import type { Tensor } from "./tensor.ts";

/** `"same"` (stride 1 only) pads so that the size stays; an odd total puts the larger part at the end. `"valid"` pads nothing. */
export type NamedPadding = "same" | "valid";

interface ConvOptions<Size> {
  readonly stride?: Size;
  readonly padding?: Size | NamedPadding;
  readonly dilation?: Size;
  readonly groups?: number;
}
export type Conv1dOptions = ConvOptions<number>;
export type Conv2dOptions = ConvOptions<Pair>;

interface ConvTransposeOptions<Size> {
  readonly stride?: Size;
  readonly padding?: Size;
  /** Rows and columns added at the end: smaller than the stride or the dilation. */
  readonly outputPadding?: Size;
  readonly dilation?: Size;
  readonly groups?: number;
}
export type ConvTranspose1dOptions = ConvTransposeOptions<number>;
export type ConvTranspose2dOptions = ConvTransposeOptions<Pair>;

interface PoolSizes<Size> {
  /** The kernel's size by default. */
  readonly stride?: Size;
  readonly padding?: Size;
  /** Whether a last window that begins inside counts although it ends beyond the padding. Default: false. */
  readonly ceilMode?: boolean;
}
export type PoolOptions = PoolSizes<Pair>;
export type Pool1dOptions = PoolSizes<number>;
interface CountIncludePad {
  /** Whether the mean divides by the whole window also where it lies in the padding. Default: true. */
  readonly countIncludePad?: boolean;
}
/** Size of the result; null keeps that of the image. */
export type AdaptiveSize = number | null | readonly [number | null, number | null];

/** `f` on an image with a batch dimension; an image without one gets it for the call, as in PyTorch. */
function batched(where: string, x: Expr, rank: number, f: (x: Expr) => Expr): Expr {
  if (x.shape.length === rank) return f(x);
  if (x.shape.length !== rank - 1)
    expected("SHAPE_MISMATCH", where, `${rank - 1} or ${rank} dimensions (a batch first)`, showShape(x.shape));
  const y = f(op.reshape(x, [1, ...x.shape]));
  return op.reshape(y, y.shape.slice(1));
}

/** `f` on a signal [N,C,L] or [C,L] seen as an image of height 1. */
function flat(where: string, x: Expr, f: (x: Expr) => Expr): Expr {
  return batched(where, x, 3, (signal) => {
    const [n, c, l] = signal.shape as [number, number, number];
    const y = f(op.reshape(signal, [n, c, 1, l]));
    return op.reshape(y, [y.shape[0]!, y.shape[1]!, y.shape[3]!]);
  });
}

/** A weight [O,C,K] as [O,C,1,K]. */
function flatWeight(where: string, w: Expr): Expr {
  checkWeight(where, w, 3);
  const [o, c, k] = w.shape as [number, number, number];
  return op.reshape(w, [o, c, 1, k]);
}

function checkWeight(where: string, w: Expr, rank: number): void {
  if (w.shape.length !== rank) expected("SHAPE_MISMATCH", where, `a weight of ${rank} dimensions`, showShape(w.shape));
}

function biased(where: string, y: Expr, bias: TensorBase | null | undefined): Expr {
  if (!bias) return y;
  const channels = y.shape[1]!;
  if (bias.ndim !== 1 || bias.shape[0] !== channels)
    expected("SHAPE_MISMATCH", where, `a bias of shape [${channels}]`, showShape(bias.shape));
  return op.add(y, op.reshape(bias.expr, [channels, 1, 1]));
}

/** The image and the padding left to the op: what `"same"` adds on one side only is added here. */
function padded(where: string, x: Expr, w: Expr, options: Conv2dOptions): readonly [Expr, readonly number[]] {
  const { padding = 0 } = options;
  if (padding === "valid") return [x, [0, 0]];
  if (padding !== "same") return [x, pairOf(padding)];
  if (pairOf(options.stride ?? 1).some((s) => s !== 1))
    expected("ARGUMENT_INVALID", where, 'a stride of 1 with padding "same"', showShape(pairOf(options.stride ?? 1)));
  const dilation = pairOf(options.dilation ?? 1);
  const total = [dilation[0] * (w.shape[2]! - 1), dilation[1] * (w.shape[3]! - 1)];
  const odd = total.map((t) => t % 2);
  return [odd.includes(1) ? op.pad(x, [0, 0, 0, 0], [0, 0, ...odd]) : x, total.map((t) => Math.floor(t / 2))];
}

function convolve(where: string, x: Expr, w: Expr, bias: TensorBase | null | undefined, options: Conv2dOptions): Expr {
  const [image, padding] = padded(where, x, w, options);
  const attrs = [...pairOf(options.stride ?? 1), ...padding, ...pairOf(options.dilation ?? 1), options.groups ?? 1];
  return biased(where, op.conv2d(image, w, attrs), bias);
}

/**
 * The transposed convolution is the convolution's gradient by its input: the op that computes it takes the size of the result, which
 * PyTorch gives as (size - 1)·stride - 2·padding + dilation·(kernel - 1) + outputPadding + 1.
 */
function transposed(where: string, x: Expr, w: Expr, bias: TensorBase | null | undefined, options: ConvTranspose2dOptions): Expr {
  const [stride, padding, dilation] = [pairOf(options.stride ?? 1), pairOf(options.padding ?? 0), pairOf(options.dilation ?? 1)];
  const extra = pairOf(options.outputPadding ?? 0);
  // From a whole stride on, the added rows would be reached by one more row of x: a row of zeros stands for it.
  const zeros = [0, 0];
  const size = [0, 1].map((d) => {
    const [s, e] = [stride[d]!, extra[d]!];
    if (!Number.isInteger(e) || e < 0 || (e >= s && e >= dilation[d]!))
      expected("ARGUMENT_INVALID", where, `an outputPadding below the stride ${s} or the dilation ${dilation[d]}`, `${e}`);
    zeros[d] = Math.floor(e / s);
    const n = (x.shape[2 + d]! - 1) * s - 2 * padding[d]! + dilation[d]! * (w.shape[2 + d]! - 1) + e + 1;
    if (x.shape[2 + d]! < 1 || n < 1) expected("SHAPE_MISMATCH", where, "a result of at least 1 element", `size ${n}`);
    return n;
  });
  const g = zeros.some((z) => z > 0) ? op.pad(x, [0, 0, 0, 0], [0, 0, ...zeros]) : x;
  return biased(where, op.conv2dGradInput(g, w, [...stride, ...padding, ...dilation, options.groups ?? 1, ...size]), bias);
}

const window = (kernel: Pair, options: PoolOptions): number[] => [
  ...pairOf(kernel),
  ...pairOf(options.stride ?? kernel),
  ...pairOf(options.padding ?? 0),
];
/** The same window along the last of two dimensions. */
const line = (kernel: number, { stride = kernel, padding = 0 }: Pool1dOptions): number[] =>
  window([1, kernel], { stride: [1, stride], padding: [0, padding] });

const wide = (n: number | undefined, otherwise: number): Pair => [otherwise, n ?? otherwise];
const counted = (options: CountIncludePad): number => (options.countIncludePad === false ? 0 : 1);

/** Convolutions and pooling; without a batch dimension as well. @throws SHAPE_MISMATCH, ARGUMENT_INVALID */
export abstract class SpatialTensor extends LinearTensor {
  /** Cross-correlation: x [N,C,L] or [C,L], weight [O,C/groups,K], bias [O] -> [N,O,L']. */
  conv1d(weight: TensorBase, bias?: TensorBase | null, options: Conv1dOptions = {}): Tensor {
    const { stride, padding, dilation, groups } = options;
    const w = flatWeight("conv1d", weight.expr);
    const wider: Conv2dOptions = {
      stride: wide(stride, 1),
      padding: typeof padding === "string" ? padding : wide(padding, 0),
      dilation: wide(dilation, 1),
      groups: groups ?? 1,
    };
    return this.derive(flat("conv1d", this.expr, (x) => convolve("conv1d", x, w, bias, wider)));
  }
  /** Cross-correlation: x [N,C,H,W] or [C,H,W], weight [O,C/groups,KH,KW], bias [O] -> [N,O,H',W']. */
  conv2d(weight: TensorBase, bias?: TensorBase | null, options: Conv2dOptions = {}): Tensor {
    checkWeight("conv2d", weight.expr, 4);
    return this.derive(batched("conv2d", this.expr, 4, (x) => convolve("conv2d", x, weight.expr, bias, options)));
  }
  /** Transposed convolution: x [N,C,L] or [C,L], weight [C,O/groups,K], bias [O] -> [N,O,L']. @throws ARGUMENT_INVALID, SHAPE_MISMATCH */
  convTranspose1d(weight: TensorBase, bias?: TensorBase | null, options: ConvTranspose1dOptions = {}): Tensor {
    const w = flatWeight("convTranspose1d", weight.expr);
    const wider: ConvTranspose2dOptions = {
      stride: wide(options.stride, 1),
      padding: wide(options.padding, 0),
      outputPadding: wide(options.outputPadding, 0),
      dilation: wide(options.dilation, 1),
      groups: options.groups ?? 1,
    };
    return this.derive(flat("convTranspose1d", this.expr, (x) => transposed("convTranspose1d", x, w, bias, wider)));
  }
  /**
   * Transposed convolution (the gradient of conv2d by its input): x [N,C,H,W] or [C,H,W], weight [C,O/groups,KH,KW], bias [O] ->
   * [N,O,H',W'], H' = (H - 1)·stride - 2·padding + dilation·(KH - 1) + outputPadding + 1. @throws ARGUMENT_INVALID, SHAPE_MISMATCH
   */
  convTranspose2d(weight: TensorBase, bias?: TensorBase | null, options: ConvTranspose2dOptions = {}): Tensor {
    checkWeight("convTranspose2d", weight.expr, 4);
    return this.derive(
      batched("convTranspose2d", this.expr, 4, (x) => transposed("convTranspose2d", x, weight.expr, bias, options)),
    );
  }

  /** Maximum over windows of [N,C,L] or [C,L]; padding counts as -∞. */
  maxPool1d(kernel: number, options: Pool1dOptions = {}): Tensor {
    return this.derive(flat("maxPool1d", this.expr, (x) => maximumPool(x, line(kernel, options), options.ceilMode)));
  }
  /** Maximum over windows of [N,C,H,W] or [C,H,W]; padding counts as -∞. */
  maxPool2d(kernel: Pair, options: PoolOptions = {}): Tensor {
    return this.derive(batched("maxPool2d", this.expr, 4, (x) => maximumPool(x, window(kernel, options), options.ceilMode)));
  }
  /** Mean over windows of [N,C,L] or [C,L]; padding counts as zeros unless `countIncludePad` is false. */
  avgPool1d(kernel: number, options: Pool1dOptions & CountIncludePad = {}): Tensor {
    return this.derive(
      flat("avgPool1d", this.expr, (x) => averagePool(x, line(kernel, options), counted(options), options.ceilMode)),
    );
  }
  /** Mean over windows of [N,C,H,W] or [C,H,W]; padding counts as zeros unless `countIncludePad` is false. */
  avgPool2d(kernel: Pair, options: PoolOptions & CountIncludePad = {}): Tensor {
    return this.derive(
      batched("avgPool2d", this.expr, 4, (x) => averagePool(x, window(kernel, options), counted(options), options.ceilMode)),
    );
  }
  /** Mean over `size` windows that cover [N,C,L] or [C,L] as evenly as they can: window i is floor(i·L/size) to ceil((i+1)·L/size). */
  adaptiveAvgPool1d(size: number): Tensor {
    return this.derive(flat("adaptiveAvgPool1d", this.expr, (x) => adaptiveAverage("adaptiveAvgPool1d", x, [1, size])));
  }
  /** As `adaptiveAvgPool1d`, for [N,C,H,W] or [C,H,W] and both dimensions. */
  adaptiveAvgPool2d(size: AdaptiveSize): Tensor {
    return this.derive(
      batched("adaptiveAvgPool2d", this.expr, 4, (x) => adaptiveAverage("adaptiveAvgPool2d", x, sizes(x, size))),
    );
  }
  /** As `adaptiveAvgPool1d`, with the maximum. */
  adaptiveMaxPool1d(size: number): Tensor {
    return this.derive(flat("adaptiveMaxPool1d", this.expr, (x) => adaptiveMaximum("adaptiveMaxPool1d", x, [1, size])));
  }
  /** As `adaptiveAvgPool2d`, with the maximum. */
  adaptiveMaxPool2d(size: AdaptiveSize): Tensor {
    return this.derive(
      batched("adaptiveMaxPool2d", this.expr, 4, (x) => adaptiveMaximum("adaptiveMaxPool2d", x, sizes(x, size))),
    );
  }
}

function sizes(x: Expr, size: AdaptiveSize): readonly [number, number] {
  const [h, w] = typeof size === "object" && size !== null ? size : [size, size];
  return [h ?? x.shape[2]!, w ?? x.shape[3]!];
}
