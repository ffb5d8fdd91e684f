/** @file Plans and estimates, without parties: what is recorded of a private job, and how batches are cut. */
import { nn, optim, realize, Tensor } from "@tacit/core";
import { mpc } from "@tacit/mpc";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { parsePlan, showAsked } from "../../src/clients/approval.ts";
import { blocksOf, orders, rateAt } from "../../src/private/batches.ts";
import { estimate, showEstimate } from "../../src/private/estimate.ts";
import { jobOptions } from "../../src/private/options.ts";
import { checkpointsOf, exampleSession, type Outline, outline, showCheckpoints } from "../../src/private/outline.ts";
import { encodeSafetensors } from "../process/safetensors.ts";
import { digitFiles, scratch } from "../process/tacit.ts";

const place = scratch();
afterAll(() => place[Symbol.dispose]());
const data = place.write("digits.safetensors", digitFiles(200).safetensors);
const session = await exampleSession();
const NETWORK = { bandwidth: 100, latency: 10 };

const small = (words: Parameters<typeof jobOptions>[0] = {}): Promise<Outline> =>
  outline(session, jobOptions({ data, model: "mlp", batch: 16, steps: 23, ...words }), "train");

const titles = (o: Outline): Record<string, number> =>
  Object.fromEntries([...o.recorder.recordings.values()].map((r) => [r.title, r.runs]));

