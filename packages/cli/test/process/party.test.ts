/** @file `tacit party` as real processes: they start, say whom they wait for, run, stop, and refuse what they should. */
import { chmodSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { mpc } from "@tacit/mpc";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lay, NAMES, PartyProcess, type Place } from "./parties.ts";
import { scratch, tacit } from "./tacit.ts";

const place = scratch();
let laid: Place;
const running: PartyProcess[] = [];
beforeAll(async () => {
  laid = await lay(place);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((p) => p.kill()));
});
afterAll(() => place[Symbol.dispose]());

function start(
  i: number,
  config = `${NAMES[i]}.json`,
  options: ConstructorParameters<typeof PartyProcess>[2] = {},
): PartyProcess {
  const made = new PartyProcess(place.path, config, options);
  running.push(made);
  return made;
}

const connect = (): Promise<mpc.MpcSession> =>
  mpc.connect(laid.session, { identity: laid.driver, people: [laid.owner], owner: "owner" });
const health = async (i: number, path = "/health"): Promise<{ readonly status: number; readonly body: unknown }> => {
  const reply = await fetch(`http://127.0.0.1:${laid.health[i]}${path}`);
  const text = await reply.text();
  return { status: reply.status, body: text === "" ? null : JSON.parse(text) };
};
const events = (p: PartyProcess): Record<string, unknown>[] =>
  p.log.split("\n").flatMap((l) => (l === "" ? [] : [JSON.parse(l) as Record<string, unknown>]));

describe("three parties", () => {
  test("wait for each other by name, serve, count over kill -9 and a new start, and stop in good order", {
    timeout: 120_000,
  }, async () => {
    const [a, b] = [start(0), start(1)];
    await a.says("waiting for clinic-c (2 of 3)");
    expect(await health(0)).toEqual({
      status: 503,
      body: { live: true, ready: false, session: laid.session.hex, peers: { connected: 1, of: 2 }, run: 0 },
    });
    // One that is killed and started again while others wait is found again.
    await b.kill();
    const parties = [a, start(1), start(2)];
    await Promise.all(parties.map((p) => p.says('"serving"')));
    const first = await connect();
    const x = first.input("x", Float32Array.from([1, 2]));
    expect([...(await x.mul(3).reveal({ to: "owner", why: "check" }))].map((v) => Math.round(Number(v)))).toEqual([3, 6]);
    const run = (await first.counters())[0]!.nextRun;
    expect(await health(1)).toMatchObject({ status: 200, body: { ready: true, peers: { connected: 2, of: 2 }, run } });
    expect((await health(0, "/")).status).toBe(404);
    expect(run).toBeGreaterThan(0);

    await parties[2]!.kill("SIGKILL");
    expect(await Promise.all(parties.slice(0, 2).map((p) => p.ended))).toEqual([4, 4]);
    for (const p of parties.slice(0, 2)) expect(events(p).at(-1)).toMatchObject({ event: "failed", code: "MPC_PARTY_LOST" });
    await first.close().catch(() => undefined);

    const again = NAMES.map((_, i) => start(i));
    await Promise.all(again.map((p) => p.says('"attempt":2')));
    const second = await connect();
    // The driver is told to go on above every number that was used: a run of before is refused as a replay.
    for (const c of await second.counters()) expect(c.nextRun).toBeGreaterThanOrEqual(run);
    const y = second.input("y", Float32Array.from([2]));
    expect([...(await y.add(1).reveal({ to: "owner", why: "check" }))].map((v) => Math.round(Number(v)))).toEqual([3]);
    const pending = y.mul(2);
    again[1]!.child.kill("SIGTERM");
    expect(await again[1]!.ended).toBe(0);
    await expect(pending.reveal({ to: "owner", why: "check" })).rejects.toMatchObject({ code: "MPC_PARTY_LOST" });
    expect(await Promise.all([again[0]!.ended, again[2]!.ended])).toEqual([4, 4]);
    expect(events(again[0]!).at(-1)!.message).toContain("clinic-b");
    await second.close().catch(() => undefined);
    for (const n of NAMES) expect(readdirSync(place.file(`${n}-data`)).filter((f) => f.endsWith(".lock"))).toEqual([]);
    const secret = NAMES.flatMap((n) =>
      [...readFileSync(place.file(`${n}.key`), "utf8").matchAll(/"private": "([0-9a-f]+)"/g)].map((m) => m[1]!),
    );
    expect(secret).toHaveLength(6);
    for (const p of [...parties, ...again]) for (const key of secret) expect(p.log).not.toContain(key.slice(-32));
  });

  test("end with code 130 on Ctrl-C while one is missing, and refuse a second process on their data", async () => {
    const a = start(0);
    await a.says('"listening"');
    const twin = start(0);
    expect(await twin.ended).toBe(1);
    expect(events(twin).at(-1)).toMatchObject({ code: "PARTY_BUSY" });
    expect(await a.kill("SIGINT")).toBe(130);
    expect(readdirSync(place.file("clinic-a-data"))).not.toContain("party.lock");
  });

  test("end with an error that names the disk when a file cannot grow, and go on when there is room", {
    timeout: 120_000,
  }, async () => {
    rmSync(place.file("clinic-b-data"), { recursive: true });
    const parties = [start(0), start(1, "clinic-b.json", { fileLimit: 1 }), start(2)];
    await Promise.all(parties.map((p) => p.says('"serving"')));
    const session = await connect();
    const z = session.input("z", Float32Array.from([1]));
    const steps = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) await z.mul(i + 1).reveal({ to: "owner", why: "check" });
    };
    await expect(steps()).rejects.toMatchObject({ code: "MPC_DISK" });
    expect(await Promise.all(parties.map((p) => p.ended))).toEqual([4, 4, 4]);
    await session.close().catch(() => undefined);
    const again = NAMES.map((_, i) => start(i));
    await Promise.all(again.map((p) => p.says('"serving"')));
    await Promise.all(again.map((p) => p.kill("SIGTERM")));
  });
});

