/** @file A grant that demands noise: what parties let run and leave under it, and that its budget outlives them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Aval, Expr, ops, type Program, type TypedArray, trace } from "@tacit/core/program";
import { epsilonOf } from "@tacit/privacy";
import { afterEach, describe, expect, it } from "vitest";
import { together } from "../../src/client/group.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { type Command, chunkPlace } from "../../src/party/messages.ts";
import { inputInfo } from "../../src/party/purposes.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { describeMechanism } from "../../src/release/index.ts";
import { toCbor } from "../../src/session/cbor.ts";
import {
  type Grant,
  grantFromBytes,
  grantId,
  grantToBytes,
  signedFromJson,
  signedToJson,
  signGrant,
} from "../../src/session/grant.ts";
import type { MechanismTerms } from "../../src/session/mechanism.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { codeOf, errorOf, inAnHour, makeWorld } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

const ROWS: Aval = { shape: [5, 2], dtype: "f32" };
const WEIGHTS: Aval = { shape: [2], dtype: "f32" };

/** (w, x) to w + noisy sum of clipped rows, and the plain sum. */
function stepOf(deviation: readonly [number, number]): Program {
  const [w, x] = [Expr.placeholder(WEIGHTS), Expr.placeholder(ROWS)];
  const noisy = ops.partyNoise(ops.clippedSum(ops.mul(x, w), [1, 0]), deviation);
  return trace([ops.add(w, noisy), ops.sum(x, [0])], [w, x]).program;
}
const step = stepOf([4, 0]);
/** Another batch of the same training: one more Program. */
const last = stepOf([5, 0]);

/** The same of rows that a convolution took for the channels of one image. */
function convolvedStep(): Program {
  const [w, x] = [Expr.placeholder(WEIGHTS), Expr.placeholder(ROWS)];
  const filters = ops.expand(ops.reshape(w, [2, 1, 1, 1]), [2, 5, 1, 1]);
  const mixed = ops.conv2d(ops.reshape(x, [1, 5, 2, 1]), filters, [1, 1, 0, 0, 1, 1, 1]);
  const noisy = ops.partyNoise(ops.clippedSum(ops.reshape(mixed, [2, 2]), [1, 0]), [4, 0]);
  return trace([ops.add(w, noisy), ops.sum(x, [0])], [w, x]).program;
}
const convolved = convolvedStep();

// ρ of a run: 1 / (2 · 2 · 16) = 1/64. Three runs cost this at δ 1e-5:
const DELTA = 1e-5;
const costOf = (runs: number): number =>
  epsilonOf(
    [{ mechanism: { kind: "concentrated", rho: runs / 64 }, neighbours: "add-remove", sampling: { kind: "all" }, count: 1 }],
    {
      delta: DELTA,
      accountant: "zcdp",
    },
  );
const TERMS: MechanismTerms = {
  kind: "distributed-discrete-gaussian",
  neighbours: "add-remove",
  rows: [1],
  epsilon: costOf(3) + 1e-6,
  delta: DELTA,
};
const EXPIRES = inAnHour();
const grantOf = (mechanism: MechanismTerms | undefined, change: Partial<Grant> = {}): Grant => ({
  program: step.id,
  inputs: [
    {
      owners: ["data-owner", "model-owner"],
      sources: [
        { kind: "handle", handle: "model-owner/w" },
        { kind: "result", program: step.id },
      ],
      rows: 2,
    },
    { owners: ["data-owner"], sources: [{ kind: "handle", handle: "data-owner/x" }], rows: 5 },
  ],
  disclosures: [{ output: 0, to: "model-owner", why: "weights", ...(mechanism ? { mechanism } : {}) }],
  runs: 100,
  reveals: 100,
  expires: EXPIRES,
  ...change,
});

interface Driver {
  each(command: Command): Promise<unknown>;
  grant(g: Grant): Promise<unknown>;
}

