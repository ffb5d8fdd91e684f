/** @file Masks of attention: causal ones, and how a module's attention and padding masks become one. */
import { expected } from "../../../errors.ts";
import { showAval, showShape } from "../../../program/aval.ts";
import { where as choose } from "../../../tensor/functions.ts";
import { Tensor } from "../../../tensor/tensor.ts";
import { checkSizes } from "../linear.ts";
import { checkMaskDType } from "./scaled-dot-product.ts";

/**
 * [n, m] (n unless said): 0 where query i may see key j (j <= i), -Infinity elsewhere. PyTorch's `generate_square_subsequent_mask`; add it
 * to scores or pass it as `attnMask`. `isCausal: true` says the same and costs half.
 */
export function causalMask(n: number, m: number = n): Tensor {
  checkSizes("causalMask", { n, m });
  const values = new Float32Array(n * m);
  for (let i = 0; i < n; i++) values.fill(Number.NEGATIVE_INFINITY, Math.min(m, i + 1) + i * m, (i + 1) * m);
  return Tensor.adopt(values, [n, m], "f32", { public: true });
}

/** true where query i may see key j. */
function causalBool(n: number, m: number): Tensor {
  const values = Uint8Array.from({ length: n * m }, (_, at) => (at % m <= Math.floor(at / m) ? 1 : 0));
  return Tensor.adopt(values, [n, m], "bool", { public: true });
}

/** Sizes of the scores: batch, heads, queries, keys. */
export interface ScoreSizes {
  readonly n: number;
  readonly heads: number;
  readonly l: number;
  readonly s: number;
}

export interface MaskOptions {
  /** [L, S] or [N·heads, L, S]. bool: true where the query must NOT see the key, as in PyTorch. Float: added to the scores. */
  readonly attnMask?: Tensor | undefined;
  /** [N, S] ([S] without batch). bool: true for keys to ignore. Float: added to the scores. */
  readonly keyPaddingMask?: Tensor | undefined;
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

function scoresMask(where: string, mask: Tensor, { n, heads, l, s }: ScoreSizes): Tensor {
  checkMaskDType(where, "attnMask", mask);
  if (same(mask.shape, [l, s])) return mask.reshape(1, 1, l, s);
  if (same(mask.shape, [n * heads, l, s])) return mask.reshape(n, heads, l, s);
  return expected("SHAPE_MISMATCH", where, `attnMask [${l},${s}] or [${n * heads},${l},${s}]`, showShape(mask.shape));
}

function paddingMask(where: string, mask: Tensor, { n, s }: ScoreSizes): Tensor {
  checkMaskDType(where, "keyPaddingMask", mask);
  if (!same(mask.shape, [n, s])) expected("SHAPE_MISMATCH", where, `keyPaddingMask [${n},${s}]`, showAval(mask));
  return mask.reshape(n, 1, 1, s);
}

/** Both masks as one that broadcasts to [N, heads, L, S], in the function's meaning (bool: true may be seen); undefined without any. */
export function mergeMasks(where: string, { attnMask, keyPaddingMask }: MaskOptions, sizes: ScoreSizes): Tensor | undefined {
  const a = attnMask === undefined ? undefined : scoresMask(where, attnMask, sizes);
  const b = keyPaddingMask === undefined ? undefined : paddingMask(where, keyPaddingMask, sizes);
  if (a === undefined || b === undefined) {
    const one = a ?? b;
    return one?.dtype === "bool" ? one.logicalNot() : one;
  }
  if (a.dtype === "bool" && b.dtype === "bool") return a.logicalOr(b).logicalNot();
  return a.dtype === "bool" ? fill(b, a) : b.dtype === "bool" ? fill(a, b) : a.add(b);
}

/** -Infinity where `shut`, else the numbers to add. */
const fill = (numbers: Tensor, shut: Tensor): Tensor => choose(shut, Number.NEGATIVE_INFINITY, numbers);

/** The mask for keys that were added behind the others: every query sees those. `causal` becomes part of the mask. */
export function extendMask(mask: Tensor | undefined, causal: boolean, extra: number, { l, s }: ScoreSizes): Tensor | undefined {
  let own = mask;
  if (causal) {
    const seen = causalBool(l, s);
    if (own === undefined) own = seen;
    else own = own.dtype === "bool" ? own.logicalAnd(seen) : choose(seen, own, Number.NEGATIVE_INFINITY);
  }
  return own?.pad([0, extra], own.dtype === "bool" ? 1 : 0);
}
