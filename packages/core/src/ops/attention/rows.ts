/** @file Rows of scaled-dot-product attention (Vaswani et al. 2017, section 3.2.1) and its gradient. */
import type { Expr } from "../../expr.ts";
import type { Aval, Shape } from "../../program/aval.ts";
import * as op from "../emit.ts";
import type { BatchRule, GradContext, OpRow } from "../row.ts";
import { attentionGradInfer, attentionInfer, attentionSettings, sizesOf } from "./infer.ts";
import { attentionGradReference, attentionReference } from "./reference.ts";

/**
 * What a hidden score counts as in decompositions: exp of it is 0 beside any score above -2^13, and a device of fixed-point numbers holds
 * it. There a query that sees no key gets the mean of the values, where the op itself gives NaN.
 */
const HIDDEN = -(2 ** 14);

/** softmax(scale q kᵀ + mask) along the keys: [..., L, S]. A query that sees no key gets NaN, as in PyTorch. */
export function attentionWeights(
  q: Expr,
  k: Expr,
  mask: Expr | undefined,
  attrs: readonly number[],
  hidden: number = Number.NEGATIVE_INFINITY,
): Expr {
  const { causal, scale } = attentionSettings(attrs);
  const products = op.matmul(q, k, false, true);
  let scores = op.mul(products, op.lit(products, scale));
  const shut = op.lit(scores, hidden);
  if (mask !== undefined) scores = mask.dtype === "bool" ? op.where(mask, scores, shut) : op.add(scores, mask);
  if (causal) {
    const matrix = scores.shape.slice(-2);
    scores = op.where(op.ge(op.iota("i32", 0, matrix), op.iota("i32", 1, matrix)), scores, shut);
  }
  return op.softmax(scores, scores.shape.length - 1);
}

const alongKeys = (x: Expr): Expr => op.sum(x, [x.shape.length - 1], true);

/** The product with the Jacobian of softmax, which is symmetric: p (g - Σ p g). */
const throughSoftmax = (p: Expr, g: Expr): Expr => op.mul(p, op.sub(g, alongKeys(op.mul(p, g))));

/** Merges the mask's gradient [..., L, S] back to its shape. */
const toMask = (x: Expr, mask: Expr): Expr => op.sumTo(x, mask.shape);

/** Parts of what attentionGrad returns. */
function unpack(packed: Expr, q: Aval, k: Aval, v: Aval): readonly [Expr, Expr, Expr] {
  const { batch, l, s, e, d } = sizesOf(q, k, v);
  const zeros = batch.map(() => 0);
  const part = (from: number, rows: number, columns: number): Expr =>
    op.slice(packed, [...zeros, from, 0], [...batch, from + rows, columns]);
  return [part(0, l, e), part(l, s, e), part(l + s, s, d)];
}

/** dq, dk and dv one below the other, narrower ones padded with zeros. */
function pack(parts: readonly Expr[]): Expr {
  const rank = parts[0]!.shape.length;
  const width = Math.max(...parts.map((x) => x.shape.at(-1)!));
  const wide = parts.map((x) => {
    const missing = width - x.shape.at(-1)!;
    const none = new Array<number>(rank).fill(0);
    return missing === 0 ? x : op.pad(x, none, [...none.slice(1), missing]);
  });
  return op.cat(wide, rank - 2);
}

function attentionGradient({ args, attrs, grad, needs }: GradContext): (Expr | null)[] {
  const [q, k, v, mask] = args as [Expr, Expr, Expr, Expr?];
  const packed = needs(0) || needs(1) || needs(2) ? unpack(op.attentionGrad(grad, args, attrs), q, k, v) : [null, null, null];
  const out = packed.map((g, i) => (needs(i) ? g : null));
  if (mask === undefined) return out;
  if (mask.dtype === "bool" || !needs(3)) return [...out, null];
  const p = attentionWeights(q, k, mask, attrs);
  return [...out, toMask(throughSoftmax(p, op.matmul(grad, v, false, true)), mask)];
}

