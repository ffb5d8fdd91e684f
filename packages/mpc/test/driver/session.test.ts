/** @file The session as a device, with the parties in this process. */
import { nn, optim, tensor } from "@tacit/core";
import { Program } from "@tacit/core/program";
import { afterEach, describe, expect, it } from "vitest";
import { oneHot } from "../../src/client/inputs.ts";
import { predictSeconds } from "../../src/driver/cost.ts";
import { nextRunOf } from "../../src/driver/runner.ts";
import { type Grant, grantId, signGrant } from "../../src/session/grant.ts";
import { type InProcess, inProcess } from "../in-process.ts";
import { codeOf, errorOf, inAnHour, makeWorld } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

async function start(options = {}): Promise<InProcess> {
  const made = await inProcess(options);
  open.push(made);
  return made;
}
const progress = { to: "model-owner", why: "progress" };

describe("a session is a device", () => {
  it("runs a Program on secret inputs and reveals its result to the one who is named", async () => {
    const session = await (await start()).open();
    const x = session.input("images", Float32Array.from([1, 2, 3, 4]), { owner: "data-owner", shape: [2, 2] });
    const w = await tensor([
      [1, 0],
      [0.5, -2],
    ]).to(session);
    const y = x.matmul(w).add(1);
    expect(String(y)).toBe("Tensor<f32[2,2] plain3>");
    expect(await codeOf(() => y.data())).toBe("DEVICE_SECRET");
    expect([...(await y.reveal(progress))]).toEqual([3, -3, 6, -7]);
    expect(session.cost()).toMatchObject({ rounds: 2, runs: 1, reveals: 1, bytesPerParty: [96, 96, 96] });
  });

  it("counts runs of a Program under the grant that is named, once one is", async () => {
    const p = await start();
    const session = await p.open();
    const x = session.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    await x.mul(3).realize();
    const [run] = (await session.transcript())[0]!.map((l) => JSON.parse(l)).filter((l) => l.event === "run");
    const sources = [{ kind: "handle", handle: "data-owner/x" }] as const;
    const inputs = [{ owners: ["data-owner"], sources, rows: 2 }];
    const grant: Grant = { program: run.bound.program, inputs, disclosures: [], runs: 5, reveals: 0, expires: inAnHour() };
    await session.grant(await signGrant(session.session.id, grant, [p.world.people.get("data-owner")!]));
    const counts = async (): Promise<number[][]> =>
      (await session.counters()).map(({ grants }) =>
        [run.grant, grantId(grant)].map((id) => grants.find((g) => g.grant === id)!.runs),
      );
    await x.mul(3).realize();
    expect(await counts()).toEqual(new Array(3).fill([2, 0]));
    session.countUnder(grant);
    await x.mul(3).realize();
    await x.mul(5).realize();
    expect(await counts()).toEqual(new Array(3).fill([2, 1]));
  });

  it("trains a model: the Program goes to the parties once, grants are signed once for each binding", async () => {
    const p = await start();
    const session = await p.open();
    const x = session.input(
      "x",
      Float32Array.from({ length: 12 }, (_, i) => (i % 5) / 4),
      { owner: "data-owner", shape: [4, 3] },
    );
    const y = session.input("y", oneHot([0, 1, 1, 0], 2), { owner: "data-owner" });
    const model = await nn.linear(3, 2).to(session);
    const opt = optim.sgd(model, { lr: 0.5 });
    const losses: number[] = [];
    for (let i = 0; i < 6; i++) {
      const loss = model(x).sub(y).pow(2).mean();
      await opt.step(loss);
      losses.push(Number((await loss.reveal(progress))[0]));
    }
    expect(losses[5]!).toBeLessThan(losses[0]! / 2);
    const lines = (await session.transcript())[1]!.map((l) => JSON.parse(l));
    const runs = lines.filter((l) => l.event === "run");
    expect(runs.length).toBe(6);
    expect(new Set(runs.map((l) => l.bound.program)).size).toBe(1);
    expect(lines.filter((l) => l.event === "reveal").every((l) => l.to === "model-owner" && l.why === "progress")).toBe(true);
    expect(lines.filter((l) => l.event === "grant" && l.program !== "").length).toBeLessThanOrEqual(4);
    expect((await session.counters()).map((c) => c.nextRun)).toEqual([12, 12, 12]);
  });

  it("results inherit all owners: without the key of one of them nothing runs", async () => {
    const p = await start();
    const all = await p.open();
    all.input("x", new Float32Array(4), { owner: "data-owner" });
    await all.input("warm", new Float32Array(4), { owner: "model-owner" }).add(1).realize();
    const x = all.input("x");
    expect(all.binding(x.expr.leaf!.storage!)).toEqual({ kind: "secret", owners: ["data-owner"] });
    const sum = x.add(all.input("warm"));
    await sum.realize();
    expect(all.binding(sum.expr.leaf!.storage!)).toEqual({ kind: "secret", owners: ["data-owner", "model-owner"] });
    await all.close();
  });

  it("asks owners whose keys are elsewhere for grants, and runs once they have signed", async () => {
    const p = await start();
    const provider = await p.open();
    const given = provider.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    await given.add(0).realize();
    await provider.close();
    const q = await start();
    const alone = await q.open(["driver", "model-owner"]);
    expect(await codeOf(() => alone.input("x"))).toBe("HANDLE_UNKNOWN");
    expect(await codeOf(() => alone.input("x", new Float32Array(2), { owner: "data-owner" }))).toBe("OWNER_UNKNOWN");
    const mine = alone.input("w", Float32Array.from([1, 2]));
    expect(await codeOf(() => mine.add(1).reveal({ to: "data-owner", why: "gift" }))).toBe("RECIPIENT_ELSEWHERE");
    const late = await signGrant(
      q.world.session.id,
      { program: "ab", inputs: [], disclosures: [], runs: 1, reveals: 1, expires: inAnHour() },
      [q.world.people.get("data-owner")!],
    );
    await alone.grant(late);
    const stranger = await signGrant(p.world.session.id, late.grant, [q.world.people.get("data-owner")!]);
    expect(await codeOf(() => alone.grant(stranger))).toBe("GRANT_INVALID");
  });

  it("keeps what depends on public values alone public", async () => {
    const session = await (await start()).open();
    const index = session.public(Int32Array.from([2, 0]));
    const x = session.input("x", Float32Array.from([5, 6, 7]), { owner: "data-owner" });
    const doubled = index.mul(2);
    await doubled.realize();
    expect(session.binding(doubled.expr.leaf!.storage!)).toEqual({ kind: "public" });
    expect([...(await doubled.reveal(progress))]).toEqual([4, 0]);
    expect([...(await x.indexSelect(0, index).reveal(progress))]).toEqual([7, 5]);
  });

  it("opens a value once: a second reveal is the same, and costs nothing", async () => {
    const session = await (await start()).open();
    const y = session.input("x", Float32Array.from([1.25]), { owner: "data-owner" }).mul(2);
    const first = await y.reveal(progress);
    first[0] = 99;
    expect([...(await y.reveal(progress))]).toEqual([2.5]);
    expect(session.cost().reveals).toBe(1);
    expect([...(await y.reveal({ to: "data-owner", why: "own data" }))]).toEqual([2.5]);
    expect(session.cost().reveals).toBe(2);
  });

  it("shares inputs larger than a chunk, f64 and bytes", async () => {
    const session = await (await start()).open();
    const n = 140_001;
    const big = session.input(
      "big",
      Float64Array.from({ length: n }, (_, i) => i / 1024),
      { owner: "data-owner" },
    );
    expect([...(await big.sum().reveal(progress))][0]).toBeCloseTo((n * (n - 1)) / 2048, -2);
    const pixels = session.input("pixels", { values: Uint8Array.from([0, 255, 7, 8]), shape: [2, 2] }, { owner: "data-owner" });
    expect([...(await pixels.sum(1).reveal(progress))]).toEqual([255, 15]);
  });

  it("refuses inputs out of range without saying their value, and labels that are no class", async () => {
    const session = await (await start()).open();
    const e = await errorOf(() =>
      session
        .input("x", Float32Array.from([1, 1.2345e19]), { owner: "data-owner" })
        .add(1)
        .realize(),
    );
    expect(e).toMatchObject({ code: "INPUT_OUT_OF_RANGE" });
    expect(e.message).not.toContain("2345");
    expect(await codeOf(() => oneHot([0, 3], 3))).toBe("LABEL_OUT_OF_RANGE");
  });

  it("says what a Program cannot do before anything runs, and what it will cost", async () => {
    const session = await (await start()).open();
    const x = session.input("x", Float32Array.from([3, 1, 2]), { owner: "data-owner" });
    const e = await errorOf(() => x.sort().values.realize());
    expect(e.message).toContain("plain3 does not sort");
    expect(session.cost().runs).toBe(0);
    expect(predictSeconds({ rounds: 10, bytesPerParty: [1e6, 2e6, 0] }, { bandwidth: 16e6, latency: 0.02 })).toBeCloseTo(1.2);
  });

  it("ends at all parties when it is closed, and everything after that is refused", async () => {
    const p = await start();
    const session = await p.open();
    const x = session.input("x", new Float32Array(1), { owner: "data-owner" });
    await x.add(1).realize();
    await session.close();
    expect(await Promise.all(p.parties.map((q) => q.ended))).toEqual([null, null, null]);
    expect(await codeOf(() => x.add(2).realize())).toBe("SESSION_CLOSED");
  });
});

