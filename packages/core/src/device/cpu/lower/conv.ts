/** @file Convolution and its gradients. */
import { type ConvSizes, F32_KERNELS } from "@tacit/kernels";
import { type Aval, type Shape, sizeOf } from "../../../program/aval.ts";
import type { GraphNode } from "../graph.ts";
import { call } from "../steps.ts";
import type { Lowering } from "./lowering.ts";
import type { Epilogue } from "./matmul.ts";
import type { LowerRow } from "./row.ts";

/** Sizes from the shapes of x and w; attrs are [strideH, strideW, padH, padW, dilH, dilW, groups, ...]. */
function convSizes(x: Shape, w: Shape, attrs: readonly number[]): Required<ConvSizes> {
  const [strideH, strideW, padH, padW, dilationH, dilationW, groups] = attrs as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [n, c, h, width] = x as [number, number, number, number];
  const [o, , kh, kw] = w as [number, number, number, number];
  return { n, c, h, w: width, o, kh, kw, strideH, strideW, padH, padW, dilationH, dilationW, groups };
}

/** Multiply-adds count two: the same for the product and both gradients. `y` is the shape of the convolution's result. */
const convFlops = (y: Shape, w: Shape): number => 2 * sizeOf(y) * sizeOf(w.slice(1));

/** Lowers the convolution `v`; the bias is one number per output channel. */
export function lowerConv(to: Lowering, v: number, node: GraphNode, epilogue: Epilogue = {}): void {
  const [vx, vw] = node.args as [number, number];
  const [x, weight] = [to.dense(vx), to.dense(vw)];
  const sizes = convSizes(to.aval(vx).shape, to.aval(vw).shape, node.attrs);
  const out = epilogue.out ?? v;
  const bias = epilogue.bias === undefined ? undefined : to.dense(epilogue.bias);
  to.kernel({
    label: `conv2d${bias === undefined ? "" : " bias"}${epilogue.relu ? " relu" : ""}`,
    reads: bias === undefined ? [x, weight] : [x, weight, bias],
    writes: [out],
    flops: convFlops(node.aval.shape, to.aval(vw).shape),
    calls: (at) => [
      call(F32_KERNELS.conv2d, {
        ...sizes,
        x: at(x),
        weight: at(weight),
        y: at(out),
        ...(bias === undefined ? {} : { bias: at(bias) }),
        ...(epilogue.relu ? { relu: true } : {}),
      }),
    ],
  });
}

/** Kernels compute sizes and addresses in 32 bits. What no network has (a padding of 2^20, a stride of 2^31 - 1) runs on the host. */
export const MAX_STEP: number = 2 ** 14;
/** Elements of one padded image, all channels: 256 MiB. */
const MAX_IMAGE = 2 ** 26;

/** Whether the convolution of an image [n,c,h,w] with these weights is one that the kernels can do. */
function fits(node: GraphNode, args: readonly Aval[], x: Shape, w: Shape): boolean {
  if (node.aval.dtype !== "f32" || args.some((a) => a.dtype !== "f32")) return false;
  const s = convSizes(x, w, node.attrs);
  const steps = [s.strideH, s.strideW, s.padH, s.padW, s.dilationH, s.dilationW, s.kh, s.kw];
  const image = s.c * (s.h + 2 * s.padH + s.strideH) * (s.w + 2 * s.padW + s.strideW);
  return steps.every((d) => d <= MAX_STEP) && image <= MAX_IMAGE;
}

const conv2d: LowerRow = {
  can: (node, args) => fits(node, args, args[0]!.shape, args[1]!.shape),
  lower: (to, v, node) => lowerConv(to, v, node),
};

const conv2dGradInput: LowerRow = {
  can: (node, args) => fits(node, args, node.aval.shape, args[1]!.shape),
  lower(to, v, node) {
    const [vg, vw] = node.args as [number, number];
    const [dy, weight] = [to.dense(vg), to.dense(vw)];
    const sizes = convSizes(node.aval.shape, to.aval(vw).shape, node.attrs);
    to.kernel({
      label: "conv2dGradInput",
      reads: [dy, weight],
      writes: [v],
      flops: convFlops(to.aval(vg).shape, to.aval(vw).shape),
      calls: (at) => [call(F32_KERNELS.conv2dGradInput, { ...sizes, dy: at(dy), weight: at(weight), dx: at(v) })],
    });
  },
};

const conv2dGradWeight: LowerRow = {
  can: (node, args) => fits(node, args, args[0]!.shape, node.aval.shape),
  lower(to, v, node) {
    const [vx, vg] = node.args as [number, number];
    const [x, dy] = [to.dense(vx), to.dense(vg)];
    const sizes = convSizes(to.aval(vx).shape, node.aval.shape, node.attrs);
    to.kernel({
      label: "conv2dGradWeight",
      reads: [x, dy],
      writes: [v],
      flops: convFlops(to.aval(vg).shape, node.aval.shape),
      calls: (at) => [call(F32_KERNELS.conv2dGradWeight, { ...sizes, x: at(x), dy: at(dy), dw: at(v) })],
    });
  },
};

export const CONV: Readonly<Record<string, LowerRow>> = { conv2d, conv2dGradInput, conv2dGradWeight };
