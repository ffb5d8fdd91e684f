/** @file Rows of the ops that only move elements: reshape, permute, expand, slice, pad, cat, flip. */
import { expected } from "../../errors.ts";
import type { Expr } from "../../expr.ts";
import { type Aval, broadcastShapes, sameShape, showAval, showShape, sizeOf } from "../../program/aval.ts";
import { checkAxes, checkAxis, checkCount, checkInt, checkSameDType, checkSizes } from "../check.ts";
import {
  slice as cut,
  pad as padding,
  permute as permutation,
  flip as reverse,
  reshape as shaped,
  sumTo,
  zeros,
} from "../emit.ts";
import type { OpRow } from "../row.ts";
import * as ref from "./reference.ts";
import * as batch from "./vmap.ts";

const reshape: OpRow = {
  name: "reshape",
  arity: 1,
  attrs: ["shape..."],
  infer([x], attrs) {
    checkSizes("reshape", attrs);
    if (sizeOf(attrs) !== sizeOf(x!.shape)) {
      expected("SHAPE_MISMATCH", "reshape", `a shape of ${sizeOf(x!.shape)} elements`, showShape(attrs));
    }
    return { shape: attrs, dtype: x!.dtype };
  },
  grad: ({ args, grad }) => [shaped(grad, args[0]!.shape)],
  vmap: batch.batchReshape,
  reference: ref.reshapeReference,
};

const permute: OpRow = {
  name: "permute",
  arity: 1,
  attrs: ["axes..."],
  infer([x], attrs) {
    checkCount("permute", attrs, x!.shape.length);
    checkAxes(
      "permute",
      [...attrs].sort((a, b) => a - b),
      x!.shape.length,
    );
    return { shape: attrs.map((a) => x!.shape[a]!), dtype: x!.dtype };
  },
  grad: ({ attrs, grad }) => [
    permutation(
      grad,
      attrs.map((_, i) => attrs.indexOf(i)),
    ),
  ],
  vmap: batch.batchPermute,
  reference: ref.permuteReference,
};

const expand: OpRow = {
  name: "expand",
  arity: 1,
  attrs: ["shape..."],
  infer([x], attrs) {
    checkSizes("expand", attrs);
    if (!sameShape(broadcastShapes("expand", x!.shape, attrs), attrs)) {
      expected("SHAPE_MISMATCH", "expand", `a shape that ${showAval(x!)} broadcasts to`, showShape(attrs));
    }
    return { shape: attrs, dtype: x!.dtype };
  },
  grad: ({ args, grad }) => [sumTo(grad, args[0]!.shape)],
  vmap: batch.batchExpand,
  reference: ref.expandReference,
};

function sliceInfer([x]: readonly Aval[], attrs: readonly number[]): Aval {
  const rank = x!.shape.length;
  checkCount("slice", attrs, 3 * rank);
  const shape = x!.shape.map((size, d) => {
    const start = checkInt("slice", "start", attrs[d], 0, size);
    const stop = checkInt("slice", "stop", attrs[rank + d], start, size);
    return Math.ceil((stop - start) / checkInt("slice", "step", attrs[2 * rank + d], 1));
  });
  return { shape, dtype: x!.dtype };
}

const slice: OpRow = {
  name: "slice",
  arity: 1,
  attrs: ["start|stop|step..."],
  infer: sliceInfer,
  grad({ args, attrs, grad }) {
    const x = args[0]!;
    if (sizeOf(grad.shape) === 0) return [zeros(x)];
    const rank = x.shape.length;
    const interior = attrs.slice(2 * rank).map((step) => step - 1);
    const hi = x.shape.map((size, d) => size - attrs[d]! - (grad.shape[d]! + (grad.shape[d]! - 1) * interior[d]!));
    return [padding(grad, attrs.slice(0, rank), hi, interior)];
  },
  vmap: batch.batchSlice,
  reference: ref.sliceReference,
};

const pad: OpRow = {
  name: "pad",
  arity: 1,
  attrs: ["lo|hi|interior..."],
  infer([x], attrs) {
    const rank = x!.shape.length;
    checkCount("pad", attrs, 3 * rank);
    for (const a of attrs) checkInt("pad", "padding", a, 0);
    const shape = x!.shape.map((n, d) => attrs[d]! + n + attrs[rank + d]! + Math.max(n - 1, 0) * attrs[2 * rank + d]!);
    return { shape: checkSizes("pad", shape), dtype: x!.dtype };
  },
  grad({ args, attrs, grad }) {
    const x = args[0]!;
    const rank = x.shape.length;
    const step = attrs.slice(2 * rank).map((interior) => interior + 1);
    const start = attrs.slice(0, rank);
    return [
      cut(
        grad,
        start,
        x.shape.map((n, d) => start[d]! + (n === 0 ? 0 : (n - 1) * step[d]! + 1)),
        step,
      ),
    ];
  },
  vmap: batch.batchPad,
  reference: ref.padReference,
};

function catInfer(xs: readonly Aval[], attrs: readonly number[]): Aval {
  checkCount("cat", attrs, 1);
  const first = xs[0]!;
  const axis = checkAxis("cat", attrs[0], first.shape.length);
  let size = 0;
  for (const x of xs) {
    checkSameDType("cat", first, x);
    if (x.shape.length !== first.shape.length || x.shape.some((d, i) => i !== axis && d !== first.shape[i])) {
      expected("SHAPE_MISMATCH", "cat", `shapes equal but for axis ${axis}`, `${showAval(first)} and ${showAval(x)}`);
    }
    size += x.shape[axis]!;
  }
  return { shape: first.shape.map((d, i) => (i === axis ? checkInt("cat", "size", size, 0) : d)), dtype: first.dtype };
}

const cat: OpRow = {
  name: "cat",
  arity: null,
  attrs: ["axis"],
  infer: catInfer,
  grad({ args, attrs, grad, needs }) {
    let at = 0;
    return args.map((x, i): Expr | null => {
      const from = at;
      at += x.shape[attrs[0]!]!;
      if (!needs(i)) return null;
      const start = x.shape.map((_, d) => (d === attrs[0] ? from : 0));
      return cut(
        grad,
        start,
        x.shape.map((n, d) => start[d]! + n),
      );
    });
  },
  vmap: batch.batchCat,
  reference: ref.catReference,
};

const flip: OpRow = {
  name: "flip",
  arity: 1,
  attrs: ["axes..."],
  infer([x], attrs) {
    checkAxes("flip", attrs, x!.shape.length);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  grad: ({ attrs, grad }) => [reverse(grad, attrs)],
  vmap: batch.batchFlip,
  reference: ref.flipReference,
};

export const MOVEMENT_ROWS: readonly OpRow[] = [reshape, permute, expand, slice, pad, cat, flip];
