/** @file What a person learns of parties before anything runs, in real processes: from all, from one that is stopped, without a key. */
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { askFacts } from "../../src/client/probing.ts";
import { examineParties } from "../../src/driver/examine.ts";
import { type LocalOptions, type LocalSession, startLocal } from "../../src/driver/local.ts";
import { Session } from "../../src/session/session-file.ts";
import { SOFTWARE } from "../../src/version.ts";
import { inProcess } from "../in-process.ts";
import { codeOf } from "../support.ts";

const open: LocalSession[] = [];
afterEach(async () => {
  for (const l of open.splice(0)) {
    for (const c of l.children) if (c.pid > 0) c.kill();
    await l.session.close();
  }
});

async function local(options: LocalOptions = {}): Promise<LocalSession & { file: Session }> {
  const started = await startLocal(3, { quiet: true, ...options });
  open.push(started);
  return { ...started, file: started.session.session };
}

describe("a person who asks the parties", () => {
  it("learns versions, clocks, distance, bandwidth and speed of each, and the links between them", async () => {
    const l = await local({ network: { bandwidth: 80e6, latency: 0.01 } });
    const found = await examineParties(l.file, { who: l.identities.get("data-owner")!, patience: 20_000 });
    expect(found.map((f) => [f.obstacle, f.error, f.software])).toEqual([0, 1, 2].map(() => [null, null, SOFTWARE]));
    for (const f of found) {
      expect(f.facts).toMatchObject({ node: process.versions.node, waits: [], joined: { attempt: 1, busy: false } });
      expect(Math.abs(f.clock!.ahead)).toBeLessThan(1000);
      expect(f.clock!.uncertainty).toBeGreaterThan(0);
      expect(f.up).toBeGreaterThan(1e6);
      expect(f.down).toBeGreaterThan(1e6);
      expect(f.speed!.bytes).toBeGreaterThan(1e6);
      expect(f.speed!.products).toBeGreaterThan(1e6);
      // The emulated network: 20 ms there and back, 80 Mbit/s; a loaded machine adds to the one and takes from the other.
      expect(f.links.map((link) => link.party)).toEqual([0, 1, 2].filter((j) => j !== f.index));
      for (const link of f.links) {
        expect(link.roundTrip).toBeGreaterThan(19);
        expect(link.bandwidth).toBeLessThan(100e6);
        expect(link.bandwidth).toBeGreaterThan(1e6);
      }
    }
    // The session goes on as before.
    expect(await l.session.counters()).toHaveLength(3);
  });

  it("learns which party is stopped, within the time for it, and everything of the others", async () => {
    const l = await local();
    process.kill(l.children[1]!.pid, "SIGSTOP");
    const said: string[] = [];
    const found = await examineParties(l.file, {
      who: l.identities.get("driver")!,
      patience: 1500,
      waiting: (words) => said.push(words),
    });
    expect(found[1]!.obstacle).toEqual({ kind: "timeout", detail: "no answer" });
    expect(said[0]).toMatch(/^waiting for party-b \(2 of 3\), \d s$/);
    for (const i of [0, 2]) expect(found[i]!.facts?.software).toBe(SOFTWARE);
    expect(found[0]!.links.find((link) => link.party === 1)).toMatchObject({ roundTrip: null, bandwidth: null });
    expect(found[0]!.links.find((link) => link.party === 2)?.roundTrip).toBeGreaterThan(0);
  });

  it("learns without a key whether ports, pinned keys and versions are right, and what else is there", async () => {
    const l = await local();
    const [a, b, c] = l.file.file.parties;
    const plain = createServer((socket) => {
      socket.on("error", () => {});
      socket.write("220 mail\r\n", () => socket.destroy());
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const port = (plain.address() as { port: number }).port;
    const at = (clients: readonly string[]): Session =>
      new Session({ ...l.file.file, parties: [a!, b!, c!].map((p, i) => ({ ...p, client: clients[i]! })) });
    const kinds = async (...clients: string[]): Promise<(string | null)[]> =>
      (await examineParties(at(clients), { who: null, patience: 5000 })).map((f) => f.obstacle?.kind ?? null);
    expect(await kinds(a!.client, a!.client, "127.0.0.1:1")).toEqual([null, "key", "refused"]);
    expect(await kinds(`127.0.0.1:${port}`, "no-such-host.invalid:7", c!.client)).toEqual(["protocol", "name", null]);
    await new Promise((resolve) => plain.close(resolve));
  });
});

describe("a party", () => {
  it("answers no more than fifty questions in a second, and goes on after it", async () => {
    const p = await inProcess();
    const client = await p.client(0);
    const who = p.world.people.get("data-owner")!;
    const codes = await Promise.all(Array.from({ length: 120 }, () => codeOf(() => askFacts(client, who))));
    expect(codes).toContain("PROBE_REFUSED");
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await askFacts(client, who)).protocol).toBeGreaterThan(0);
    client.close();
    await p.stop();
  });
});
