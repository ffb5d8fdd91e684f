/**
 * @file Where people connect to a party: WebSocket, by ws, over TLS of the party's own key, and for pages over whatever its operator
 * offers. The carrier only: messages are signed and sealed. Node only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { TacitError } from "@tacit/core/errors";
import { type WebSocket, WebSocketServer } from "ws";
import type { TlsLeaf } from "../identity/certificate.ts";
import { unref } from "../timers.ts";
import { type Channel, PROBE_PATH, payloadLimit, SILENT, STRANGER_BYTES } from "./channel.ts";
import { splitAddress } from "./tls.ts";

/** Milliseconds for a closing handshake. */
const LAST_WORDS = 300;
/** Connections at once. */
const MOST_CONNECTIONS = 64;

/** Sockets that were ended because nothing came any more. */
const silent = new WeakSet<WebSocket>();
export function endSilent(socket: WebSocket): void {
  silent.add(socket);
  socket.terminate();
}

/** A WebSocket as a Channel. Text messages, and messages that the other end breaks off, close it. */
export function channelOf(socket: WebSocket): Channel {
  const early: Uint8Array[] = [];
  let listener: Parameters<Channel["listen"]>[0] | null = null;
  let closed: string | null = null;
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    if (!isBinary || early.length > 64) return socket.terminate();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (listener === null) early.push(bytes);
    else listener.message(bytes);
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", (code: number) => {
    closed = silent.has(socket) ? SILENT : `closed with code ${code}`;
    listener?.closed(closed);
  });
  return {
    send: (message) => socket.send(message),
    listen(on): void {
      listener = on;
      for (const m of early.splice(0)) on.message(m);
      if (closed !== null) on.closed(closed);
    },
    close: () => socket.close(),
    cut: () => socket.terminate(),
    buffered: () => socket.bufferedAmount,
  };
}

/**
 * The same, ended after STRANGER_BYTES that come while nobody of the session has spoken. Counted as they come: a receiver of ws keeps what it
 * has of a message until the whole of it is there, and its own limit is of one message, set once.
 */
function watched(socket: WebSocket, stream: Duplex): Channel {
  let left = STRANGER_BYTES;
  const count = (bytes: Uint8Array): void => {
    left -= bytes.length;
    if (left < 0) socket.terminate();
  };
  stream.on("data", count);
  return { ...channelOf(socket), admit: () => void stream.off("data", count) };
}

/** Where pages connect: an address of its own, beside the one that other clients use. */
export interface WebEndpoint {
  /** host:port. Without `tls` meant for loopback, or for a proxy on the same machine that speaks TLS. */
  readonly address: string;
  /** Origins whose pages may connect, as browsers write them: `https://clinic.example`. */
  readonly origins: readonly string[];
  /** A certificate that browsers trust and its key, PEM. Null: plain WebSocket. */
  readonly tls: TlsLeaf | null;
}

/** Sizes and times before anybody is known: a header of 8 KiB, 10 s for a request and for a TLS handshake. */
const STRICT = { maxHeaderSize: 8192, headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1000 };
const HANDSHAKE = 10_000;
/** Sockets that may be open at once, those included that have not asked for a WebSocket yet. */
const MOST_SOCKETS = 4 * MOST_CONNECTIONS;
/** A client that answers no ping for this long, or for twice the session's time, is gone. */
const SILENT_MS = 5000;
const NOTHING = new Uint8Array(0);

/** Sees whether a client still answers; `beats` tells a page, which sees no pings, by empty messages that the party is there. */
function watch(socket: WebSocket, timeout: number, beats: boolean): void {
  let heard = performance.now();
  const hear = (): void => {
    heard = performance.now();
  };
  socket.on("pong", hear).on("message", hear);
  const look = (): void => {
    if (performance.now() - heard > Math.max(SILENT_MS, 2 * timeout)) endSilent(socket);
    else socket.ping();
    if (beats) socket.send(NOTHING, () => undefined);
  };
  const timer = unref(setInterval(look, Math.max(50, timeout / 3)));
  socket.once("close", () => clearInterval(timer));
}

