/** @file Locks against processes that live, are gone, or have the number of one that is gone. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { dropLock, type Holder, holderOf, takeLock } from "../../src/party/lock.ts";
import { makeLog } from "../../src/party/service/log.ts";
import { takeData } from "../../src/party/service/service.ts";
import { errorOf } from "../support.ts";

const directory = mkdtempSync(join(tmpdir(), "tacit-lock-"));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const c of children.splice(0)) c.kill("SIGKILL");
});
afterAll(() => rmSync(directory, { recursive: true }));

let made = 0;
const fresh = (): string => join(directory, `${made++}.lock`);
const MODULE = fileURLToPath(new URL("../../src/party/lock.ts", import.meta.url));

/** Processes that take `lock` at the same moment and say whether they have it; they live until they are killed. */
async function contend(lock: string, count: number): Promise<{ readonly child: ChildProcess; readonly has: boolean }[]> {
  const at = Date.now() + 2500;
  const script = `import { takeLock } from ${JSON.stringify(MODULE)};
    while (Date.now() < ${at}) await new Promise((r) => setTimeout(r, Math.max(0, Math.min(20, ${at} - Date.now()))));
    console.log(takeLock(${JSON.stringify(lock)}));
    setInterval(() => {}, 1000);`;
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      const text = await new Promise<string>((resolve) => child.stdout!.setEncoding("utf8").once("data", resolve));
      return { child, has: text.trim() === "true" };
    }),
  );
}

const holder = (lock: string, change: Partial<Holder>): void =>
  writeFileSync(lock, JSON.stringify({ ...holderOf(lock), ...change }));

describe("a lock", () => {
  it("is taken once, names its holder, and is given back without a trace", () => {
    const lock = fresh();
    expect([takeLock(lock), takeLock(lock)]).toEqual([true, false]);
    expect(holderOf(lock)?.pid).toBe(process.pid);
    dropLock(lock);
    expect(readdirSync(directory)).toEqual([]);
    expect(takeLock(lock)).toBe(true);
    dropLock(lock);
  });

  it("of a process that was killed is taken by one of several that come at the same moment, and while it lives by none", async () => {
    const lock = fresh();
    const [first] = await contend(lock, 1);
    expect(first!.has).toBe(true);
    expect(takeLock(lock)).toBe(false);
    const gone = new Promise((resolve) => first!.child.once("exit", resolve));
    first!.child.kill("SIGKILL");
    await gone;
    const rest = await contend(lock, 4);
    expect(rest.filter((r) => r.has)).toHaveLength(1);
  }, 120_000);

  it("whose number another process has got since is left over: a party does not wait for a stranger after a restart", async () => {
    const lock = fresh();
    const [first] = await contend(lock, 1);
    const { pid, start } = holderOf(lock)!;
    expect(pid).toBe(first!.child.pid);
    // As if the holder had died and that very number been given to a process that started later.
    const [boot, ticks] = start.split(" ");
    holder(lock, { pid, start: ticks === undefined ? String(Number(start) - 100) : `${boot} ${Number(ticks) - 1}` });
    expect(takeLock(lock)).toBe(true);
    dropLock(lock);
    writeFileSync(lock, JSON.stringify({ pid, start, space: holderSpace() }));
    expect(takeLock(lock)).toBe(false);
  }, 60_000);

  it("of another container is respected while it is touched, and left over a minute later", () => {
    const lock = fresh();
    expect(takeLock(lock)).toBe(true);
    const own = readFileSync(lock, "utf8");
    dropLock(lock);
    writeFileSync(lock, own);
    holder(lock, { pid: 1, space: "pid:[1]" });
    expect(takeLock(lock)).toBe(false);
    const past = new Date(Date.now() - 61_000);
    utimesSync(lock, past, past);
    expect(takeLock(lock)).toBe(true);
    dropLock(lock);
  });

  it.runIf(process.platform === "linux")(
    "of another machine on the same storage is respected while it is touched, though no process here has that number",
    () => {
      const lock = fresh();
      expect(takeLock(lock)).toBe(true);
      const own = readFileSync(lock, "utf8");
      dropLock(lock);
      // The first space of ids has the same name on every machine; the boot's id has not. No process has the number 2^22 + 1.
      for (const change of [{ pid: 4_194_305 }, { pid: process.pid }, { pid: 1, space: "pid:[1]" }]) {
        writeFileSync(lock, own);
        holder(lock, { ...change, start: "0dd0a5a5-0000-4000-8000-000000000000 4711" });
        expect(takeLock(lock)).toBe(false);
        const past = new Date(Date.now() - 61_000);
        utimesSync(lock, past, past);
        expect(takeLock(lock)).toBe(true);
        dropLock(lock);
      }
      // Of this boot a number that no process has is left over at once.
      writeFileSync(lock, own);
      holder(lock, { pid: 4_194_305 });
      expect(takeLock(lock)).toBe(true);
      dropLock(lock);
    },
  );

  it("of an earlier version, or torn, counts as held while it is young", () => {
    const lock = fresh();
    for (const text of ["4711", "", "{"]) {
      writeFileSync(lock, text);
      expect(takeLock(lock)).toBe(false);
      const past = new Date(Date.now() - 61_000);
      utimesSync(lock, past, past);
      expect(takeLock(lock)).toBe(true);
      dropLock(lock);
    }
  });
});

