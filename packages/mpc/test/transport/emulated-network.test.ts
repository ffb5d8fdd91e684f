/** @file The emulated network: latency by the round, bandwidth by the byte, order, bounds; and who can have one. */
import { noGrad, ones } from "@tacit/core";
import { describe, expect, it } from "vitest";
import { local } from "../../src/driver/local.ts";
import { parsePartyConfig } from "../../src/party/service/config.ts";
import { Session } from "../../src/session/session-file.ts";
import { checkNetwork, type NetworkOptions, throughNetwork } from "../../src/transport/emulated-network.ts";
import { FrameLink } from "../../src/transport/frame-link.ts";
import { connectParties } from "../../src/transport/gathering.ts";
import type { Connection } from "../../src/transport/mesh.ts";
import { pipePair } from "../../src/transport/pipe.ts";
import { codeOf, errorOf, listeningWorld, makeWorld } from "../support.ts";

/** What 'WAN' means in this project: 40 ms there and back, 352 Mbit/s. */
const WAN: NetworkOptions = { bandwidth: 352e6, latency: 0.02 };
const tag = (op: number): { run: number; op: number; lane: number } => ({ run: 1, op, lane: 0 });

function linkOver(connection: Connection, timeout: number): FrameLink {
  const made: FrameLink[] = [];
  connection.attach((carrier) => {
    const link = new FrameLink(carrier, { peer: "party 9 (far)", message: 64e6, queue: 64e6, timeout });
    made.push(link);
    return link;
  });
  return made[0]!;
}

