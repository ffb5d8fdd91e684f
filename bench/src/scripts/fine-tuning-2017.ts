/**
 * @file The fine-tuning experiment of 2017 (M. Dahl, "Private image analysis with MPC"): a head 6272-128-5 learns the digits 5 to 9
 * on shares, three epochs. Its inputs are features of a convolution that was trained in the clear, and is public, on the digits 0 to 4.
 *
 * node bench/src/scripts/fine-tuning-2017.ts [--batch 128] [--epochs 3] [--lr 0.1] [--momentum 0] [--limit 29404] [--test 4861] [--json]
 */
import { parseArgs } from "node:util";
import { data, nn, noGrad, optim, Random, Tensor, where } from "@tacit/core";
import { type MpcSession, mpc, oneHot } from "@tacit/mpc";

const { values: words } = parseArgs({
  options: {
    batch: { type: "string", default: "128" },
    epochs: { type: "string", default: "3" },
    lr: { type: "string", default: "0.1" },
    momentum: { type: "string", default: "0" },
    limit: { type: "string", default: "60000" },
    test: { type: "string", default: "10000" },
    plain: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const [batch, epochs, lr, momentum, limit, testLimit] = [
  words.batch,
  words.epochs,
  words.lr,
  words.momentum,
  words.limit,
  words.test,
].map(Number) as [number, number, number, number, number, number];

const FEATURES = 32 * 14 * 14;
const CLASSES = 5;
const SEED = 2017;
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Rows of features [rows, 6272] and classes 0 to 4. */
interface Samples {
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly count: number;
}

type Pictures = data.Dataset<readonly [Tensor, Tensor]>;

/** Positions of the pictures whose digit is from `low` to `high`. */
async function rowsOf(pictures: Pictures, low: number, high: number): Promise<Int32Array> {
  const [, labels] = await pictures.read(Int32Array.from({ length: pictures.length }, (_, i) => i));
  const digits = await labels.data();
  return Int32Array.from({ length: pictures.length }, (_, i) => i).filter((i) => digits[i]! >= low && digits[i]! <= high);
}

/** The public part: a convolution of 32 channels, trained in the clear for one epoch on the digits 0 to 4. */
async function trainConvolution(train: Pictures): Promise<nn.Layer> {
  const init = { random: new Random(SEED) };
  const convolution = nn.sequential(nn.conv2d(1, 32, 5, { padding: 2, ...init }), nn.relu(), nn.maxPool2d(2), nn.flatten());
  const model = nn.sequential(convolution, nn.linear(FEATURES, CLASSES, init));
  const optimizer = optim.adam(model, { lr: 1e-3 });
  const rows = await rowsOf(train, 0, CLASSES - 1);
  const order = new Random(SEED).permutation(rows.length);
  for (let at = 0; at + 64 <= rows.length; at += 64) {
    const [x, y] = await train.read(order.slice(at, at + 64).map((i) => rows[i]!));
    await optimizer.step(nn.crossEntropy(model(x), y));
  }
  return convolution;
}

/** Features of the digits 5 to 9, as their owner computes them with the public convolution. */
async function featuresOf(convolution: nn.Layer, pictures: Pictures, most: number): Promise<Samples> {
  const rows = (await rowsOf(pictures, CLASSES, 2 * CLASSES - 1)).slice(0, most);
  const features = new Float32Array(rows.length * FEATURES);
  const labels = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at += 500) {
    const [x, y] = await pictures.read(rows.slice(at, at + 500));
    features.set((await noGrad(() => convolution(x)).data()) as Float32Array, at * FEATURES);
    labels.set(
      ((await y.data()) as Int32Array).map((digit) => digit - CLASSES),
      at,
    );
  }
  return { features, labels, count: rows.length };
}

function head(): nn.Layer {
  const init = { random: new Random(SEED) };
  return nn.sequential(nn.linear(FEATURES, 128, init), nn.relu(), nn.linear(128, CLASSES, init));
}

/** A batch of rows, as plain arrays. */
function gather(s: Samples, rows: Int32Array): { readonly x: Tensor; readonly labels: Int32Array } {
  const x = new Float32Array(rows.length * FEATURES);
  rows.forEach((row, i) => {
    x.set(s.features.subarray(row * FEATURES, (row + 1) * FEATURES), i * FEATURES);
  });
  return { x: Tensor.adopt(x, [rows.length, FEATURES], "f32"), labels: rows.map((r) => s.labels[r]!) };
}

function* batches(s: Samples): Generator<Int32Array> {
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = new Random(SEED).fork(`epoch ${epoch}`).permutation(s.count);
    for (let at = 0; at + batch <= s.count; at += batch) yield order.slice(at, at + batch);
  }
}

const hot = (labels: Int32Array): Tensor => {
  const { values, shape } = oneHot(labels, CLASSES);
  return Tensor.adopt(values, shape, "f32");
};

/** Where a training runs: in the clear, or with batches that their owner shares one after the other (they are freed after use). */
type Place = (t: Tensor) => Promise<Tensor>;

interface Trained {
  readonly model: nn.Layer;
  readonly steps: number;
  /** Seconds of waiting for a batch to be shared. */
  readonly giving: number;
  readonly seconds: number;
}

/** The next batch is shared while a step runs. */
async function trainHead(model: nn.Layer, train: Samples, place: Place, name: string): Promise<Trained> {
  const optimizer = optim.sgd(model, { lr, momentum });
  const started = performance.now();
  const all = [...batches(train)];
  const give = (i: number): Promise<readonly [Tensor, Tensor]> => {
    const { x, labels } = gather(train, all[i]!);
    return Promise.all([place(x), place(hot(labels))]);
  };
  let giving = 0;
  let next = all.length > 0 ? give(0) : null;
  for (let i = 0; next !== null; i++) {
    const before = performance.now();
    const [x, target] = await next;
    giving += (performance.now() - before) / 1000;
    const step = optimizer.step(nn.crossEntropy(model(x), target));
    next = i + 1 < all.length ? give(i + 1) : null;
    await step;
    if ((i + 1) % 25 === 0) say(`${name}: step ${i + 1}, ${((performance.now() - started) / 1000 / (i + 1)).toFixed(2)} s each`);
  }
  return { model, steps: all.length, giving, seconds: (performance.now() - started) / 1000 };
}

/** Share of right answers; on shares only the number of each run's right answers is opened. */
async function accuracy(model: nn.Layer, test: Samples, place: Place, open: (t: Tensor) => Promise<number>): Promise<number> {
  let right = 0;
  for (let at = 0; at < test.count; at += 250) {
    const rows = Int32Array.from({ length: Math.min(250, test.count - at) }, (_, i) => at + i);
    const { x, labels } = gather(test, rows);
    const [shared, target] = await Promise.all([place(x), place(hot(labels))]);
    const hits = noGrad(() => {
      const logits = model(shared);
      return where(logits.ge(logits.amax(1, { keepdim: true })), target, 0).sum();
    });
    right += Math.round(await open(hits));
  }
  return right / test.count;
}

async function onShares(session: MpcSession, train: Samples, test: Samples): Promise<Trained & { readonly accuracy: number }> {
  const model = head();
  await model.to(session);
  const place: Place = (t) => t.to(session);
  const trained = await trainHead(model, train, place, "on shares");
  const open = async (t: Tensor): Promise<number> => Number((await t.reveal({ to: "owner", why: "test accuracy" }))[0]);
  return { ...trained, accuracy: await accuracy(model, test, place, open) };
}

const mnist = await data.mnist();
say(`data: ${mnist.name}`);
const convolution = await trainConvolution(mnist.train);
const train = await featuresOf(convolution, mnist.train, limit);
const test = await featuresOf(convolution, mnist.test, testLimit);
say(`features of the digits 5 to 9: ${train.count} to train on, ${test.count} to test`);
const stay: Place = async (t) => t;
const clear = await trainHead(head(), train, stay, "in the clear");
const plain = await accuracy(clear.model, test, stay, (t) => t.item());
say(`in the clear: ${(100 * plain).toFixed(2)} % after ${clear.steps} steps`);
if (!words.plain) {
  await using session = await mpc.local(3, { people: ["owner"], owner: "owner", quiet: true });
  const secret = await onShares(session, train, test);
  const { rounds, bytesPerParty } = session.cost();
  const { steps, seconds, giving } = secret;
  const figures = { data: mnist.name, batch, epochs, lr, momentum, steps, seconds, giving, rounds, bytesPerParty };
  const shown = [
    `${mnist.name}, digits 5 to 9, 6272-128-5, ${epochs} epochs of ${steps / epochs} steps of ${batch}`,
    `accuracy on ${test.count} test pictures: ${(100 * secret.accuracy).toFixed(2)} % on shares, ${(100 * plain).toFixed(2)} % in the clear`,
    `${seconds.toFixed(0)} s (${(seconds / steps).toFixed(3)} s a step, ${(giving / steps).toFixed(3)} s of it waiting for its batch to be shared), ${(Math.max(...bytesPerParty) / 1e6).toFixed(0)} MB sent per party, ${rounds} rounds`,
  ].join("\n");
  process.stdout.write(words.json ? `${JSON.stringify({ ...figures, accuracy: secret.accuracy, plain })}\n` : `${shown}\n`);
}
