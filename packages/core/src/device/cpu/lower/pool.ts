/** @file Pooling and its gradients. */
import { F32_KERNELS, type PoolSizes } from "@tacit/kernels";
import type { Aval, Shape } from "../../../program/aval.ts";
import type { GraphNode } from "../graph.ts";
import { call } from "../steps.ts";
import { MAX_STEP } from "./conv.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

/** Sizes from the shape of x; attrs are [kH, kW, sH, sW, pH, pW, ...]. */
export function poolSizes(x: Shape, attrs: readonly number[]): Required<PoolSizes> {
  const [n, c, h, w] = x as [number, number, number, number];
  const [kh, kw, strideH, strideW, padH, padW] = attrs as [number, number, number, number, number, number];
  return { n, c, h, w, kh, kw, strideH, strideW, padH, padW };
}

/** What comes with a maximum: the bias and relu before it (after it is the same, and less work), and the index for the gradient. */
export interface MaxPoolOptions {
  /** One number per channel. */
  readonly bias?: number;
  readonly relu?: boolean;
  /** A value that takes the places of the maxima. */
  readonly index?: number;
}

/** Pools `x` (shape [n,c,h,w]) into `out`. */
export function lowerMaxPool(to: Lowering, x: number, out: number, attrs: readonly number[], options: MaxPoolOptions = {}): void {
  const source = to.dense(x);
  const bias = options.bias === undefined ? undefined : to.dense(options.bias);
  const { index, relu } = options;
  const sizes = poolSizes(to.aval(x).shape, attrs);
  to.kernel({
    label: `maxPool2d${bias === undefined ? "" : " bias"}${relu ? " relu" : ""}${index === undefined ? "" : " index"}`,
    reads: bias === undefined ? [source] : [source, bias],
    writes: index === undefined ? [out] : [out, index],
    calls: (at) => [
      call(F32_KERNELS.maxPool2d, {
        ...sizes,
        x: at(source),
        y: at(out),
        ...(index === undefined ? {} : { index: at(index) }),
        ...(bias === undefined ? {} : { bias: at(bias) }),
        ...(relu ? { relu: true } : {}),
      }),
    ],
  });
}

/** Scatters `g` to the places of `index`, into `out` (shape of the pooled image). */
export function lowerMaxPoolGrad(to: Lowering, g: number, index: number, out: number, attrs: readonly number[]): void {
  const dy = to.dense(g);
  const sizes = poolSizes(to.aval(out).shape, attrs);
  to.kernel({
    label: "maxPool2dGrad",
    reads: [dy, index],
    writes: [out],
    calls: (at) => [call(F32_KERNELS.maxPool2dGrad, { ...sizes, dy: at(dy), index: at(index), dx: at(out) })],
  });
}

/** Windows beyond any sense run on the host: see `MAX_STEP`. */
const fits = (node: GraphNode, args: readonly Aval[]): boolean =>
  node.aval.dtype === "f32" && args.every((a) => a.dtype === "f32") && node.attrs.slice(0, 6).every((d) => d <= MAX_STEP);

const maxPool2d: LowerRow = {
  can: fits,
  lower: (to, v, node) => lowerMaxPool(to, node.args[0]!, v, node.attrs),
};

/** Without its pooling beside it (the pool pass pairs them), the gradient finds the maxima again. */
const maxPool2dGrad: LowerRow = {
  can: fits,
  lower(to, v, node) {
    const [g, x, y] = node.args as [number, number, number];
    const index = to.aux({ shape: to.aval(y).shape, dtype: "i32" });
    lowerMaxPool(to, x, to.aux(to.aval(y)), node.attrs, { index });
    lowerMaxPoolGrad(to, g, index, v, node.attrs);
  },
};

const avgPool2d: LowerRow = {
  can: fits,
  lower(to, v, node) {
    const x = to.dense(node.args[0]!);
    const sizes = poolSizes(to.aval(node.args[0]!).shape, node.attrs);
    const countIncludePad = node.attrs[6] === 1;
    to.kernel({
      label: "avgPool2d",
      reads: [x],
      writes: [v],
      calls: (at) => [call(F32_KERNELS.avgPool2d, { ...sizes, x: at(x), y: at(v), countIncludePad })],
    });
  },
};

const avgPool2dGrad: LowerRow = {
  can: fits,
  lower(to, v, node) {
    const dy = to.dense(node.args[0]!);
    const sizes = poolSizes(node.aval.shape, node.attrs);
    const countIncludePad = node.attrs[6] === 1;
    to.kernel({
      label: "avgPool2dGrad",
      reads: [dy],
      writes: [v],
      calls: (at) => [call(F32_KERNELS.avgPool2dGrad, { ...sizes, dy: at(dy), dx: at(v), countIncludePad })],
    });
  },
};

export const POOL: Readonly<Record<string, LowerRow>> = { maxPool2d, maxPool2dGrad, avgPool2d, avgPool2dGrad };
