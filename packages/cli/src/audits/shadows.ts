/** @file Scores of a saved model and of shadow models trained like it, for membership inference. */
import { noGrad } from "@tacit/core";
import * as data from "@tacit/core/data";
import { expected } from "@tacit/core/errors";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { Random } from "@tacit/core/random";
import { logitScaled, type Shadow } from "@tacit/privacy/audits";
import { type Opened, openModel } from "../commands/predict.ts";
import { MODELS } from "../models.ts";
import { Progress } from "../output/progress.ts";
import { say } from "../output/streams.ts";
import { type Labelled, openData } from "../training/datasets.ts";

/** Logit-scaled confidences of a target, which of its examples were trained on, and the same of shadow models. */
export interface Scored {
  readonly member: Float64Array;
  readonly scores: Float64Array;
  readonly shadows: readonly Shadow[];
}

export interface ModelWords {
  readonly model: string;
  readonly data: string;
  readonly labels?: string;
  readonly examples: number;
  readonly shadows: number;
  readonly epochs: number;
  readonly seed: number;
}

const BATCH = 500;
const TRAIN_BATCH = 64;

/** φ of each example. */
async function confidences(
  model: nn.Layer,
  examples: Labelled["train"],
  { mean, deviation } = { mean: 0, deviation: 1 },
): Promise<Float64Array> {
  model.eval();
  const out: number[] = [];
  for await (const [x, y] of examples.batch(BATCH)) {
    const logits = noGrad(() => model(x.sub(mean).div(deviation)));
    const [z, labels] = [await logits.data(), await y.data()];
    out.push(...logitScaled(Float64Array.from(z, Number), Float64Array.from(labels, Number)));
  }
  return Float64Array.from(out);
}

/** A model and the data that it says it was trained on. @throws ARGUMENT_INVALID for another data set */
export async function openBoth(
  words: Pick<ModelWords, "model" | "data" | "labels">,
): Promise<{ readonly opened: Opened; readonly data: Labelled }> {
  const opened = await openModel(words.model);
  const found = await openData(words.data, words.labels);
  if (opened.data !== undefined && opened.data !== found.name) {
    const hint = "members of other data are none: name the data set of the training with --data";
    expected("ARGUMENT_INVALID", "audit", `the data set that the model was trained on, ${opened.data}`, found.name, hint);
  }
  return { opened, data: found };
}

/** Trains a model of the kind on half of the pool. */
async function trainShadow(
  opened: Opened,
  part: Labelled["train"],
  words: ModelWords,
  seed: number,
  tick: () => void,
): Promise<nn.Layer> {
  const model = MODELS[opened.kind].build(opened.names.length, { random: new Random(seed) });
  const optimizer = optim.adam(model, { lr: 1e-3 });
  const scheduler = optim.cosineAnnealing(optimizer, { tMax: words.epochs });
  const loader = part.shuffle({ seed }).batch(TRAIN_BATCH);
  const { mean, deviation } = opened.centring;
  for (let epoch = 0; epoch < words.epochs; epoch++) {
    for await (const [x, y] of loader) {
      await optimizer.step(nn.crossEntropy(model(x.sub(mean).div(deviation)), y));
      tick();
    }
    scheduler.step();
  }
  return model;
}

/** In pairs: a random half and the other half, so that every example is in exactly half of the models. */
function halves(n: number, count: number, random: Random): Uint8Array[] {
  return Array.from({ length: count / 2 }, () => {
    const order = random.permutation(n);
    const half = new Uint8Array(n);
    for (let i = 0; i < n >> 1; i++) half[order[i]!] = 1;
    return [half, half.map((c) => 1 - c)];
  }).flat();
}

/** Members from the training part, non-members from the test part, scored by the model and by shadow models. */
export async function scoreModel(words: ModelWords): Promise<Scored> {
  if (words.shadows !== 0 && (words.shadows < 4 || words.shadows % 2 !== 0))
    expected("ARGUMENT_INVALID", "--shadows", "0, or an even number of at least 4", `${words.shadows}`);
  const { opened, data: found } = await openBoth(words);
  const { train, test } = found;
  const random = new Random(words.seed);
  const each = Math.min(words.examples, train.length, test.length);
  if (each < words.examples) say(`note: ${each} members and as many non-members: the data has no more`);
  const members = random.permutation(train.length).slice(0, each);
  const others = random.permutation(test.length).slice(0, each);
  const pool = data.concat([train, test]);
  const chosen = Int32Array.from([...members, ...others.map((i) => i + train.length)]);
  const targets = pool.subset(chosen);
  const member = Float64Array.from(chosen, (_, i) => (i < each ? 1 : 0));
  const scores = await confidences(opened.model, targets, opened.centring);
  const shadows: Shadow[] = [];
  const inclusions = halves(pool.length, words.shadows, random);
  const steps = words.shadows * words.epochs * Math.ceil(pool.length / 2 / TRAIN_BATCH);
  const progress = words.shadows === 0 ? null : new Progress("shadow models", steps);
  let done = 0;
  for (const [k, half] of inclusions.entries()) {
    const rows = Int32Array.from(half.keys()).filter((i) => half[i] === 1);
    const model = await trainShadow(opened, pool.subset(rows), words, words.seed + 1 + k, () => progress?.update(++done));
    shadows.push({
      scores: await confidences(model, targets, opened.centring),
      included: Uint8Array.from(chosen, (i) => half[i]!),
    });
  }
  progress?.finish();
  return { member, scores, shadows };
}
