/**
 * @file Inputs read off a gradient, without a search: of a first linear layer, and the class off the last one.
 *
 * For one example, y = Wx + b has ∂L/∂W_i = (∂L/∂b_i) x for every row i, so each row with ∂L/∂b_i ≠ 0 holds x up to a known factor (Phong,
 * Aono, Hayashi, Wang, Moriai 2017, section 3). Under noise all rows together say more than one.
 */
import { finite, refuseData, type Scores } from "../check.ts";

/**
 * x from the gradient of one example by a first linear layer: the least-squares solution Σ_i (∂b_i ∂W_i) / Σ_i ∂b_i² over all rows. Exact
 * without noise; of a batch, a mixture of its examples.
 * @param weight ∂L/∂W, row-major [out, in]
 * @param bias ∂L/∂b, [out]
 * @throws TacitError PRIVACY_AUDIT_DATA where sizes do not fit or the whole bias gradient is 0
 */
export function invertLinear(weight: Scores, bias: Scores): Float64Array {
  const b = finite("inversion", "gradients of a bias", bias, 1);
  const w = finite("inversion", "gradients of a weight", weight, 1);
  const width = w.length / b.length;
  if (!Number.isInteger(width))
    refuseData("inversion", "a weight gradient [out, in] beside a bias gradient [out]", `${w.length} for ${b.length}`);
  const size = b.reduce((sum, v) => sum + v * v, 0);
  if (size === 0) refuseData("inversion", "a bias gradient that is not 0 everywhere", "zeros", "no unit of the layer is active");
  const out = new Float64Array(width);
  for (let i = 0; i < b.length; i++) for (let j = 0; j < width; j++) out[j]! += (b[i]! * w[i * width + j]!) / size;
  return out;
}

/**
 * The class of one example, off the gradient of the last bias under cross-entropy, p - onehot(y): the one negative entry (Zhao, Mopuri, Bilen
 * 2020). @returns the class with the lowest gradient
 */
export function classOfGradient(lastBias: Scores): number {
  const b = finite("inversion", "gradients of the last bias", lastBias, 2);
  return b.indexOf(Math.min(...b));
}