/** Parties with both inputs given, and a driver that has no owner's key. `bare`: neither inputs nor Program yet. */
async function start(before?: InProcess, bare = false): Promise<{ parties: InProcess; driver: Driver }> {
  const world = before?.world ?? (await makeWorld({ protocol: "replicated3" }));
  const parties = await startParties(world, replicated3, before?.directories);
  open.push(parties);
  const { session, people } = world;
  const group = await parties.group();
  const me = people.get("driver")!;
  await group.all(me, { type: "drive" });
  if (!bare) await group.all(me, { type: "program", bytes: step.toBytes() });
  const give = async (owner: string, handle: string, aval: Aval, values: TypedArray): Promise<void> => {
    const who = people.get(owner)!;
    const attempt = crypto.getRandomValues(new Uint8Array(16));
    const payloads = replicated3.share(values, aval, session.file.protocol.options);
    await together(
      group.clients.map(async (client, i) => {
        const sealer = await sealerTo(session.file.parties[i]!.identity.seal, inputInfo(session.id, i, handle));
        const { encapsulated } = sealer;
        const total = payloads[i]!.length;
        await client.request(who, { type: "put", handle, attempt, aval, total, chunks: 1, encapsulated });
        const sealed = await sealer.seal(payloads[i]!, toCbor(chunkPlace(handle, 0, 1)));
        await client.request(who, { type: "chunk", handle, index: 0, sealed });
      }),
    );
  };
  if (!bare) await give("model-owner", "model-owner/w", WEIGHTS, Float32Array.of(0.5, 0.25));
  if (!bare) await give("data-owner", "data-owner/x", ROWS, new Float32Array(10).fill(0.5));
  const grant = async (g: Grant): Promise<unknown> => {
    const signed = await signGrant(
      session.id,
      g,
      ["data-owner", "model-owner"].map((s) => people.get(s)!),
    );
    return group.all(me, { type: "grant", bytes: grantToBytes(signed) });
  };
  return { parties, driver: { each: (command) => group.each(me, () => command), grant } };
}

/** Ends them, and leaves their counters on disk as they are now: as if all had been killed. */
async function crash(parties: InProcess): Promise<void> {
  const files = parties.directories.flatMap((d) =>
    readdirSync(d)
      .filter((f) => f.endsWith(".counters"))
      .map((f) => join(d, f)),
  );
  const kept = files.map((f) => [f, readFileSync(f)] as const);
  await parties.stop();
  for (const [f, bytes] of kept) writeFileSync(f, bytes);
}

const runOf = (run: number, weights = "model-owner/w"): Command => ({
  type: "run",
  run,
  program: step.id,
  inputs: [
    { kind: "handle", handle: weights },
    { kind: "handle", handle: "data-owner/x" },
  ],
  outputs: [`w${run}`, `sum${run}`],
  frees: [],
});
const lastOf = (run: number, weights: string): Command => ({ ...runOf(run, weights), program: last.id }) as Command;
const revealOf = (run: number, handle: string): Command => ({ type: "reveal", run, handle, to: "model-owner", why: "weights" });
const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  const error = await errorOf(() => work);
  expect(error).toMatchObject({ code: "POLICY_REFUSED" });
  return error.message;
};

