/** @file Serves the page on loopback, and starts three local parties for whoever opened it: the page sends the public halves of its keys. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { mpc } from "@tacit/mpc";
import { build } from "vite";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
};
/** Two public files have 600 characters. */
const MOST_BYTES = 16_384;
/** The page runs its own scripts and WebAssembly, and reaches this server and the parties on this machine: nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src data:",
  "connect-src 'self' ws://127.0.0.1:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page and its parts by path, bundled once. */
async function bundle(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const root = fileURLToPath(new URL(".", import.meta.url));
  const built = await build({
    root,
    configFile: false,
    logLevel: "error",
    build: { write: false, target: "es2024", modulePreload: false, chunkSizeWarningLimit: 2000 },
  });
  const outputs = [built].flat().flatMap((o) => ("output" in o ? o.output : []));
  return new Map(outputs.map((o) => [`/${o.fileName}`, o.type === "chunk" ? o.code : o.source]));
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > MOST_BYTES) throw new Error("too long");
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString("utf8")) as Record<string, unknown>;
}

const publicOf = (x: unknown): mpc.PublicFile["identity"] => mpc.parsePublic(JSON.stringify(x)).identity;

export interface Served {
  readonly url: string;
  /** The parties of the latest page; null before the first. */
  readonly parties: mpc.LocalParties | null;
  close(): Promise<void>;
}

/** @param timeout the session's, in milliseconds: how long anybody waits for anybody */
export async function servePage(port = 5174, timeout = 10_000): Promise<Served> {
  const files = await bundle();
  let parties: mpc.LocalParties | null = null;
  let origins: readonly string[] = [];

  const start = async (request: IncomingMessage): Promise<void> => {
    const { driver, people } = await bodyOf(request);
    const others = Array.isArray(people) ? people.map(publicOf) : [];
    await parties?.close();
    parties = null;
    const options = { driver: publicOf(driver), people: others, web: origins, quiet: true, limits: { timeout } };
    const made = await mpc.localParties(3, options);
    parties = made;
    // A party that is gone takes the session with it: the next page gets three new ones.
    void Promise.race(made.children.map((c) => c.exited)).then(async () => {
      if (parties === made) parties = null;
      await made.close();
    });
  };

  const answer = async (request: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/", headers } = request;
    const path = url.split("?")[0] === "/" ? "/index.html" : url.split("?")[0]!;
    // Another name for this machine, or another page, is not answered.
    const here = origins.map((o) => o.slice("http://".length)).includes(headers.host ?? "");
    const ours = method === "GET" || origins.includes(headers.origin ?? "");
    if (!here || !ours) return void reply.writeHead(403).end();
    reply.setHeader("Content-Security-Policy", POLICY).setHeader("X-Content-Type-Options", "nosniff");
    reply.setHeader("Referrer-Policy", "no-referrer").setHeader("Cache-Control", "no-store");
    if (path === "/parties") {
      if (method === "POST") await start(request);
      if (parties === null) return void reply.writeHead(404).end();
      reply.setHeader("Content-Type", "application/json");
      return void reply.end(JSON.stringify({ session: parties.session.toJson(), web: parties.web }));
    }
    const file = files.get(path);
    if (file === undefined || method !== "GET") return void reply.writeHead(404).end();
    reply.setHeader("Content-Type", TYPES[extname(path)] ?? "application/octet-stream").end(file);
  };

  const server = createServer((request, reply) => {
    answer(request, reply).catch(() => {
      if (!reply.headersSent) reply.writeHead(400);
      reply.end();
    });
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const at = (server.address() as { port: number }).port;
  origins = [`http://127.0.0.1:${at}`, `http://localhost:${at}`];
  return {
    url: `${origins[0]}/`,
    get parties() {
      return parties;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await parties?.close();
    },
  };
}
