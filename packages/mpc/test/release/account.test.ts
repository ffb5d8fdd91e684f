/** @file Steps of DP-SGD on shares over time: an account that outlives a session, and frozen parts that change meanwhile. */
import { Random, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { afterEach, describe, expect, it } from "vitest";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { restoreTraining, saveTraining } from "../../src/driver/training.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type PrivateSteps, type PrivateStepsState, privateSteps, type ReleaseOptions } from "../../src/release/index.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { makeWorld } from "../support.ts";

const open: InProcess[] = [];
const sessions: MpcSession[] = [];
afterEach(async () => {
  for (const s of sessions.splice(0)) await s.close();
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

async function start(before?: InProcess): Promise<{ parties: InProcess; session: MpcSession }> {
  const world = before?.world ?? (await makeWorld({ protocol: "replicated3" }));
  const parties = await startParties(world, replicated3, before?.directories);
  open.push(parties);
  const session = await parties.open();
  sessions.push(session);
  return { parties, session };
}

const OPTIONS: ReleaseOptions = { clipNorm: 1, noiseMultiplier: 2, neighbours: "add-remove" };
const DELTA = 1e-5;

interface Training {
  readonly model: nn.Layer;
  readonly optimizer: optim.Optimizer;
  readonly dp: PrivateSteps<[Tensor]>;
}
async function trainingIn(session: MpcSession, change: Partial<ReleaseOptions> = {}): Promise<Training> {
  const model = nn.sequential(nn.linear(2, 1, { random: new Random(5) }));
  await model.to(session);
  const optimizer = optim.sgd(model, { lr: 1, momentum: 0.9 });
  return { model, optimizer, dp: privateSteps({ ...OPTIONS, ...change, model, optimizer, loss: (r) => model(r).sum() }) };
}

describe("the account of private steps", () => {
  it("goes on over a checkpoint, and not with other noise", async () => {
    const { parties, session } = await start();
    const x = session.input("x", { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] });
    const first = await trainingIn(session);
    await first.dp.step(x);
    await first.dp.step(x);
    const { model, optimizer, dp } = first;
    await saveTraining(session, { model, optimizer, extra: { privacy: dp.state() } }, dp.steps);
    await session.leave();
    await parties.stop();

    const again = (await start(parties)).session;
    const fresh = await trainingIn(again);
    const restored = await restoreTraining(again, { model: fresh.model, optimizer: fresh.optimizer });
    const state = restored!.extra.privacy as PrivateStepsState;
    fresh.dp.loadState(state);
    expect(fresh.dp.steps).toBe(2);
    expect(fresh.dp.epsilon(DELTA)).toBe(dp.epsilon(DELTA));
    await fresh.dp.step(again.input("x"));
    expect(fresh.dp.events()).toEqual([{ ...state.event, count: 3 }]);

    const other = await trainingIn(again, { noiseMultiplier: 3 });
    expect(() => other.dp.loadState(state)).toThrow(/expected the state of private steps/);
    expect(() => fresh.dp.loadState({ ...state, steps: -1 })).toThrow(/expected the state/);
  }, 120_000);
});

describe("a step", () => {
  it("reads frozen parts as they are now, not as they were in the first step", async () => {
    const { session } = await start();
    const random = new Random(5);
    const linear = (): nn.Linear => nn.linear(1, 1, { random, bias: false });
    const [frozen, learns] = [linear(), linear()];
    const model = nn.sequential(frozen, learns);
    for (const p of frozen.parameters()) p.requiresGrad_(false);
    await model.to(session);
    const x = session.input("x", { values: Float32Array.of(1), shape: [1, 1] });
    const optimizer = optim.sgd(learns, { lr: 1 });
    const dp = privateSteps<[Tensor]>({
      model,
      optimizer,
      loss: (a) => model(a).sum(),
      clipNorm: 8,
      noiseMultiplier: 2 ** -12,
      neighbours: "add-remove",
    });
    const weight = async (layer: nn.Linear): Promise<number> =>
      Number((await layer.parameters()[0]!.reveal({ to: "driver", why: "weight" }))[0]);
    // A step moves by the gradient: the frozen weight, times a row of 1.
    const moved = async (): Promise<number> => {
      const before = await weight(learns);
      await dp.step(x);
      return before - (await weight(learns));
    };
    expect(await moved()).toBeCloseTo(await weight(frozen), 1);
    frozen.loadStateDict(new Map([["weight", session.input("fresh", { values: Float32Array.of(2.5), shape: [1, 1] })]]));
    expect(await moved()).toBeCloseTo(2.5, 1);
  }, 120_000);
});
