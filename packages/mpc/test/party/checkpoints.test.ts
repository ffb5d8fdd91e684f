/** @file Checkpoints of parties in this process: what comes back, what is refused, what stands in the files. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@tacit/core";
import { afterEach, describe, expect, it } from "vitest";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { readCheckpoint } from "../../src/party/checkpoints/format.ts";
import { readManifest } from "../../src/party/checkpoints/manifest.ts";
import { SealedReader, storageSecret } from "../../src/party/checkpoints/sealed-file.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type InProcess, startParties } from "../in-process.ts";
import { codeOf, errorOf, makeWorld, type World } from "../support.ts";

const open: InProcess[] = [];
const made: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
  for (const d of made.splice(0)) rmSync(d, { recursive: true, force: true });
});

const directory = (): string => {
  const d = mkdtempSync(join(tmpdir(), "tacit-test-checkpoint-"));
  made.push(d);
  return d;
};

interface Place {
  readonly world: World;
  readonly directories: readonly string[];
  /** The parties' next attempt, and a driver. */
  start(): Promise<{ readonly parties: InProcess; readonly session: MpcSession }>;
  /** Ends what runs. */
  stop(): Promise<void>;
}

async function place(): Promise<Place> {
  const world = await makeWorld({ protocol: "replicated3", limits: { memory: 2 ** 24 } });
  const directories = world.parties.map(directory);
  const stop = async (): Promise<void> => void (await Promise.all(open.splice(0).map((x) => x.stop())));
  const start = async (): ReturnType<Place["start"]> => {
    await stop();
    const parties = await startParties(world, replicated3, directories);
    open.push(parties);
    return { parties, session: await parties.open() };
  };
  return { world, directories, start, stop };
}

const mine = { to: "model-owner", why: "check" };
const values = async (t: Tensor | undefined): Promise<number[]> => [...(await t!.reveal(mine))].map(Number);
const input = (session: MpcSession): Tensor =>
  session.input("x", Float32Array.from([1, 2, 3, 4]), { owner: "data-owner", shape: [2, 2] });

/** A checkpoint of y = 2x at step 7 in a fresh place. */
async function saved(): Promise<Place> {
  const p = await place();
  const { session } = await p.start();
  const y = input(session).mul(2);
  await session.checkpoint({ step: 7, tensors: { y, k: session.public(Int32Array.from([5, 6])) }, note: "epoch 1" });
  await p.stop();
  return p;
}

const filesOf = (d: string, ending: string): string[] =>
  readdirSync(d)
    .filter((f) => f.endsWith(ending))
    .map((f) => join(d, f));

describe("a checkpoint", () => {
  it("gives back step, note, values, inputs and how they were made, in a new attempt", async () => {
    const p = await saved();
    const { session } = await p.start();
    const r = (await session.resume())!;
    expect([r.step, r.note, r.inputs, Object.keys(r.tensors).sort()]).toEqual([7, "epoch 1", ["data-owner/x"], ["k", "y"]]);
    expect(await values(r.tensors.k)).toEqual([5, 6]);
    expect(await values(r.tensors.y)).toEqual([2, 4, 6, 8]);
    expect(await values(session.input("x").add(r.tensors.y!))).toEqual([3, 6, 9, 12]);
    const lines = (await session.transcript())[0]!.map((l) => JSON.parse(l));
    expect(lines.filter((l) => l.event === "resume")).toMatchObject([{ attempt: 2 }]);
    // The restored value is judged by how it was made, not as an input.
    const [run] = lines.filter((l) => l.event === "run");
    expect(run.bound.inputs.map((i: { source: { kind: string } }) => i.source.kind).sort()).toEqual(["handle", "result"]);
  });

  it("is null where there is none, after it was forgotten, and not to be had after a run", async () => {
    const p = await place();
    const { session } = await p.start();
    expect(await session.resume()).toBe(null);
    const y = input(session).mul(2);
    await session.checkpoint({ step: 1, tensors: { y } });
    expect(await codeOf(() => session.resume())).toBe("RUN_INVALID");
    await session.forgetCheckpoints();
    expect(p.directories.flatMap((d) => [...filesOf(d, ".checkpoint"), ...filesOf(d, ".input")])).toEqual([]);
    const again = await p.start();
    expect(await again.session.resume()).toBe(null);
  });

  it("is taken up by a new driver while the parties go on; what was computed since is dropped", async () => {
    const p = await place();
    const { parties, session } = await p.start();
    const y = input(session).mul(2);
    await session.checkpoint({ step: 1, tensors: { y } });
    await y.mul(3).realize();
    await parties.disconnect(session);
    const next = await parties.open();
    const before = (await next.counters())[0]!.bytes;
    const r = (await next.resume())!;
    expect(await values(r.tensors.y)).toEqual([2, 4, 6, 8]);
    expect((await next.counters())[0]!.bytes).toBeLessThan(before);
  });

  it("is kept with the one before, saves inputs once, and removes what is older", async () => {
    const p = await place();
    const { session } = await p.start();
    const x = input(session);
    for (let step = 1; step <= 4; step++) await session.checkpoint({ step, tensors: { y: x.mul(step) } });
    for (const d of p.directories) {
      expect([filesOf(d, ".checkpoint").length, filesOf(d, ".input").length, filesOf(d, ".part").length]).toEqual([2, 1, 0]);
    }
    const again = await p.start();
    const r = (await again.session.resume({ previous: true }))!;
    expect([r.step, await values(r.tensors.y)]).toEqual([3, [3, 6, 9, 12]]);
    const newest = (await (await p.start()).session.resume())!;
    expect(newest.step).toBe(4);
  });

  it("restores shares that are new: no word of before, the same sums bit for bit, alike at both holders", async () => {
    const p = await saved();
    const before = await componentsOf(p, 0);
    const { session } = await p.start();
    const r = (await session.resume())!;
    await session.checkpoint({ step: 8, tensors: r.tensors });
    await p.stop();
    const after = await componentsOf(p, 1);
    for (const c of [before, after]) for (const i of [0, 1, 2]) expect(c[i]!.slice(4)).toEqual(c[(i + 1) % 3]!.slice(0, 4));
    const sums = (c: readonly (readonly bigint[])[]): bigint[] =>
      [0, 1, 2, 3].map((k) => BigInt.asUintN(64, c[0]![k]! + c[1]![k]! + c[2]![k]!));
    expect(sums(after)).toEqual(sums(before));
    expect(sums(after)).toEqual([2, 4, 6, 8].map((v) => BigInt(v) << 16n));
    const known = new Set(before.flat());
    expect(after.flat().filter((w) => known.has(w))).toEqual([]);
  });
});

