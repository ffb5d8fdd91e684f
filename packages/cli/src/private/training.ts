/** @file Training on shares: three parties hold a model owner's weights and a data owner's pictures, and see neither. */
import { noGrad, stack, Tensor, where } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { Random } from "@tacit/core/random";
import { MODELS, type ModelName } from "../models.ts";
import { blocksOf, orders, plainDataset, rateAt, type Samples } from "./batches.ts";
import type { Watcher } from "./device.ts";
import type { Keeper } from "./keeper.ts";
import type { Shared, Supply } from "./supply.ts";

export interface TrainingPlan {
  readonly model: ModelName;
  readonly classes: number;
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly seed: number;
  readonly owners: Owners;
  /** Who learns losses, accuracy and, if asked for, the weights. */
  readonly to: string;
}

/** Names of the session. */
export interface Owners {
  readonly model: string;
  readonly data: string;
}

/** What a training came to. */
export interface Trained {
  readonly model: nn.Layer;
  readonly seconds: number;
  /** Mean losses that were disclosed to the model owner, one for every `REPORT_EVERY` steps. */
  readonly losses: readonly number[];
  readonly steps: number;
}

/** A disclosed loss is the mean over this many steps: a single batch's loss would say more about its pictures. */
export const REPORT_EVERY = 10;
/** Encrypted test pictures of one run. */
const TEST_BATCH = 250;

export const build = (plan: TrainingPlan): nn.Layer => MODELS[plan.model].build(plan.classes, { random: new Random(plan.seed) });
const publicRows = (rows: Int32Array): Tensor => Tensor.adopt(rows, [rows.length], "i32", { public: true });
const optimizerOf = (model: nn.Layer, plan: TrainingPlan): optim.SGD =>
  optim.sgd(model, { lr: plan.lr, momentum: plan.momentum });

/** The chosen rows of a block. */
function batchOf([images, labels]: Shared, rows: Int32Array): Shared {
  const chosen = publicRows(rows);
  return [images.indexSelect(0, chosen), labels.indexSelect(0, chosen)];
}

/** Trains on shares. The only thing that anyone learns is the mean loss of every ten steps, and only `plan.to`. */
export async function trainOnShares(
  supply: Supply,
  plan: TrainingPlan,
  watcher: Watcher,
  keeper: Keeper | null = null,
): Promise<Trained> {
  const model = await supply.model();
  model.train();
  const optimizer = optimizerOf(model, plan);
  const started = performance.now();
  const parts = { model, optimizer };
  const restored = (await keeper?.restore(parts)) ?? { step: 0, losses: [] };
  const progress = watcher.progress("on shares", plan.steps, restored.step);
  const losses = [...restored.losses];
  let recent: Tensor[] = [];
  let [done, skipped] = [restored.step, 0];
  for (const { block, rows } of orders(supply.train.rows, plan.batch, plan.steps, plan.seed)) {
    if (watcher.stopped) break;
    if (skipped++ < restored.step) continue;
    optimizer.lr = rateAt(plan.lr, done, plan.steps);
    const [x, y] = batchOf(supply.train.take(block), rows);
    const loss = nn.crossEntropy(model(x), y);
    watcher.stage("training step");
    await optimizer.step(loss);
    recent.push(loss.detach());
    done++;
    if (recent.length === REPORT_EVERY) {
      const mean = keeper?.losses.get(done) ?? (await meanLoss(supply, recent, plan, watcher));
      if (mean !== null) losses.push(mean);
      if (mean !== null) keeper?.losses.set(done, mean);
      recent = [];
    }
    if (isDue(done, plan, keeper)) await keeper!.save(parts, { step: done, losses });
    const known = losses.at(-1);
    const shown = known === undefined ? `losses go to ${plan.to}` : `mean loss ${known.toFixed(3)}`;
    progress.update(done, [shown, ...watcher.costs()]);
  }
  progress.finish();
  return { model, seconds: (performance.now() - started) / 1000, losses, steps: done };
}

/** Between two disclosures: a checkpoint keeps no losses that wait for theirs. */
export const checkpointSteps = (every: number): number => Math.ceil(every / REPORT_EVERY) * REPORT_EVERY;

/** The last step's checkpoint spares the training a lost test. */
const isDue = (done: number, plan: TrainingPlan, keeper: Keeper | null): boolean =>
  keeper !== null && (done === plan.steps || done % checkpointSteps(keeper.every) === 0);

