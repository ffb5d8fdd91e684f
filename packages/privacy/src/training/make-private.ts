/** @file makePrivate: from a model, an optimizer and a data set to a trainer whose every step is differentially private. */
import type { Batch } from "@tacit/core/data";
import type { Aval } from "@tacit/core/program";
import { refuse } from "../check.ts";
import { planOf, type Scheme } from "./account.ts";
import { type AdaptiveClipping, adaptive } from "./adaptive.ts";
import { checkNorm, clipTarget, type Group, gridUnits } from "./grid.ts";
import { checkLayers } from "./layers.ts";
import { Learners, type Learning } from "./learning.ts";
import { rowTypes } from "./mixing.ts";
import { independentNoise } from "./noise.ts";
import {
  type Clipping,
  checkBudget,
  checkData,
  checkNames,
  checkReadable,
  checkSizes,
  copied,
  type PrivateOptions,
  publicRows,
} from "./options.ts";
import { passRows, poissonRows } from "./rows.ts";
import { RowSums } from "./sums.ts";
import { PrivateTrainer } from "./trainer.ts";
import { treeNoise } from "./tree.ts";

/**
 * A private trainer, as Opacus' `make_private` gives: per-example gradients, clipped, summed, noised, handed to the optimizer.
 *
 * Guarantee: what all steps together let out (parameters, optimizer state, C) is (ε, δ)-differentially private, ε as `trainer.epsilon()` says,
 * for data sets that differ in one row: one more or less, which is ignored where it stands (Poisson), or one replaced in its place (passes). The
 * number of rows that rate and steps follow from is public. Checked here: layers, the loss, the data set, the optimizer, sizes, noise, the budget. Assumed:
 * weights at the start, the optimizer's state that is said to be public, and every public tensor do not depend on the rows; each row is another
 * person's; nothing but steps of the trainer moves the weights; nothing else of the rows is let out.
 *
 * @throws TacitError PRIVACY_LAYER, PRIVACY_MIXED, PRIVACY_SAMPLING, PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS; PRIVACY_BUDGET where the whole run does not fit what
 *   is left; VMAP_UNSUPPORTED for an op that cannot be batched
 */
export async function makePrivate<T extends Batch>(given: PrivateOptions<T>): Promise<PrivateTrainer<T>> {
  checkNames(given);
  const options = copied(given);
  const { model, data, batch, physicalBatch = 64, sampling = "poisson", clipping = "flat" } = options;
  checkLayers("makePrivate", model);
  checkData(data);
  const count = publicRows(options);
  checkSizes(count, batch, physicalBatch, sampling);
  checkBudget(options);
  const maxGradNorm = checkNorm("makePrivate", options.maxGradNorm);
  const learners = new Learners("makePrivate", options);
  const { learning } = learners;
  checkReadable(learning);
  const rate = batch / count;
  const rows = sampling === "poisson" ? poissonRows(data, rate) : passRows(data, batch);
  const scheme: Scheme = Object.freeze({ sampling, rate, stepsPerEpoch: rows.stepsPerEpoch, rows: count });
  const plan = planOf(scheme, options);
  const adapting = adaptiveOf(clipping, sampling, plan.noiseMultiplier, options);
  const units = gridUnits(physicalBatch);
  const subject = {
    where: "makePrivate",
    model,
    learning,
    loss: options.loss,
    row: await rowTypes(data, rows.first, physicalBatch),
  };
  const sums = new RowSums(subject, data, {
    size: physicalBatch,
    columns: subject.row.length,
    parameters: learning.map(([, p]): Aval => ({ shape: p.shape, dtype: p.dtype })),
    groups: groupsOf(learning, clipping, units),
    units,
  });
  const makeNoise = sampling === "poisson" ? independentNoise : treeNoise;
  const noise = makeNoise(adapting?.gradientMultiplier ?? plan.noiseMultiplier, units);
  return new PrivateTrainer({ options, learners, rows, scheme, plan, sums, units, noise, maxGradNorm, adapting });
}

function adaptiveOf<T extends Batch>(
  clipping: Clipping,
  sampling: string,
  noiseMultiplier: number,
  { batch }: PrivateOptions<T>,
): ReturnType<typeof adaptive> | null {
  if (clipping === "flat" || clipping === "per-layer") return null;
  const given: AdaptiveClipping = clipping;
  if (given?.kind !== "adaptive") return refuse("makePrivate", 'clipping "flat", "per-layer" or { kind: "adaptive" }', "another");
  if (sampling === "passes") {
    return refuse(
      "makePrivate",
      "a fixed C for passes",
      "adaptive clipping",
      "a tree sums gradients of many steps, which need one bound",
    );
  }
  return adaptive(given, noiseMultiplier, batch);
}

/** Flat: one group. Per layer: the parameters of one module together, shares 1 / √L. */
function groupsOf(learning: Learning, clipping: Clipping, units: number): readonly Group[] {
  const layers = new Map<string, number[]>();
  learning.forEach(([name], i) => {
    const layer = clipping === "per-layer" ? name.slice(0, Math.max(0, name.lastIndexOf("."))) : "";
    layers.set(layer, [...(layers.get(layer) ?? []), i]);
  });
  // Rounded down: the squares of the shares sum to 1 at most.
  const share = layers.size === 1 ? 1 : (1 - 2 ** -40) / Math.sqrt(layers.size);
  return [...layers.values()].map((members) => {
    const shapes = members.map((i) => learning[i]![1].shape);
    return { members, share, target: clipTarget(shapes, units, share) };
  });
}
