/** @file Activations as functions of a tensor, as `torch.nn.functional`: values and gradients are PyTorch's, at the corners too. */
import { expected } from "../../errors.ts";
import { showShape } from "../../program/aval.ts";
import { axisOf } from "../../tensor/axes.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/** Throws ARGUMENT_INVALID unless `good`. */
function check(where: string, want: string, got: number, good: boolean): void {
  if (!good) expected("ARGUMENT_INVALID", where, want, `${got}`);
}

/** `negative` is computed with positive elements set to 0, so that no branch that is not taken overflows. */
function byHalf(x: Tensor, positive: (x: Tensor) => Tensor, negative: (x: Tensor) => Tensor): Tensor {
  const above = x.gt(0);
  return positive(x).where(above, negative(x.maskedFill(above, 0)));
}

/** x above 0, alpha·(e^x - 1) elsewhere (Clevert et al. 2016). */
export function elu(x: Tensor, alpha = 1): Tensor {
  return byHalf(
    x,
    (p) => p,
    (n) => n.expm1().mul(alpha),
  );
}

/** The constants of Klambauer et al. (2017), section 2: means and variances converge to 0 and 1. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/** 1.0507·elu(x, 1.6733). */
export function selu(x: Tensor): Tensor {
  return byHalf(
    x,
    (p) => p.mul(SELU_SCALE),
    (n) => n.expm1().mul(SELU_ALPHA * SELU_SCALE),
  );
}

/** x above 0, alpha·(e^(x/alpha) - 1) elsewhere (Barron 2017). @throws ARGUMENT_INVALID for alpha 0 */
export function celu(x: Tensor, alpha = 1): Tensor {
  check("celu", "alpha that is not 0", alpha, alpha !== 0);
  return byHalf(
    x,
    (p) => p,
    (n) =>
      n
        .mul(1 / alpha)
        .expm1()
        .mul(alpha),
  );
}

/** 0 within [-lambda, lambda], x outside. */
export const hardshrink = (x: Tensor, lambda = 0.5): Tensor => x.maskedFill(x.abs().le(lambda), 0);

/** x moved towards 0 by lambda, 0 within [-lambda, lambda]. @throws ARGUMENT_INVALID for lambda below 0 */
export function softshrink(x: Tensor, lambda = 0.5): Tensor {
  check("softshrink", "lambda of at least 0", lambda, lambda >= 0);
  const low = x.add(lambda).where(x.lt(-lambda), 0);
  return x.sub(lambda).where(x.gt(lambda), low);
}

/** 0 up to -3, 1 from 3 on, x/6 + 1/2 between; no gradient at ±3. */
export const hardsigmoid = (x: Tensor): Tensor =>
  x
    .mul(1 / 6)
    .add(0.5)
    .maskedFill(x.le(-3), 0)
    .maskedFill(x.ge(3), 1);

/** x within (min, max), the limits outside; no gradient at the limits. @throws ARGUMENT_INVALID unless min < max */
export function hardtanh(x: Tensor, min = -1, max = 1): Tensor {
  check("hardtanh", `max above ${min}`, max, max > min);
  return x.maskedFill(x.le(min), min).maskedFill(x.ge(max), max);
}

/** min(max(x, 0), 6); no gradient at 0 and 6. */
export const relu6 = (x: Tensor): Tensor => hardtanh(x, 0, 6);

/** x·relu6(x + 3)/6 (Howard et al. 2019); the gradient at ±3 is that of the parabola. */
export const hardswish = (x: Tensor): Tensor =>
  x.mul(
    x
      .add(3)
      .clamp(0, 6)
      .mul(1 / 6),
  );

/** x above 0, slope·x elsewhere. */
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor => x.leakyRelu(negativeSlope);

/** log(sigmoid(x)) without overflow. */
export const logSigmoid = (x: Tensor): Tensor => x.logSigmoid();

/** x above 0, weight·x elsewhere; weight [1], or one per channel (dimension 1). @throws SHAPE_MISMATCH (He et al. 2015) */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const n = weight.numel;
  if (n !== 1 && (x.ndim < 2 || x.shape[1] !== n)) {
    expected("SHAPE_MISMATCH", "prelu", `${n} channels in dimension 1, as the weight has`, showShape(x.shape));
  }
  const shape = n === 1 ? [1] : [n, ...x.shape.slice(2).map(() => 1)];
  return x.where(x.gt(0), x.mul(weight.reshape(shape)));
}

/** x Φ(x); `approximate: "tanh"` for the approximation. */
export const gelu = (x: Tensor, options: { readonly approximate?: "none" | "tanh" } = {}): Tensor => x.gelu(options);

/** x·sigmoid(x). */
export const silu = (x: Tensor): Tensor => x.silu();

/** x·tanh(softplus(x)) (Misra 2020). */
export const mish = (x: Tensor): Tensor => x.mul(x.softplus().tanh());

/** log(1 + e^(beta·x))/beta; x itself where beta·x is above the threshold. @throws ARGUMENT_INVALID for beta 0 */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  check("softplus", "beta that is not 0", beta, beta !== 0);
  const scaled = beta === 1 ? x : x.mul(beta);
  const y = scaled.softplus();
  return x.where(scaled.gt(threshold), beta === 1 ? y : y.mul(1 / beta));
}

/** x/(1 + |x|). */
export const softsign = (x: Tensor): Tensor => x.div(x.abs().add(1));

/** x - tanh(x). */
export const tanhshrink = (x: Tensor): Tensor => x.sub(x.tanh());

/** x above the threshold, `value` elsewhere. */
export const threshold = (x: Tensor, at: number, value: number): Tensor => x.maskedFill(x.le(at), value);

/** The first half along `dim` times the sigmoid of the second (Dauphin et al. 2017). @throws SHAPE_MISMATCH for an odd size */
export function glu(x: Tensor, dim = -1): Tensor {
  const axis = axisOf("glu", dim, x.ndim);
  const n = x.shape[axis]!;
  if (n % 2 !== 0) expected("SHAPE_MISMATCH", "glu", `an even size of dimension ${axis}`, showShape(x.shape));
  return x.narrow(axis, 0, n / 2).mul(x.narrow(axis, n / 2, n / 2).sigmoid());
}

/** softmax(-x). */
export const softmin = (x: Tensor, dim: number): Tensor => x.neg().softmax(dim);

/** Softmax over the channels of [N,C,H,W] or [C,H,W]. @throws SHAPE_MISMATCH */
export function softmax2d(x: Tensor): Tensor {
  if (x.ndim !== 3 && x.ndim !== 4) expected("SHAPE_MISMATCH", "softmax2d", "[N,C,H,W] or [C,H,W]", showShape(x.shape));
  return x.softmax(-3);
}
