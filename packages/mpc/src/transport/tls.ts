/** @file TLS 1.3 between parties: mutual authentication, leaf keys compared with the pinned identities before any byte. Node only. */
import { constants } from "node:crypto";
import {
  type ConnectionOptions,
  createServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
  connect as tlsConnect,
} from "node:tls";
import { TacitError } from "@tacit/core/errors";
import { isPinned, leafOf, peerKey, type TlsLeaf } from "../identity/certificate.ts";
import { sameBytes } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import type { Session } from "../session/session-file.ts";
import type { Connection } from "./mesh.ts";
import type { Carrier } from "./outbox.ts";

const ALPN = "tacit-party/1";
/** Connections that wait for their turn; more are refused. */
const MOST_WAITING = 64;
/** Sockets that may be open at once, those included that have not shown a key: a stranger must not use up the process's files. */
const MOST_SOCKETS = 256;

/**
 * TLS 1.3 alone, AES-GCM (on CPUs with AES it is twice as fast as ChaCha20-Poly1305), tickets off. `rejectUnauthorized` is
 * off because trust is the pinned key, compared below, and not a chain; possession of the key is proved by the handshake.
 */
function tlsOptions(leaf: TlsLeaf): TlsOptions & ConnectionOptions {
  return {
    key: leaf.key,
    cert: leaf.cert,
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
    secureOptions: constants.SSL_OP_NO_TICKET,
    rejectUnauthorized: false,
    ALPNProtocols: [ALPN],
  };
}

/** A socket as a Connection: paused until a link is attached. */
export function connectionOf(socket: TLSSocket): Connection {
  return {
    attach(open): void {
      const carrier: Carrier = {
        write: (bytes, written) => void socket.write(bytes, written),
        end: () =>
          new Promise((resolve) => {
            if (socket.destroyed) return resolve();
            socket.once("close", () => resolve());
            socket.end();
          }),
        destroy: () => socket.destroy(),
      };
      const link = open(carrier);
      socket.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
        link.feed(chunk);
        // A record has a buffer of its own. Left to the collector, 26 MB of them per ReLU of 10^6 force two full collections.
        if (chunk.byteLength === chunk.buffer.byteLength) chunk.buffer.transfer(0);
      });
      socket.on("close", () => link.closed());
      if (socket.destroyed) link.closed();
      else socket.resume();
    },
  };
}

/** A party's listening end. It listens before the session is known, so that its port can stand in the session file. */
export class PartyServer {
  readonly port: number;
  readonly leaf: TlsLeaf;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();
  #arrived: (socket: TLSSocket) => void;
  readonly #early: TLSSocket[] = [];

  private constructor(server: Server, leaf: TlsLeaf, port: number) {
    this.#server = server;
    this.leaf = leaf;
    this.port = port;
    this.#arrived = (socket) => void this.#early.push(socket);
    server.on("secureConnection", (socket) => this.#admit(socket));
    server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** Listens at host:port; port 0 finds a free one. @throws TacitError MPC_ADDRESS */
  static async listen(identity: Identity, host: string, port: number, timeout = 30_000): Promise<PartyServer> {
    const leaf = await leafOf(identity);
    const server = createServer({ ...tlsOptions(leaf), requestCert: true, handshakeTimeout: timeout });
    server.maxConnections = MOST_SOCKETS;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (e) => {
        reject(new TacitError("MPC_ADDRESS", `listen: expected a free address, got ${host}:${port}`, { cause: e }));
      });
      server.listen(port, host, resolve);
    });
    const at = server.address();
    return new PartyServer(server, leaf, typeof at === "object" && at !== null ? at.port : port);
  }

  #admit(socket: TLSSocket): void {
    socket.on("error", () => socket.destroy());
    if (this.#sockets.size >= MOST_WAITING) return void socket.destroy();
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.setNoDelay(true);
    this.#arrived(socket);
  }

  /** Hands over connections whose leaf key is that of a party in `wanted`, a set that may change; all others are cut without a byte. */
  accept(session: Session, wanted: ReadonlySet<number>, found: (index: number, socket: TLSSocket) => void): void {
    this.#arrived = (socket) => {
      const key = peerKey(socket);
      const index = session.file.parties.findIndex((p) => key !== undefined && sameBytes(p.identity.sign, key));
      const known = wanted.has(index) && isPinned(socket, session.file.parties[index]!.identity.sign);
      if (known) found(index, socket);
      else socket.destroy();
    };
    for (const socket of this.#early.splice(0)) this.#arrived(socket);
  }

  async close(): Promise<void> {
    for (const s of this.#sockets) s.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Splits host:port; IPv6 hosts stand in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}

/**
 * One attempt to connect. Resolves with undefined where nobody listens yet, and after `timeout`: the system accepts connections
 * for a process that is stopped, which then never answers.
 */
function dialOnce(address: string, leaf: TlsLeaf, timeout: number): Promise<TLSSocket | undefined> {
  return new Promise((resolve) => {
    const socket = tlsConnect({ ...tlsOptions(leaf), ...splitAddress(address), checkServerIdentity: () => undefined });
    const timer = setTimeout(() => socket.destroy(), timeout);
    socket.once("close", () => clearTimeout(timer));
    socket.on("error", () => resolve(undefined));
    socket.once("close", () => resolve(undefined));
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** How a party looks for the others. */
export interface Reach {
  /** Milliseconds that it waits for them; default: the session's time. */
  readonly patience?: number;
  /** Other addresses than the session's, by name: the key that must answer there stays the same. */
  readonly peers?: ReadonlyMap<string, string>;
  /**
   * Told four times a second which parties are missing: those that are not joined with this one, or else those that others say
   * they wait for.
   */
  readonly waiting?: (missing: readonly number[], milliseconds: number) => void;
  /** Gives up, with its reason. */
  readonly signal?: AbortSignal;
}

/** Tries again after 25 ms at first, later every half second: a party may be hours late. */
const [FIRST_PAUSE, LAST_PAUSE] = [25, 500];

/** Connects to party `index`, waiting until it listens. @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE (another key than pinned) */
export async function dial(
  session: Session,
  index: number,
  leaf: TlsLeaf,
  signal: AbortSignal,
  reach: Reach = {},
): Promise<TLSSocket> {
  const entry = session.file.parties[index]!;
  const address = reach.peers?.get(entry.identity.name) ?? entry.address;
  const patience = reach.patience ?? session.timeout;
  const until = performance.now() + patience;
  for (let pause = FIRST_PAUSE; performance.now() < until && !signal.aborted; pause = Math.min(LAST_PAUSE, 1.2 * pause)) {
    const socket = await dialOnce(address, leaf, Math.min(session.timeout, until - performance.now()));
    if (socket !== undefined) {
      if (isPinned(socket, entry.identity.sign)) return socket;
      socket.destroy();
      throw new TacitError("MPC_HANDSHAKE", `connect to ${session.showParty(index)}: expected its pinned key, got another`, {
        hint: "somebody else listens there, or the party's key file was replaced: compare fingerprints",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new TacitError(
    "MPC_TIMEOUT",
    `connect to ${session.showParty(index)}: expected it within ${patience / 1000} s, got nobody`,
    {
      hint: `is it started, and is ${address} reachable from here?`,
    },
  );
}
