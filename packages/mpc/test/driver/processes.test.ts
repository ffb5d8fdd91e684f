/** @file Real party processes: start, train, end; and what happens when one is killed, stopped, or speaks garbage in the middle of a run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import type { Tensor } from "@tacit/core";
import { afterEach, describe, expect, it } from "vitest";
import { type LocalOptions, type LocalSession, startLocal } from "../../src/driver/local.ts";
import { plain3 } from "../plain3.ts";
import { codeOf, errorOf } from "../support.ts";

const parts = { entry: fileURLToPath(new URL("../party-main.ts", import.meta.url)), protocols: [plain3] };
const open: LocalSession[] = [];
afterEach(async () => {
  delete process.env.PLAIN3_DELAY;
  delete process.env.PLAIN3_GARBAGE;
  for (const l of open.splice(0)) {
    for (const c of l.children) if (isAlive(c.pid)) process.kill(c.pid, "SIGCONT");
    await l.session.close();
  }
});

async function start(options: LocalOptions = {}): Promise<LocalSession> {
  const made = await startLocal(3, { quiet: true, ...options }, parts);
  open.push(made);
  return made;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What a process was started with. */
const wordsOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, "latin1");

/** Twenty ops, one after the other. */
function chain(x: Tensor): Tensor {
  let y = x;
  for (let i = 0; i < 20; i++) y = y.mul(1.5).neg();
  return y;
}

const isOpen = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });

/** All other processes are gone by themselves, and every port is free. */
async function expectNothingLeft(local: LocalSession, stopped: number | null): Promise<void> {
  const codes = await Promise.all(local.children.map((c, i) => (i === stopped ? null : c.exited)));
  expect(codes.filter((_, i) => i !== stopped && local.children[i]!.pid !== 0)).toEqual(codes.filter((_, i) => i !== stopped));
  for (const [i, c] of local.children.entries()) if (i !== stopped) expect(isAlive(c.pid)).toBe(false);
  for (const [i, p] of local.session.session.file.parties.entries()) {
    if (i !== stopped) for (const a of [p.address, p.client]) expect(await isOpen(a)).toBe(false);
  }
}

describe("three party processes", () => {
  it("start, run and reveal, and leave nothing behind", async () => {
    const local = await start();
    const { session, children } = local;
    const x = session.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    expect([...(await x.mul(3).reveal({ to: "data-owner", why: "check" }))]).toEqual([3, 6]);
    expect(new Set(children.map((c) => c.pid)).size).toBe(3);
    if (process.platform === "linux") for (const c of children) expect(wordsOf(c.pid)).toContain("--max-semi-space-size=2");
    await session.close();
    expect(await Promise.all(children.map((c) => c.exited))).toEqual([0, 0, 0]);
    await expectNothingLeft(local, null);
    expect(
      readdirSync(tmpdir()).filter((d) => d.startsWith("tacit-local-") && existsSync(`${tmpdir()}/${d}/${session.session.hex}`)),
    ).toEqual([]);
  });

  it("when one is killed in the middle of a run, all others end and say where", async () => {
    process.env.PLAIN3_DELAY = "40";
    const local = await start();
    const x = local.session.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    await x.add(1).realize();
    setTimeout(() => local.children[1]!.kill(), 300);
    const began = performance.now();
    const e = await errorOf(() => chain(x).realize());
    expect(e).toMatchObject({ code: "MPC_PARTY_LOST" });
    expect(e.message).toMatch(/^party 1 \(party-b\) closed the connection at op \d+ of 60 \((mul|neg)\)/);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(await local.children[0]!.exited).toBe(4);
    expect(await local.children[2]!.exited).toBe(4);
    await expectNothingLeft(local, null);
  });

  it("when one is stopped in the middle of a run, all others end within the deadline and say where", async () => {
    process.env.PLAIN3_DELAY = "40";
    const local = await start({ limits: { timeout: 1000 } });
    const x = local.session.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    await x.add(1).realize();
    setTimeout(() => process.kill(local.children[2]!.pid, "SIGSTOP"), 300);
    const began = performance.now();
    const e = await errorOf(() => chain(x).realize());
    expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(e.message).toMatch(/^party 2 \(party-c\) sent nothing for 1 s at op \d+ of 60/);
    expect(performance.now() - began).toBeLessThan(5000);
    expect([await local.children[0]!.exited, await local.children[1]!.exited]).toEqual([4, 4]);
    await expectNothingLeft(local, 2);
  });

  it("when one speaks garbage in the middle of a run, all others end and say who", async () => {
    process.env.PLAIN3_GARBAGE = "0";
    const local = await start();
    const x = local.session.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    const e = await errorOf(() => chain(x).realize());
    expect(e).toMatchObject({ code: "MPC_FRAME_INVALID" });
    expect(e.message).toMatch(/^party 0 \(party-a\): expected 8 bytes, got 9 at op \d+ of 60 \(/);
    expect(await Promise.all(local.children.slice(1).map((c) => c.exited))).toEqual([4, 4]);
    await expectNothingLeft(local, null);
  });

  it("end when the process that started them is gone", async () => {
    const local = await start();
    for (const c of local.children) c.orphan();
    expect(await Promise.all(local.children.map((c) => c.exited))).toEqual([4, 4, 4]);
  });

  it("refuse a protocol that nobody knows", async () => {
    expect(await codeOf(() => startLocal(3, { quiet: true, protocol: "rot13" }, parts))).toBe("PROTOCOL_UNKNOWN");
    expect(await codeOf(() => startLocal(2, { quiet: true, protocol: "plain3" }, parts))).toBe("SESSION_INVALID");
  });
});
