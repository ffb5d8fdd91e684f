/** @file Where people connect to a party: WebSocket over TLS, by ws. The carrier only: messages are signed and sealed. Node only. */
import { createServer, type Server } from "node:https";
import { TacitError } from "@tacit/core/errors";
import { type WebSocket, WebSocketServer } from "ws";
import type { TlsLeaf } from "../identity/certificate.ts";
import type { Channel } from "./channel.ts";

/** Milliseconds for a closing handshake. */
const LAST_WORDS = 300;
/** Connections at once. */
const MOST_CONNECTIONS = 64;

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
    closed = `closed with code ${code}`;
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
  };
}

/** A party's end for people. It listens before the session is known, so that its port can stand in the session file. */
export class ClientServer {
  readonly port: number;
  readonly #https: Server;
  readonly #sockets: WebSocketServer;
  #serve: ((channel: Channel) => void) | null = null;

  private constructor(https: Server, sockets: WebSocketServer, port: number) {
    this.#https = https;
    this.#sockets = sockets;
    this.port = port;
    // Refused with 503 before the handshake, whoever comes early or as one too many knows to try again.
    sockets.options.verifyClient = (_info, admit) => {
      admit(this.#serve !== null && sockets.clients.size < MOST_CONNECTIONS, 503);
    };
    sockets.on("connection", (socket) => {
      if (this.#serve === null) socket.terminate();
      else this.#serve(channelOf(socket));
    });
  }

  /** `message`: most bytes of one message. @throws TacitError MPC_ADDRESS */
  static async listen(leaf: TlsLeaf, host: string, port: number, message: number): Promise<ClientServer> {
    const https = createServer({ key: leaf.key, cert: leaf.cert, minVersion: "TLSv1.3" });
    const sockets = new WebSocketServer({ server: https, maxPayload: message, perMessageDeflate: false });
    await new Promise<void>((resolve, reject) => {
      const failed = (e: Error): void => {
        reject(new TacitError("MPC_ADDRESS", `listen: expected a free address, got ${host}:${port}`, { cause: e }));
      };
      sockets.on("error", failed);
      https.listen(port, host, resolve);
    });
    const at = https.address();
    return new ClientServer(https, sockets, typeof at === "object" && at !== null ? at.port : port);
  }

  /** From now on connections are served; before, they are refused. */
  open(serve: (channel: Channel) => void): void {
    this.#serve = serve;
  }

  async close(): Promise<void> {
    this.#serve = null;
    // The last replies are still on their way: connections that were closed in good order get a moment.
    for (let waited = 0; this.#sockets.clients.size > 0 && waited < LAST_WORDS; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#sockets.close();
    this.#https.closeAllConnections();
    await new Promise<void>((resolve) => this.#https.close(() => resolve()));
  }
}
