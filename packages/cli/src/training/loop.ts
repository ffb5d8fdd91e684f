/** @file The training loop of `tacit train`: epochs over a loader, a progress line, checkpoints, Ctrl-C. */
import { setImmediate } from "node:timers/promises";
import type { Tensor } from "@tacit/core";
import type { DataLoader } from "@tacit/core/data";
import { checkpoint } from "@tacit/core/io";
import * as nn from "@tacit/core/nn";
import type { Optimizer, Scheduler } from "@tacit/core/optim";
import type { History } from "@tacit/plot";
import { Progress } from "../output/progress.ts";
import type { Interrupt } from "./interrupt.ts";

type Pair = readonly [Tensor, Tensor];

export interface LoopOptions {
  readonly model: nn.Layer;
  readonly optimizer: Optimizer;
  readonly scheduler: Scheduler;
  readonly loader: DataLoader<Pair>;
  readonly epochs: number;
  readonly interrupt: Interrupt;
  /** Written after every epoch and on Ctrl-C. */
  readonly checkpointPath: string;
  /** Gets loss and learning rate of every step. */
  readonly history: History;
}

/** What one epoch came to. */
export interface EpochResult {
  readonly epoch: number;
  readonly loss: number;
  /** On the batches as they were trained on. */
  readonly accuracy: number;
  readonly seconds: number;
}

/** How much of the running mean each step replaces on the progress line. */
const SMOOTHING = 0.05;

/**
 * Trains up to `epochs`, from where the loader stands. Returns the finished epochs; fewer when interrupted.
 * @throws LOSS_NOT_FINITE when the loss is NaN or infinite: the last checkpoint is still there
 */
export async function trainLoop(options: LoopOptions): Promise<EpochResult[]> {
  const { model, loader, interrupt } = options;
  const done: EpochResult[] = [];
  model.train();
  while (loader.state().epoch < options.epochs && !interrupt.requested) {
    const epoch = loader.state().epoch;
    const result = await trainEpoch(options, epoch);
    await save(options);
    if (result === null) break;
    done.push(result);
  }
  return done;
}

const save = (o: LoopOptions): Promise<void> =>
  checkpoint.save(o.checkpointPath, { model: o.model, optimizer: o.optimizer, scheduler: o.scheduler, loader: o.loader });

async function trainEpoch(options: LoopOptions, epoch: number): Promise<EpochResult | null> {
  const { model, optimizer, scheduler, loader, interrupt, history } = options;
  const progress = new Progress(`epoch ${epoch + 1}/${options.epochs}`, loader.length);
  const started = performance.now();
  let smooth = Number.NaN;
  let [lossSum, right, seen] = [0, 0, 0];
  for await (const [x, y] of loader) {
    const logits = model(x);
    const loss = nn.crossEntropy(logits, y);
    const hits = logits.detach().argmax(1).eq(y.int()).int().sum();
    await optimizer.step(loss, hits);
    const value = await loss.item();
    const n = x.shape[0]!;
    history.add({ loss: value, lr: optimizer.lr });
    lossSum += value * n;
    right += await hits.item();
    seen += n;
    smooth = Number.isNaN(smooth) ? value : smooth + SMOOTHING * (value - smooth);
    progress.update(loader.state().position === 0 ? loader.length : loader.state().position, [
      `loss ${smooth.toFixed(4)}`,
      `accuracy ${((100 * right) / seen).toFixed(1)} %`,
    ]);
    // A step on the cpu device awaits nothing but itself: without this pause the process would hear a Ctrl-C only after the epoch.
    await setImmediate();
    if (interrupt.requested) break;
  }
  progress.finish();
  if (interrupt.requested) return null;
  scheduler.step();
  history.epoch();
  const seconds = (performance.now() - started) / 1000;
  return { epoch, loss: lossSum / seen, accuracy: right / seen, seconds };
}
