/** @file Rows of layerNorm and its gradient: normalisation over the trailing axes (Ba, Kiros and Hinton 2016; Zhang and Sennrich 2019). */
import { expected } from "../../errors.ts";
import type { Expr } from "../../expr.ts";
import { type Aval, sizeOf } from "../../program/aval.ts";
import { checkCount, checkFlag, checkInt, checkKind, checkSameDType, checkShape, FLOAT } from "../check.ts";
import * as op from "../emit.ts";
import { numberOf } from "../number.ts";
import type { OpRow } from "../row.ts";
import { layerNormGradReference, layerNormReference } from "./reference.ts";

/** The attributes read: how many trailing axes, whether the mean is subtracted, what is added to the variance. */
export interface NormSettings {
  readonly axes: readonly number[];
  readonly centre: boolean;
  readonly eps: number;
}

/** Settings for a value of this rank; `attrs` were checked by `infer`. */
export function normSettings(rank: number, attrs: readonly number[]): NormSettings {
  const count = attrs[0]!;
  const axes = Array.from({ length: count }, (_, i) => rank - count + i);
  return { axes, centre: attrs[1] === 1, eps: numberOf(attrs[2], attrs[3]) };
}

function check(name: string, x: Aval, attrs: readonly number[]): void {
  checkCount(name, attrs, 4);
  checkKind(name, x, FLOAT);
  checkInt(name, "axes", attrs[0], 1, x.shape.length);
  checkFlag(name, "centre", attrs[1]);
  const eps = numberOf(attrs[2], attrs[3]);
  if (!(eps >= 0 && Number.isFinite(eps))) expected("ATTR_INVALID", name, "an eps of at least 0", `${eps}`);
}

/** What normalisation is made of: x less its mean, and 1/σ (both of x's rank). */
function parts(x: Expr, { axes, centre, eps }: NormSettings): { readonly centred: Expr; readonly inverse: Expr } {
  const centred = centre ? op.sub(x, mean(x, axes)) : x;
  return { centred, inverse: op.rsqrt(op.add(mean(op.mul(centred, centred), axes), op.lit(x, eps))) };
}

/** An empty axis has no mean; nothing reads it there. */
function mean(x: Expr, axes: readonly number[]): Expr {
  const n = sizeOf(axes.map((d) => x.shape[d]!));
  return op.mul(op.sum(x, axes, true), op.lit(x, n === 0 ? 0 : 1 / n));
}

const layerNorm: OpRow = {
  name: "layerNorm",
  arity: 1,
  attrs: ["axes", "centre", "epsHigh", "epsLow"],
  infer([x], attrs) {
    check("layerNorm", x!, attrs);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  grad: ({ args, attrs, grad }) => [op.layerNormGrad(grad, args[0]!, attrs)],
  vmap: ([x], _batched, attrs) => op.layerNorm(x!, attrs),
  reference: layerNormReference,
  decompose([x], attrs) {
    const { centred, inverse } = parts(x!, normSettings(x!.shape.length, attrs));
    return op.mul(centred, inverse);
  },
};

/** r (g - mean g - y mean(g y)) with y = layerNorm(x), r = 1/σ. The Jacobian is symmetric, so this is its product with g either way. */
const layerNormGrad: OpRow = {
  name: "layerNormGrad",
  arity: 2,
  attrs: ["axes", "centre", "epsHigh", "epsLow"],
  infer([g, x], attrs) {
    check("layerNormGrad", x!, attrs);
    checkSameDType("layerNormGrad", g!, x!);
    checkShape("layerNormGrad", g!, x!.shape);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  /**
   * With h the incoming gradient, a = mean(h y), b = mean(g y) and Q = Σ h (g - mean g - y b): through y flows -r (h b + g a),
   * through r, whose gradient by x is -r² y / n, flows Q.
   */
  grad({ args, attrs, grad: h, needs }) {
    const [g, x] = args as [Expr, Expr];
    const byG = needs(0) ? op.layerNormGrad(h, x, attrs) : null;
    if (!needs(1)) return [byG, null];
    const settings = normSettings(x.shape.length, attrs);
    const { centred, inverse: r } = parts(x, settings);
    const y = op.mul(centred, r);
    const b = mean(op.mul(g, y), settings.axes);
    const a = mean(op.mul(h, y), settings.axes);
    const inner = op.sub(settings.centre ? op.sub(g, mean(g, settings.axes)) : g, op.mul(y, b));
    const q = mean(op.mul(h, inner), settings.axes);
    const throughY = op.layerNormGrad(op.neg(op.mul(r, op.add(op.mul(h, b), op.mul(g, a)))), x, attrs);
    return [byG, op.sub(throughY, op.mul(op.mul(op.mul(r, r), q), y))];
  },
  vmap(args, batched, attrs, size) {
    const [g, x] = args.map((v, i) => (batched[i] ? v : op.expand(op.reshape(v, [1, ...v.shape]), [size, ...v.shape])));
    return op.layerNormGrad(g!, x!, attrs);
  },
  reference: layerNormGradReference,
  decompose([g, x], attrs) {
    const settings = normSettings(x!.shape.length, attrs);
    const { centred, inverse } = parts(x!, settings);
    const y = op.mul(centred, inverse);
    const less = settings.centre ? op.sub(g!, mean(g!, settings.axes)) : g!;
    return op.mul(inverse, op.sub(less, op.mul(y, mean(op.mul(g!, y), settings.axes))));
  },
};

export const NORM_ROWS: readonly OpRow[] = [layerNorm, layerNormGrad];