/** What party `i` sealed of y: x_i and x_(i+1), four words each. `newest` counts from the oldest. */
async function componentsOf(p: Place, newest: number): Promise<bigint[][]> {
  return Promise.all(
    p.world.parties.map(async (identity, i) => {
      const file = filesOf(p.directories[i]!, ".checkpoint").toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))[newest]!;
      const reader = await SealedReader.open(file, await storageSecret(identity, p.world.session.root), {});
      const length = new DataView((await reader.read(4)).buffer).getUint32(0);
      const manifest = readManifest(await reader.read(length));
      let words: bigint[] = [];
      for (const v of manifest.values.filter((value) => value.file === null)) {
        const bytes = await reader.read(v.bytes);
        if (v.secret) words = [...new BigUint64Array(bytes.buffer)];
      }
      await reader.finish();
      return words;
    }),
  );
}

/** Each spoils the newest checkpoint of party 1. */
const SPOILT: readonly (readonly [string, (p: Place, file: string) => void | Promise<void>, RegExp])[] = [
  [
    "one flipped bit of its sealed part",
    (_p, file) => {
      const bytes = readFileSync(file);
      bytes[bytes.length - 20]! ^= 4;
      writeFileSync(file, bytes);
    },
    /expected what this party sealed/,
  ],
  [
    "one flipped bit of its head",
    (_p, file) => {
      const bytes = readFileSync(file);
      const at = bytes.indexOf("clinic-b");
      bytes[at + 7] = 98 + 1;
      writeFileSync(file, bytes);
    },
    /expected a file of this party/,
  ],
  ["its last byte cut off", (_p, file) => truncateSync(file, readFileSync(file).length - 1), /expected a file of \d+ bytes/],
  ["half of it cut off", (_p, file) => truncateSync(file, 100), /at least/],
  ["another party's file", (p, file) => cpSync(filesOf(p.directories[2]!, ".checkpoint")[0]!, file), /of this party/],
  [
    "another session's file",
    async (_p, file) => {
      const other = await saved();
      cpSync(filesOf(other.directories[1]!, ".checkpoint")[0]!, file);
    },
    /of this session/,
  ],
  [
    "an input's file exchanged for another's",
    (p) => cpSync(filesOf(p.directories[0]!, ".input")[0]!, filesOf(p.directories[1]!, ".input")[0]!),
    /of this party/,
  ],
  ["an input's file that is gone", (p) => rmSync(filesOf(p.directories[1]!, ".input")[0]!), /expected its file, got none/],
];

