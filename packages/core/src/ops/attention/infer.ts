/** @file Shape rules of attention and its gradient, and the settings in their attributes. */
import { expected } from "../../errors.ts";
import { type Aval, type Shape, sameShape, showAval, showShape } from "../../program/aval.ts";
import { checkCount, checkFlag, checkKind, checkSameDType, FLOAT } from "../check.ts";
import { numberOf } from "../number.ts";

export interface AttentionSettings {
  /** Query i sees keys 0..i only. */
  readonly causal: boolean;
  /** Factor of the products q·k. */
  readonly scale: number;
}

export const attentionSettings = (attrs: readonly number[]): AttentionSettings => ({
  causal: attrs[0] === 1,
  scale: numberOf(attrs[1], attrs[2]),
});

/** Batch axes, queries L, keys S, widths of q and k (E) and of v (D). */
export interface AttentionSizes {
  readonly batch: Shape;
  readonly l: number;
  readonly s: number;
  readonly e: number;
  readonly d: number;
}

export function sizesOf(q: Aval, k: Aval, v: Aval): AttentionSizes {
  const batch = q.shape.slice(0, -2);
  return { batch, l: q.shape.at(-2)!, s: k.shape.at(-2)!, e: q.shape.at(-1)!, d: v.shape.at(-1)! };
}

function checkOperands(name: string, q: Aval, k: Aval, v: Aval, mask: Aval | undefined): AttentionSizes {
  checkKind(name, q, FLOAT);
  checkSameDType(name, q, k);
  checkSameDType(name, q, v);
  const rank = q.shape.length;
  if (rank < 2 || k.shape.length !== rank || v.shape.length !== rank) {
    expected("SHAPE_MISMATCH", name, "q, k and v of one rank, at least 2", [q, k, v].map(showAval).join(", "));
  }
  const sizes = sizesOf(q, k, v);
  if (!sameShape(k.shape, [...sizes.batch, sizes.s, sizes.e])) {
    expected(
      "SHAPE_MISMATCH",
      name,
      `k of shape ${showShape(sizes.batch)} + [S,${sizes.e}] beside q ${showAval(q)}`,
      showAval(k),
    );
  }
  if (!sameShape(v.shape, [...sizes.batch, sizes.s, sizes.d])) {
    expected(
      "SHAPE_MISMATCH",
      name,
      `v of shape ${showShape(sizes.batch)} + [${sizes.s},D] beside k ${showAval(k)}`,
      showAval(v),
    );
  }
  if (mask !== undefined) checkMask(name, q, mask, [...sizes.batch, sizes.l, sizes.s]);
  return sizes;
}

/** bool (true: takes part) or of q's dtype (added); broadcasts to the scores. */
function checkMask(name: string, q: Aval, mask: Aval, scores: Shape): void {
  if (mask.dtype !== "bool" && mask.dtype !== q.dtype) {
    expected("DTYPE_MISMATCH", name, `a mask of bool or ${q.dtype}`, showAval(mask));
  }
  const lead = scores.length - mask.shape.length;
  if (lead < 0 || mask.shape.some((n, i) => n !== 1 && n !== scores[i + lead])) {
    expected("SHAPE_MISMATCH", name, `a mask that broadcasts to ${showShape(scores)}`, showAval(mask));
  }
}

function checkAttrs(name: string, attrs: readonly number[]): void {
  checkCount(name, attrs, 3);
  checkFlag(name, "causal", attrs[0]);
  const scale = numberOf(attrs[1], attrs[2]);
  if (!Number.isFinite(scale)) expected("ATTR_INVALID", name, "a finite scale", `${scale}`);
}

function checkArguments(name: string, args: readonly Aval[], least: number): void {
  if (args.length < least || args.length > least + 1) {
    expected("ARITY_MISMATCH", name, `${least} arguments, or ${least + 1} with a mask`, `${args.length}`);
  }
}

export function attentionInfer(args: readonly Aval[], attrs: readonly number[]): Aval {
  checkAttrs("attention", attrs);
  checkArguments("attention", args, 3);
  const [q, k, v, mask] = args as [Aval, Aval, Aval, Aval?];
  const { batch, l, d } = checkOperands("attention", q, k, v, mask);
  return { shape: [...batch, l, d], dtype: q.dtype };
}

/** Rows of dq, then dk, then dv, one below the other; the narrower ones end in zeros. */
export function attentionGradInfer(args: readonly Aval[], attrs: readonly number[]): Aval {
  checkAttrs("attentionGrad", attrs);
  checkArguments("attentionGrad", args, 4);
  const [g, q, k, v, mask] = args as [Aval, Aval, Aval, Aval, Aval?];
  const { batch, l, s, e, d } = checkOperands("attentionGrad", q, k, v, mask);
  checkSameDType("attentionGrad", g, q);
  if (!sameShape(g.shape, [...batch, l, d])) {
    expected("SHAPE_MISMATCH", "attentionGrad", `a gradient of shape ${showShape([...batch, l, d])}`, showAval(g));
  }
  return { shape: [...batch, l + 2 * s, Math.max(e, d)], dtype: q.dtype };
}