describe("a grant that demands noise", () => {
  it("lets as many runs through as its budget pays for, at all parties and after a restart, and each result leave as often as it may", async () => {
    const first = await start();
    await first.driver.grant(grantOf(TERMS));
    await first.driver.each(runOf(0));
    await first.driver.each(revealOf(1, "w0"));
    await first.driver.each(revealOf(2, "w0"));
    // The second step starts from the first one's noisy weights.
    await first.driver.each(runOf(3, "w0"));
    await first.parties.stop();

    const { driver } = await start(first.parties);
    await driver.each(runOf(70));
    expect(await reasonOf(driver.each(runOf(71)))).toMatch(/no budget left: 3 runs/);
    await driver.each(revealOf(72, "w70"));
  }, 60_000);

  it("has as many runs left after a crash as its budget pays for, however many its terms allow", async () => {
    const first = await start();
    await first.driver.grant(grantOf(TERMS, { runs: 1_000_000_000 }));
    await first.driver.each(runOf(0));
    await crash(first.parties);

    const { driver } = await start(first.parties);
    await driver.each(runOf(70));
    await driver.each(runOf(71));
    expect(await reasonOf(driver.each(runOf(72)))).toMatch(/no budget left: 3 runs/);
  }, 60_000);

  it("refuses a Program whose output is not noised enough, or not at all", async () => {
    const { driver } = await start();
    await driver.grant(grantOf({ ...TERMS, epsilon: costOf(1) * 0.99 }));
    expect(await reasonOf(driver.each(runOf(0)))).toMatch(/no budget for a run/);
    await driver.grant(grantOf(TERMS, { disclosures: [{ output: 1, to: "model-owner", why: "weights", mechanism: TERMS }] }));
    expect(await reasonOf(driver.each(runOf(1)))).toMatch(
      /output 1 depends on protected rows.*\(sum \(node \d+\) may mix rows\)/,
    );
    await driver.grant(grantOf({ ...TERMS, neighbours: "replace-one", epsilon: costOf(1) * 1.1 }));
    expect(await reasonOf(driver.each(runOf(2)))).toMatch(/no budget for a run/);
  }, 60_000);

  it("refuses weights that hold the rows without noise, and results of runs that were not counted", async () => {
    const { driver } = await start();
    // Runs without any disclosure, and not counted against a budget.
    await driver.grant(grantOf(undefined, { disclosures: [], runs: 1 }));
    await driver.each(runOf(0));
    await driver.grant(grantOf(TERMS));
    expect(await reasonOf(driver.each(revealOf(1, "w0")))).toMatch(/counted against its budget/);
    expect(await reasonOf(driver.each(runOf(2, "w0")))).toMatch(/data of data-owner without counted noise/);
    await driver.each(runOf(3));
    expect(await reasonOf(driver.each(runOf(4, "sum3")))).toMatch(/data of data-owner without counted noise/);
    expect(await reasonOf(driver.each(revealOf(5, "sum3")))).toMatch(/does not disclose this output/);
    await driver.each(revealOf(6, "w3"));
  }, 60_000);
});

describe("of two grants that demand noise", () => {
  it("the one that the driver names pays for a run, and lets its result out", async () => {
    const { driver } = await start();
    const [mine, yours] = ["model-owner", "driver"].map((to) =>
      grantOf(TERMS, { disclosures: [{ output: 0, to, why: "weights", mechanism: TERMS }] }),
    );
    for (const g of [mine!, yours!]) await driver.grant(g);
    const under = (run: number, g: Grant): Command => ({ ...runOf(run), grant: grantId(g) }) as Command;
    const to = (run: number, handle: string, name: string): Command => ({ ...revealOf(run, handle), to: name }) as Command;
    for (const [k, g] of [mine!, yours!].entries()) await driver.each(under(k, g));
    await driver.each(to(2, "w0", "model-owner"));
    expect(await reasonOf(driver.each(to(3, "w0", "driver")))).toMatch(/counted against its budget/);
    await driver.each(to(4, "w1", "driver"));
    // The budgets are apart: two more runs of one leave two of the other.
    for (const run of [5, 6]) await driver.each(under(run, yours!));
    expect(await reasonOf(driver.each(under(7, yours!)))).toMatch(/no budget left: 3 runs/);
    await driver.each(under(8, mine!));
  }, 60_000);
});

describe("weights that a counted run noised", () => {
  it("go into another step after a resume, whether or not anybody sent the first step's Program again; rows do not", async () => {
    const first = await start();
    await first.driver.grant(grantOf(TERMS));
    await first.driver.grant(grantOf(TERMS, { program: last.id }));
    await first.driver.each(runOf(0));
    const values = ["w0", "sum0"].map((handle) => ({ label: handle, handle, value: null }));
    const saved = { step: 1, program: step.id, values, inputs: ["data-owner/x"], note: new Uint8Array(0) };
    await first.driver.each({ type: "checkpoint", run: 1, ...saved });
    await first.parties.stop();

    const { driver } = await start(first.parties, true);
    await driver.each({ type: "resume", run: 2, previous: false });
    await driver.each({ type: "program", bytes: last.toBytes() });
    await driver.each(lastOf(3, "w0"));
    expect(await reasonOf(driver.each(lastOf(4, "sum0")))).toMatch(/data of data-owner without counted noise/);
    await driver.each(revealOf(5, "w0"));
  }, 60_000);
});