describe("the plan of a private training", () => {
  test("counts runs and disclosures of every Program", async () => {
    const o = await small({ test: "all" });
    expect(titles(o)).toEqual({ "training step": 23, "mean loss of 10 steps": 2, test: 1, "number of right answers": 1 });
    expect(o.recorder.planned().map((p) => [p.reveals, p.disclosures])).toEqual([
      [0, []],
      [2, [{ output: 0, to: "model-owner", why: "progress" }]],
      [0, []],
      [1, [{ output: 0, to: "model-owner", why: "test accuracy" }]],
    ]);
  });

  test("says whose every input is, and that rows of a batch are all different", async () => {
    const plan = await mpc.plan(session, (await small()).recorder.planned());
    const step = plan.programs[0]!;
    expect(step.owners).toEqual(["data-owner", "model-owner"]);
    const images = step.inputs.find((i) => i.aval === "f32[160,1,28,28]")!;
    expect(images).toMatchObject({ owners: ["data-owner"], from: ["input data-owner/train-0-images"], rows: 160 });
    const rows = step.inputs.find((i) => i.aval === "i32[16]")!;
    expect(rows).toMatchObject({ owners: [], from: ["public, 0 to 159, all different"], rows: 16 });
    const weights = step.inputs.find((i) => i.aval === "f32[128,784]")!;
    expect(weights.owners).toEqual(["data-owner", "model-owner"]);
    expect(weights.from).toEqual(["input model-owner/1.0", `a result of ${step.program.slice(0, 12)}`]);
    expect(step.gaps).toEqual([]);
  });

  test("names every weight as an output of the training step when the model is to be disclosed", async () => {
    const shared = (await small()).recorder.planned()[0]!;
    const disclosed = (await small({ revealModel: true })).recorder.planned()[0]!;
    expect(shared.disclosures).toEqual([]);
    expect(disclosed.program.id).toBe(shared.program.id);
    expect(disclosed.reveals).toBe(6);
    expect(new Set(disclosed.disclosures.map((d) => d.why))).toEqual(new Set(["final model"]));
    const shapes = disclosed.disclosures.map((d) => disclosed.program.outputAvals[d.output]!.shape.join("x"));
    expect(shapes.sort()).toEqual(["10", "10x128", "128", "128", "128x128", "128x784"]);
  });

  test("takes the people of a session file", async () => {
    const options = jobOptions({ data, model: "mlp", batch: 8, steps: 1, test: 0 });
    const o = await outline(session, { ...options, owners: { model: "bank", data: "clinic" } }, "train");
    expect(o.recorder.planned()[0]!.inputs.flatMap((i) => i.owners)).toContain("clinic");
    expect(o.recorder.given.find((g) => g.name.startsWith("bank/"))?.owner).toBe("bank");
  });

  test("of a prediction has one Program, disclosed to the data owner alone", async () => {
    const o = await outline(session, jobOptions({ model: "lenet5" }), "predict");
    const [only, ...others] = o.recorder.planned();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ runs: 1, reveals: 1, disclosures: [{ output: 0, to: "data-owner", why: "prediction" }] });
  });

  test("asks for spare runs, and for spare disclosures of what is disclosed alone", async () => {
    const { recorder } = await small();
    const exact = recorder.planned();
    const more = recorder.planned(50);
    expect(more.map((p, i) => p.runs - exact[i]!.runs)).toEqual(exact.map(() => 50));
    expect(more.map((p) => p.reveals)).toEqual(exact.map((p) => (p.reveals === 0 ? 0 : p.reveals + 50)));
    expect(exact.some((p) => p.reveals === 0)).toBe(true);
  });

  test("says what checkpoints leave, how often, and how many steps a resume does again", () => {
    expect(checkpointsOf(23, 10)).toEqual({ every: 10, count: 3, again: 10 });
    expect(checkpointsOf(40, 11)).toEqual({ every: 20, count: 2, again: 20 });
    expect(checkpointsOf(12, 50)).toEqual({ every: 50, count: 1, again: 12 });
    expect(checkpointsOf(0, 50)).toBe(null);
    expect(showCheckpoints(checkpointsOf(40, 11))).toMatch(/^checkpoints: 2, every 20 steps .* its own disk\n.*no grant bounds/);
    expect(showCheckpoints(checkpointsOf(40, 11))).toContain("--spare k x 20");
    expect(showCheckpoints(null)).toContain("none planned, and no grant bounds them");
  });

  test("of the same pictures as CSV, IDX or safetensors asks for the same Programs", async () => {
    const files = digitFiles(60);
    const csv = place.write("d.csv", files.csv);
    const [idx, labels] = [place.write("x.idx", files.images), place.write("y.idx", files.labels)];
    const tensors = place.write("d.safetensors", files.safetensors);
    const ids = async (words: Parameters<typeof jobOptions>[0]): Promise<string[]> => [
      ...(await small({ steps: 4, ...words })).recorder.recordings.keys(),
    ];
    const wanted = await ids({ data: tensors });
    expect(wanted).toHaveLength(3);
    expect(await ids({ data: csv })).toEqual(wanted);
    expect(await ids({ data: idx, labels })).toEqual(wanted);
  });

  test("of many pictures names each block of them as a source of the same input", async () => {
    const n = 7600;
    const file = encodeSafetensors([
      { name: "images", dtype: "U8", shape: [n, 28, 28], bytes: new Uint8Array(n * 784) },
      { name: "labels", dtype: "U8", shape: [n], bytes: new Uint8Array(n).fill(9, 0, 1) },
    ]);
    const o = await small({ data: place.write("many.safetensors", file), batch: 32, steps: 200, test: "all" });
    expect(titles(o)).toMatchObject({ "training step": 200, "mean loss of 10 steps": 20 });
    const [step] = (await mpc.plan(session, o.recorder.planned())).programs;
    const from = step!.inputs.find((i) => i.aval.endsWith(",1,28,28]"))!.from;
    expect(from).toEqual([0, 1, 2, 3].map((i) => `input data-owner/train-${i}-images`));
    expect(o.recorder.given.filter((g) => g.name.startsWith("data-owner/test-")).map((g) => g.aval.shape[0])).toEqual([
      1000, 1000, 140, 140,
    ]);
  });

  test("is refused where both steps and epochs are given", () => {
    expect(() => jobOptions({ steps: 3, epochs: 1 })).toThrow(/--steps or --epochs, got both/);
  });

  test("is refused where the data fill no batch", async () => {
    await expect(small({ batch: 171 })).rejects.toThrow(/at least 171 samples for a batch, got 170/);
  });
});

describe("the estimate", () => {
  test("adds up its rows, and is linear in bandwidth and latency", async () => {
    const o = await small({ steps: 12 });
    const slow = await estimate(o, NETWORK);
    const fast = await estimate(o, { bandwidth: 200, latency: 5 });
    expect(slow.total.rounds).toBe(slow.rows.reduce((n, r) => n + r.runs * r.each.rounds, 0));
    expect(slow.total.seconds).toBeCloseTo(2 * fast.total.seconds, 9);
    const most = Math.max(...slow.total.bytesPerParty);
    expect(slow.total.seconds).toBeGreaterThanOrEqual((most * 8) / 100e6 + slow.total.rounds * 0.01 - 1e-9);
    expect(slow.inputBytes).toBeGreaterThanOrEqual(160 * 794 * 16);
    expect(showEstimate(slow)).toContain("on the wire at 100 Mbit/s and 10 ms one way");
  });

  test("of a job that the protocol cannot run names every gap", async () => {
    const protocol = mpc.PROTOCOLS[0]!;
    const recorder = new mpc.Recorder(protocol, protocol.defaults, "a");
    const x = recorder.input("x", { shape: [5] }, { owner: "a" });
    await x.sin().realize();
    await x.floor().add(x.atan()).realize();
    const told = estimate({ session, protocol, recorder, steps: 0 }, NETWORK);
    await expect(told).rejects.toThrow(/sin[\s\S]*floor[\s\S]*atan|sin[\s\S]*atan[\s\S]*floor/);
  });

  test("takes what follows from public values alone for public, and all else for secret", async () => {
    const protocol = mpc.PROTOCOLS[0]!;
    const recorder = new mpc.Recorder(protocol, protocol.defaults, "a");
    const x = recorder.input("x", { shape: [4] }, { owner: "a" });
    const known = Tensor.from(Float32Array.of(1, 2, 3, 4), [4], { public: true });
    const [open, hidden] = [known.mul(3), known.mul(x)];
    await realize(open, hidden);
    const bindingOf = (t: Tensor): unknown => recorder.binding(t.expr.leaf!.storage!);
    expect(recorder.recordings.size).toBe(1);
    expect(bindingOf(open)).toEqual({ kind: "public" });
    expect(bindingOf(hidden)).toEqual({ kind: "secret", owners: ["a"] });
  });
});

