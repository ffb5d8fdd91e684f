/** @file Reference implementations of the movement ops: every one is a table of offsets. */
import { stridesOf } from "../../program/aval.ts";
import type { Reference } from "../row.ts";
import { allocate, broadcastStrides, offsets, put, take } from "../walk.ts";

export const reshapeReference: Reference = ([x]) => x!.slice();

export const permuteReference: Reference = ([x], [from], attrs, out) => {
  const strides = stridesOf(from!.shape);
  return take(
    x!,
    offsets(
      out.shape,
      attrs.map((a) => strides[a]!),
    ),
    out,
  );
};

export const expandReference: Reference = ([x], [from], _attrs, out) =>
  take(x!, offsets(out.shape, broadcastStrides(from!.shape, out.shape)), out);

export const sliceReference: Reference = ([x], [from], attrs, out) => {
  const rank = out.shape.length;
  const strides = stridesOf(from!.shape);
  const start = strides.reduce((sum, s, d) => sum + s * attrs[d]!, 0);
  return take(
    x!,
    offsets(
      out.shape,
      strides.map((s, d) => s * attrs[2 * rank + d]!),
      start,
    ),
    out,
  );
};

export const padReference: Reference = ([x], [from], attrs, out) => {
  const rank = out.shape.length;
  const strides = stridesOf(out.shape);
  const start = strides.reduce((sum, s, d) => sum + s * attrs[d]!, 0);
  const y = allocate(out);
  put(
    y,
    offsets(
      from!.shape,
      strides.map((s, d) => s * (attrs[2 * rank + d]! + 1)),
      start,
    ),
    x!,
  );
  return y;
};

export const catReference: Reference = (xs, avals, [axis], out) => {
  const strides = stridesOf(out.shape);
  const y = allocate(out);
  let at = 0;
  xs.forEach((x, i) => {
    put(y, offsets(avals[i]!.shape, strides, at * strides[axis!]!), x);
    at += avals[i]!.shape[axis!]!;
  });
  return y;
};

export const flipReference: Reference = ([x], _avals, axes, out) => {
  const strides = stridesOf(out.shape);
  let start = 0;
  for (const a of axes) {
    start += (out.shape[a]! - 1) * strides[a]!;
    strides[a]! *= -1;
  }
  return take(x!, offsets(out.shape, strides, start), out);
};
