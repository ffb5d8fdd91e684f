/** @file A training taken up again: the next step is the one that would have come, within rounding. */
import { Random, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { afterEach, describe, expect, it } from "vitest";
import { oneHot } from "../../src/client/inputs.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { restoreTraining, saveTraining } from "../../src/driver/training.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { makeWorld } from "../support.ts";

const open: InProcess[] = [];
const stop = async (): Promise<void> => void (await Promise.all(open.splice(0).map((x) => x.stop())));
afterEach(stop);

const ROWS = 16;
const SIDE = 8;
const final = { to: "model-owner", why: "final model" };

const mlp = (random: Random): nn.Layer =>
  nn.sequential(nn.flatten(), nn.linear(SIDE * SIDE, 12, { random }), nn.relu(), nn.linear(12, 4, { random }));
const lenet = (random: Random): nn.Layer =>
  nn.sequential(
    nn.conv2d(1, 4, 3, { random }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(36, 10, { random }),
    nn.relu(),
    nn.linear(10, 4, { random }),
  );

interface Parts {
  readonly model: nn.Layer;
  readonly optimizer: optim.SGD | optim.Adam;
}

function data(): { images: Float32Array; labels: Float32Array } {
  const images = Float32Array.from({ length: ROWS * SIDE * SIDE }, (_, i) => ((i * 7919) % 251) / 125 - 1);
  const labels = Array.from({ length: ROWS }, (_, i) => i % 4);
  return { images, labels: oneHot(labels, 4).values };
}

const step = async ({ model, optimizer }: Parts, x: Tensor, y: Tensor): Promise<void> =>
  void (await optimizer.step(nn.crossEntropy(model(x), y)));

async function weights({ model }: Parts): Promise<number[]> {
  const all: number[] = [];
  for (const [, p] of model.stateDict()) all.push(...[...(await p.reveal(final))].map(Number));
  return all;
}

async function parts(session: MpcSession, make: typeof mlp, optimizer: (m: nn.Layer) => Parts["optimizer"]): Promise<Parts> {
  const model = make(new Random(5));
  await model.to(session);
  return { model, optimizer: optimizer(model) };
}

interface Case {
  readonly what: string;
  readonly make: typeof mlp;
  readonly optimizer: (m: nn.Layer) => Parts["optimizer"];
  /**
   * Largest difference of a weight, in units of 2^-16. Null for Adam, which divides small gradients by their own size: one unit of
   * rounding in them moves a weight by as much as a step does, interrupted or not.
   */
  readonly most: number | null;
}
const momentum = (m: nn.Layer): optim.SGD => optim.sgd(m, { lr: 0.01, momentum: 0.9 });
const adam = (m: nn.Layer): optim.Adam => optim.adam(m, { lr: 1e-3 });
const LONG = process.env.TACIT_LONG === "1";
const CASES: readonly Case[] = [
  { what: "an MLP under SGD with momentum", make: mlp, optimizer: momentum, most: 4 },
  { what: "a small LeNet under SGD with momentum", make: lenet, optimizer: momentum, most: 4 },
  { what: "an MLP under Adam", make: mlp, optimizer: adam, most: null },
  { what: "a small LeNet under Adam", make: lenet, optimizer: adam, most: null },
];

/** Largest and mean difference in units of 2^-16. */
function apart(a: readonly number[], b: readonly number[]): { most: number; mean: number } {
  const all = a.map((w, i) => Math.abs(w - b[i]!) * 65_536);
  return { most: Math.max(...all), mean: all.reduce((x, y) => x + y, 0) / all.length };
}

it("a training whose inputs were asked for by name saves those, and not the weights that went in with its model", async () => {
  const world = await makeWorld({ protocol: "replicated3", limits: { memory: 2 ** 25 } });
  const parties = await startParties(world, replicated3);
  open.push(parties);
  const session = await parties.open();
  const { images, labels } = data();
  const x = session.input("images", { values: images, shape: [ROWS, 1, SIDE, SIDE] }, { owner: "data-owner" });
  const y = session.input("labels", { values: labels, shape: [ROWS, 4] }, { owner: "data-owner" });
  const trained = await parts(session, mlp, momentum);
  // The weights rest at the parties as what an owner gave; the step replaces them.
  await session.inputs(["images", "labels"]);
  await step(trained, x, y);
  await saveTraining(session, trained, 1);
  await stop();
  const later = await startParties(world, replicated3, parties.directories);
  open.push(later);
  const again = await later.open();
  const restored = await restoreTraining(again, await parts(again, mlp, momentum));
  expect([...restored!.inputs].sort()).toEqual(["data-owner/images", "data-owner/labels"]);
});

it("a driver who leaves takes the weights along that it shared and trained, and no input", async () => {
  const world = await makeWorld({ protocol: "replicated3", limits: { memory: 2 ** 25 } });
  const parties = await startParties(world, replicated3);
  open.push(parties);
  const session = await parties.open();
  const { images, labels } = data();
  const x = session.input("images", { values: images, shape: [ROWS, 1, SIDE, SIDE] }, { owner: "data-owner" });
  const y = session.input("labels", { values: labels, shape: [ROWS, 4] }, { owner: "data-owner" });
  const trained = await parts(session, mlp, momentum);
  await parts(session, mlp, momentum); // weights that no step replaces
  await step(trained, x, y);
  const held = (await session.counters()).map((c) => c.bytes);
  await session.leave();
  const next = await parties.open();
  expect((await next.listed()).map((i) => i.handle).sort()).toEqual(["data-owner/images", "data-owner/labels"]);
  for (const [i, c] of (await next.counters()).entries()) expect(c.bytes).toBeLessThan(held[i]!);
});

describe("a training that was interrupted", () => {
  it.each(CASES.filter((c) => LONG || c.most !== null))(
    "goes on where it stood: $what",
    async ({ what, make, optimizer, most }) => {
      const world = await makeWorld({ protocol: "replicated3", limits: { memory: 2 ** 25 } });
      const first = await startParties(world, replicated3);
      open.push(first);
      const session = await first.open();
      const { images, labels } = data();
      const x = session.input("images", { values: images, shape: [ROWS, 1, SIDE, SIDE] }, { owner: "data-owner" });
      const y = session.input("labels", { values: labels, shape: [ROWS, 4] }, { owner: "data-owner" });
      const trained = await parts(session, make, optimizer);
      for (let i = 0; i < 3; i++) await step(trained, x, y);
      await saveTraining(session, { ...trained, extra: { losses: [1, 2] } }, 3);
      const atCheckpoint = await weights(trained);
      await step(trained, x, y);
      const uninterrupted = await weights(trained);
      const resume = async (): Promise<number[]> => {
        await stop();
        const parties = await startParties(world, replicated3, first.directories);
        open.push(parties);
        const again = await parties.open();
        const resumed = await parts(again, make, optimizer);
        const r = (await restoreTraining(again, resumed))!;
        expect([r.step, r.extra.losses, [...r.inputs].sort()]).toEqual([3, [1, 2], ["data-owner/images", "data-owner/labels"]]);
        expect(await weights(resumed)).toEqual(atCheckpoint);
        await step(resumed, again.input("images"), again.input("labels"));
        return weights(resumed);
      };
      const [one, two] = [await resume(), await resume()];
      const [interrupted, alike] = [apart(uninterrupted, one), apart(one, two)];
      const moved = apart(one, atCheckpoint).most;
      const show = ({ most: m, mean }: typeof alike): string => `at most ${m.toFixed(0)}, on average ${mean.toFixed(2)}`;
      console.log(
        `${what}, one step after a resume, 2^-16: ${show(interrupted)}; two such steps: ${show(alike)}; a step: ${moved.toFixed(0)}`,
      );
      expect(moved).toBeGreaterThan(4);
      if (most !== null) expect(interrupted.most).toBeLessThanOrEqual(most);
      // No further from the uninterrupted step than two equal steps are from each other.
      expect(interrupted.mean).toBeLessThanOrEqual(2 * alike.mean + 0.5);
    },
  );
});
