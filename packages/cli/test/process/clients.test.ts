/** @file Providers, a driver and a recipient as programs of their own, with keys of their own, that start when they like. */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mpc } from "@tacit/mpc";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lay, NAMES, PartyProcess, type Place } from "./parties.ts";
import { digitFiles, type Ran, scratch, tacit } from "./tacit.ts";

const place = scratch();
let laid: Place;
const running: PartyProcess[] = [];
beforeAll(async () => {
  laid = await lay(place, 20_000, ["driver", "hospital-a", "hospital-b", "clinic"]);
  const files = digitFiles(12);
  place.write("train.csv", files.csv);
  place.write("images.idx", files.images);
  place.write("labels.idx", files.labels);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((p) => p.kill()));
});
afterAll(() => place[Symbol.dispose]());

function start(i: number): PartyProcess {
  const made = new PartyProcess(place.path, `${NAMES[i]}.json`);
  running.push(made);
  return made;
}
/** All three, serving. */
async function startAll(): Promise<PartyProcess[]> {
  const parties = NAMES.map((_, i) => start(i));
  await Promise.all(parties.map((p) => p.says('"serving"')));
  return parties;
}
const stopAll = async (): Promise<unknown> => Promise.all(running.splice(0).map((p) => p.kill("SIGTERM")));

const run = (command: string, as: string, ...words: string[]): Promise<Ran> =>
  tacit([command, ...words, "--session", "session.json", "--as", as], { cwd: place.path });
const drive = (options: object = {}): Promise<mpc.MpcSession> =>
  mpc.connect(laid.session, { identity: laid.driver, waiting: () => undefined, ...options });
/** An owner agrees that an input is disclosed as it came. */
async function agree(session: mpc.MpcSession, handle: string, to: string, why: string, rows: number): Promise<void> {
  const owner = handle.split("/")[0]!;
  const inputs = [{ owners: [owner], sources: [{ kind: "handle", handle }], rows }] as const;
  const { expires } = laid.session.file;
  const grant = { program: "", inputs, disclosures: [{ output: 0, to, why }], runs: 0, reveals: 1, expires };
  await session.grant(await mpc.signGrant(laid.session.id, grant, [laid.people.get(owner)!]));
}
const letters = (name: string): string[] => readdirSync(place.file(`${name}-data`)).filter((f) => f.endsWith(".letter"));