/** Two links with a network in both directions. */
function distant(network: NetworkOptions, timeout = 20_000): readonly [FrameLink, FrameLink] {
  const [a, b] = pipePair();
  return [linkOver(throughNetwork(a, network), timeout), linkOver(throughNetwork(b, network), timeout)];
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Times on a loaded machine: never early, and late by no more than this factor. */
const LATE = 30;

describe("an emulated network", () => {
  it("takes a latency for each message that depends on the one before", async () => {
    const [a, b] = distant(WAN);
    const rounds = 20;
    const ms = await timed(async () => {
      for (let k = 0; k < rounds; k++) {
        const [from, to] = k % 2 === 0 ? [a, b] : [b, a];
        from.send(tag(k), k, new Uint8Array(8));
        await to.receive(tag(k), new Uint8Array(8));
      }
    });
    // Each may be half a millisecond early.
    expect(ms).toBeGreaterThan(rounds * 19.5);
    expect(ms).toBeLessThan(rounds * 20 * LATE);
    await Promise.all([a.close(), b.close()]);
  });

  it("lets independent messages share one latency", async () => {
    const [a, b] = distant({ ...WAN, latency: 0.1 });
    const ms = await timed(async () => {
      for (let k = 0; k < 50; k++) a.send(tag(k), 0, new Uint8Array(100));
      await Promise.all(Array.from({ length: 50 }, (_, k) => b.receive(tag(k), new Uint8Array(100))));
    });
    expect(ms).toBeGreaterThan(99);
    expect(ms).toBeLessThan(50 * 99);
    await Promise.all([a.close(), b.close()]);
  });

  it("sends 10 MB in size over bandwidth, each direction on its own, whole and in order", async () => {
    const [a, b] = distant(WAN);
    const [size, frames] = [2_500_000, 4];
    const body = (k: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 31 + k * 7) & 255);
    const bodies = Array.from({ length: frames }, (_, k) => body(k));
    const into = [a, b].map(() => Array.from({ length: frames }, () => new Uint8Array(size)));
    const arrived: number[] = [];
    const ms = await timed(async () => {
      const waits = [b, a].map((link, d) =>
        into[d]!.map((at, k) => link.receive(tag(k), at).then(() => (d === 0 ? arrived.push(k) : 0))),
      );
      for (const link of [a, b]) for (const [k, bytes] of bodies.entries()) link.send(tag(k), 0, bytes);
      await Promise.all(waits.flat());
    });
    const wire = (frames * size * 8) / WAN.bandwidth;
    expect(ms).toBeGreaterThan(1000 * (wire + WAN.latency) - 1);
    expect(ms).toBeLessThan(1000 * LATE * (wire + WAN.latency));
    expect(arrived).toEqual([0, 1, 2, 3]);
    expect(into.flat().map((at, k) => Buffer.compare(at, bodies[k % frames]!))).toEqual(new Array(2 * frames).fill(0));
    await Promise.all([a.close(), b.close()]);
  });

  it("takes from its sender no more than the line and a buffer hold", async () => {
    let given = 0;
    const stuck: Connection = {
      attach: (open) => void open({ write: () => {}, end: () => Promise.resolve(), destroy: () => {} }),
    };
    const wrapped = throughNetwork(stuck, WAN);
    let taken = 0;
    wrapped.attach((carrier) => {
      const more = (): void => {
        taken += 262_144;
        if (given++ < 1000) carrier.write(new Uint8Array(262_144), more);
      };
      more();
      return { feed: () => {}, closed: () => {} };
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(taken).toBeGreaterThan(1e6);
    expect(taken).toBeLessThan(3e6);
  });

  it("still finds a peer that says nothing, in the session's time", async () => {
    const [a, b] = distant(WAN, 300);
    const ms = await timed(async () => {
      const e = await errorOf(() => a.receive(tag(1), new Uint8Array(1)));
      expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
      expect(e.message).toMatch(/^party 9 \(far\) sent nothing for 0.3 s at op 1/);
    });
    expect(ms).toBeGreaterThan(299);
    await b.close();
  });

  it("delivers the last words before an end", async () => {
    const [a, b] = distant(WAN);
    const heard: number[] = [];
    const ended = new Promise<void>((resolve) => {
      b.onLost = () => resolve();
    });
    b.onControl = (bytes) => void heard.push(bytes[0]!);
    a.sendControl(new Uint8Array([7]));
    await a.close();
    await ended;
    expect(heard).toEqual([7]);
  });
});

describe("mpc.local over a network", () => {
  it("waits for each round of a run, and once for the parties' agreement on it", async () => {
    await using session = await local(3, { quiet: true, network: { bandwidth: 352e6, latency: 0.05 } });
    const x = await ones([4]).to(session);
    await noGrad(() => x.mul(x)).realize();
    const before = session.cost();
    const ms = await timed(() => noGrad(() => x.mul(x)).realize());
    expect(session.cost().rounds - before.rounds).toBe(2);
    expect(ms).toBeGreaterThan(3 * 49.5);
    expect(ms).toBeLessThan(3 * 50 * LATE);
  }, 60_000);
});

describe("who can have an emulated network", () => {
  it("is a session on one machine alone", async () => {
    const world = await listeningWorld();
    const [first, ...rest] = world.session.file.parties;
    const session = new Session({ ...world.session.file, parties: [{ ...first!, address: "10.0.0.7:9000" }, ...rest] });
    const options = { session, index: 1, identity: world.parties[1]!, attempt: 1, mode: "", network: WAN };
    expect(await codeOf(() => connectParties(world.servers[1]!, options))).toBe("MPC_HANDSHAKE");
    await Promise.all(world.servers.map((s) => s.close()));
  });

  it("is no party that tacit party starts: its configuration has no key for one", async () => {
    const config = { session: "s.json", key: "a.key", data: "data", network: WAN };
    const e = await errorOf(() => parsePartyConfig(JSON.stringify(config), "party.json"));
    expect(e).toMatchObject({ code: "PARTY_CONFIG" });
    expect(e.message).toContain("party.json, network: ");
    expect(Object.keys(parsePartyConfig(JSON.stringify({ ...config, network: undefined }), "party.json"))).not.toContain(
      "network",
    );
    expect((await makeWorld()).session.toJson()).not.toContain("latency");
  });

  it("refuses figures in other units, naming the unit", async () => {
    for (const [network, word] of [
      [{ latency: 20, bandwidth: 352e6 }, "seconds"],
      [{ latency: 0.02, bandwidth: 352 }, "bits per second"],
      [{ latency: Number.NaN, bandwidth: 352e6 }, "seconds"],
      [{ latency: 0.02, bandwidth: Number.POSITIVE_INFINITY }, "bits per second"],
    ] as const) {
      const e = await errorOf(() => local(3, { quiet: true, network }));
      expect(e).toMatchObject({ code: "SESSION_INVALID" });
      expect(e.message).toContain(word);
    }
    expect(await codeOf(() => checkNetwork(null))).toBe("SESSION_INVALID");
  });
});
