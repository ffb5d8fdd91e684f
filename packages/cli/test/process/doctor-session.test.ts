/** @file `tacit doctor --session` against real party processes: none, two, all; one stopped; with and without a key. */
import { mpc } from "@tacit/mpc";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { lay, NAMES, PartyProcess } from "./parties.ts";
import { type Ran, scratch, tacit } from "./tacit.ts";

const place = scratch();
const running: PartyProcess[] = [];
beforeAll(async () => {
  await lay(place);
});
afterEach(async () => {
  for (const p of running) p.child.kill("SIGCONT");
  await Promise.all(running.splice(0).map((p) => p.kill()));
});
afterAll(() => place[Symbol.dispose]());

function start(i: number): PartyProcess {
  const made = new PartyProcess(place.path, `${NAMES[i]}.json`);
  running.push(made);
  return made;
}

const doctor = (...words: string[]): Promise<Ran> =>
  tacit(["doctor", "--session", "session.json", ...words], { cwd: place.path });

interface Report {
  readonly healthy: boolean;
  readonly findings: readonly { readonly name: string; readonly state: string; readonly says: string; readonly fix?: string }[];
  readonly parties: readonly mpc.Examined[];
  readonly predictions: readonly { readonly title: string; readonly rounds: number; readonly seconds: number }[];
}
const reportOf = (ran: Ran): Report => JSON.parse(ran.stdout) as Report;

describe("tacit doctor --session", () => {
  test("of parties that are not started: each is named with what to do, exit 4, without hanging", async () => {
    const ran = await doctor("--key", "driver.key");
    expect(ran.code).toBe(4);
    for (const name of NAMES) expect(ran.stdout).toMatch(new RegExp(`lack {2}${name} +nothing listens at 127.0.0.1:\\d+`));
    expect(ran.stdout.match(/fix: start clinic-/g)).toHaveLength(3);
    expect(ran.stdout).toContain("no prediction");
  });

  test("of three that serve: versions, clocks, lines, and the time of a step; one more job by its options", {
    timeout: 180_000,
  }, async () => {
    const parties = NAMES.map((_, i) => start(i));
    await Promise.all(parties.map((p) => p.says('"serving"')));
    const ran = await doctor("--key", "driver.key", "--patience", "30", "--json");
    expect(ran.stderr).not.toContain("error");
    expect(ran.code).toBe(0);
    const report = reportOf(ran);
    expect(report.healthy).toBe(true);
    expect(report.findings.every((f) => f.state === "ok" || f.fix !== undefined)).toBe(true);
    for (const p of report.parties) {
      expect(p).toMatchObject({ obstacle: null, error: null, software: mpc.SOFTWARE });
      expect(p.facts).toMatchObject({ protocol: mpc.PROTOCOL_VERSION, waits: [] });
      expect(p.links).toHaveLength(2);
    }
    expect(report.predictions.map((p) => p.title)).toEqual([
      "MLP, 128 pictures: training step",
      "LeNet-5, 1 picture: prediction",
    ]);
    for (const p of report.predictions) {
      expect(p.rounds).toBeGreaterThan(10);
      expect(p.seconds).toBeGreaterThan(0);
    }
    const own = await doctor("--key", "owner.key", "--patience", "30", "--for", "predict", "--model", "mlp");
    expect(own.code).toBe(0);
    expect(own.stdout).toMatch(/from \\ to +clinic-a +clinic-b +clinic-c/);
    expect(own.stdout).toMatch(/prediction +\d+ +[\d.]+ MB/);
    expect(own.stdout).not.toContain("LeNet-5");
  });

  test("of two that wait and a third that is stopped: says who is missing and who waits for it, within the time", {
    timeout: 120_000,
  }, async () => {
    const [a, b] = [start(0), start(1)];
    await Promise.all([a, b].map((p) => p.says("waiting for clinic-c")));
    const waiting = reportOf(await doctor("--key", "driver.key", "--json"));
    const says = (r: Report, name: string): string => r.findings.find((f) => f.name === name)?.says ?? "";
    expect(says(waiting, "clinic-a, state")).toBe("waits for clinic-c");
    expect(says(waiting, "clinic-c")).toMatch(/^nothing listens/);
    const c = start(2);
    await c.says('"serving"');
    c.child.kill("SIGSTOP");
    const ran = await doctor("--key", "driver.key", "--patience", "3", "--json");
    expect(ran.code).toBe(4);
    expect(says(reportOf(ran), "clinic-c")).toMatch(/^no answer at/);
    expect(ran.stderr).toMatch(/waiting for clinic-c \(2 of 3\), \d s/);
  });

  test("without a key looks at ports, pinned keys and versions; with a stranger's key asks nobody", async () => {
    const parties = NAMES.map((_, i) => start(i));
    await Promise.all(parties.map((p) => p.says('"serving"')));
    const ran = await doctor("--patience", "30");
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/ok {4}clinic-b, version +Tacit/);
    expect(ran.stdout).toContain("only ports, pinned keys and versions");
    await mpc.writeKeyFile(place.file("stranger.key"), await mpc.Identity.generate("stranger"), { force: true });
    const stranger = await doctor("--key", "stranger.key");
    expect(stranger.stderr).toContain("tacit: error[KEY_FILE]");
  });
});
