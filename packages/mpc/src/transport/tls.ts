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
import { type Connection, type Mesh, type MeshOptions, openMesh } from "./mesh.ts";
import type { Carrier } from "./outbox.ts";

const ALPN = "tacit-party/1";
/** Connections that wait for their turn; more are refused. */
const MOST_WAITING = 64;

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
function connectionOf(socket: TLSSocket): Connection {
  return {
    attach(open): void {
      const carrier: Carrier = { write: (bytes, written) => void socket.write(bytes, written), destroy: () => socket.destroy() };
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

  /** Hands over connections whose leaf key is that of a party in `wanted`, one per party; all others are cut without a byte. */
  accept(session: Session, wanted: readonly number[], found: (index: number, socket: TLSSocket) => void): void {
    const left = new Set(wanted);
    this.#arrived = (socket) => {
      const key = peerKey(socket);
      const index = session.file.parties.findIndex((p) => key !== undefined && sameBytes(p.identity.sign, key));
      const known = left.has(index) && isPinned(socket, session.file.parties[index]!.identity.sign);
      if (!known) return void socket.destroy();
      left.delete(index);
      found(index, socket);
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

/** Connects to party `index`, waiting until it listens. @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE (another key than pinned) */
export async function dial(session: Session, index: number, leaf: TlsLeaf, signal: AbortSignal): Promise<TLSSocket> {
  const entry = session.file.parties[index]!;
  const until = Date.now() + session.timeout;
  while (Date.now() < until && !signal.aborted) {
    const socket = await dialOnce(entry.address, leaf, until - Date.now());
    if (socket !== undefined) {
      if (isPinned(socket, entry.identity.sign)) return socket;
      socket.destroy();
      throw new TacitError("MPC_HANDSHAKE", `connect to ${session.showParty(index)}: expected its pinned key, got another`, {
        hint: "somebody else listens there, or the party's key file was replaced: compare fingerprints",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new TacitError(
    "MPC_TIMEOUT",
    `connect to ${session.showParty(index)}: expected it within ${session.timeout / 1000} s, got nobody`,
    {
      hint: `is it started, and is ${entry.address} reachable from here?`,
    },
  );
}

/** Waits for the parties after `index`. */
function awaitLater(session: Session, index: number, server: PartyServer, signal: AbortSignal): Promise<Map<number, TLSSocket>> {
  const later = session.file.parties.map((_, j) => j).filter((j) => j > index);
  const found = new Map<number, TLSSocket>();
  return new Promise((resolve, reject) => {
    if (later.length === 0) return resolve(found);
    const missing = (): string =>
      later
        .filter((j) => !found.has(j))
        .map((j) => session.showParty(j))
        .join(", ");
    const timer = setTimeout(() => {
      reject(
        new TacitError("MPC_TIMEOUT", `waiting for ${missing()}: expected it within ${session.timeout / 1000} s, got nobody`),
      );
    }, session.timeout);
    signal.addEventListener("abort", () => clearTimeout(timer));
    server.accept(session, later, (j, socket) => {
      found.set(j, socket);
      if (found.size < later.length) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}

/**
 * Connects party `index` to all others over TLS: it dials those before it and waits for those after it.
 * @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE, MPC_PARTY_LOST
 */
export async function connectParties(server: PartyServer, options: MeshOptions): Promise<Mesh> {
  const { session, index } = options;
  const stop = new AbortController();
  let connected = false;
  try {
    const before = Array.from({ length: index }, async (_, j) => {
      const socket = await dial(session, j, server.leaf, stop.signal);
      stop.signal.addEventListener("abort", () => connected || socket.destroy());
      return socket;
    });
    const [dialled, accepted] = await Promise.all([Promise.all(before), awaitLater(session, index, server, stop.signal)]);
    const sockets = session.file.parties.map((_, j) => (j < index ? dialled[j] : accepted.get(j)));
    const mesh = await openMesh(
      sockets.map((s) => (s === undefined ? undefined : connectionOf(s))),
      options,
    );
    connected = true;
    return mesh;
  } finally {
    stop.abort();
  }
}