describe("blocks and batches", () => {
  test("cover each row of an epoch once, in batches of one size", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30_000 }), fc.integer({ min: 1, max: 300 }), (count, size) => {
        const blocks = blocksOf(count, size);
        const batches = Math.floor(count / size);
        const seen = new Set<number>();
        for (const { block, rows } of orders(blocks, size, batches, 3)) {
          expect(rows.length).toBe(size);
          for (const r of rows) seen.add(blocks[block]!.start + r);
        }
        expect(seen.size).toBe(batches * size);
        expect(Math.max(-1, ...blocks.map((b) => b.end))).toBe(batches === 0 ? -1 : batches * size);
        expect(new Set(blocks.slice(0, -1).map((b) => b.end - b.start)).size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 40 },
    );
  });

  test("go on into a second epoch in another order", () => {
    const all = [...orders(blocksOf(40, 10), 10, 9, 1)].map(({ rows }) => [...rows]);
    expect(all).toHaveLength(9);
    expect(new Set(all.slice(0, 4).flat()).size).toBe(40);
    expect(new Set(all.slice(4, 8).flat()).size).toBe(40);
    expect(all.slice(4, 8)).not.toEqual(all.slice(0, 4));
  });

  test("the learning rate falls from its base to a twentieth", () => {
    const rates = Array.from({ length: 11 }, (_, i) => rateAt(0.4, i, 10));
    expect(rates[0]).toBeCloseTo(0.4, 12);
    expect(rates[10]).toBeCloseTo(0.02, 12);
    for (let i = 1; i < rates.length; i++) expect(rates[i]!).toBeLessThan(rates[i - 1]!);
  });
});

describe("the plan of private steps", () => {
  test("carries the demand for noise to the owner who reads it, and into what is signed", async () => {
    const recorder = mpc.Recorder.of(session);
    const x = recorder.listed("data-owner/x", { shape: [8, 3], dtype: "f32" }, ["data-owner"]);
    const model = nn.linear(3, 1, { bias: false });
    model.weight.copy_(recorder.listed("model-owner/weight", { shape: [1, 3], dtype: "f32" }, ["model-owner"]));
    const mechanism = { epsilon: 3, delta: 1e-5 };
    const options = { clipNorm: 1, noiseMultiplier: 4, neighbours: "replace-one", mechanism } as const;
    const loss = (row: Tensor): Tensor => model(row).sum();
    const dp = mpc.privateSteps<[Tensor]>({ ...options, model, optimizer: optim.sgd(model, { lr: 1 }), loss });
    await dp.step(x);
    await model.weight.reveal({ to: "model-owner", why: "final model" });
    const planned = await mpc.plan(session, recorder.planned());
    expect(mpc.showPlan(planned)).toMatch(
      /disclosed to model-owner \(final model\), only with noise of all parties: ε 3 at δ 0.00001/,
    );

    const text = JSON.stringify({ schema: 1, kind: "plan", ...planned });
    const [asked] = parsePlan(text, "plan", session, "data-owner");
    expect(showAsked(asked!, "data-owner", 16)).toMatch(/OPENS .* of data-owner \(replace-one\), all runs together/);
    expect(showAsked(asked!, "model-owner", 16)).toMatch(/BEWARE YOUR input \d is NOT protected by it/);
    const signed = await mpc.signGrant(session.id, asked!.grant, [await mpc.Identity.generate("data-owner")]);
    const read = mpc.signedFromJson(JSON.parse(JSON.stringify(mpc.signedToJson(signed))));
    expect(read.grant.disclosures[0]!.mechanism).toMatchObject({ ...mechanism, neighbours: "replace-one" });
  });
});
