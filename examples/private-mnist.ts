/**
 * @file MNIST under differential privacy, in one command:
 * `TACIT_DATA=<folder with mnist/> node examples/private-mnist.ts --epsilon 3 --features scattering` (or cnn). With EXAMPLE_STEPS, as CI has it: few drawn digits.
 */
import { parseArgs } from "node:util";
import { cpu, data, nn, optim, setDefaultDevice } from "@tacit/core";
import { makePrivate } from "@tacit/privacy/training";
import { RECIPES } from "./private-mnist/models.ts";

const { values } = parseArgs({
  options: {
    epsilon: { type: "string", default: "3" },
    delta: { type: "string", default: "1e-5" },
    features: { type: "string", default: "scattering" },
    epochs: { type: "string" },
    batch: { type: "string" },
    lr: { type: "string" },
    norm: { type: "string" },
    seed: { type: "string", default: "0" },
    json: { type: "boolean", default: false },
  },
});
const name = values.features === "cnn" ? "cnn" : "scattering";
const recipe = RECIPES[name];
const few = process.env.EXAMPLE_STEPS !== undefined;
const say = (text: string): void => void (values.json ? process.stderr : process.stdout).write(`${text}\n`);
const seconds = (): number => performance.now() / 1000;

setDefaultDevice(cpu({ threads: 2 }));
const began = seconds();
const sets = few ? data.drawnDigits({ train: 1500, test: 500 }) : await data.mnist();
const [train, test] = [await recipe.prepare(sets.train), await recipe.prepare(sets.test)];
say(`${sets.name}: ${train.length} rows, ${recipe.what}, ready after ${(seconds() - began).toFixed(0)} s`);

const seed = Number(values.seed);
const model = recipe.model(seed);
const optimizer = optim.sgd(model, { lr: Number(values.lr ?? recipe.lr), momentum: 0.9 });
say(`finding the noise for ε ${values.epsilon}: some seconds`);
const trainer = await makePrivate({
  model,
  optimizer,
  data: train,
  loss: (x, y) => nn.crossEntropy(model(x), y),
  epsilon: Number(values.epsilon),
  delta: Number(values.delta),
  epochs: few ? 4 : Number(values.epochs ?? recipe.epochs),
  batch: few ? 150 : Number(values.batch ?? recipe.batch),
  physicalBatch: recipe.physicalBatch,
  maxGradNorm: Number(values.norm ?? recipe.maxGradNorm),
});
say(
  `noise multiplier ${trainer.noiseMultiplier.toFixed(4)} for ${trainer.plannedSteps} steps, known after ${(seconds() - began).toFixed(0)} s`,
);
await trainer.train(({ step, steps, epoch }) => {
  if (step % Math.ceil(steps / 10) === 0)
    say(`epoch ${epoch.toFixed(1)}, step ${step} of ${steps}, ${(seconds() - began).toFixed(0)} s`);
});
const accuracy = await nn.accuracy(model, test);
const took = seconds() - began;
const { user, system } = process.cpuUsage();
const cpuSeconds = (user + system) / 1e6;
say(
  `${sets.name}, ${name}: test accuracy ${(100 * accuracy).toFixed(2)} % in ${took.toFixed(0)} s (${cpuSeconds.toFixed(0)} s of processor time); ${trainer.statement()}; initial weights of seed ${seed}`,
);
if (values.json) {
  const { noiseMultiplier, steps, delta } = trainer;
  const report = {
    data: sets.name,
    features: name,
    accuracy,
    epsilon: trainer.epsilon(),
    delta,
    noiseMultiplier,
    steps,
    seed,
    seconds: took,
  };
  process.stdout.write(`${JSON.stringify({ ...report, statement: trainer.statement() })}\n`);
}
