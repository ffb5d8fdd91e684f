/** @file A private training from plan to refusal: recorded, approved with a demand for noise, run, and stopped when its budget is spent. */
import { Random, type Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { afterEach, describe, expect, it } from "vitest";
import { giveInput } from "../../src/client/inputs.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { type Plan, plan } from "../../src/plan/plan.ts";
import { Recorder } from "../../src/plan/recorder.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type Budget, privateSteps, privateSum } from "../../src/release/index.ts";
import { signGrant } from "../../src/session/grant.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { codeOf, errorOf, makeWorld, type World } from "../support.ts";

const open: InProcess[] = [];
const sessions: MpcSession[] = [];
afterEach(async () => {
  for (const s of sessions.splice(0)) await s.close();
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

const [ROWS, WIDTH] = [8, 3];
const SHAPES = { "data-owner/x": [ROWS, WIDTH], "model-owner/weight": [1, WIDTH] } as const;
type Handle = keyof typeof SHAPES;
// Two steps at z = 2 cost ε 3.19 at δ 1e-5, three cost more than 3.5.
const BUDGET: Budget = { epsilon: 3.5, delta: 1e-5 };
const WEIGHTS = { to: "model-owner", why: "final model" };
const DP = { clipNorm: 1, noiseMultiplier: 2, neighbours: "add-remove" } as const;

/** `steps` steps on the rows, and the weights that come out. */
async function job(given: (handle: Handle) => Tensor, steps: number, mechanism?: Budget): Promise<Tensor> {
  const model = nn.sequential(nn.linear(WIDTH, 1, { bias: false, random: new Random(0) }));
  const [weight] = model.parameters() as [Tensor];
  weight.copy_(given("model-owner/weight"));
  const optimizer = optim.sgd(model, { lr: 0.5, momentum: 0.9 });
  const dp = privateSteps<[Tensor]>({
    ...DP,
    ...(mechanism && { mechanism }),
    model,
    optimizer,
    loss: (r) => model(r).square().sum(),
  });
  for (let i = 0; i < steps; i++) await dp.step(given("data-owner/x"));
  return weight;
}

/** What owners are shown, and sign. */
async function planned({ session }: World, steps: number): Promise<Plan> {
  const recorder = Recorder.of(session);
  const given = (h: Handle): Tensor => inputs.get(h)!;
  const inputs = new Map(
    Object.entries(SHAPES).map(([h, shape]) => [h, recorder.listed(h, { shape, dtype: "f32" }, [h.split("/")[0]!])]),
  );
  recorder.title = "private step";
  await (await job(given, steps, BUDGET)).reveal(WEIGHTS);
  return plan(session, recorder.planned(10));
}

/** Parties with both inputs, and a driver without an owner's key. */
async function start(): Promise<{ world: World; session: MpcSession }> {
  const world = await makeWorld({ protocol: "replicated3" });
  const parties = await startParties(world, replicated3);
  open.push(parties);
  const group = await parties.group();
  for (const [handle, shape] of Object.entries(SHAPES)) {
    const owner = world.people.get(handle.split("/")[0]!)!;
    const values = new Float32Array(shape[0] * shape[1]).fill(0.25);
    await giveInput(group, world.session, replicated3, owner, { handle, values, aval: { shape, dtype: "f32" } });
  }
  const session = await parties.open(["driver", "model-owner"]);
  sessions.push(session);
  return { world, session };
}

describe("a plan of private steps", () => {
  it("demands their noise of what is disclosed, from first weights and from those of the last step", async () => {
    const world = await makeWorld({ protocol: "replicated3" });
    const { programs } = await planned(world, 2);
    expect(programs).toHaveLength(1);
    const [{ grant, inputs, outputs, gaps }] = programs as [Plan["programs"][number]];
    expect(gaps).toEqual([]);
    const rows = inputs.findIndex((i) => i.from.includes("input data-owner/x"));
    expect(grant.disclosures).toEqual([
      {
        output: expect.any(Number) as number,
        ...WEIGHTS,
        mechanism: { kind: "distributed-discrete-gaussian", neighbours: "add-remove", rows: [rows], ...BUDGET },
      },
    ]);
    const said = outputs[grant.disclosures[0]!.output]!.disclosures[0]!.mechanism;
    expect(said).toMatch(/ε 3.5 at δ 0.00001 .* row of input \d of data-owner \(add-remove\).*2 of 12 runs fit/);
  });

  it("is run within the budget that its owners signed, and refused by the parties beyond, whatever the driver does", async () => {
    const { world, session } = await start();
    const { programs } = await planned(world, 2);
    const owners = ["data-owner", "model-owner"].map((o) => world.people.get(o)!);
    for (const p of programs) await session.grant(await signGrant(world.session.id, p.grant, owners));
    const given = (h: Handle): Tensor => session.input(h);
    const weights = await job(given, 2, BUDGET);
    expect(await weights.reveal(WEIGHTS)).toHaveLength(WIDTH);
    // This driver says nothing of a budget.
    const error = await errorOf(() => job(given, 1));
    expect(error).toMatchObject({ code: "POLICY_REFUSED" });
    expect(error.message).toMatch(/has no budget left: 2 runs were counted against epsilon 3.5/);
  }, 60_000);

  it("and its run are refused by the driver itself where steps cost more than the budget", async () => {
    const world = await makeWorld({ protocol: "replicated3" });
    expect(await codeOf(() => planned(world, 3))).toBe("PRIVACY_BUDGET");
    const { session } = world;
    const x = Recorder.of(session).listed("data-owner/x", { shape: [4, 2], dtype: "f32" }, ["data-owner"]);
    const sum = (epsilon: number): Promise<unknown> => privateSum(x, { ...DP, mechanism: { epsilon, delta: 1e-5 } });
    expect(await codeOf(() => sum(1))).toBe("PRIVACY_BUDGET");
    expect(await codeOf(() => sum(Number.NaN))).toBe("PRIVACY_PARAMETER");
  });
});

describe("a plan of a private sum", () => {
  it("demands its noise", async () => {
    const { session } = await makeWorld({ protocol: "replicated3" });
    const recorder = Recorder.of(session);
    const x = recorder.listed("data-owner/x", { shape: [4, 2], dtype: "f32" }, ["data-owner"]);
    const { sum } = await privateSum(x, { ...DP, mechanism: BUDGET });
    await sum.reveal({ to: "driver", why: "sum" });
    const { programs } = await plan(session, recorder.planned());
    expect(programs[0]!.grant.disclosures[0]!.mechanism).toMatchObject({ rows: [0], ...BUDGET });
    expect(programs[0]!.gaps).toEqual([]);
  });
});
