/** @file Rows of the 2-D convolution and its two gradients. The three are one trilinear form, so their gradients are each other. */
import type { Expr } from "../../expr.ts";
import { type Aval, sizeOf } from "../../program/aval.ts";
import { checkInt } from "../check.ts";
import { conv2d as convolve, conv2dGradInput as gradInput, conv2dGradWeight as gradWeight } from "../emit.ts";
import type { OpRow } from "../row.ts";
import { allocate, type NumberArray, numbers } from "../walk.ts";
import { CONV_ATTRS, checkPair, checkResult, eachRow, type Geometry, geometry, type Row } from "./geometry.ts";
import { batchConv, batchGradInput, batchGradWeight } from "./vmap.ts";

/** Accumulates in f64, then rounds to the dtype of the result. */
function accumulate(s: Geometry, out: Aval, addTo: (total: Float64Array) => Row): NumberArray {
  const total = new Float64Array(sizeOf(out.shape));
  eachRow(s, addTo(total));
  const result = numbers(allocate(out));
  result.set(total);
  return result;
}

const base = (attrs: readonly number[]): readonly number[] => attrs.slice(0, 7);
const spatial = (x: Expr): readonly number[] => x.shape.slice(2);

const conv2d: OpRow = {
  name: "conv2d",
  arity: 2,
  attrs: CONV_ATTRS,
  infer([x, w], attrs) {
    checkPair("conv2d", x!, w!, attrs, 7);
    const s = geometry("conv2d", x!.shape, w!.shape, attrs);
    return { shape: [s.n, s.o, s.oh, s.ow], dtype: x!.dtype };
  },
  grad({ args, attrs, grad, needs }) {
    const [x, w] = args as [Expr, Expr];
    return [
      needs(0) ? gradInput(grad, w, [...attrs, ...spatial(x)]) : null,
      needs(1) ? gradWeight(x, grad, [...attrs, ...spatial(w)]) : null,
    ];
  },
  vmap: batchConv,
  reference(args, [x, w], attrs, out) {
    const [a, b] = args.map(numbers);
    return accumulate(geometry("conv2d", x!.shape, w!.shape, attrs), out, (total) => (y, i, k, count, step) => {
      const weight = b![k]!;
      for (let t = 0; t < count; t++) total[y + t]! += a![i + t * step]! * weight;
    });
  },
};

function gradInputGeometry(g: Aval, w: Aval, attrs: readonly number[]): Geometry {
  const [h, width] = [checkInt("conv2dGradInput", "H", attrs[7], 0), checkInt("conv2dGradInput", "W", attrs[8], 0)];
  const groups = checkInt("conv2dGradInput", "groups", attrs[6], 1);
  return geometry("conv2dGradInput", [g.shape[0]!, w.shape[1]! * groups, h, width], w.shape, attrs);
}

const conv2dGradInput: OpRow = {
  name: "conv2dGradInput",
  arity: 2,
  attrs: [...CONV_ATTRS, "H", "W"],
  infer([g, w], attrs) {
    checkPair("conv2dGradInput", g!, w!, attrs, 9);
    const s = gradInputGeometry(g!, w!, attrs);
    checkResult("conv2dGradInput", g!, s);
    return { shape: [s.n, s.c, s.h, s.w], dtype: g!.dtype };
  },
  grad({ args, attrs, grad, needs }) {
    const [g, w] = args as [Expr, Expr];
    return [
      needs(0) ? convolve(grad, w, base(attrs)) : null,
      needs(1) ? gradWeight(grad, g, [...base(attrs), ...spatial(w)]) : null,
    ];
  },
  vmap: batchGradInput,
  reference(args, [g, w], attrs, out) {
    const [a, b] = args.map(numbers);
    return accumulate(gradInputGeometry(g!, w!, attrs), out, (total) => (y, i, k, count, step) => {
      const weight = b![k]!;
      for (let t = 0; t < count; t++) total[i + t * step]! += a![y + t]! * weight;
    });
  },
};

function gradWeightGeometry(x: Aval, g: Aval, attrs: readonly number[]): Geometry {
  const [kh, kw] = [checkInt("conv2dGradWeight", "KH", attrs[7], 1), checkInt("conv2dGradWeight", "KW", attrs[8], 1)];
  const groups = checkInt("conv2dGradWeight", "groups", attrs[6], 1);
  return geometry("conv2dGradWeight", x.shape, [g.shape[1]!, Math.floor(x.shape[1]! / groups), kh, kw], attrs);
}

const conv2dGradWeight: OpRow = {
  name: "conv2dGradWeight",
  arity: 2,
  attrs: [...CONV_ATTRS, "KH", "KW"],
  infer([x, g], attrs) {
    checkPair("conv2dGradWeight", x!, g!, attrs, 9);
    const s = gradWeightGeometry(x!, g!, attrs);
    checkResult("conv2dGradWeight", g!, s);
    return { shape: [s.o, s.c / s.groups, s.kh, s.kw], dtype: x!.dtype };
  },
  grad({ args, attrs, grad, needs }) {
    const [x, g] = args as [Expr, Expr];
    return [
      needs(0) ? gradInput(g, grad, [...base(attrs), ...spatial(x)]) : null,
      needs(1) ? convolve(x, grad, base(attrs)) : null,
    ];
  },
  vmap: batchGradWeight,
  reference(args, [x, g], attrs, out) {
    const [a, b] = args.map(numbers);
    return accumulate(gradWeightGeometry(x!, g!, attrs), out, (total) => (y, i, k, count, step) => {
      let sum = 0;
      for (let t = 0; t < count; t++) sum += a![i + t * step]! * b![y + t]!;
      total[k]! += sum;
    });
  },
};

export const CONV_ROWS: readonly OpRow[] = [conv2d, conv2dGradInput, conv2dGradWeight];
