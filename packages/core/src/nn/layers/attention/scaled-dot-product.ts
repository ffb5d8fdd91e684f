/** @file Scaled-dot-product attention as a function (Vaswani et al. 2017, section 3.2.1): softmax(q kᵀ · scale + mask) v. */
import { expected } from "../../../errors.ts";
import type { Expr } from "../../../expr.ts";
import { attentionWeights } from "../../../ops/attention/rows.ts";
import * as op from "../../../ops/emit.ts";
import { numberAttrs } from "../../../ops/number.ts";
import { broadcastShapes, type Shape, showAval } from "../../../program/aval.ts";
import { DTYPE } from "../../../program/dtype.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import type { InitOptions } from "../../init.ts";
import { dropout } from "../dropout.ts";

export interface AttentionOptions extends InitOptions {
  /** Broadcasts to [..., L, S]. bool: true where the query may see the key. Float: added to the scores. */
  readonly attnMask?: Tensor;
  /** Query i sees keys 0..i; not beside `attnMask`. */
  readonly isCausal?: boolean;
  /** Probability that a weight is dropped; 0 unless said. The caller passes 0 while evaluating, as in PyTorch. */
  readonly dropoutP?: number;
  /** Factor of the products; 1/√E unless said. */
  readonly scale?: number;
}

/** Attention with its settings in order: what the function and the module share. */
export interface AttentionCall {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  /** As `attnMask` above. */
  readonly mask?: Tensor | undefined;
  readonly causal: boolean;
  readonly scale: number;
}

function operands({ q, k, v, mask, causal, scale }: AttentionCall): { args: Expr[]; attrs: number[] } {
  const args = [q.expr, k.expr, v.expr];
  if (mask !== undefined) args.push(mask.dtype === "bool" ? mask.expr : op.cast(mask.expr, q.dtype));
  return { args, attrs: [causal ? 1 : 0, ...numberAttrs(scale)] };
}

/** The fused op: on the cpu the scores exist one block at a time. */
export function attend(call: AttentionCall): Tensor {
  const { args, attrs } = operands(call);
  return new Tensor(op.attention(args, attrs));
}

/** The weights [..., L, S] by themselves, for those who look at them or drop some. */
export function weightsOf(call: AttentionCall): Tensor {
  const { args, attrs } = operands(call);
  op.attention(args, attrs); // its checks
  return new Tensor(attentionWeights(args[0]!, args[1]!, args[3], attrs));
}

/** Throws DTYPE_MISMATCH unless the mask is bool or float. */
export function checkMaskDType(where: string, name: string, mask: Tensor): void {
  if (mask.dtype === "bool" || DTYPE[mask.dtype].float) return;
  expected("DTYPE_MISMATCH", where, `${name} of bool or a float dtype`, showAval(mask), "compare it with 0 to make it bool");
}

/**
 * softmax(q kᵀ · scale + mask) v, as `torch.nn.functional.scaled_dot_product_attention`: q [..., L, E], k [..., S, E], v [..., S, D] ->
 * [..., L, D]; the leading dimensions broadcast. A query that may see no key gets NaN.
 * @throws SHAPE_MISMATCH, DTYPE_MISMATCH, DTYPE_UNSUPPORTED; ARGUMENT_INVALID for isCausal beside a mask or a probability outside 0..1
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const where = "scaledDotProductAttention";
  const { attnMask, isCausal = false, dropoutP = 0 } = options;
  if (q.ndim < 2 || k.ndim < 2 || v.ndim < 2) {
    expected("SHAPE_MISMATCH", where, "q [...,L,E], k [...,S,E] and v [...,S,D]", [q, k, v].map(showAval).join(", "));
  }
  if (attnMask !== undefined) {
    if (isCausal)
      expected("ARGUMENT_INVALID", where, "attnMask or isCausal", "both", "put the causal part into the mask: nn.causalMask(n)");
    checkMaskDType(where, "attnMask", attnMask);
  }
  const leads: Shape[] = [q, k, v].map((x) => x.shape.slice(0, -2));
  const lead = leads.reduce((a, b) => broadcastShapes(where, a, b));
  const [bq, bk, bv] = [q, k, v].map((x) => x.expand([...lead, ...x.shape.slice(-2)])) as [Tensor, Tensor, Tensor];
  const scale = options.scale ?? 1 / Math.sqrt(q.shape.at(-1)!);
  const call: AttentionCall = { q: bq, k: bk, v: bv, mask: attnMask, causal: isCausal, scale };
  if (dropoutP === 0) return attend(call);
  return dropout(dropoutP, options)(weightsOf(call)).matmul(bv);
}
