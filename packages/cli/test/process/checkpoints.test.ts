/** @file Checkpoints of real party processes: killed at every moment, a full disk, a directory that was taken back. */
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tensor } from "@tacit/core";
import { mpc } from "@tacit/mpc";
import { afterEach, describe, expect, test } from "vitest";
import { lay, NAMES, PartyProcess, type Place } from "./parties.ts";
import { scratch } from "./tacit.ts";

const LONG = process.env.TACIT_LONG === "1";
const places: ReturnType<typeof scratch>[] = [];
const running: PartyProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((p) => p.kill()));
  for (const p of places.splice(0)) p[Symbol.dispose]();
});

type StartOptions = ConstructorParameters<typeof PartyProcess>[2];

/** Three parties on disk, started and started again. */
class World {
  readonly place: ReturnType<typeof scratch>;
  readonly laid: Place;
  parties: PartyProcess[] = [];
  session!: mpc.MpcSession;

  constructor(place: ReturnType<typeof scratch>, laid: Place) {
    this.place = place;
    this.laid = laid;
  }

  static async make(): Promise<World> {
    const place = scratch();
    places.push(place);
    return new World(place, await lay(place));
  }

  data(i: number): string {
    return this.place.file(`${NAMES[i]}-data`);
  }

  files(i: number, ending: string): string[] {
    return readdirSync(this.data(i)).filter((f) => f.endsWith(ending));
  }

  async start(options: readonly StartOptions[] = []): Promise<void> {
    this.parties = NAMES.map((name, i) => new PartyProcess(this.place.path, `${name}.json`, options[i]));
    running.push(...this.parties);
    await Promise.all(this.parties.map((p) => p.says('"serving"')));
    const { session, driver, owner } = this.laid;
    this.session = await mpc.connect(session, { identity: driver, people: [owner], owner: "owner", waiting: () => {} });
  }

  /** All parties end, once one has: with 4 where they were not killed. */
  async ended(killed: number): Promise<void> {
    const codes = await Promise.all(this.parties.map((p) => p.ended));
    expect(codes.filter((_, i) => i !== killed)).toEqual([4, 4]);
    await this.session.close().catch(() => undefined);
  }
}

const reveal = async (t: Tensor): Promise<number[]> => [...(await t.reveal({ to: "owner", why: "check" }))].map((v) => Number(v));
const BIG = 1_500_000;

/** A session with input x = [1, 2], a large one, and checkpoint 1 of y = x. */
async function begun(options?: readonly StartOptions[]): Promise<World> {
  const w = await World.make();
  await w.start(options);
  const x = w.session.input("x", Float32Array.from([1, 2]));
  await w.session.checkpoint({ step: 1, tensors: { y: x.mul(1) } });
  w.session.input("big", new Float32Array(BIG).fill(0.5));
  await w.session.input("big").mul(1).realize();
  return w;
}

const second = (w: World): Promise<void> => w.session.checkpoint({ step: 2, tensors: { y: w.session.input("x").mul(2) } });

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !what(); i++) await sleep(1);
  expect(what()).toBe(true);
}

/** Starts all again; what is resumed is one of `steps`, whole, and work goes on. */
async function goesOn(w: World, steps: readonly number[]): Promise<number> {
  await w.start();
  const r = (await w.session.resume())!;
  expect(steps).toContain(r.step);
  const y = r.tensors.y!;
  expect((await reveal(y)).map(Math.round)).toEqual([r.step, 2 * r.step]);
  expect((await reveal(w.session.input("x").add(y))).map(Math.round)).toEqual([r.step + 1, 2 * r.step + 2]);
  await w.session.checkpoint({ step: 3, tensors: { y } });
  expect([0, 1, 2].map((i) => w.files(i, ".part"))).toEqual([[], [], []]);
  await w.session.close();
  expect(await Promise.all(w.parties.map((p) => p.ended))).toEqual([0, 0, 0]);
  return r.step;
}

interface Moment {
  readonly when: string;
  /** Kills party k; resolves with the steps that may be resumed from. */
  readonly kill: (w: World, k: number) => Promise<readonly number[]>;
}

const lost = (work: Promise<unknown>): Promise<void> =>
  expect(work).rejects.toMatchObject({ code: expect.stringMatching(/^MPC_PARTY_LOST|^MPC_TIMEOUT/) });