/** Nothing is served here but WebSockets. */
function noPages(request: IncomingMessage, reply: ServerResponse): void {
  request.resume();
  reply.writeHead(426, { Connection: "close", Upgrade: "websocket" }).end();
}

function serverOf(tls: TlsLeaf | null): Server {
  if (tls === null) return createServer(STRICT, noPages);
  try {
    const { key, cert } = tls;
    return createTlsServer({ ...STRICT, key, cert, minVersion: "TLSv1.3", handshakeTimeout: HANDSHAKE }, noPages);
  } catch {
    // Its words may quote the key.
    throw new TacitError("PARTY_CONFIG", "web: expected a certificate and its private key in PEM, got something else");
  }
}

/** A party's end for people. It listens before the session is known, so that its port can stand in the session file. */
export class ClientServer {
  readonly port: number;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #web: boolean;
  #timeout = 0;
  #serve: ((channel: Channel) => void) | null = null;
  #door: ((channel: Channel) => void) | null = null;

  private constructor(http: Server, sockets: WebSocketServer, port: number, origins: ReadonlySet<string> | null) {
    this.#http = http;
    this.#sockets = sockets;
    this.#web = origins !== null;
    this.port = port;
    // Refused with 503 before the handshake, whoever comes early or as one too many knows to try again.
    const server = (request: IncomingMessage): ((channel: Channel) => void) | null =>
      request.url === PROBE_PATH ? this.#door : this.#serve;
    sockets.options.verifyClient = ({ req }, admit) => {
      if (origins !== null && !origins.has(req.headers.origin ?? "")) admit(false, 403);
      else admit(server(req) !== null && sockets.clients.size < MOST_CONNECTIONS, 503);
    };
    sockets.on("connection", (socket, request) => {
      const serve = server(request);
      if (serve === null) return socket.terminate();
      watch(socket, this.#timeout, this.#web);
      serve(watched(socket, request.socket));
    });
  }

  /** For clients that pin the party's own certificate. `message`: most bytes of one message. @throws TacitError MPC_ADDRESS */
  static listen(leaf: TlsLeaf, host: string, port: number, message: number): Promise<ClientServer> {
    return ClientServer.#listen(serverOf(leaf), host, port, message, null);
  }

  /** For pages: of these origins alone. @throws TacitError MPC_ADDRESS, PARTY_CONFIG */
  static listenWeb({ address, origins, tls }: WebEndpoint, message: number): Promise<ClientServer> {
    const { host, port } = splitAddress(address);
    return ClientServer.#listen(serverOf(tls), host, port, message, new Set(origins));
  }

  static async #listen(
    http: Server,
    host: string,
    port: number,
    message: number,
    origins: ReadonlySet<string> | null,
  ): Promise<ClientServer> {
    http.maxConnections = MOST_SOCKETS;
    const sockets = new WebSocketServer({ server: http, maxPayload: payloadLimit(message), perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      const failed = (e: Error): void => {
        reject(new TacitError("MPC_ADDRESS", `listen: expected a free address, got ${host}:${port}`, { cause: e }));
      };
      sockets.on("error", failed);
      http.listen(port, host, resolve);
    });
    const at = http.address();
    return new ClientServer(http, sockets, typeof at === "object" && at !== null ? at.port : port, origins);
  }

  /** Connections at PROBE_PATH are served from now on, whether the others are or not. */
  openDoor(timeout: number, serve: (channel: Channel) => void): void {
    this.#timeout = timeout;
    this.#door = serve;
  }

  /** From now on connections are served; before, they are refused. `timeout`: the session's, milliseconds. */
  open(timeout: number, serve: (channel: Channel) => void): void {
    this.#timeout = timeout;
    this.#serve = serve;
  }

  async close(): Promise<void> {
    this.#serve = null;
    this.#door = null;
    // The last replies are still on their way: connections that were closed in good order get a moment.
    for (let waited = 0; this.#sockets.clients.size > 0 && waited < LAST_WORDS; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
  }
}