/**
 * With h_q, h_k, h_v the incoming gradients, P the weights, dP = g vᵀ, dS = P (dP - D), D = Σ P dP: the objective is ⟨A, dS⟩ + ⟨B, P⟩
 * where A = scale (h_q kᵀ + q h_kᵀ) and B = g h_vᵀ. By dP that is C = P (A - Σ P A); by S it is T, the softmax's product with
 * A (dP - D) - dP Σ P A + B. The rest are products.
 */
function attentionGradGradient({ args, attrs, grad: h, needs }: GradContext): (Expr | null)[] {
  const [g, q, k, v, mask] = args as [Expr, Expr, Expr, Expr, Expr?];
  const scale = op.lit(q, attentionSettings(attrs).scale);
  const [hq, hk, hv] = unpack(h, q, k, v);
  const p = attentionWeights(q, k, mask, attrs);
  const dp = op.matmul(g, v, false, true);
  const lifted = op.sub(dp, alongKeys(op.mul(p, dp)));
  const ds = op.mul(p, lifted);
  const a = op.mul(scale, op.add(op.matmul(hq, k, false, true), op.matmul(q, hk, false, true)));
  const along = alongKeys(op.mul(p, a));
  const c = op.mul(p, op.sub(a, along));
  const inner = op.add(op.sub(op.mul(a, lifted), op.mul(dp, along)), op.matmul(g, hv, false, true));
  const t = throughSoftmax(p, inner);
  const out = [
    needs(0) ? op.add(op.matmul(c, v), op.matmul(p, hv)) : null,
    needs(1) ? op.mul(scale, op.add(op.matmul(t, k), op.matmul(ds, hk))) : null,
    needs(2) ? op.mul(scale, op.add(op.matmul(t, q, true), op.matmul(ds, hq, true))) : null,
    needs(3) ? op.matmul(c, g, true) : null,
  ];
  if (mask === undefined) return out;
  return [...out, mask.dtype !== "bool" && needs(4) ? toMask(t, mask) : null];
}

/** All operands get the new axis in front; a mask (at `maskAt`) as many axes as the scores, so that its own stay where they are. */
const batchAll =
  (maskAt: number, apply: (args: readonly Expr[], attrs: readonly number[]) => Expr): BatchRule =>
  (args, batched, attrs, size) => {
    const rank = args.reduce((r, x, i) => (i === maskAt ? r : Math.max(r, x.shape.length - (batched[i] ? 1 : 0))), 0);
    const full = args.map((x, i) => {
      const own: Shape = batched[i] ? x.shape.slice(1) : x.shape;
      const inner = i === maskAt ? [...new Array<number>(rank - own.length).fill(1), ...own] : own;
      const led = op.reshape(x, [batched[i] ? size : 1, ...inner]);
      return batched[i] || i === maskAt ? led : op.expand(led, [size, ...inner]);
    });
    return apply(full, attrs);
  };

const attention: OpRow = {
  name: "attention",
  arity: null,
  attrs: ["causal", "scaleHigh", "scaleLow"],
  infer: attentionInfer,
  grad: attentionGradient,
  vmap: batchAll(3, (args, attrs) => op.attention(args, attrs)),
  reference: attentionReference,
  decompose([q, k, v, mask], attrs) {
    return op.matmul(attentionWeights(q!, k!, mask, attrs, HIDDEN), v!);
  },
};

const attentionGrad: OpRow = {
  name: "attentionGrad",
  arity: null,
  attrs: ["causal", "scaleHigh", "scaleLow"],
  infer: attentionGradInfer,
  grad: attentionGradGradient,
  vmap: batchAll(4, ([g, ...args], attrs) => op.attentionGrad(g!, args, attrs)),
  reference: attentionGradReference,
  decompose([g, q, k, v, mask], attrs) {
    const scale = op.lit(q!, attentionSettings(attrs).scale);
    const p = attentionWeights(q!, k!, mask, attrs, HIDDEN);
    const ds = op.mul(scale, throughSoftmax(p, op.matmul(g!, v!, false, true)));
    return pack([op.matmul(ds, k!), op.matmul(ds, q!, true), op.matmul(p, g!, true)]);
  },
};

export const ATTENTION_ROWS: readonly OpRow[] = [attention, attentionGrad];