const MOMENTS: readonly Moment[] = [
  {
    when: "while nothing happens",
    kill: async (w, k) => {
      await w.parties[k]!.kill();
      return [1];
    },
  },
  {
    when: "in the middle of a run",
    kill: async (w, k) => {
      let y = w.session.input("big");
      for (let i = 0; i < 12; i++) y = y.mul(y);
      const work = lost(y.realize());
      await sleep(400);
      await w.parties[k]!.kill();
      await work;
      return [1];
    },
  },
  {
    when: "while it writes a checkpoint",
    kill: async (w, k) => {
      const work = lost(second(w));
      await until(() => w.files(k, ".part").length > 0);
      await w.parties[k]!.kill();
      await work;
      // The others may have heard of it before or after all had prepared.
      expect(w.files(k, ".part").length).toBe(1);
      return [1];
    },
  },
  {
    when: "after it has written a checkpoint, before any has committed",
    kill: async (w, k) => {
      const other = (k + 1) % 3;
      const work = lost(second(w));
      await until(() => w.files(other, ".part").length > 0);
      process.kill(w.parties[other]!.child.pid!, "SIGSTOP");
      await until(() => w.files(k, ".checkpoint").length === 2);
      await w.parties[k]!.kill();
      const committed = readFileSync(join(w.data(k), w.files(k, ".counters")[0]!), "utf8").match(/"checkpoint"/g);
      expect(committed?.length).toBe(1);
      process.kill(w.parties[other]!.child.pid!, "SIGCONT");
      await work;
      return [1, 2];
    },
  },
  {
    when: "while it resumes",
    kill: async (w, k) => {
      await second(w);
      await w.session.close();
      await Promise.all(w.parties.map((p) => p.ended));
      await w.start();
      const transcript = join(w.data(k), w.files(k, ".transcript")[0]!);
      const work = lost(w.session.resume());
      await until(() => readFileSync(transcript, "utf8").includes('"event":"resume"'));
      await w.parties[k]!.kill();
      await work;
      return [2];
    },
  },
];

const CELLS = MOMENTS.flatMap(({ when, kill }, m) => [0, 1, 2].map((k) => ({ when, kill, k, daily: m === 3 && k === 0 })));

describe("a party killed with -9", () => {
  test.each(CELLS.filter((c) => LONG || c.daily))(
    "$when (party $k): all resume from the same checkpoint",
    {
      timeout: 180_000,
    },
    async ({ kill, k }) => {
      const w = await begun();
      const steps = await kill(w, k);
      await w.ended(k);
      await goesOn(w, steps);
    },
  );
});

describe("a party without room for a checkpoint", () => {
  test.runIf(LONG)("says so, keeps nothing of it, and the one before is resumed", { timeout: 180_000 }, async () => {
    // bash counts blocks of 1024 bytes.
    const w = await begun([undefined, { fileLimit: 8000 }]);
    await expect(second(w)).rejects.toMatchObject({ code: "CHECKPOINT_DISK", message: /the limit on a file's size/ });
    for (const i of [0, 1, 2]) {
      await until(() => w.files(i, ".checkpoint").length === 1 && w.files(i, ".part").length === 0);
      expect(w.files(i, ".input").length).toBe(1);
    }
    // The session goes on.
    expect((await reveal(w.session.input("x"))).map(Math.round)).toEqual([1, 2]);
    await w.parties[0]!.kill();
    await w.ended(0);
    await goesOn(w, [1]);
  });

  test.runIf(LONG)("by its own limit says so before it writes", { timeout: 180_000 }, async () => {
    const w = await World.make();
    w.place.write("clinic-c.json", JSON.stringify({ ...w.laid.config(2), limits: { disk: 2 } }));
    await w.start();
    w.session.input("big", new Float32Array(BIG));
    await w.session.input("big").mul(1).realize();
    await expect(second2(w)).rejects.toMatchObject({
      code: "CHECKPOINT_DISK",
      message: /expected room for 24\d+ bytes, got \d+/,
    });
    expect(await w.session.counters()).toHaveLength(3);
    await w.session.close();
  });
});

const second2 = (w: World): Promise<void> => w.session.checkpoint({ step: 2, tensors: {} });

describe("a data directory that was taken back", () => {
  test.runIf(LONG)("at one party alone is named, and nothing is restored", { timeout: 180_000 }, async () => {
    const w = await begun();
    const restart = async (): Promise<void> => {
      await w.session.close();
      await Promise.all(w.parties.map((p) => p.ended));
    };
    await restart();
    const copy = w.place.file("copy");
    cpSync(w.data(2), copy, { recursive: true });
    await w.start();
    expect((await w.session.resume())!.step).toBe(1);
    await second(w);
    const next = (await w.session.counters())[0]!.nextRun;
    await restart();
    rmSync(w.data(2), { recursive: true });
    cpSync(copy, w.data(2), { recursive: true });
    chmodSync(w.data(2), 0o700);
    await w.start();
    await expect(w.session.resume()).rejects.toMatchObject({
      code: "CHECKPOINT_ROLLED_BACK",
      message: expect.stringMatching(/party 2 \(clinic-c\)$/),
    });
    for (const c of await w.session.counters()) {
      expect(c.nextRun).toBeGreaterThanOrEqual(next);
      expect(c.bytes).toBe(0);
    }
    expect(existsSync(w.place.file("session.json"))).toBe(true);
    await w.session.close();
  });
});
