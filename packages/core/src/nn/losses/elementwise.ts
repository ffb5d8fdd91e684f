/** @file Losses of numbers and distributions, element by element: squared, absolute, Huber, Kullback-Leibler, Poisson, Gaussian. */
import { expected } from "../../errors.ts";
import { showAval } from "../../program/aval.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type LossOptions, matched, reduce } from "./reduce.ts";

/** Mean of (input - target)². @throws SHAPE_MISMATCH */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return reduce(input.sub(matched("mseLoss", input, target)).square(), options);
}

/** Mean of |input - target|. @throws SHAPE_MISMATCH */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return reduce(input.sub(matched("l1Loss", input, target)).abs(), options);
}

/** d²/2 up to |d| = delta, delta·(|d| - delta/2) beyond: with the one value of delta, smoothL1 and Huber's loss differ by a factor. */
function parabola(d: Tensor, knee: number, curvature: number): Tensor {
  const size = d.abs();
  const line = size.sub(0.5 * knee).mul(knee * curvature);
  return d
    .square()
    .mul(0.5 * curvature)
    .where(size.lt(knee), line);
}

export interface SmoothL1Options extends LossOptions {
  /** Where the parabola ends: 1 unless said; 0 is l1Loss. */
  readonly beta?: number;
}

/** d²/(2·beta) where |d| < beta, |d| - beta/2 elsewhere (Girshick 2015). @throws SHAPE_MISMATCH, ARGUMENT_INVALID for beta below 0 */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1Options = {}): Tensor {
  const { beta = 1 } = options;
  if (!(beta >= 0)) expected("ARGUMENT_INVALID", "smoothL1Loss", "beta of at least 0", `${beta}`);
  const d = input.sub(matched("smoothL1Loss", input, target));
  return reduce(beta === 0 ? d.abs() : parabola(d, beta, 1 / beta), options);
}

export interface HuberOptions extends LossOptions {
  /** Where the parabola ends: 1 unless said. */
  readonly delta?: number;
}

/** d²/2 where |d| <= delta, delta·(|d| - delta/2) elsewhere (Huber 1964). @throws SHAPE_MISMATCH, ARGUMENT_INVALID unless delta > 0 */
export function huberLoss(input: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  const { delta = 1 } = options;
  if (!(delta > 0)) expected("ARGUMENT_INVALID", "huberLoss", "delta above 0", `${delta}`);
  return reduce(parabola(input.sub(matched("huberLoss", input, target)), delta, 1), options);
}

export interface KlDivOptions {
  /** "mean" over all elements unless said, as in PyTorch; "batchMean" divides by the batch, and is the divergence itself. */
  readonly reduction?: "mean" | "batchMean" | "sum" | "none";
  /** Whether the target, too, is given as logarithms. */
  readonly logTarget?: boolean;
}

/** target·(log target - input), the input as log-probabilities; 0 where the target is 0. @throws SHAPE_MISMATCH */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  const t = matched("klDiv", input, target);
  const { reduction = "mean" } = options;
  const plain = (): Tensor => {
    const entropy = t.mul(t.maskedFill(t.eq(0), 1).log());
    return entropy.sub(t.mul(input));
  };
  const losses = options.logTarget ? t.exp().mul(t.sub(input)) : plain();
  if (reduction !== "batchMean") return reduce(losses, { reduction });
  return input.ndim === 0 ? losses : losses.sum().div(input.shape[0]!);
}

export interface PoissonNllOptions extends LossOptions {
  /** Whether the input is the logarithm of the rate; true unless said. */
  readonly logInput?: boolean;
  /** Whether to add Stirling's approximation of log(target!), for targets above 1. */
  readonly full?: boolean;
  /** Keeps log(input + eps) finite where `logInput` is false: 1e-8 unless said. */
  readonly eps?: number;
}

/** e^x - y·x for x the logarithm of the rate, or x - y·log(x + eps). @throws SHAPE_MISMATCH */
export function poissonNllLoss(input: Tensor, target: Tensor, options: PoissonNllOptions = {}): Tensor {
  const y = matched("poissonNllLoss", input, target);
  const { logInput = true, full = false, eps = 1e-8 } = options;
  const losses = logInput ? input.exp().sub(y.mul(input)) : input.sub(y.mul(input.add(eps).log()));
  return reduce(full ? losses.add(stirling(y)) : losses, options);
}

/** y·log y - y + log(2πy)/2 above 1, else 0. */
function stirling(y: Tensor): Tensor {
  const small = y.le(1);
  const safe = y.maskedFill(small, 1);
  const log = safe.log();
  return safe
    .mul(log)
    .sub(safe)
    .add(log.add(Math.log(2 * Math.PI)).mul(0.5))
    .maskedFill(small, 0);
}

export interface GaussianNllOptions extends LossOptions {
  /** Whether to add log(2π)/2. */
  readonly full?: boolean;
  /** Least variance: 1e-6 unless said. */
  readonly eps?: number;
}

/** `variance` in a shape that broadcasts over the input's: the same, or one for all elements of the last dimension. */
function fittedVariance(input: Tensor, variance: Tensor): Tensor {
  const same = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((d, i) => d === b[i]);
  if (same(input.shape, variance.shape)) return variance;
  const lead = input.shape.slice(0, -1);
  if (same(lead, variance.shape)) return variance.unsqueeze(-1);
  if (!same([...lead, 1], variance.shape)) {
    expected(
      "SHAPE_MISMATCH",
      "gaussianNllLoss",
      `a variance [${input.shape}], [${lead}] or [${[...lead, 1]}]`,
      showAval(variance),
    );
  }
  return variance;
}

/**
 * (log v + (input - target)²/v)/2 with v the predicted variance, at least eps; its gradient passes as if it were not limited.
 * @throws SHAPE_MISMATCH; VALUE_INVALID for a negative variance that the host can see
 */
export function gaussianNllLoss(input: Tensor, target: Tensor, variance: Tensor, options: GaussianNllOptions = {}): Tensor {
  const { full = false, eps = 1e-6 } = options;
  if (!(eps > 0)) expected("ARGUMENT_INVALID", "gaussianNllLoss", "eps above 0", `${eps}`);
  const y = matched("gaussianNllLoss", input, target);
  const v = fittedVariance(input, variance).cast(input.dtype);
  if (variance.expr.leaf?.host?.some((x: number | bigint) => x < 0)) {
    expected("VALUE_INVALID", "gaussianNllLoss", "variances of at least 0", "a negative one");
  }
  const limited = v.maximum(eps);
  const held = v.add(limited.sub(v).detach());
  const losses = held.log().add(input.sub(y).square().div(held)).mul(0.5);
  return reduce(full ? losses.add(0.5 * Math.log(2 * Math.PI)) : losses, options);
}
