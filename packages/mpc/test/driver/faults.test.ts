/** @file The real protocol in real processes: a training step in which a party is killed, stopped or speaks garbage; counters against the estimate. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Random, type Tensor } from "@tacit/core";
import type { Job } from "@tacit/core/device";
import { TacitError } from "@tacit/core/errors";
import * as nn from "@tacit/core/nn";
import { sgd } from "@tacit/core/optim";
import { afterEach, describe, expect, it } from "vitest";
import { type LocalOptions, type LocalSession, startLocal } from "../../src/driver/local.ts";
import { exitCodeOf } from "../../src/party/process.ts";
import { PROTOCOLS } from "../../src/protocols/index.ts";
import { lenet5, mlp } from "../replicated3/programs/models.ts";
import { errorOf } from "../support.ts";

const entry = fileURLToPath(new URL("../garbage-main.ts", import.meta.url));
const open: LocalSession[] = [];
afterEach(async () => {
  delete process.env.TACIT_TEST_GARBAGE;
  for (const l of open.splice(0)) {
    for (const c of l.children) if (isAlive(c.pid)) process.kill(c.pid, "SIGCONT");
    await l.session.close();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const isOpen = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

interface Training extends LocalSession {
  readonly jobs: readonly Job[];
  step(): Promise<void>;
}

/** Three processes, a model and a batch of `rows` as shares. */
async function training(make: (random: Random) => nn.Module, rows: number, options: LocalOptions = {}): Promise<Training> {
  const local = await startLocal(3, { quiet: true, ...options }, { entry, protocols: PROTOCOLS });
  open.push(local);
  const { session } = local;
  const jobs: Job[] = [];
  const prepare = session.prepare.bind(session);
  session.prepare = (job) => {
    jobs.push(job);
    return prepare(job);
  };
  const random = new Random(3);
  const model = make(random) as nn.Module & { forward(x: Tensor): Tensor };
  await model.to(session);
  const image = make === lenet5 ? [1, 28, 28] : [784];
  const pixels = Float32Array.from({ length: rows * 784 }, (_, i) => ((i * 7919) % 251) / 251);
  const labels = Float32Array.from({ length: rows * 10 }, (_, i) => (i % 10 === Math.floor(i / 10) % 10 ? 1 : 0));
  const x = session.input("images", { values: pixels, shape: [rows, ...image] }, { owner: "data-owner" });
  const y = session.input("labels", { values: labels, shape: [rows, 10] }, { owner: "data-owner" });
  const optimizer = sgd(model, { lr: 0.05 });
  const step = async (): Promise<void> => void (await optimizer.step(nn.crossEntropy(model.forward(x), y)));
  return { ...local, jobs, step };
}

/** Of another session too, which may end and be gone while this looks. */
function partiesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The directory of a local session, and the transcripts in it. */
function directoryOf({ session }: LocalSession): string {
  const name = `${session.session.hex}.transcript`;
  const found = readdirSync(tmpdir())
    .filter((d) => d.startsWith("tacit-local-"))
    .map((d) => join(tmpdir(), d))
    .find((d) => partiesIn(d).some((p) => existsSync(join(d, p, name))));
  if (found === undefined) throw new Error("no directory of this session");
  return found;
}

function transcripts(directory: string, party = ""): string[] {
  return readdirSync(directory)
    .filter((p) => p.startsWith(party))
    .flatMap((p) =>
      readdirSync(join(directory, p))
        .filter((f) => f.endsWith(".transcript"))
        .map((f) => readFileSync(join(directory, p, f), "utf8")),
    );
}

