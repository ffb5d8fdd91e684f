/** @file tacit audit inversion: the picture that one update of a saved model gives away, with and without clipping and noise. */
import { gradients, realize, Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import * as nn from "@tacit/core/nn";
import { Random } from "@tacit/core/random";
import { type Figure, plot } from "@tacit/plot";
import { blankPsnr, classOfGradient, defended, invertGradient, invertLinear, psnr, ssim } from "@tacit/privacy/audits";
import type { Command } from "commander";
import { count, positive, positiveCount } from "../commands/arguments.ts";
import { Progress } from "../output/progress.ts";
import { checkReport, conclude, type ReportWords, withReportOptions } from "./options.ts";
import { openBoth } from "./shadows.ts";

interface Words extends ReportWords {
  readonly data: string;
  readonly labels?: string;
  readonly example: number;
  readonly steps: number;
  readonly clip: number;
  readonly noise: number;
  readonly seed: number;
}

const SIDE = 28;
/** Equal pictures have infinite PSNR, which JSON has not: float32 carries about 150 dB. */
const MOST_DB = 200;
const SIZE = { height: SIDE, width: SIDE };

/** One attack on one gradient. */
interface Reconstruction {
  readonly name: string;
  readonly method: "analytic" | "search";
  /** dB. */
  readonly psnr: number;
  readonly ssim: number;
  /** Whether the class was read off the last bias. */
  readonly classFound: boolean;
  readonly picture: Float32Array;
}

/** What the attack works on. */
interface Update {
  readonly model: nn.Layer;
  readonly original: Float32Array;
  readonly label: number;
  /** Pictures in [0, 1] to what the model wants. */
  loss(x: Tensor, label: number): Tensor;
}

const clamped = (x: ArrayLike<number>): Float32Array => Float32Array.from(x, (v) => Math.max(0, Math.min(1, v)));

/** A first linear layer is read off; anything else is searched for. */
async function reconstruct(
  name: string,
  u: Update,
  gradient: readonly Float32Array[],
  words: Words,
  centring: { mean: number; deviation: number },
): Promise<Reconstruction> {
  const parameters = u.model.parameters();
  const label = classOfGradient(gradient.at(-1)!);
  const linear = parameters[0]!.shape.length === 2;
  const found = linear
    ? clamped(invertLinear(gradient[0]!, gradient[1]!).map((v) => v * centring.deviation + centring.mean))
    : await search(name, u, gradient, label, words);
  return {
    name,
    method: linear ? "analytic" : "search",
    psnr: Math.min(MOST_DB, psnr(u.original, found)),
    ssim: ssim(u.original, found, SIZE),
    classFound: label === u.label,
    picture: found,
  };
}

async function search(
  name: string,
  u: Update,
  gradient: readonly Float32Array[],
  label: number,
  words: Words,
): Promise<Float32Array> {
  const parameters = u.model.parameters();
  const observed = gradient.map((g, k) => Tensor.from(g, parameters[k]!.shape));
  const progress = new Progress(name, words.steps);
  const start = Float32Array.from(new Random(words.seed).uniform(SIDE * SIDE));
  const { input } = await invertGradient((x) => u.loss(x, label), parameters, observed, {
    start,
    shape: [1, 1, SIDE, SIDE],
    steps: words.steps,
    progress: (step, distance) => {
      progress.update(step, [`distance ${distance.toExponential(2)}`]);
      return undefined;
    },
  });
  progress.finish();
  return input;
}

/** The gradient that a training would send for one example. */
async function gradientOf(u: Update): Promise<Float32Array[]> {
  const x = Tensor.from(u.original, [1, 1, SIDE, SIDE]);
  const parameters = u.model.parameters();
  const found = gradients(u.loss(x, u.label), parameters).map((g, k) => g ?? parameters[k]!.mul(0));
  await realize(...found);
  return Promise.all(found.map(async (g) => Float32Array.from(await g.data(), Number)));
}

function pictureOf(u: Update, all: readonly Reconstruction[], blank: number): Figure {
  const pictures = [u.original, ...all.map((r) => r.picture)];
  const values = new Float32Array(pictures.length * SIDE * SIDE);
  for (const [i, p] of pictures.entries()) values.set(p, i * SIDE * SIDE);
  return plot.images(
    { values, shape: [pictures.length, 1, SIDE, SIDE] },
    {
      title: `Gradient inversion (a blank picture: ${blank.toFixed(1)} dB)`,
      labels: ["original", ...all.map((r) => `${r.name}: ${r.psnr.toFixed(1)} dB`)],
      range: [0, 1],
      columns: pictures.length,
    },
  );
}

async function run(path: string, words: Words): Promise<void> {
  await checkReport(words);
  const { opened, data } = await openBoth({ ...words, model: path });
  const { model, centring } = opened;
  if (words.example >= data.test.length)
    expected("ARGUMENT_INVALID", "--example", `an example below ${data.test.length}`, `${words.example}`);
  const [x, y] = await data.test.read(Int32Array.of(words.example));
  const update: Update = {
    model,
    original: Float32Array.from(await x.data(), Number),
    label: Number((await y.data())[0]),
    loss: (input, label) =>
      nn.crossEntropy(model(input.sub(centring.mean).div(centring.deviation)), Tensor.from(Int32Array.of(label), [1])),
  };
  const gradient = await gradientOf(update);
  const open = await reconstruct("as sent", update, gradient, words, centring);
  const all = [open];
  if (words.noise > 0) {
    const sent = defended(gradient, { clip: words.clip, noiseMultiplier: words.noise });
    all.push(await reconstruct("clipped, with noise", update, sent, words, centring));
  }
  const blank = blankPsnr(update.original);
  const measured = all.at(-1)!;
  await conclude(words, {
    audit: "inversion",
    report: { blank, clip: words.clip, noise: words.noise, reconstructions: all.map(({ picture: _picture, ...r }) => r) },
    measured: measured.psnr,
    unit: "dB",
    figure: pictureOf(update, all, blank),
    text: [
      ...all.map(
        (r) =>
          `${r.name}: PSNR ${r.psnr.toFixed(1)} dB, SSIM ${r.ssim.toFixed(3)}, class ${r.classFound ? "found" : "not found"} (${r.method})`,
      ),
      `a blank picture of the right brightness: ${blank.toFixed(1)} dB`,
    ].join("\n"),
  });
}

const DESCRIPTION = `The attack sees the gradient of one example by a saved model, as an unprotected federated update would carry it. A first linear layer gives
the picture away exactly; a convolution is inverted by a search through gradients of gradients. With --noise the same attack is made on the
gradient as DP-SGD would send it for a batch of one; --fail-above then looks at that one.

Examples:
  tacit audit inversion model.safetensors --data digits --example 7
  tacit audit inversion model.safetensors --data digits --clip 1 --noise 1 --fail-above 15 --picture inversion.svg`;

export function addInversion(audit: Command): void {
  const command = audit
    .command("inversion")
    .summary("the picture that a single update gives away")
    .description(DESCRIPTION)
    .argument("<model>", "a file that tacit train wrote")
    .option("--data <source>", "auto, mnist, digits, or a file, as tacit train takes it", "auto")
    .option("--labels <file>", "class numbers of an IDX file")
    .option("--example <n>", "which test picture", count, 0)
    .option("--steps <n>", "of the search", positiveCount, 600)
    .option("--clip <c>", "norm to which the gradient is clipped", positive, 1)
    .option("--noise <z>", "noise multiplier of the defence; 0 leaves it out", (t: string) => (t === "0" ? 0 : positive(t)), 0)
    .option("--seed <n>", "of the search's start", count, 0);
  withReportOptions(command, "PSNR in dB of the (last) reconstruction").action(run);
}
