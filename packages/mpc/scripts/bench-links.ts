/** @file Measures a round of a few bytes and the throughput between two party processes over TLS on loopback. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Identity } from "../src/identity/identity.ts";
import { DEFAULT_LIMITS, Session } from "../src/session/session-file.ts";
import type { FrameLink } from "../src/transport/frame-link.ts";
import { connectParties } from "../src/transport/gathering.ts";
import { PartyServer } from "../src/transport/tls.ts";

const ROUNDS = 5000;
const BULK = 4_000_000;
const TIMES = 25;

async function pingPong(link: FrameLink, first: boolean): Promise<number> {
  const bytes = new Uint8Array(24);
  const start = performance.now();
  for (let op = 0; op < ROUNDS; op++) {
    if (first) link.send({ run: 1, op, lane: 0 }, 0, bytes);
    await link.receive({ run: 1, op, lane: 0 }, bytes);
    if (!first) link.send({ run: 1, op, lane: 0 }, 0, bytes);
  }
  return (performance.now() - start) / ROUNDS / 2;
}

/** Both ends send and receive at once, as parties do. */
async function bulk(link: FrameLink): Promise<number> {
  const out = new Uint8Array(BULK);
  const into = new Uint8Array(BULK);
  const start = performance.now();
  for (let op = 0; op < TIMES; op++) {
    link.send({ run: 2, op, lane: 0 }, 0, out);
    await link.receive({ run: 2, op, lane: 0 }, into);
  }
  return (BULK * TIMES) / (performance.now() - start) / 1000;
}

interface Start {
  readonly index: number;
  readonly keys: unknown;
  readonly session: string;
}

async function child(): Promise<void> {
  const identity = await Identity.generate(`party-${process.argv[2]}`);
  const server = await PartyServer.listen(identity, "127.0.0.1", 0);
  const { name, sign, seal } = identity.public;
  process.send?.({ name, sign: [...sign], seal: [...seal], port: server.port });
  process.once("message", async (start: Start) => {
    const session = Session.fromJson(start.session);
    const mesh = await connectParties(server, { session, index: start.index, identity, attempt: 1, mode: "" });
    const link = mesh.links[1 - start.index]!;
    const round = await pingPong(link, start.index === 0);
    const rate = await bulk(link);
    if (start.index === 0)
      console.log(`one message of 24 bytes: ${round.toFixed(4)} ms; both ways at once: ${rate.toFixed(0)} MB/s each`);
    await mesh.close();
    await server.close();
    process.disconnect();
  });
}

async function parent(): Promise<void> {
  const children = [0, 1].map((i) => fork(fileURLToPath(import.meta.url), [String(i)]));
  const ready = await Promise.all(
    children.map((c) => new Promise<{ name: string; sign: number[]; seal: number[]; port: number }>((r) => c.once("message", r))),
  );
  const session = new Session({
    parties: ready.map((r) => ({
      identity: { name: r.name, sign: Uint8Array.from(r.sign), seal: Uint8Array.from(r.seal) },
      address: `127.0.0.1:${r.port}`,
      client: "127.0.0.1:1",
    })),
    people: [(await Identity.generate("driver")).public],
    driver: "driver",
    protocol: { name: "none", options: { fractionBits: 16, prgRounds: 20 } },
    limits: DEFAULT_LIMITS,
    expires: Math.floor(Date.now() / 1000) + 600,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    grants: [],
  });
  for (const [index, c] of children.entries()) c.send({ index, session: session.toJson() });
}

await (process.argv[2] === undefined ? parent() : child());
