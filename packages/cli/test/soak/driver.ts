/**
 * @file The driver of a soak, as a process of its own: trains on shares, saves a checkpoint every few steps, and goes on from the last
 * one whenever parties are lost. Says on stdout, as JSON lines, where it stands and what it holds.
 */
import { Random, type Tensor } from "@tacit/core";
import { TacitError } from "@tacit/core/errors";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { type MpcSession, mpc, oneHot } from "@tacit/mpc";

/** What the test passes on: paths of the session and key files, and how long. */
export interface SoakOrder {
  readonly session: string;
  readonly driver: string;
  readonly owner: string;
  readonly steps: number;
  /** Steps from checkpoint to checkpoint. */
  readonly save: number;
  /** Steps from word to word. */
  readonly say: number;
}

/** One line. `rss`, `heap` and `buffers` in bytes; `handles`: what keeps the event loop alive. */
export type SoakLine =
  | {
      readonly kind: "step";
      readonly step: number;
      readonly rss: number;
      readonly heap: number;
      readonly buffers: number;
      readonly handles: number;
    }
  | { readonly kind: "shares"; readonly step: number; readonly bytes: readonly number[] }
  | { readonly kind: "lost"; readonly step: number; readonly code: string }
  | { readonly kind: "resumed"; readonly step: number }
  | { readonly kind: "done"; readonly accuracy: number; readonly redone: number };

const [BATCHES, ROWS, FEATURES] = [8, 32, 8];
const FINAL = { to: "owner", why: "accuracy" };
/** Without a party for so many attempts it gives up. */
const MOST_ATTEMPTS = 40;
/** Of what is learnt from: one label in 20 is wrong. */
const learnt = (): Batch[] => data(77, 0.05);
/** What nobody learnt from. */
const unseen = (): Batch[] => data(78, 0);

const say = (line: SoakLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

interface Batch {
  readonly images: Float32Array;
  readonly labels: readonly number[];
}

/** Points on both sides of a curve; a part `spoilt` of them is said to be on the other side. */
function data(seed: number, spoilt: number): Batch[] {
  const random = new Random(seed);
  return Array.from({ length: BATCHES }, () => {
    const images = Float32Array.from(random.uniform(ROWS * FEATURES, -1, 1));
    const wrong = random.uniform(ROWS);
    const labels = Array.from({ length: ROWS }, (_, i) => {
      const [a = 0, b = 0, c = 0] = images.subarray(i * FEATURES, i * FEATURES + 3);
      const side = a + b * b > 0.3 + c * a ? 1 : 0;
      return wrong[i]! < spoilt ? 1 - side : side;
    });
    return { images, labels };
  });
}

interface Training {
  readonly session: MpcSession;
  readonly model: nn.Layer;
  readonly optimizer: optim.SGD;
  readonly batches: readonly { readonly x: Tensor; readonly y: Tensor }[];
  step: number;
}

/** Connects and takes the training up: from the last checkpoint, else from the beginning. */
async function begin({ session: path, driver, owner }: SoakOrder): Promise<Training> {
  const session = await mpc.connect(path, { identity: driver, people: [owner], owner: "owner" });
  try {
    const random = new Random(5);
    const model = nn.sequential(nn.linear(FEATURES, 16, { random }), nn.relu(), nn.linear(16, 2, { random }));
    await model.to(session);
    const optimizer = optim.sgd(model, { lr: 0.05, momentum: 0.9 });
    const restored = await mpc.restoreTraining(session, { model, optimizer });
    if (restored !== null) say({ kind: "resumed", step: restored.step });
    const batches = learnt().map(({ images, labels }, i) => {
      if (restored !== null) return { x: session.input(`x${i}`), y: session.input(`y${i}`) };
      const x = session.input(`x${i}`, { values: images, shape: [ROWS, FEATURES] }, { owner: "owner" });
      return { x, y: session.input(`y${i}`, oneHot(labels, 2), { owner: "owner" }) };
    });
    return { session, model, optimizer, batches, step: restored?.step ?? 0 };
  } catch (e) {
    await session.close().catch(() => undefined);
    throw e;
  }
}

function sayStep(step: number): void {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  say({ kind: "step", step, rss, heap: heapUsed, buffers: arrayBuffers, handles: process.getActiveResourcesInfo().length });
}

async function train(t: Training, { steps, save, say: every }: SoakOrder): Promise<void> {
  while (t.step < steps) {
    const { x, y } = t.batches[t.step % BATCHES]!;
    await t.optimizer.step(nn.crossEntropy(t.model(x), y));
    t.step++;
    if (t.step % save === 0) await mpc.saveTraining(t.session, { model: t.model, optimizer: t.optimizer }, t.step);
    if (t.step % (10 * every) === 0) {
      const counters = await t.session.counters();
      say({ kind: "shares", step: t.step, bytes: counters.map((c) => c.bytes) });
    }
    if (t.step % every === 0) sayStep(t.step);
  }
}

/** Of points that were not learnt from. */
async function accuracy({ session, model }: Training): Promise<number> {
  let right = 0;
  for (const { images, labels } of unseen()) {
    const logits = await model(session.public({ values: images, shape: [ROWS, FEATURES] })).reveal(FINAL);
    for (const [r, label] of labels.entries()) if (Number(Number(logits[2 * r + 1]) > Number(logits[2 * r])) === label) right++;
  }
  return right / (BATCHES * ROWS);
}

async function soak(order: SoakOrder): Promise<void> {
  let [reached, redone] = [0, 0];
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    let training: Training | null = null;
    try {
      training = await begin(order);
      redone += reached - training.step;
      await train(training, order);
      say({ kind: "done", accuracy: await accuracy(training), redone });
      await training.session.forgetCheckpoints();
      await training.session.close();
      return;
    } catch (e) {
      if (!(e instanceof TacitError)) throw e;
      reached = Math.max(reached, training?.step ?? 0);
      say({ kind: "lost", step: reached, code: e.code });
      await training?.session.close().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  throw new Error(`no training after ${MOST_ATTEMPTS} attempts`);
}

if (process.argv[1] === import.meta.filename) await soak(JSON.parse(process.argv[2] ?? "null") as SoakOrder);