/** The others end by themselves with code 4, nothing was revealed, and no port, process or directory is left. */
async function expectEnd(t: Training, e: Error, faulty: number): Promise<void> {
  expect(e).toBeInstanceOf(TacitError);
  expect(exitCodeOf(e)).toBe(4);
  expect((e as TacitError).hint ?? "").not.toBe("");
  const others = [0, 1, 2].filter((i) => i !== faulty);
  expect(await Promise.all(others.map((i) => t.children[i]!.exited))).toEqual([4, 4]);
  const directory = directoryOf(t);
  for (const text of transcripts(directory)) expect(text).not.toContain('"event":"reveal"');
  // What both of the others wrote down at the end names the party.
  for (const i of others) {
    const last = transcripts(directory, t.session.session.partyName(i)).flatMap((text) => text.trim().split("\n").slice(-1));
    expect(last).toHaveLength(1);
    // One that hears of the fault second may see first that the faulty party, told of it too, is gone.
    const { event, code } = JSON.parse(last[0]!) as { event: string; code: string };
    expect(event).toBe("end");
    expect([(e as TacitError).code, "MPC_PARTY_LOST"]).toContain(code);
    expect(last[0]).toContain(`party ${faulty} (`);
  }
  for (const [i, p] of t.session.session.file.parties.entries()) {
    if (i !== faulty) for (const a of [p.address, p.client]) expect(await isOpen(a)).toBe(false);
  }
  await t.session.close();
  for (const c of t.children) expect(isAlive(c.pid)).toBe(false);
  expect(existsSync(directory)).toBe(false);
}

describe("a training step of replicated3 in three processes", () => {
  it("costs exactly what the estimate says, in rounds, bytes and frames of every party", async () => {
    const t = await training((random) => mlp(random, [784, 32, 10]), 20);
    // The first step begins from inputs, every later one from what the last one made.
    await t.step();
    await t.step();
    const before = t.session.cost();
    const first = t.jobs.length;
    await t.step();
    await t.step();
    expect(t.jobs.length).toBe(first);
    const after = t.session.cost();
    const { program, bindings } = t.jobs[first - 1]!;
    const cost = await t.session.estimate(program, bindings);
    expect(cost.rounds).toBeGreaterThan(20);
    expect(after.runs - before.runs).toBe(2);
    expect(after.rounds - before.rounds).toBe(2 * cost.rounds);
    expect(after.bytesPerParty.map((b, i) => b - before.bytesPerParty[i]!)).toEqual(cost.bytesPerParty.map((b) => 2 * b));
    expect(after.framesPerParty.map((b, i) => b - before.framesPerParty[i]!)).toEqual(cost.framesPerParty.map((b) => 2 * b));
  });

  const at = / at op \d+ of \d+ \([a-zA-Z0-9]+\)/;

  it("in which a party is killed ends everywhere, and says which party and op", async () => {
    const t = await training(lenet5, 32);
    await t.step();
    const running = errorOf(() => t.step());
    setTimeout(() => t.children[1]!.kill(), 150);
    const e = await running;
    expect(e).toMatchObject({ code: "MPC_PARTY_LOST" });
    expect(e.message).toMatch(/^party 1 \(party-b\) closed the connection/);
    expect(e.message).toMatch(at);
    await expectEnd(t, e, 1);
  });

  it("in which a party stops ends everywhere within the deadline, and says which party and op", async () => {
    const t = await training(lenet5, 32, { limits: { timeout: 3000 } });
    await t.step();
    const running = errorOf(() => t.step());
    setTimeout(() => process.kill(t.children[0]!.pid, "SIGSTOP"), 150);
    const began = performance.now();
    const e = await running;
    // The deadline, a second look at it, and two seconds in which the others say why.
    expect(performance.now() - began).toBeLessThan(150 + 2 * 3000 + 2500);
    expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(e.message).toMatch(/^party 0 \(party-a\) sent nothing for 3 s/);
    expect(e.message).toMatch(at);
    await expectEnd(t, e, 0);
  });

  it("in which a party speaks garbage ends everywhere, and says which party and op", async () => {
    process.env.TACIT_TEST_GARBAGE = "2 40";
    const t = await training((random) => mlp(random, [784, 32, 10]), 20);
    const e = await errorOf(async () => {
      for (;;) await t.step();
    });
    expect(e).toMatchObject({ code: "MPC_FRAME_INVALID" });
    expect(e.message).toMatch(/^party 2 \(party-c\): expected \d+ bytes, got \d+/);
    expect(e.message).toMatch(at);
    await expectEnd(t, e, 2);
  });
});
