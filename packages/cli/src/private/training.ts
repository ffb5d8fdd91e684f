/** @file Training on shares: three parties hold a model owner's weights and a data owner's pictures, and see neither. */
import { noGrad, stack, Tensor, where } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { Random } from "@tacit/core/random";
import { oneHot } from "@tacit/mpc";
import { MODELS, type ModelName } from "../models.ts";
import { type Block, blocksOf, orders, plainDataset, rateAt, type Samples, sliceOf } from "./batches.ts";
import type { SecretDevice, Watcher } from "./device.ts";

export interface TrainingPlan {
  readonly model: ModelName;
  readonly classes: number;
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly seed: number;
  readonly owners: Owners;
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
/** Encrypted test pictures of one input, and of one run. */
const TEST_BLOCK = 1000;
const TEST_BATCH = 250;

const build = (plan: TrainingPlan): nn.Layer => MODELS[plan.model].build(plan.classes, { random: new Random(plan.seed) });
const publicRows = (rows: Int32Array): Tensor => Tensor.adopt(rows, [rows.length], "i32", { public: true });
const optimizerOf = (model: nn.Layer, plan: TrainingPlan): optim.SGD =>
  optim.sgd(model, { lr: plan.lr, momentum: plan.momentum });

/** Pictures and one-hot labels at the parties. */
type Shared = readonly [images: Tensor, labels: Tensor];

/** Shares pictures and one-hot labels, as their owner does. */
function share(device: SecretDevice, name: string, samples: Samples, plan: TrainingPlan): Shared {
  const options = { owner: plan.owners.data };
  const images = { values: samples.images, shape: [samples.count, 1, 28, 28] };
  return [
    device.input(`${name}-images`, images, options),
    device.input(`${name}-labels`, oneHot(samples.labels, plan.classes), options),
  ];
}

/** Blocks are shared while the one before is in use: sharing all at once would take several times their size. */
class SharedBlocks {
  readonly #share: (block: number) => Shared;
  readonly #count: number;
  readonly #shared: Shared[] = [];

  constructor(device: SecretDevice, samples: Samples, blocks: readonly Block[], plan: TrainingPlan) {
    this.#count = blocks.length;
    this.#share = (i) => share(device, `train-${i}`, sliceOf(samples, blocks[i]!.start, blocks[i]!.end), plan);
  }

  batch(block: number, rows: Int32Array): Shared {
    while (this.#shared.length < Math.min(block + 2, this.#count)) this.#shared.push(this.#share(this.#shared.length));
    const [images, labels] = this.#shared[block]!;
    const chosen = publicRows(rows);
    return [images.indexSelect(0, chosen), labels.indexSelect(0, chosen)];
  }
}

/** Trains on shares. The only thing that anyone learns is the mean loss of every ten steps, and only the model owner. */
export async function trainOnShares(
  device: SecretDevice,
  samples: Samples,
  plan: TrainingPlan,
  watcher: Watcher,
): Promise<Trained> {
  const model = build(plan);
  await model.to(device);
  model.train();
  const optimizer = optimizerOf(model, plan);
  const blocks = blocksOf(samples.count, plan.batch);
  const shared = new SharedBlocks(device, samples, blocks, plan);
  const progress = watcher.progress("on shares", plan.steps);
  const started = performance.now();
  const losses: number[] = [];
  let recent: Tensor[] = [];
  let done = 0;
  for (const { block, rows } of orders(blocks, plan.batch, plan.steps, plan.seed)) {
    if (watcher.stopped) break;
    optimizer.lr = rateAt(plan.lr, done, plan.steps);
    const [x, y] = shared.batch(block, rows);
    const loss = nn.crossEntropy(model(x), y);
    watcher.stage("training step");
    await optimizer.step(loss);
    recent.push(loss.detach());
    done++;
    if (recent.length === REPORT_EVERY) {
      losses.push(await meanLoss(recent, plan, watcher));
      recent = [];
    }
    const shown = losses.length === 0 ? "loss not yet disclosed" : `mean loss ${losses.at(-1)!.toFixed(3)}`;
    progress.update(done, [shown, ...watcher.costs()]);
  }
  progress.finish();
  return { model, seconds: (performance.now() - started) / 1000, losses, steps: done };
}

async function meanLoss(recent: readonly Tensor[], plan: TrainingPlan, watcher: Watcher): Promise<number> {
  watcher.stage(`mean loss of ${recent.length} steps`);
  const mean = noGrad(() => stack(recent).mean());
  return Number((await mean.reveal({ to: plan.owners.model, why: "progress" }))[0]);
}

/** How many of these pictures the shared model gets right, a secret. Ties at the top count as right. */
function rightOf(model: nn.Layer, [images, labels]: Shared): Tensor {
  return noGrad(() => {
    const logits = model(images);
    // A choice, not a product: what is counted stays a whole number.
    return where(logits.ge(logits.amax(1, { keepdim: true })), labels, 0).sum();
  });
}

/** Share of encrypted test pictures that the shared model gets right; only their number is disclosed, to the model owner. Null: stopped. */
export async function accuracyOnShares(
  device: SecretDevice,
  model: nn.Layer,
  samples: Samples,
  plan: TrainingPlan,
  watcher: Watcher,
): Promise<number | null> {
  const progress = watcher.progress("encrypted test", samples.count);
  model.eval();
  const counts: Tensor[] = [];
  for (let start = 0; start < samples.count; start += TEST_BLOCK) {
    const block = sliceOf(samples, start, Math.min(start + TEST_BLOCK, samples.count));
    const [images, labels] = share(device, `test-${start / TEST_BLOCK}`, block, plan);
    for (let at = 0; at < block.count; at += TEST_BATCH) {
      if (watcher.stopped) return null;
      const rows = publicRows(Int32Array.from({ length: Math.min(TEST_BATCH, block.count - at) }, (_, i) => at + i));
      watcher.stage("test");
      const right = rightOf(model, [images.indexSelect(0, rows), labels.indexSelect(0, rows)]);
      await right.realize();
      counts.push(right);
      progress.update(start + at + rows.numel);
    }
  }
  progress.finish();
  watcher.stage("number of right answers");
  const sum = noGrad(() => stack(counts).sum());
  return Math.round(Number((await sum.reveal({ to: plan.owners.model, why: "test accuracy" }))[0])) / samples.count;
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

/** Discloses every weight to the model owner: a state that can be saved. */
export async function revealModel(model: nn.Layer, plan: TrainingPlan, watcher: Watcher): Promise<Map<string, Tensor>> {
  watcher.stage("final model");
  const state = new Map<string, Tensor>();
  for (const [name, value] of model.stateDict()) {
    state.set(name, Tensor.from(await value.reveal({ to: plan.owners.model, why: "final model" }), value.shape));
  }
  return state;
}
