/**
 * @file The table of what runs on shares, SUPPORT.md, made from core's op table and from every layer, loss and optimizer: each is
 * checked, estimated, run by three parties in one process and compared with the clear result. `npm run docs:support` writes it.
 */
import { Random } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Parties } from "../programs/parties.ts";
import { ACTIVATIONS, LAYERS, LOSSES, OTHERS } from "./layers.ts";
import { type Job, measure, together } from "./measure.ts";
import { NOTES, opJob, opNames } from "./ops.ts";
import { OPTIMIZERS } from "./optimizers.ts";
import { bySgd, optimizerJobs } from "./probe.ts";
import { type Line, render } from "./render.ts";

const FILE = "../../../src/protocols/replicated3/SUPPORT.md";

/** Ops without rounding. */
const EXACT = new Set(
  (
    "neg abs sign bitNot relu reluGrad add sub maximum minimum eq ne lt le gt ge where cast bitAnd bitOr bitXor maxPool2d maxPool2dGrad " +
    "sum amax amin argmax argmin all any cumsum reshape permute expand slice pad cat flip gather scatterAdd scatter indexSelect " +
    "indexAdd oneHot sort argsort constant iota randomBits"
  ).split(" "),
);
const USUAL = 2 ** -12;
/** Four rows, each short of its bound by 2^-10; 18 deviations of the three parties' noise, beyond once in 10^60 runs. */
const RELEASES: Readonly<Record<string, number>> = { clippedSum: 2 ** -8, partyNoise: 2 ** -7 };
/** Squares of small gradients fall below 2^-16 (see optimizers.ts): such parameters differ by up to a step. */
const STEPS: Readonly<Record<string, number>> = {
  adam: 2 ** -6,
  "adam, amsgrad": 2 ** -6,
  adamw: 2 ** -6,
  nadam: 2 ** -6,
  radam: 2 ** -6,
  adamax: 2 ** -6,
  adagrad: 2 ** -6,
  adadelta: 2 ** -6,
  rmsprop: 2 ** -3,
  rprop: 2 ** -5,
};

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

async function line(name: string, jobs: readonly Job[], within: number, note = ""): Promise<Line> {
  const all = [];
  for (const job of jobs) all.push(await measure(job, parties));
  const m = together(all);
  expect(m.asEstimated, `${name}: the run counts what estimate says`).toBe(true);
  expect(m.error, `${name}: the largest error`).toBeLessThanOrEqual(within);
  return { ...m, name: `\`${name}\``, within, note };
}

async function lines<T>(
  all: Readonly<Record<string, T>>,
  jobs: (x: T) => Promise<Job[]>,
  within: (name: string) => number,
): Promise<Line[]> {
  const out: Line[] = [];
  for (const [name, x] of Object.entries(all)) out.push(await line(name, await jobs(x), within(name)));
  return out;
}

test("every factory of nn is in the table", () => {
  const factories = Object.entries(nn).filter(([name, f]) => typeof f === "function" && /^[a-z]/.test(name));
  const known = [...Object.keys(ACTIVATIONS), ...Object.keys(LAYERS), ...Object.keys(LOSSES), ...OTHERS];
  expect(factories.map(([name]) => name).filter((name) => !known.includes(name))).toEqual([]);
});

test("SUPPORT.md says what runs on shares, and with what error", async () => {
  const ops: Line[] = [];
  for (const op of opNames) ops.push(await line(op, [opJob(op)], RELEASES[op] ?? (EXACT.has(op) ? 0 : USUAL), NOTES[op]));
  const step = (name: string): string =>
    `A training step by SGD: ${name}, their loss, the gradients of input and parameters, the new parameters.`;
  const sgd = { jobs: (make: (typeof LAYERS)[string]) => bySgd(make(new Random(3))), within: () => USUAL };
  const sections = [
    { title: "Ops", text: "Secret arguments of f32, i32 or bool, unless a remark says otherwise.", lines: ops },
    { title: "Activations", text: step("rows [3, 4]"), lines: await lines(ACTIVATIONS, sgd.jobs, sgd.within) },
    { title: "Layers", text: step("a few rows, signals or images"), lines: await lines(LAYERS, sgd.jobs, sgd.within) },
    { title: "Losses", text: step("predictions and secret targets"), lines: await lines(LOSSES, sgd.jobs, sgd.within) },
    {
      title: "Optimizers",
      text: `Three steps of a linear layer with a learning rate of 0.01; the costs of one. Where the error is as large as a step, squares of small
gradients are below the least quantity 2^-16: functions/README.md, "What is weak". \`lbfgs\` reads losses on the host at every step: a
secret loss would have to be revealed.`,
      lines: await lines(
        OPTIMIZERS,
        (make) => optimizerJobs(make, new Random(3)),
        (name) => STEPS[name] ?? USUAL,
      ),
    },
  ];
  await expect(render(sections)).toMatchFileSnapshot(FILE);
}, 120_000);
