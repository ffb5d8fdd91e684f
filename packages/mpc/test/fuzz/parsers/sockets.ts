/** @file What listens: the health endpoint, the endpoint for pages (HTTP, then WebSocket), the TLS ends for parties and people. */
import { connect } from "node:net";
import { leafOf } from "../../../src/identity/certificate.ts";
import { type Health, serveHealth } from "../../../src/party/service/health.ts";
import { ClientServer } from "../../../src/transport/client-server.ts";
import { PartyServer } from "../../../src/transport/tls.ts";
import type { Dice } from "../dice.ts";
import { bytesOf, holds, type Parser } from "../parser.ts";
import { PARTIES, SESSION } from "../world.ts";
import { pieces } from "./transport.ts";

/** Something that listens on loopback. */
interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

const [PATIENCE, MOST_REPLY] = [4000, 65_536];

/** Sends `bytes` in pieces, ends its side, and returns what came back until the other side closed; null where it did not. */
function talk(port: number, bytes: readonly Uint8Array[]): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const done = (whole: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(whole ? Buffer.concat(heard) : null);
    };
    const timer = setTimeout(() => done(false), PATIENCE);
    socket.on("connect", () => {
      for (const b of bytes) socket.write(b);
      socket.end();
    });
    socket.on("data", (b) => {
      heard.push(b);
      if (Buffer.concat(heard).length > MOST_REPLY) done(false);
    });
    socket.on("error", () => done(true));
    socket.on("end", () => done(true));
    socket.on("close", () => done(true));
  });
}

/** A parser whose end listens from its first input to its last. */
function listener(
  parser: Omit<Parser, "read" | "close" | "share">,
  start: () => Promise<Listening>,
  check: (reply: Buffer, input: Uint8Array) => void,
): Parser {
  let open: Promise<Listening> | null = null;
  return {
    ...parser,
    share: 0.01,
    async read(input: Uint8Array, dice: Dice) {
      open ??= start();
      const { port } = await open;
      const reply = await talk(port, pieces(input, dice).slice(0, 64));
      holds(reply !== null, "a connection of a stranger is answered and closed");
      check(reply!, input);
      return undefined;
    },
    async close() {
      const closing = open;
      open = null;
      await (await closing)?.close();
    },
  };
}

const HEALTH: Health = { live: true, ready: true, session: SESSION.hex, peers: { connected: 2, of: 2 }, run: 7 };
const httpStatus = (reply: Buffer): string => /^HTTP\/1\.1 (\d{3})/.exec(reply.toString("latin1"))?.[1] ?? "none";

const health = listener(
  {
    name: "health requests",
    guards: ["mpc/src/party/service/health.ts"],
    form: "bytes",
    seeds: [
      "GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
      "HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
      "POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
      "GET /../health?x HTTP/1.0\r\n\r\n",
    ].map(bytesOf),
    codes: [],
  },
  async () => {
    // The endpoint does not tell its port: one that was free a moment ago.
    const probe = await PartyServer.listen(PARTIES[0]!, "127.0.0.1", 0);
    await probe.close();
    const close = await serveHealth(`127.0.0.1:${probe.port}`, () => HEALTH);
    return { port: probe.port, close };
  },
  (reply) => {
    holds(
      ["none", "200", "400", "404", "405", "408", "431", "417"].includes(httpStatus(reply)),
      `a status of its own, got ${httpStatus(reply)}`,
    );
    const body = reply.toString("latin1").split("\r\n\r\n").slice(1).join("");
    for (const secret of ["key", "share"]) holds(!body.includes(secret), "nothing but its five fields");
  },
);

const ORIGIN = "https://clinic.example";
const upgrade = (origin: string): string =>
  `GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: ${origin}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
/** A masked binary frame of a client. */
const masked = (opcode: number, payload: readonly number[]): number[] => [
  0x80 | opcode,
  0x80 | payload.length,
  0,
  0,
  0,
  0,
  ...payload,
];

const MESSAGE = 4096;
let heard: Uint8Array[] = [];
const web = listener(
  {
    name: "WebSocket of a page",
    guards: ["mpc/src/transport/client-server.ts"],
    form: "bytes",
    seeds: [
      [...bytesOf(upgrade(ORIGIN)), ...masked(2, [1, 2, 3]), ...masked(8, [3, 0xe8])],
      [...bytesOf(upgrade(ORIGIN)), ...masked(9, [1]), ...masked(2, [1]), ...masked(1, [65]), ...masked(2, [2])],
      [...bytesOf(upgrade("https://elsewhere.example"))],
    ].map((b) => Uint8Array.from(b)),
    codes: [],
  },
  async () => {
    const server = await ClientServer.listenWeb({ address: "127.0.0.1:0", origins: [ORIGIN], tls: null }, MESSAGE);
    server.open(1000, (channel) => channel.listen({ message: (m) => heard.push(m), closed: () => {} }));
    return server;
  },
  (reply, input) => {
    const own = Buffer.from(input).toString("latin1").toLowerCase().includes(`origin: ${ORIGIN}`);
    // A refused request may be followed by a good one in the same connection.
    const upgraded = reply.includes("HTTP/1.1 101 ");
    holds(!upgraded || own, "no page of another origin is let in");
    holds(
      heard.every((m) => m.length <= MESSAGE),
      "no message above the limit",
    );
    holds(heard.length === 0 || upgraded, "no message without a WebSocket");
    heard = [];
  },
);

/** The first bytes of a TLS client's hello, then nothing of sense. */
const CLIENT_HELLO = Uint8Array.from([
  0x16,
  3,
  1,
  0,
  0x50,
  1,
  0,
  0,
  0x4c,
  3,
  3,
  ...new Array<number>(64).fill(7),
  0,
  2,
  0x13,
  1,
  1,
  0,
  0,
  0,
]);
const noSecret = (reply: Buffer): void => {
  holds(reply.length < 1000, "an alert at most: no stranger gets a certificate for garbage");
};
const tls = (name: string, guard: string, start: () => Promise<Listening>): Parser =>
  listener({ name, guards: [guard], form: "bytes", seeds: [CLIENT_HELLO], codes: [] }, start, noSecret);

export const SOCKET_PARSERS: readonly Parser[] = [
  health,
  web,
  tls("TLS of parties", "mpc/src/transport/tls.ts", () => PartyServer.listen(PARTIES[0]!, "127.0.0.1", 0, 1000)),
  tls("TLS of people", "mpc/src/transport/client-server.ts", async () => {
    return ClientServer.listen(await leafOf(PARTIES[0]!), "127.0.0.1", 0, MESSAGE);
  }),
];