async function meanLoss(supply: Supply, recent: readonly Tensor[], plan: TrainingPlan, watcher: Watcher): Promise<number | null> {
  watcher.stage(`mean loss of ${recent.length} steps`);
  const mean = noGrad(() => stack(recent).mean());
  const values = await supply.disclose(mean, { to: plan.to, why: "progress" });
  return values === null ? null : Number(values[0]);
}

/** How many of these pictures the shared model gets right, a secret. Ties at the top count as right. */
function rightOf(model: nn.Layer, [images, labels]: Shared): Tensor {
  return noGrad(() => {
    const logits = model(images);
    // A choice, not a product: what is counted stays a whole number.
    return where(logits.ge(logits.amax(1, { keepdim: true })), labels, 0).sum();
  });
}

/**
 * Share of encrypted test pictures that the shared model gets right; only their number is disclosed, to `plan.to`. Null: the user
 * stopped it, or it went to somebody who is not here.
 */
export async function accuracyOnShares(
  supply: Supply,
  model: nn.Layer,
  plan: TrainingPlan,
  watcher: Watcher,
): Promise<number | null> {
  const { test } = supply;
  const progress = watcher.progress("encrypted test", test.count);
  model.eval();
  const counts: Tensor[] = [];
  let done = 0;
  for (const [i, { start, end }] of test.rows.entries()) {
    for (let at = 0; at < end - start; at += TEST_BATCH) {
      if (watcher.stopped) return null;
      const rows = Int32Array.from({ length: Math.min(TEST_BATCH, end - start - at) }, (_, k) => at + k);
      watcher.stage("test");
      const right = rightOf(model, batchOf(test.take(i), rows));
      await right.realize();
      counts.push(right);
      done += rows.length;
      progress.update(done);
    }
  }
  progress.finish();
  watcher.stage("number of right answers");
  const sum = noGrad(() => stack(counts).sum());
  const values = await supply.disclose(sum, { to: plan.to, why: "test accuracy" });
  return values === null ? null : Math.round(Number(values[0])) / test.count;
}

/** The same training in the clear: same weights, same batches, same schedule. */
export async function trainInTheClear(samples: Samples, plan: TrainingPlan, watcher: Watcher): Promise<Trained> {
  const model = build(plan);
  const optimizer = optimizerOf(model, plan);
  const dataset = plainDataset(samples);
  const blocks = blocksOf(samples.count, plan.batch);
  const progress = watcher.progress("in the clear", plan.steps);
  const started = performance.now();
  const losses: number[] = [];
  let [sum, done] = [0, 0];
  for (const { block, rows } of orders(blocks, plan.batch, plan.steps, plan.seed)) {
    if (watcher.stopped) break;
    optimizer.lr = rateAt(plan.lr, done, plan.steps);
    const { start } = blocks[block]!;
    const [x, y] = await dataset.read(rows.map((r) => start + r));
    const loss = nn.crossEntropy(model(x), y);
    await optimizer.step(loss);
    sum += await loss.item();
    if (++done % REPORT_EVERY === 0) {
      losses.push(sum / REPORT_EVERY);
      sum = 0;
    }
    progress.update(done, losses.length === 0 ? [] : [`mean loss ${losses.at(-1)!.toFixed(3)}`]);
  }
  progress.finish();
  return { model, seconds: (performance.now() - started) / 1000, losses, steps: done };
}

/** Accuracy of a plain model on plain test samples. */
export const accuracyInTheClear = (model: nn.Layer, samples: Samples): Promise<number> =>
  nn.accuracy(model, plainDataset(samples));

/** Why weights are disclosed: each under its name, "final model: 0.weight" (`Supply`), by which a recipient knows them. */
export const FINAL_MODEL = "final model";

/** Discloses every weight to `plan.to`: a state that can be saved; null where that is somebody who is not here. */
export async function revealModel(
  supply: Supply,
  model: nn.Layer,
  plan: TrainingPlan,
  watcher: Watcher,
): Promise<Map<string, Tensor> | null> {
  watcher.stage(FINAL_MODEL);
  const state = new Map<string, Tensor>();
  for (const [name, value] of model.stateDict()) {
    const values = await supply.disclose(value, { to: plan.to, why: FINAL_MODEL }, name);
    if (values !== null) state.set(name, Tensor.from(values, value.shape));
  }
  return state.size === 0 ? null : state;
}
