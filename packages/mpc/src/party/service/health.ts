/** @file A party's health endpoint: GET /health over HTTP, for supervisors on the same machine. Node only. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { TacitError } from "@tacit/core/errors";
import { splitAddress } from "../../transport/tls.ts";

/** All that it says. */
export interface Health {
  readonly live: true;
  /** Whether it is joined with all parties and serves people. */
  readonly ready: boolean;
  /** The session's id, which is no secret. */
  readonly session: string;
  readonly peers: { readonly connected: number; readonly of: number };
  /** The least run number that was never used. */
  readonly run: number;
}

const MOST_CONNECTIONS = 16;
const LONGEST = 2000;

function answer(request: IncomingMessage, reply: ServerResponse, look: () => Health): void {
  request.resume();
  reply.setHeader("Cache-Control", "no-store").setHeader("Connection", "close");
  const known = request.url === "/health";
  if (!known || (request.method !== "GET" && request.method !== "HEAD")) {
    reply.writeHead(known ? 405 : 404).end();
    return;
  }
  const health = look();
  reply.setHeader("Content-Type", "application/json").writeHead(health.ready ? 200 : 503);
  reply.end(`${JSON.stringify(health)}\n`);
}

/** Answers 200 where ready, 503 where not. Resolves with what closes it. @throws TacitError MPC_ADDRESS */
export async function serveHealth(address: string, look: () => Health): Promise<() => Promise<void>> {
  const { host, port } = splitAddress(address);
  const options = { maxHeaderSize: 4096, headersTimeout: LONGEST, requestTimeout: LONGEST, connectionsCheckingInterval: 500 };
  const server = createServer(options, (request, reply) => answer(request, reply, look));
  server.maxConnections = MOST_CONNECTIONS;
  server.on("clientError", (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new TacitError("MPC_ADDRESS", `health: expected a free address, got ${address}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
}
