/** @file Somebody in the middle of a plain web connection: what reaches them, and that nothing they change, repeat or redirect is accepted. */
import { once } from "node:events";
import { afterAll, describe, expect, it } from "vitest";
import { WebSocket as Client, type RawData, WebSocketServer } from "ws";
import { type LocalParties, localParties } from "../../src/driver/local.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { openSession } from "../../src/driver/open.ts";
import { encodeFixed } from "../../src/fixed.ts";
import { Identity } from "../../src/identity/identity.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { type WebAddresses, webConnector } from "../../src/transport/web-client.ts";
import { codeOf } from "../support.ts";

const ORIGIN = "https://clinic.example";
const driver = await Identity.generate("driver");
const parties: LocalParties = await localParties(3, {
  driver: driver.public,
  web: [ORIGIN],
  quiet: true,
  limits: { timeout: 2000 },
});

type Direction = "up" | "down";
/** What somebody in the middle makes of message `n` of a connection. */
type Meddle = (direction: Direction, n: number, message: Uint8Array, party: string) => readonly Uint8Array[];

const honest: Meddle = (_direction, _n, message) => [message];
let meddle: Meddle = honest;
const servers: WebSocketServer[] = [];
afterAll(async () => {
  for (const s of servers) {
    for (const c of s.clients) c.terminate();
    s.close();
  }
  await parties.close();
});

const bytesOf = (data: RawData): Uint8Array => new Uint8Array(data as Buffer);

