/** @file Training on shares: three parties hold a model owner's weights and a data owner's pictures, and see neither. */
import { noGrad, stack, Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { Random } from "@tacit/core/random";
import { type MpcSession, oneHot } from "@tacit/mpc";
import { MODELS, type ModelName } from "../models.ts";
import { Progress, showMegabytes } from "../output/progress.ts";
import type { Interrupt } from "../training/interrupt.ts";
import { orders, plainDataset, rateAt, type Samples, shapeOf } from "./batches.ts";

export interface TrainingPlan {
  readonly model: ModelName;
  readonly classes: number;
  readonly steps: number;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly seed: number;
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
/** Encrypted test pictures per run. */
const TEST_BATCH = 250;

const build = (plan: TrainingPlan): nn.Layer => MODELS[plan.model].build(plan.classes, { random: new Random(plan.seed) });
const publicRows = (indices: Int32Array): Tensor => Tensor.adopt(indices, [indices.length], "i32", { public: true });

/** Shares pictures and one-hot labels, as their owner does. */
export function shareSamples(session: MpcSession, name: string, samples: Samples, classes: number): readonly [Tensor, Tensor] {
  const options = { owner: "data-owner" };
  const images = session.input(`${name}-images`, { values: samples.images, shape: [...shapeOf(samples)] }, options);
  const labels = session.input(`${name}-labels`, oneHot(samples.labels, classes), options);
  return [images, labels];
}

/** Trains on shares. The only thing that anyone learns is the mean loss of every ten steps, and only the model owner. */
export async function trainOnShares(
  session: MpcSession,
  [images, labels]: readonly [Tensor, Tensor],
  plan: TrainingPlan,
  interrupt: Interrupt,
): Promise<Trained> {
  const model = build(plan);
  await model.to(session);
  model.train();
  const optimizer = optim.sgd(model, { lr: plan.lr, momentum: plan.momentum });
  const progress = new Progress("on shares", plan.steps);
  const started = performance.now();
  const losses: number[] = [];
  let recent: Tensor[] = [];
  let done = 0;
  for (const indices of orders(images.shape[0]!, plan.batch, plan.steps, plan.seed)) {
    optimizer.lr = rateAt(plan.lr, done, plan.steps);
    const chosen = publicRows(indices);
    const loss = nn.crossEntropy(model(images.indexSelect(0, chosen)), labels.indexSelect(0, chosen));
    await optimizer.step(loss);
    recent.push(loss.detach());
    done++;
    if (recent.length === REPORT_EVERY) {
      const mean = noGrad(() => stack(recent).mean());
      losses.push(Number((await mean.reveal({ to: "model-owner", why: "progress" }))[0]));
      recent = [];
    }
    const cost = session.cost();
    const shown = losses.length === 0 ? "loss not yet disclosed" : `mean loss ${losses.at(-1)!.toFixed(3)}`;
    const megabytes = showMegabytes(Math.max(...cost.bytesPerParty));
    progress.update(done, [shown, `${megabytes} sent per party`, `${cost.rounds} rounds`]);
    if (interrupt.requested) break;
  }
  progress.finish();
  return { model, seconds: (performance.now() - started) / 1000, losses, steps: done };
}

/** Share of encrypted test pictures that the shared model gets right; only the count is disclosed, to the model owner. */
export async function accuracyOnShares(model: nn.Layer, [images, labels]: readonly [Tensor, Tensor]): Promise<number> {
  const total = images.shape[0]!;
  const progress = new Progress("encrypted test", total);
  model.eval();
  const counts: Tensor[] = [];
  for (let at = 0; at < total; at += TEST_BATCH) {
    const chosen = publicRows(Int32Array.from({ length: Math.min(TEST_BATCH, total - at) }, (_, i) => at + i));
    const right = noGrad(() => {
      const logits = model(images.indexSelect(0, chosen));
      const own = logits.mul(labels.indexSelect(0, chosen)).sum(1);
      return logits.amax(1).le(own).float().sum();
    });
    await right.realize();
    counts.push(right);
    progress.update(at + chosen.numel);
  }
  progress.finish();
  const sum = noGrad(() => stack(counts).sum());
  return Number((await sum.reveal({ to: "model-owner", why: "test accuracy" }))[0]) / total;
}

/** The same training in the clear: same weights, same batches, same schedule. */
export async function trainInTheClear(samples: Samples, plan: TrainingPlan): Promise<Trained> {
  const model = build(plan);
  const optimizer = optim.sgd(model, { lr: plan.lr, momentum: plan.momentum });
  const dataset = plainDataset(samples);
  const progress = new Progress("in the clear", plan.steps);
  const started = performance.now();
  const losses: number[] = [];
  let [sum, done] = [0, 0];
  for (const indices of orders(samples.count, plan.batch, plan.steps, plan.seed)) {
    optimizer.lr = rateAt(plan.lr, done, plan.steps);
    const [x, y] = await dataset.read(indices);
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
