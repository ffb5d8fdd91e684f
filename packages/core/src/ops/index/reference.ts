/** @file Reference implementations of the indexing ops. */
import { TacitError } from "../../errors.ts";
import { type Shape, stridesOf } from "../../program/aval.ts";
import type { TypedArray } from "../../program/dtype.ts";
import { indexOutOfRange } from "../check.ts";
import type { Reference } from "../row.ts";
import { allocate, isBig, numbers, offsets, put, putAdd, split, take } from "../walk.ts";
import { ranking } from "./sort.ts";

/** Offsets into a value of shape `shape` for indices of shape `at`, the index standing for the place along `axis`. */
function targets(op: string, shape: Shape, index: TypedArray, at: Shape, axis: number): Int32Array {
  const strides = stridesOf(shape);
  const step = strides[axis]!;
  strides[axis] = 0;
  const out = offsets(at, strides);
  const places = numbers(index);
  for (let i = 0; i < out.length; i++) out[i]! += checkedIndex(op, places[i]!, shape[axis]!) * step;
  return out;
}

/** The same for a 1-D index that holds for every line along `axis`. */
function lines(op: string, shape: Shape, index: TypedArray, axis: number): Int32Array {
  const { outer, n, inner } = split(shape, axis);
  const places = numbers(index);
  const out = new Int32Array(outer * places.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (let k = 0; k < places.length; k++) {
      const base = (o * n + checkedIndex(op, places[k]!, n)) * inner;
      for (let i = 0; i < inner; i++) out[at++] = base + i;
    }
  }
  return out;
}

function checkedIndex(op: string, i: number, size: number): number {
  if (i < 0 || i >= size) indexOutOfRange(op, size);
  return i;
}

export const gatherReference: Reference = ([x, index], [from], [axis], out) =>
  take(x!, targets("gather", from!.shape, index!, out.shape, axis!), out);

export const scatterAddReference: Reference = ([base, index, src], avals, [axis], out) =>
  putAdd(base!.slice(), targets("scatterAdd", out.shape, index!, avals[1]!.shape, axis!), src!);

export const scatterReference: Reference = ([base, index, src], avals, [axis], out) => {
  const y = base!.slice();
  put(y, targets("scatter", out.shape, index!, avals[1]!.shape, axis!), src!);
  return y;
};

export const indexSelectReference: Reference = ([x, index], [from], [axis], out) =>
  take(x!, lines("indexSelect", from!.shape, index!, axis!), out);

export const indexAddReference: Reference = ([base, index, src], _avals, [axis], out) =>
  putAdd(base!.slice(), lines("indexAdd", out.shape, index!, axis!), src!);

export const oneHotReference: Reference = ([index], _avals, [classes], out) => {
  const y = allocate(out);
  index!.forEach((label: number | bigint, i: number) => {
    if (label < 0 || label >= classes!) {
      throw new TacitError("LABEL_OUT_OF_RANGE", `oneHot: expected labels in 0..${classes! - 1}, got one outside`);
    }
    const at = i * classes! + Number(label);
    if (isBig(y)) y[at] = 1n;
    else y[at] = 1;
  });
  return y;
};

export const argsortReference: Reference = ([x], [from], attrs) => ranking(x!, from!.shape, attrs[0]!, attrs[1] === 1);

export const sortReference: Reference = ([x], [from], attrs, out) =>
  take(x!, targets("sort", from!.shape, ranking(x!, from!.shape, attrs[0]!, attrs[1] === 1), out.shape, attrs[0]!), out);
