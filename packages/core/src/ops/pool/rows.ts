/** @file Rows of 2-D pooling and its gradients. */
import { type Aval, sizeOf } from "../../program/aval.ts";
import { checkCount, checkFlag, checkInt, checkSameDType, checkShape } from "../check.ts";
import { avgPool2dGrad as averageGrad, avgPool2d as averagePool, maxPool2dGrad as maximumGrad } from "../emit.ts";
import type { OpRow } from "../row.ts";
import { allocate, type NumberArray, numbers } from "../walk.ts";
import { checkImage, checkResult, divisors, eachTap, type Geometry, geometry, POOL_ATTRS } from "./geometry.ts";
import { pickMaxima } from "./pick.ts";
import { batchPlanes } from "./vmap.ts";

const maxPool2d: OpRow = {
  name: "maxPool2d",
  arity: 1,
  attrs: POOL_ATTRS,
  infer([x], attrs) {
    checkCount("maxPool2d", attrs, 6);
    checkImage("maxPool2d", x!);
    const s = geometry("maxPool2d", x!.shape, attrs);
    return { shape: [x!.shape[0]!, x!.shape[1]!, s.oh, s.ow], dtype: x!.dtype };
  },
  grad: ({ args, attrs, out, grad }) => [maximumGrad(grad, args[0]!, out, attrs)],
  vmap: batchPlanes("maxPool2d"),
  reference([x], [aval], attrs, out) {
    const from = numbers(x);
    const y = numbers(allocate(out)).fill(Number.NEGATIVE_INFINITY);
    eachTap(geometry("maxPool2d", aval!.shape, attrs), (o, i) => {
      if (!(from[i]! <= y[o]!) && !Number.isNaN(y[o]!)) y[o] = from[i]!;
    });
    return y;
  },
};

/** Position of the first maximum of each window; a NaN is the maximum. */
function firstMaxima(x: NumberArray, s: Geometry): Int32Array {
  const at = new Int32Array(s.planes * s.oh * s.ow).fill(-1);
  eachTap(s, (o, i) => {
    const best = at[o]! < 0 ? Number.NEGATIVE_INFINITY : x[at[o]!]!;
    if (at[o]! < 0 || (!Number.isNaN(best) && !(x[i]! <= best))) at[o] = i;
  });
  return at;
}

const maxPool2dGrad: OpRow = {
  name: "maxPool2dGrad",
  arity: 3,
  attrs: POOL_ATTRS,
  infer([g, x, y], attrs) {
    checkCount("maxPool2dGrad", attrs, 6);
    checkSameDType("maxPool2dGrad", g!, x!);
    checkSameDType("maxPool2dGrad", y!, x!);
    checkImage("maxPool2dGrad", x!);
    const s = geometry("maxPool2dGrad", x!.shape, attrs);
    checkResult("maxPool2dGrad", y!, x!.shape[0]!, x!.shape[1]!, s);
    checkShape("maxPool2dGrad", g!, y!.shape);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  grad: ({ args, attrs, grad, needs }) => [needs(0) ? pickMaxima(grad, args[1]!, args[2]!, attrs) : null, null, null],
  vmap: batchPlanes("maxPool2dGrad"),
  reference([g, x], [, aval], attrs, out) {
    const at = firstMaxima(numbers(x), geometry("maxPool2dGrad", aval!.shape, attrs));
    const from = numbers(g);
    const sum = new Float64Array(sizeOf(out.shape));
    for (let o = 0; o < at.length; o++) sum[at[o]!]! += from[o]!;
    const result = numbers(allocate(out));
    result.set(sum);
    return result;
  },
};

const avgPool2d: OpRow = {
  name: "avgPool2d",
  arity: 1,
  attrs: [...POOL_ATTRS, "countIncludePad"],
  infer([x], attrs) {
    checkCount("avgPool2d", attrs, 7);
    checkImage("avgPool2d", x!);
    checkFlag("avgPool2d", "countIncludePad", attrs[6]);
    const s = geometry("avgPool2d", x!.shape, attrs);
    return { shape: [x!.shape[0]!, x!.shape[1]!, s.oh, s.ow], dtype: x!.dtype };
  },
  grad: ({ args, attrs, grad }) => [averageGrad(grad, [...attrs, ...args[0]!.shape.slice(2)])],
  vmap: batchPlanes("avgPool2d"),
  reference([x], [aval], attrs, out) {
    const s = geometry("avgPool2d", aval!.shape, attrs);
    const from = numbers(x);
    const sum = new Float64Array(sizeOf(out.shape));
    eachTap(s, (o, i) => {
      sum[o]! += from[i]!;
    });
    const d = divisors(s, attrs[6] === 1);
    const y = numbers(allocate(out));
    for (let o = 0; o < y.length; o++) y[o] = sum[o]! / d[o % d.length]!;
    return y;
  },
};

function averageGradGeometry(g: Aval, attrs: readonly number[]): Geometry {
  const h = checkInt("avgPool2dGrad", "H", attrs[7], 0);
  const w = checkInt("avgPool2dGrad", "W", attrs[8], 0);
  return geometry("avgPool2dGrad", [g.shape[0]!, g.shape[1]!, h, w], attrs);
}

const avgPool2dGrad: OpRow = {
  name: "avgPool2dGrad",
  arity: 1,
  attrs: [...POOL_ATTRS, "countIncludePad", "H", "W"],
  infer([g], attrs) {
    checkCount("avgPool2dGrad", attrs, 9);
    checkImage("avgPool2dGrad", g!);
    checkFlag("avgPool2dGrad", "countIncludePad", attrs[6]);
    const s = averageGradGeometry(g!, attrs);
    const [n, c] = g!.shape as [number, number];
    checkResult("avgPool2dGrad", g!, n, c, s);
    return { shape: [n, c, s.h, s.w], dtype: g!.dtype };
  },
  grad: ({ attrs, grad }) => [averagePool(grad, attrs.slice(0, 7))],
  vmap: batchPlanes("avgPool2dGrad"),
  reference([g], [aval], attrs, out) {
    const s = averageGradGeometry(aval!, attrs);
    const d = divisors(s, attrs[6] === 1);
    const from = numbers(g);
    const sum = new Float64Array(sizeOf(out.shape));
    eachTap(s, (o, i) => {
      sum[i]! += from[o]! / d[o % d.length]!;
    });
    const result = numbers(allocate(out));
    result.set(sum);
    return result;
  },
};

export const POOL_ROWS: readonly OpRow[] = [maxPool2d, maxPool2dGrad, avgPool2d, avgPool2dGrad];