describe("programs of one session", () => {
  test("start in any order: providers before the parties, the driver before a provider, the recipient after the driver has left", {
    timeout: 400_000,
  }, async () => {
    const early = run("give", "hospital-a", "train.csv", "--wait", "300", "--json");
    const [a, b] = [start(0), start(1)];
    await Promise.all([a, b].map((p) => p.says("waiting for clinic-c (2 of 3)")));
    const c = start(2);
    await c.says('"serving"');
    const given = await early;
    expect(given.stderr).toMatch(/waiting for clinic-a, clinic-b, clinic-c \(0 of 3\), \d+ s/);
    expect(given).toMatchObject({ code: 0 });
    expect(JSON.parse(given.stdout)).toMatchObject({
      kind: "given",
      session: laid.session.hex,
      as: "hospital-a",
      fingerprint: mpc.fingerprint(laid.people.get("hospital-a")!.public),
      inputs: [
        { name: "hospital-a/train-images", shape: [12, 1, 28, 28], dtype: "f32", given: true },
        { name: "hospital-a/train-labels", shape: [12, 10], given: true },
      ],
    });

    const session = await drive();
    const said: string[] = [];
    const wanted = ["hospital-a/train-images", "hospital-b/train-labels"];
    const waiting = session.inputs(wanted, { wait: 60_000, waiting: (words) => said.push(words) });
    await expect(drive()).rejects.toMatchObject({ code: "DRIVER_BUSY" });
    await expect(session.inputs(["hospital-b/nothing"], { wait: 100 })).rejects.toMatchObject({ code: "MPC_TIMEOUT" });
    // Two at once, and one a second time.
    const [late, again] = await Promise.all([
      run("give", "hospital-b", "images.idx", "--labels", "labels.idx"),
      run("give", "hospital-a", "train.csv"),
    ]);
    expect(late!.code).toBe(0);
    expect(late!.stdout).toMatch(/^hospital-b\/train-images +f32\[12,1,28,28\]\n/);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again!.stderr).toContain(
      "error[HANDLE_USED]: give: expected a name that was not given yet, got hospital-a/train-images",
    );
    const [images, labels] = await waiting;
    expect([images!.shape, labels!.shape]).toEqual([
      [12, 1, 28, 28],
      [12, 10],
    ]);
    expect(said[0]).toMatch(/^waiting for hospital-b\/train-labels \(1 of 2\), 1 s$/);

    await expect(session.deliver(labels!, { to: "clinic", why: "audit" })).rejects.toMatchObject({ code: "POLICY_REFUSED" });
    await agree(session, "hospital-b/train-labels", "clinic", "audit", 12);
    await agree(session, "hospital-a/train-labels", "clinic", "audit", 12);
    const receipt = await session.deliver(labels!, { to: "clinic", why: "audit" });
    const second = await session.deliver(session.input("hospital-a/train-labels"), { to: "clinic", why: "audit" });
    await session.leave();

    for (const other of ["hospital-b", "driver"]) {
      const nothing = await run("receive", other);
      expect(nothing).toMatchObject({ code: 0, stdout: "" });
      expect(nothing.stderr).toContain(`nothing waits for ${other}`);
    }
    expect((await run("receive", "clinic", "--key", "hospital-b.key")).stderr).toContain("error[KEY_FILE]");
    expect(NAMES.map((n) => letters(n).length)).toEqual([2, 2, 2]);

    // The parties are started anew while the recipient waits; one copy of one part is altered meanwhile.
    await stopAll();
    const path = place.file(`clinic-b-data/${letters("clinic-b").find((f) => f.endsWith(`.${second.run}.letter`))}`);
    const bytes = readFileSync(path);
    bytes[bytes.length - 90]! ^= 1;
    writeFileSync(path, bytes);
    const patient = run("receive", "clinic", "--wait", "300", "--json");
    await startAll();
    const got = await patient;
    expect(got.code).toBe(4);
    expect(got.stderr).toContain(
      `error[LETTER_INVALID]: delivery ${second.run}: expected the part that party 1 (clinic-b) wrote`,
    );
    const { deliveries } = JSON.parse(got.stdout) as { deliveries: { values: number[] }[] };
    expect(deliveries).toMatchObject([{ run: receipt.run, why: "audit", shape: [12, 10], handle: "hospital-b/train-labels" }]);
    const rows = Array.from({ length: 12 }, (_, i) => deliveries[0]!.values.slice(i * 10, i * 10 + 10));
    const truth = digitFiles(12)
      .csv.trim()
      .split("\n")
      .map((line) => Number(line.split(",")[0]));
    expect(rows.map((r) => r.indexOf(1))).toEqual(truth);
    const rest = await run("receive", "clinic", "--discard");
    expect(rest.code).toBe(4);
    expect(NAMES.map((n) => letters(n))).toEqual([[], [], []]);
    expect(await run("receive", "clinic")).toMatchObject({ code: 0, stdout: "" });
  });

  test("a provider that is killed half-way leaves nothing behind and gives again; another waits in vain for a party that is stopped", {
    timeout: 300_000,
  }, async () => {
    await startAll();
    const script = place.write(
      "dies.mjs",
      `import { mpc } from ${JSON.stringify(import.meta.resolve("@tacit/mpc"))};
       const values = new Float32Array(400_000).fill(0.5);
       await mpc.give("session.json", [{ name: "big", values, shape: [400_000] }],
         { identity: "hospital-b.key", progress: () => process.kill(process.pid, "SIGKILL") });`,
    );
    const child = spawn(process.execPath, [script], { cwd: place.path, stdio: "ignore" });
    const signal = await new Promise((resolve) => child.on("close", (_code, s) => resolve(s)));
    expect(signal).toBe("SIGKILL");
    const session = await drive();
    await expect.poll(async () => (await session.counters()).map((c) => c.bytes), { timeout: 20_000 }).toEqual([0, 0, 0]);
    const owner = laid.people.get("hospital-b")!;
    const [big] = await mpc.give(laid.session, [{ name: "big", values: new Float32Array(9), shape: [9] }], { identity: owner });
    expect(big).toMatchObject({ handle: "hospital-b/big", given: true });
    await session.leave();
    await running.pop()!.kill("SIGTERM");
    const vain = await run("give", "hospital-a", "train.csv", "--name", "more", "--wait", "2");
    expect(vain.code).toBe(4);
    expect(vain.stderr).toMatch(/error\[MPC_TIMEOUT\]: connect to .*party 2 \(clinic-c\).*within 2 s, got nobody/);
  });
});