describe("a party refuses", () => {
  const CASES: readonly (readonly [
    string,
    () => Promise<Record<string, unknown>> | Record<string, unknown>,
    string,
    RegExp,
    number?,
  ])[] = [
    ["an unknown key", () => ({ ...laid.config(0), memmory: 1 }), "PARTY_CONFIG", /memmory/],
    [
      "a value of another kind",
      () => ({ ...laid.config(0), limits: { memory: "2 GB" } }),
      "PARTY_CONFIG",
      /limits\.memory: .* a string/,
    ],
    ["a missing key file", () => ({ ...laid.config(0), key: "none.key" }), "KEY_FILE", /none\.key/],
    [
      "a peer that the session does not name",
      () => ({ ...laid.config(0), peers: { "clinic-d": "127.0.0.1:1" } }),
      "PARTY_CONFIG",
      /clinic-d/,
    ],
    [
      "a key that others may read",
      () => {
        place.write("open.key", readFileSync(place.file("clinic-a.key")));
        chmodSync(place.file("open.key"), 0o644);
        return { ...laid.config(0), key: "open.key" };
      },
      "KEY_FILE",
      /0644/,
    ],
    [
      "a wrong passphrase",
      async () => {
        await mpc.writeKeyFile(place.file("sealed.key"), laid.owner, { passphrase: "the right one", force: true });
        place.write("wrong.pass", "the wrong one\n");
        chmodSync(place.file("wrong.pass"), 0o600);
        return { ...laid.config(0), key: "sealed.key", passphraseFile: "wrong.pass" };
      },
      "KEY_PASSPHRASE",
      /key file of owner/,
    ],
    [
      "a session that it is no party of",
      async () => {
        await mpc.writeKeyFile(place.file("stranger.key"), laid.owner, { force: true });
        return { ...laid.config(0), key: "stranger.key" };
      },
      "SESSION_INVALID",
      /owner's key among the parties/,
    ],
    [
      "a session that has expired",
      () => {
        place.write("old.json", new mpc.Session({ ...laid.session.file, expires: 1_600_000_000 }).toJson());
        return { ...laid.config(0), session: "old.json" };
      },
      "SESSION_EXPIRED",
      /2020/,
      3,
    ],
    [
      "one session more than its limit",
      () => {
        for (const n of [1, 2]) place.write(`clinic-a-data/${String(n).repeat(64)}.counters`, "");
        return { ...laid.config(0), limits: { sessions: 2 } };
      },
      "PARTY_SESSIONS",
      /at most 2/,
    ],
  ];

  for (const [what, configOf, code, says, exit = 1] of CASES) {
    test(what, async () => {
      place.write("case.json", JSON.stringify(await configOf()));
      const party = start(0, "case.json", { words: [] });
      expect(await party.ended).toBe(exit);
      expect(party.log).toContain(`tacit: error[${code}]: `);
      expect(party.log).toMatch(says);
      expect(party.log).not.toMatch(/\n\s+at /);
    });
  }

  for (const [what, bytes, says] of [
    [
      "kernels that were not built",
      "null",
      /expected the file replicated3\.unshared\.simd\.wasm, got none; run npm run build:kernels/,
    ],
    [
      "kernels that are damaged",
      "Buffer.from('0061736d', 'hex')",
      /expected replicated3\.unshared\.simd\.wasm whole, got a damaged file/,
    ],
  ] as const) {
    test(`${what}, before it listens`, async () => {
      // No file of the repository is touched: this process alone reads something else.
      const hook = `import fs from "node:fs/promises"; import { syncBuiltinESMExports } from "node:module"; const { readFile } = fs;
        fs.readFile = async (...a) => { if (!String(a[0]).endsWith(".wasm")) return readFile(...a); if (${bytes} === null) throw new Error("none"); return ${bytes}; };
        syncBuiltinESMExports();`;
      const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
      const ran = await tacit(["party", "--config", "clinic-a.json"], { cwd: place.path, env });
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/^tacit: error\[KERNEL_NOT_BUILT\]/);
      expect(ran.stderr).toMatch(says);
      expect(ran.stderr).not.toContain("listens at");
    });
  }

  test("a port that another program has", async () => {
    const port = Number(laid.session.file.parties[0]!.address.split(":")[1]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const party = start(0);
    expect(await party.ended).toBe(4);
    expect(events(party).at(-1)).toMatchObject({ code: "MPC_ADDRESS" });
    await new Promise((resolve) => server.close(resolve));
  });
});