/** Relays to `url` what `meddle` makes of it, and says where. */
async function between(party: string, url: string): Promise<string> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  servers.push(server);
  await once(server, "listening");
  server.on("connection", (near) => {
    const far = new Client(url, { origin: ORIGIN });
    const waiting: Uint8Array[] = [];
    const count = { up: 0, down: 0 };
    const pass = (direction: Direction, to: Client, data: RawData): void => {
      const bytes = bytesOf(data);
      // Empty messages say that the party lives, and are no part of what is signed.
      const out = bytes.length === 0 ? [bytes] : meddle(direction, count[direction]++, bytes, party);
      for (const m of out) {
        if (to.readyState === Client.OPEN) to.send(m);
        else waiting.push(m);
      }
    };
    far.on("open", () => waiting.splice(0).forEach((m) => void far.send(m)));
    near.on("message", (data) => pass("up", far, data)).on("close", () => far.terminate());
    far.on("message", (data) => pass("down", near, data)).on("close", () => near.terminate());
    for (const s of [near, far]) s.on("error", () => undefined);
  });
  return `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const relayed: WebAddresses = Object.fromEntries(
  await Promise.all(Object.entries(parties.web).map(async ([name, url]) => [name, await between(name, url)] as const)),
);

const make = (url: string): WebSocket => new Client(url, { origin: ORIGIN }) as unknown as WebSocket;
/** Drives, once whoever drove before is gone. */
async function drive(web: WebAddresses = relayed): Promise<MpcSession> {
  const identities = new Map([[driver.name, driver]]);
  for (;;) {
    try {
      return await openSession(parties.session, webConnector(web, make), {
        protocol: replicated3,
        identities,
        owner: driver.name,
      });
    } catch (e) {
      if ((e as { code?: string }).code !== "DRIVER_BUSY") throw e;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const flip = (message: Uint8Array): Uint8Array => {
  const changed = message.slice();
  const at = crypto.getRandomValues(new Uint32Array(1))[0]! % (8 * changed.length);
  changed[at >> 3]! ^= 1 << (at & 7);
  return changed;
};

const at =
  (direction: Direction, n: number, change: (message: Uint8Array) => readonly Uint8Array[]): Meddle =>
  (d, k, message) =>
    d === direction && k === n ? change(message) : [message];

/** Gives two inputs at once through the middle and reads them; resolves with the code of what went wrong. */
async function give(name: string): Promise<unknown> {
  return codeOf(async () => {
    const session = await drive();
    try {
      const x = session.input(name, Float32Array.of(1, 2, 3));
      const y = session.input(`${name}-other`, Float32Array.of(1, 2, 3));
      await x.mul(y).realize();
    } finally {
      await session.leave();
    }
  });
}

/** Whether the parties hold an input of this name, as somebody sees who comes directly. */
async function held(name: string): Promise<boolean> {
  meddle = honest;
  const session = await drive(parties.web);
  try {
    return session.input(name) !== undefined;
  } catch {
    return false;
  } finally {
    await session.leave();
  }
}

/** Two messages in each other's place: the second waits for nothing, since both are under way at once. */
function swapped(n: number): Meddle {
  const kept = new Map<string, Uint8Array>();
  return (direction, k, message, party) => {
    if (direction === "down" || k < n || k > n + 1) return [message];
    if (k === n) {
      kept.set(party, message);
      return [];
    }
    return [message, kept.get(party)!];
  };
}

const CUT = ["MPC_PARTY_LOST", "ENVELOPE_INVALID"];
/** The greeting is read before there are keys: the bit may be one of its version. */
const GREETING = "a flipped bit in message 0 to the page";
// Up: hello, drive, list, put, chunk, ... Down: greeting, reply to drive, to list, to put, ...
const ATTACKS: readonly (readonly [string, Meddle])[] = [
  ...[0, 1, 2, 3, 4].map((n) => [`a flipped bit in message ${n} to the parties`, at("up", n, (m) => [flip(m)])] as const),
  ...[0, 1, 2, 3].map((n) => [`a flipped bit in message ${n} to the page`, at("down", n, (m) => [flip(m)])] as const),
  ...[1, 3].map((n) => [`message ${n} to the parties twice`, at("up", n, (m) => [m, m])] as const),
  ["a reply twice", at("down", 1, (m) => [m, m])],
  ["a message left out before the next", at("up", 3, () => [])],
  ["two messages in each other's place", swapped(3)],
  ["a message cut short", at("up", 3, (m) => [m.subarray(0, m.length - 1)])],
  ["a message of nobody before the first", at("up", 0, (m) => [flip(m), m])],
];

describe("somebody in the middle of a plain web connection", () => {
  it("sees names, Programs, sizes and public values, and neither inputs nor results", async () => {
    const seen: Uint8Array[] = [];
    meddle = (_direction, _n, message) => {
      seen.push(message);
      return [message];
    };
    const values = Float32Array.of(1234.5678, 4321.8765, 2222.3333, 3333.2222);
    const session = await drive();
    const x = session.input("weights-of-patients", values);
    const y = await x.mul(3).reveal({ to: "driver", why: "seen by the driver alone" });
    await session.leave();
    const all = Buffer.concat(seen);
    for (const name of ["weights-of-patients", "driver", "seen by the driver alone"]) expect(all.includes(name)).toBe(true);
    for (const v of [values, Float32Array.from(y as Float32Array)]) {
      const forms = [v, Float64Array.from(v), encodeFixed(v, 16)].flatMap((f) => {
        const width = f.BYTES_PER_ELEMENT;
        return Array.from(v, (_, i) => Buffer.from(f.buffer, f.byteOffset + width * i, width));
      });
      expect(forms.filter((f) => all.includes(f))).toEqual([]);
    }
  });

  it("who changes, repeats, leaves out or shortens a message gets the connection cut, and no input accepted", async () => {
    for (const [i, [what, attack]] of ATTACKS.entries()) {
      meddle = attack;
      const codes = what === GREETING ? ["MPC_VERSION", ...CUT] : CUT;
      expect(codes, what).toContain(await give(`secret-${i}`));
      // The first of two equal messages is an honest one.
      if (!what.includes("twice")) expect(await held(`secret-${i}`), what).toBe(false);
    }
  });

  it("who exchanges the parties behind two connections is found out by both", async () => {
    const [a, b, c] = Object.keys(parties.web) as [string, string, string];
    const crossed = { [a]: relayed[b]!, [b]: relayed[a]!, [c]: relayed[c]! };
    expect(await codeOf(() => drive(crossed))).toMatch(/^(MPC_PARTY_LOST|ENVELOPE_INVALID)$/);
  });

  it("who repeats a whole connection of yesterday is cut off after its first message", async () => {
    const recorded: Uint8Array[] = [];
    const [name, url] = Object.entries(parties.web)[0]!;
    meddle = (direction, _n, message, party) => {
      if (direction === "up" && party === name) recorded.push(message);
      return [message];
    };
    const session = await drive();
    await session.leave();
    expect(recorded.length).toBeGreaterThanOrEqual(3);
    const again = new Client(url, { origin: ORIGIN });
    let heard = 0;
    again.on("message", (data) => {
      if (bytesOf(data).length > 0) heard++;
    });
    await once(again, "open");
    for (const m of recorded) again.send(m);
    await once(again, "close");
    expect(heard).toBe(1);
    expect(await held("anything")).toBe(false);
  });
});
