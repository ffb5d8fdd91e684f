/**
 * @file Inputs found by search: pictures whose gradient points where the observed one does (Zhu, Liu, Han 2019; with the cosine and the total
 * variation of Geiping, Bauermeister, Dröge, Moeller 2020). The gradient by the picture of a distance between gradients is a gradient of a
 * gradient: the Program of a step holds both.
 */
import { gradients, maximum, noGrad, optim, realize, Tensor } from "@tacit/core";
import { checkOptions, namesOf, refuse } from "../../check.ts";
import { refuseData } from "../check.ts";

export interface InversionOptions {
  /** Where the search begins, one value for each of the input's shape; random, from whoever asks. */
  readonly start: Float32Array;
  readonly shape: readonly number[];
  readonly steps: number;
  /** Of Adam on signs of gradients, in units of the picture's range; falls to 0 along a cosine. Default 0.1. */
  readonly lr?: number;
  /** Weight of the total variation. Default 1e-4; 0 for inputs that are no pictures. */
  readonly variation?: number;
  /** Values lie between; default 0 and 1. */
  readonly range?: readonly [number, number];
  /** Told after each step; the search ends early where it says `false`. */
  readonly progress?: (step: number, distance: number) => boolean | undefined;
}

const OPTIONS = namesOf<InversionOptions>({
  start: true,
  shape: true,
  steps: true,
  lr: true,
  variation: true,
  range: true,
  progress: true,
});

export interface Inversion {
  /** The input of the lowest cost that the search met. */
  readonly input: Float32Array;
  /** 1 - cosine of its gradient with the observed one. */
  readonly distance: number;
  readonly steps: number;
}

/** Σ over parameters, for dot products of gradients. */
const dot = (a: readonly Tensor[], b: readonly Tensor[]): Tensor =>
  a.map((x, k) => x.mul(b[k]!).sum()).reduce((sum, x) => sum.add(x));

/** Mean absolute difference of neighbours, along the last two dimensions. */
function totalVariation(x: Tensor): Tensor {
  const along = (axis: number): Tensor => {
    const n = x.shape.at(axis)!;
    return x
      .narrow(axis, 1, n - 1)
      .sub(x.narrow(axis, 0, n - 1))
      .abs()
      .mean();
  };
  return along(-1).add(along(-2));
}

/**
 * Searches the input of one update.
 * @param loss the training loss of an input of `shape` (a batch of one, say) with the class that goes with it
 * @param parameters those of the model, in the order of `observed`
 * @param observed the gradient that was sent, or what a defence made of it
 * @throws TacitError PRIVACY_AUDIT_DATA for a gradient of other shapes or of zeros; PRIVACY_PARAMETER
 */
export async function invertGradient(
  loss: (input: Tensor) => Tensor,
  parameters: readonly Tensor[],
  observed: readonly Tensor[],
  options: InversionOptions,
): Promise<Inversion> {
  checkOptions("invertGradient", options, OPTIONS);
  const { start, shape, steps, lr = 0.1, variation = 1e-4, range = [0, 1] } = options;
  const fits = observed.length === parameters.length && observed.every((g, k) => `${g.shape}` === `${parameters[k]!.shape}`);
  if (!fits) refuseData("inversion", "a gradient for each parameter, of its shape", "others");
  if (!(Number.isSafeInteger(steps) && steps >= 1)) refuse("inversion", "steps of at least 1", `${steps}`);
  const target = observed.map((g) => g.detach());
  const norm = dot(target, target).sqrt();
  if (!((await norm.item()) > 0)) refuseData("inversion", "a gradient that is not 0 or infinite", "zeros, or no finite numbers");
  const guess = Tensor.from(start, shape).requiresGrad_();
  const search = optim.adam([guess], { lr });
  let best: Inversion = { input: start.slice(), distance: Number.POSITIVE_INFINITY, steps: 0 };
  let lowest = Number.POSITIVE_INFINITY;
  for (let step = 1; step <= steps; step++) {
    const mine = gradients(loss(guess), parameters, { createGraph: true }).map((g, k) => g ?? target[k]!.mul(0));
    const length = maximum(dot(mine, mine), 1e-30).sqrt();
    const distance = dot(mine, target).div(length.mul(norm)).neg().add(1);
    const cost = variation > 0 ? distance.add(totalVariation(guess).mul(variation)) : distance;
    const before = guess.detach();
    const [slope] = gradients(cost, [guess]);
    guess.grad = slope === null ? null : slope!.sign();
    await realize(cost, distance, before, guess.grad!);
    const [value, away] = [await cost.item(), await distance.item()];
    if (value < lowest) {
      lowest = value;
      best = { input: Float32Array.from(await before.data(), Number), distance: away, steps: step };
    }
    if (options.progress?.(step, away) === false) break;
    search.lr = lr * 0.5 * (1 + Math.cos((Math.PI * step) / steps));
    await search.step();
    await noGrad(() => guess.copy_(guess.clamp(range[0], range[1])));
  }
  return best;
}
