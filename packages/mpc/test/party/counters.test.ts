/** @file Counters on disk: they only grow. */
import { appendFileSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Counters } from "../../src/party/counters.ts";
import { toCbor } from "../../src/session/cbor.ts";
import { codeOf, errorOf } from "../support.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tacit-counters-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const session = { root: new Uint8Array(32).fill(0xab) };
const path = (): string => join(directory, `${"ab".repeat(32)}.counters`);
/** What a start finds where the process of `c` was killed: its file as it stands. */
function afterCrash(c: Counters): Counters {
  const kept = join(directory, "kept");
  copyFileSync(path(), kept);
  c.close();
  copyFileSync(kept, path());
  return Counters.open(directory, session);
}

describe("counters", () => {
  it("never give a run number twice, over restarts and crashes", () => {
    let least = 0;
    for (let restart = 0; restart < 4; restart++) {
      const c = Counters.open(directory, session);
      expect(c.nextRun).toBeGreaterThanOrEqual(least);
      for (let i = 0; i < 100; i++) {
        least = c.nextRun + 1;
        c.takeRun(c.nextRun);
        expect(() => c.takeRun(least - 1)).toThrow("at least");
      }
      c.close();
    }
  });

  it("count small grants and paid runs exactly, and others of large grants with at most 1 % lost to a crash", () => {
    const first = Counters.open(directory, session);
    for (let i = 0; i < 3; i++) first.countRun("small", 5);
    for (let i = 0; i < 3; i++) first.countRun("large", 1000);
    for (let i = 0; i < 3; i++) first.countRun("paid", 1_000_000_000, true);
    first.countReveal("small");
    expect(first.used("large")).toEqual({ runs: 3, reveals: 0 });
    const second = afterCrash(first);
    expect(second.used("small")).toEqual({ runs: 3, reveals: 1 });
    expect(second.used("paid")).toEqual({ runs: 3, reveals: 0 });
    expect(second.used("large").runs).toBeGreaterThan(3);
    expect(second.used("large").runs).toBeLessThanOrEqual(13);
    second.close();
  });

  it("stand after an orderly end where they stood, with nothing reserved ahead, and count no more", async () => {
    const first = Counters.open(directory, session);
    first.takeRun(7);
    first.takeAttempt(2);
    for (let i = 0; i < 3; i++) first.countRun("large", 1_000_000_000);
    first.withdraw(["g"], "mallory");
    first.close();
    for (const late of [(): void => first.takeRun(8), (): void => first.countRun("large", 1_000_000_000)])
      expect(await codeOf(late)).toBe("SESSION_CLOSED");
    const again = Counters.open(directory, session);
    expect([again.nextRun, again.nextAttempt, again.used("large").runs]).toEqual([8, 3, 3]);
    expect(again.withdrawals()).toEqual([["g", "mallory"]]);
    again.close();
    expect(readdirSync(directory)).toEqual([`${"ab".repeat(32)}.counters`]);
  });

  it("survive a line that a crash cut off, and refuse one that was changed", async () => {
    const c = Counters.open(directory, session);
    c.takeRun(7);
    c.countReveal("g");
    c.close();
    appendFileSync(path(), '["reveals","g",');
    const again = Counters.open(directory, session);
    expect(again.used("g").reveals).toBe(1);
    again.countReveal("g");
    again.close();
    const third = Counters.open(directory, session);
    expect(third.used("g").reveals).toBe(2);
    third.close();
    writeFileSync(path(), `${readFileSync(path(), "utf8")}["reveals","g",1]\n`);
    expect(await codeOf(() => Counters.open(directory, session))).toBe("COUNTERS_INVALID");
  });

  it("learn from others what they have forgotten, for good, whatever is said and however often", async () => {
    const [grant, other] = ["ab".repeat(32), "cd".repeat(32)];
    const whole = Counters.open(directory, session);
    whole.takeRun(500);
    for (let i = 0; i < 5; i++) whole.countRun(grant, 10);
    whole.countReveal(grant);
    const told = whole.told();
    whole.close();
    rmSync(path());
    const forgetful = Counters.open(directory, session);
    forgetful.countRun(grant, 10);
    forgetful.countRun(other, 10);
    forgetful.learn(told, "party 1");
    expect(forgetful.nextRun).toBe(501);
    expect([forgetful.used(grant), forgetful.used(other)]).toEqual([
      { runs: 5, reveals: 1 },
      { runs: 1, reveals: 0 },
    ]);
    const twice = toCbor([3, [7, 9, 8].map((n) => [new Uint8Array(32).fill(0xab), n, n])]);
    forgetful.learn(twice, "party 1");
    expect(await codeOf(() => forgetful.learn(toCbor([2 ** 32, []]), "party 1"))).toBe("MPC_FRAME_INVALID");
    expect(await codeOf(() => forgetful.learn(toCbor([1, [["ab", 1, 1]]]), "party 1"))).toBe("MPC_FRAME_INVALID");
    forgetful.close();
    const again = Counters.open(directory, session);
    expect(again.nextRun).toBe(501);
    expect(again.used(grant)).toEqual({ runs: 9, reveals: 9 });
    again.close();
  });

  it("are written anew at a start once most lines were overtaken, with the values that they had", () => {
    const c = Counters.open(directory, session);
    c.takeRun(7);
    c.takeAttempt(3);
    c.close();
    const rows = Array.from({ length: 5000 }, (_, i) => ["reveals", i % 2 === 0 ? "g" : "h", Math.floor(i / 2) + 1]);
    appendFileSync(path(), rows.map((r) => `${JSON.stringify(r)}\n`).join(""));
    for (let i = 0; i < 2; i++) {
      const again = Counters.open(directory, session);
      expect([again.nextRun, again.nextAttempt]).toEqual([8, 4]);
      expect([again.used("g"), again.used("h")]).toEqual([
        { runs: 0, reveals: 2500 },
        { runs: 0, reveals: 2500 },
      ]);
      again.close();
      expect(readFileSync(path(), "utf8").split("\n").length).toBeLessThan(10);
    }
  });

  it("belong to one party at a time", async () => {
    const c = Counters.open(directory, session);
    expect(await codeOf(() => Counters.open(directory, session))).toBe("COUNTERS_INVALID");
    c.close();
    Counters.open(directory, session).close();
  });

  it("are moved by another party's claim no further than an old copy could need, and that one is named", async () => {
    const c = Counters.open(directory, session);
    c.takeRun(7);
    c.learn(toCbor([2 ** 26, []]), "party 1 (b)");
    expect(c.nextRun).toBe(2 ** 26);
    const e = await errorOf(() => c.learn(toCbor([2 ** 32 - 2 - 64, []]), "party 2 (c)"));
    expect([await codeOf(() => Promise.reject(e)), e.message]).toEqual([
      "MPC_FRAME_INVALID",
      expect.stringContaining("party 2 (c)"),
    ]);
    c.close();
    const again = Counters.open(directory, session);
    expect(again.nextRun).toBe(2 ** 26);
    again.close();
  });

  it("are moved by a driver a little at a time", async () => {
    const c = Counters.open(directory, session);
    expect(await codeOf(() => c.takeRun(2 ** 20))).toBe("RUN_NUMBER");
    expect(c.nextRun).toBe(0);
    c.takeRun(1024);
    expect(c.nextRun).toBe(1025);
    c.close();
  });

  it("refuse to wrap", async () => {
    writeFileSync(path(), `["run","",${2 ** 32 - 2 - 64}]\n`);
    const c = Counters.open(directory, session);
    expect(await codeOf(() => c.takeRun(c.nextRun))).toBe("RUN_NUMBER");
    c.close();
  });
});
