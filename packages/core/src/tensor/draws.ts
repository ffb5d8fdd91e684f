/** @file PyTorch's random functions whose parameters are tensors: bernoulli, multinomial, poisson. */

import { Bernoulli } from "../distributions/choice.ts";
import { Poisson } from "../distributions/counts.ts";
import { gumbelNoise, param } from "../distributions/distribution.ts";
import { expected } from "../errors.ts";
import { showShape } from "../program/aval.ts";
import type { Random } from "../random.ts";
import type { Tensor } from "./tensor.ts";

/** 1 with the probability that each element says, else 0. */
export const bernoulli = (probs: Tensor, random: Random): Tensor => new Bernoulli({ probs }).sample(random);
/** A Poisson number for each rate. */
export const poisson = (rate: Tensor, random: Random): Tensor => new Poisson(rate).sample(random);

export interface MultinomialOptions {
  /** Whether one class may come several times; default: false. */
  readonly replacement?: boolean;
}

/**
 * `count` class indices (i32) [..., count] for weights [..., C] that need not sum to 1. Without replacement they are the `count` largest
 * of log weight + Gumbel noise, which is drawing one after the other (Efraimidis and Spirakis 2006).
 * @throws ARGUMENT_INVALID when more are drawn without replacement than there are
 */
export function multinomial(weights: Tensor, count: number, random: Random, options: MultinomialOptions = {}): Tensor {
  param("multinomial", weights, "real");
  const classes = weights.shape.at(-1) ?? 0;
  if (weights.ndim < 1) expected("SHAPE_MISMATCH", "multinomial", "weights [..., C]", showShape(weights.shape));
  const most = options.replacement ? Number.MAX_SAFE_INTEGER : classes;
  if (!Number.isInteger(count) || count < 1 || count > most || classes < 1)
    expected(
      "ARGUMENT_INVALID",
      "multinomial",
      `a count in 1..${most} for ${classes} classes`,
      `${count}`,
      "draw with { replacement: true }",
    );
  const logits = weights.log();
  if (!options.replacement) return gumbelNoise(random, weights.shape, weights.dtype).add(logits).topk(count).indices;
  const shape = [...weights.shape.slice(0, -1), count, classes];
  return gumbelNoise(random, shape, weights.dtype).add(logits.unsqueeze(-2)).argmax(-1);
}
