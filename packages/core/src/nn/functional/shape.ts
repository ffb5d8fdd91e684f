/** @file Elements in other places: one dimension as several, channels to pixels and back. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import { axisOf, inferShape } from "../../tensor/axes.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Dimension `dim` as several; one of the sizes may be -1. @throws SHAPE_MISMATCH, AXIS_OUT_OF_RANGE */
export function unflatten(x: Tensor, dim: number, sizes: readonly number[]): Tensor {
  const axis = axisOf("unflatten", dim, x.ndim);
  const inner = inferShape("unflatten", sizes, [x.shape[axis]!]);
  return x.reshape(...x.shape.slice(0, axis), ...inner, ...x.shape.slice(axis + 1));
}

function image(where: string, x: Tensor): [readonly number[], number, number, number] {
  if (x.ndim < 3) expected("SHAPE_MISMATCH", where, "[...,C,H,W]", showShape(x.shape));
  const [c, h, w] = x.shape.slice(-3) as [number, number, number];
  return [x.shape.slice(0, -3), c, h, w];
}

/** [..., C·r², H, W] -> [..., C, H·r, W·r] (Shi et al. 2016). @throws SHAPE_MISMATCH */
export function pixelShuffle(x: Tensor, r: number): Tensor {
  const [lead, c, h, w] = image("pixelShuffle", x);
  if (c % (r * r) !== 0) expected("SHAPE_MISMATCH", "pixelShuffle", `channels divisible by ${r * r}`, showShape(x.shape));
  const out = c / (r * r);
  const parts = x.reshape(-1, out, r, r, h, w);
  return parts.permute(0, 1, 4, 2, 5, 3).reshape(...lead, out, h * r, w * r);
}

/** [..., C, H·r, W·r] -> [..., C·r², H, W]. @throws SHAPE_MISMATCH */
export function pixelUnshuffle(x: Tensor, r: number): Tensor {
  const [lead, c, h, w] = image("pixelUnshuffle", x);
  if (h % r !== 0 || w % r !== 0) expected("SHAPE_MISMATCH", "pixelUnshuffle", `sizes divisible by ${r}`, showShape(x.shape));
  const parts = x.reshape(-1, c, h / r, r, w / r, r);
  return parts.permute(0, 1, 3, 5, 2, 4).reshape(...lead, c * r * r, h / r, w / r);
}