describe("run numbers", () => {
  it("far above those of all other parties are one party's claim: the driver takes none, and names it", async () => {
    const { session } = await makeWorld();
    expect([nextRunOf(session, [7, 9, 8]), nextRunOf(session, [5]), nextRunOf(session, [900, 900, 7])]).toEqual([9, 5, 900]);
    const e = await errorOf(() => nextRunOf(session, [12, 2 ** 32 - 70, 12]));
    expect(e).toMatchObject({ code: "RUN_NUMBER", message: expect.stringContaining("party 1 (clinic-b)") });
  });
});

describe("values nobody holds any more", () => {
  it("are freed by the run that replaces them", async () => {
    const p = await start();
    const session = await p.open();
    const aval = { shape: [1000], dtype: "f32" } as const;
    const program = new Program([aval], [{ op: "neg", attrs: [], args: [0], aval }], [1]);
    const job = { program, bindings: [{ kind: "secret", owners: ["model-owner"] } as const], updates: [{ output: 0, input: 0 }] };
    const executable = await session.prepare(job);
    let storage = await session.share(new Float32Array(1000).fill(1), aval);
    for (let i = 0; i < 5; i++) storage = (await executable.run([storage]))[0]!;
    expect((await session.counters()).map((c) => c.bytes)).toEqual([8000, 8000, 8000]);
    expect((await session.reveal(storage, aval, progress))[0]).toBe(-1);
  });

  it("take no more memory after forty steps than after ten, and named inputs stay", async () => {
    const session = await (await start()).open();
    const x = session.input("x", new Float32Array(300).fill(0.5), { owner: "data-owner", shape: [100, 3] });
    const model = await nn.linear(3, 40).to(session);
    const opt = optim.adam(model, { lr: 0.01 });
    const bytes: number[] = [];
    for (let i = 0; i < 40; i++) {
      await opt.step(model(x).pow(2).mean());
      if (i === 9 || i === 39) bytes.push((await session.counters())[0]!.bytes);
    }
    // A loss (8 bytes) that nobody holds waits for the garbage collector; parameters and moments (3840 bytes) do not.
    expect(bytes[1]! - bytes[0]!).toBeLessThanOrEqual(30 * 8 * 2);
    expect(session.input("x").shape).toEqual([100, 3]);
  });

  it("of an earlier driver do not stand in the way of the next", async () => {
    const p = await start();
    const first = await p.open();
    await (await tensor([1, 2]).to(first)).add(1).realize();
    await p.disconnect(first);
    const second = await p.open();
    expect([...(await (await tensor([1, 2]).to(second)).add(1).reveal(progress))]).toEqual([2, 3]);
  });
});
