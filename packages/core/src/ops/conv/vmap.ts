/** @file Batching of convolutions: a batched image joins N; as soon as weights are batched, the batch becomes groups. */
import type { Expr } from "../../expr.ts";
import type { Shape } from "../../program/aval.ts";
import { conv2d, conv2dGradInput, conv2dGradWeight, expand, permute, reshape } from "../emit.ts";
import type { BatchRule } from "../row.ts";

const everywhere = (x: Expr, batched: boolean, size: number): Expr =>
  batched ? x : expand(reshape(x, [1, ...x.shape]), [size, ...x.shape]);

/** [B,N,...] -> [B*N,...] */
const mergeRows = (x: Expr): Expr => reshape(x, [x.shape[0]! * x.shape[1]!, ...x.shape.slice(2)]);
const splitRows = (x: Expr, size: number): Expr => reshape(x, [size, x.shape[0]! / size, ...x.shape.slice(1)]);

/** [B,N,C,H,W] -> [N,B*C,H,W] */
function mergeChannels(x: Expr): Expr {
  const [b, n, c, h, w] = x.shape as [number, number, number, number, number];
  return reshape(permute(x, [1, 0, 2, 3, 4]), [n, b * c, h, w]);
}

/** [N,B*C,H,W] -> [B,N,C,H,W] */
function splitChannels(x: Expr, size: number): Expr {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return permute(reshape(x, [n, size, c / size, h, w]), [1, 0, 2, 3, 4]);
}

function grouped(attrs: readonly number[], size: number): number[] {
  const more = [...attrs];
  more[6]! *= size;
  return more;
}

/** An op on (image, weight) whose result is an image. Called through a closure: the emit functions may not be defined yet when this loads. */
const onImage =
  (op: (a: Expr, b: Expr, attrs: readonly number[]) => Expr): BatchRule =>
  ([x, w], [bx, bw], attrs, size) => {
    if (!bw) return splitRows(op(mergeRows(x!), w!, attrs), size);
    const images = mergeChannels(everywhere(x!, bx!, size));
    return splitChannels(op(images, mergeRows(w!), grouped(attrs, size)), size);
  };

export const batchConv: BatchRule = onImage((x, w, attrs) => conv2d(x, w, attrs));
export const batchGradInput: BatchRule = onImage((g, w, attrs) => conv2dGradInput(g, w, attrs));

export const batchGradWeight: BatchRule = ([x, g], [bx, bg], attrs, size) => {
  const images = mergeChannels(everywhere(x!, bx!, size));
  const grads = mergeChannels(everywhere(g!, bg!, size));
  const out = conv2dGradWeight(images, grads, grouped(attrs, size));
  const shape: Shape = [size, out.shape[0]! / size, ...out.shape.slice(1)];
  return reshape(out, shape);
};