describe("a party's data directory", () => {
  const times = { touch: 400, stale: 2500 };
  const BOOT = "0dd0a5a5-0000-4000-8000-000000000000 4711";

  /** A directory whose lock names this process but for `change`, as fresh as can be; and what is said meanwhile. */
  function left(change: Partial<Holder> | null): { data: string; lock: string; take(): Promise<string>; said: string[] } {
    const data = mkdtempSync(join(directory, "data-"));
    const lock = join(data, "party.lock");
    expect(takeLock(lock)).toBe(true);
    const own = readFileSync(lock, "utf8");
    dropLock(lock);
    writeFileSync(lock, change === null ? "" : JSON.stringify({ ...JSON.parse(own), ...change }));
    const said: string[] = [];
    return {
      data,
      lock,
      said,
      take: () =>
        takeData(
          data,
          makeLog((l) => said.push(l), { json: true, level: "info" }),
          times,
        ),
    };
  }

  it.each([
    ["names another boot", { pid: 1, start: BOOT }],
    ["names another container", { pid: 1, space: "pid:[1]" }],
    ["was torn by the power cut", null],
  ])("is waited for and taken when its fresh lock %s and nobody touches it", async (_what, change) => {
    const { lock, take, said } = left(change);
    const began = performance.now();
    expect(await take()).toBe(lock);
    expect(performance.now() - began).toBeGreaterThan(times.stale * 0.8);
    expect(holderOf(lock)?.pid).toBe(process.pid);
    expect(JSON.parse(said[0]!)).toMatchObject({ event: "waiting", here: 0, of: 1 });
    dropLock(lock);
    expect(readdirSync(join(lock, ".."))).toEqual([]);
  });

  it("is refused when the holder, which cannot be looked at, touches its lock meanwhile", async () => {
    const { lock, take } = left({ pid: 1, start: BOOT });
    const before = readFileSync(lock, "utf8");
    const touching = setInterval(() => utimesSync(lock, new Date(), new Date()), times.touch);
    const e = await errorOf(take).finally(() => clearInterval(touching));
    expect(e).toMatchObject({ code: "PARTY_BUSY" });
    expect(readFileSync(lock, "utf8")).toBe(before);
  });

  it("is refused at once, without a word, when a process of this boot has it", async () => {
    const { lock, take, said } = left({ pid: 1 });
    const [first] = await contend(`${lock}.other`, 1);
    writeFileSync(lock, JSON.stringify(holderOf(`${lock}.other`)));
    // As long as the file is fresh or old: that process can be looked at.
    const past = new Date(Date.now() - 61_000);
    utimesSync(lock, past, past);
    expect(await errorOf(take)).toMatchObject({ code: "PARTY_BUSY" });
    expect([said, holderOf(lock)?.pid]).toEqual([[], first!.child.pid]);
  }, 60_000);
});

function holderSpace(): string {
  const lock = fresh();
  takeLock(lock);
  const { space } = holderOf(lock)!;
  dropLock(lock);
  return space;
}