describe("a checkpoint is refused, and nothing is restored, where one party has", () => {
  it.each(SPOILT)("%s", async (_what, spoil, says) => {
    const p = await saved();
    await spoil(p, filesOf(p.directories[1]!, ".checkpoint")[0]!);
    const { session } = await p.start();
    const e = await errorOf(() => session.resume());
    expect(e).toMatchObject({ code: "CHECKPOINT_INVALID" });
    expect(e.message).toMatch(says);
    expect((await session.counters()).map((c) => c.bytes)).toEqual([0, 0, 0]);
    // The session lives: the work can begin anew.
    expect(await values(input(session).add(1))).toEqual([2, 3, 4, 5]);
  });

  it("an older file under the newest name", async () => {
    const p = await place();
    const { session } = await p.start();
    const x = input(session);
    for (let step = 1; step <= 2; step++) await session.checkpoint({ step, tensors: { y: x.mul(step) } });
    await p.stop();
    const [a, b] = filesOf(p.directories[1]!, ".checkpoint").toSorted();
    renameSync(a!, b!);
    const e = await errorOf(async () => (await p.start()).session.resume());
    expect(e).toMatchObject({ code: "CHECKPOINT_INVALID" });
    expect(e.message).toMatch(/of this number/);
  });

  it("an older copy of its whole directory: it is named, and grants are not regained", async () => {
    const p = await place();
    const first = await p.start();
    const x = input(first.session);
    await first.session.checkpoint({ step: 1, tensors: { y: x.mul(1) } });
    await p.stop();
    const copy = directory();
    cpSync(p.directories[1]!, copy, { recursive: true });
    const second = await p.start();
    const r = (await second.session.resume())!;
    const y = r.tensors.y!;
    for (let i = 0; i < 3; i++) await values(y.mul(2).add(i));
    await second.session.checkpoint({ step: 2, tensors: { y } });
    const used = (await second.session.counters()).map((c) => c.grants.reduce((n, g) => n + g.reveals, 0));
    await p.stop();
    rmSync(p.directories[1]!, { recursive: true });
    cpSync(copy, p.directories[1]!, { recursive: true });
    const third = await p.start();
    const e = await errorOf(() => third.session.resume());
    expect(e).toMatchObject({ code: "CHECKPOINT_ROLLED_BACK" });
    expect(e.message).toContain("party 1 (clinic-b)");
    // Counters of grants that the parties know of again: those of all three are alike, none below what was used.
    const told = third.parties.directories.map((d) => readFileSync(filesOf(d, ".counters")[0]!, "utf8"));
    const reveals = told.map((text) => {
      const most = new Map<string, number>();
      for (const line of text.trim().split("\n")) {
        const [kind, key, n] = JSON.parse(line) as [string, string, number];
        if (kind === "reveals") most.set(key, n);
      }
      return [...most.values()].reduce((a, b) => a + b, 0);
    });
    expect(reveals).toEqual([used[0], used[0], used[0]]);
  });
});

describe("a checkpoint's file", () => {
  it("has a size that depends on shapes and names alone", async () => {
    const sizes = async (scale: number): Promise<number[]> => {
      const p = await place();
      const { session } = await p.start();
      const x = session.input(
        "x",
        Float32Array.from({ length: 500 }, (_, i) => scale * i),
        { owner: "data-owner" },
      );
      await session.checkpoint({ step: 3, tensors: { y: x.mul(2) }, note: "n" });
      return p.directories.flatMap((d) =>
        [...filesOf(d, ".checkpoint"), ...filesOf(d, ".input")].map((f) => readFileSync(f).length),
      );
    };
    expect(await sizes(0)).toEqual(await sizes(1));
  });

  it("holds no word of a share or of a value in the clear, its own or another's", async () => {
    const p = await saved();
    const words = new Set((await componentsOf(p, 0)).flat());
    for (const v of [1, 2, 3, 4, 6, 8]) words.add(BigInt(v) << 16n);
    for (const d of p.directories) {
      for (const f of [
        ...filesOf(d, ".checkpoint"),
        ...filesOf(d, ".input"),
        ...filesOf(d, ".counters"),
        ...filesOf(d, ".transcript"),
      ]) {
        const bytes = readFileSync(f);
        const found = [...words].filter((w) => bytes.includes(Buffer.from(BigUint64Array.of(w).buffer)));
        expect(found).toEqual([]);
      }
    }
  });

  it("is read by anybody as far as its head goes, and by nobody else than its party beyond", async () => {
    const p = await saved();
    for (const [i, d] of p.directories.entries()) {
      const { head, chunks } = readCheckpoint(readFileSync(filesOf(d, ".checkpoint")[0]!));
      expect(head).toMatchObject({ kind: "values", party: i, step: 7, attempt: 1 });
      expect(head.session).toEqual(p.world.session.id);
      expect(chunks.length).toBe(1);
    }
  });

  it("ends in a code for any bytes and any damage", async () => {
    const p = await saved();
    const good = readFileSync(filesOf(p.directories[0]!, ".checkpoint")[0]!);
    let read = 0;
    for (let i = 0; i < 3000; i++) {
      const bytes = new Uint8Array(good);
      for (let k = 0; k <= i % 3; k++) bytes[(i * 7919 + k * 31) % (i % 2 === 0 ? 300 : bytes.length)]! ^= 1 << ((i + k) % 8);
      const cut = i % 5 === 0 ? bytes.subarray(0, (i * 104_729) % bytes.length) : bytes;
      try {
        readCheckpoint(cut);
        read++;
      } catch (e) {
        expect(e).toMatchObject({ code: "CHECKPOINT_INVALID" });
      }
    }
    expect(read).toBeGreaterThan(0);
  });
});