describe("what an owner is told", () => {
  it("is what one run costs, how many fit, and where a Program does not give what is demanded", () => {
    expect(describeMechanism(step, grantOf(TERMS), TERMS, 16)).toMatch(
      /each row of input 1 of data-owner \(add-remove\).*one run costs ε [\d.]+, 3 of 100 runs fit/,
    );
    const other = grantOf(TERMS, { disclosures: [{ output: 1, to: "model-owner", why: "weights", mechanism: TERMS }] });
    expect(describeMechanism(step, other, TERMS, 16)).toMatch(/does not give: it does not fit: output 1/);
    expect(describeMechanism(convolved, grantOf(TERMS), TERMS, 16)).toMatch(
      /does not give.*output 0.*\(conv2d \(node \d+\) may mix rows\)/,
    );
    const tiny = stepOf([1, 40]);
    expect(describeMechanism(tiny, grantOf(TERMS), TERMS, 16)).toMatch(/no budget for a run/);
  });

  it("is that nothing runs where inputs may come from nowhere that parties accept, and whose rows are protected where it does", () => {
    const given = (handle: string): Grant["inputs"][number]["sources"][number] => ({ kind: "handle", handle });
    const from = (k: number, sources: Grant["inputs"][number]["sources"]): Grant =>
      grantOf(TERMS, { inputs: grantOf(TERMS).inputs.map((i, j) => (j === k ? { ...i, sources } : i)) });
    const told = (g: Grant): string => describeMechanism(step, g, TERMS, 16);
    expect(told(from(0, [given("data-owner/w")]))).toMatch(
      /does not give: .*input 0 holds data of data-owner without counted noise/,
    );
    expect(told(from(1, [{ kind: "result", program: step.id }]))).toMatch(/does not give: .*must be inputs as they were given/);
    expect(told(from(0, [given("data-owner/w"), given("model-owner/w")]))).toMatch(
      /each row of input 1 of data-owner \(.*NOT protected: input 0 of model-owner; one run/,
    );
  });
});

describe("the terms of a mechanism", () => {
  it("leave the bytes and ids of grants without one as they were, and travel in bytes and JSON", async () => {
    const plain = grantOf(undefined);
    const { people, session } = await makeWorld();
    const sign = (g: Grant): Promise<Parameters<typeof grantToBytes>[0]> => signGrant(session.id, g, [people.get("data-owner")!]);
    for (const g of [plain, grantOf(TERMS), grantOf({ ...TERMS, neighbours: "replace-one", rows: [0, 1] })]) {
      const signed = await sign(g);
      expect(grantFromBytes(grantToBytes(signed))).toEqual(signed);
      expect(signedFromJson(JSON.parse(JSON.stringify(signedToJson(signed))))).toEqual(signed);
    }
    expect(toCbor([[0, "model-owner", "weights"]])).toEqual(toCbor(plain.disclosures.map((d) => [d.output, d.to, d.why])));
    expect(grantId(grantOf(TERMS))).not.toBe(grantId(plain));
    expect(grantId(grantOf({ ...TERMS, epsilon: 2 }))).not.toBe(grantId(grantOf(TERMS)));
  });

  it.each([
    [{ epsilon: 0 }],
    [{ epsilon: Number.NaN }],
    [{ epsilon: Number.POSITIVE_INFINITY }],
    [{ delta: 0 }],
    [{ delta: 1 }],
    [{ rows: [] }],
    [{ rows: [1, 1] }],
    [{ rows: [1, 0] }],
    [{ neighbours: "similar" as "add-remove" }],
    [{ kind: "gaussian" as "distributed-discrete-gaussian" }],
  ])("are refused where they are none: %o", async (change) => {
    const signed = { grant: grantOf({ ...TERMS, ...change }), signatures: [] };
    const json = { ...signed, grant: { ...signed.grant } };
    expect(await codeOf(() => signedFromJson(json))).toBe("GRANT_INVALID");
  });
});
