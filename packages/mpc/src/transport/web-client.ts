/**
 * @file A person's connection to a party from a browser: the platform's WebSocket. It can pin no certificate, and need not: whoever is
 * at the other end signs with the party's key over a fresh challenge, or is cut off. Runs in Node too, with a WebSocket of the same kind.
 */
import { TacitError } from "@tacit/core/errors";
import type { Session } from "../session/session-file.ts";
import { unref } from "../timers.ts";
import type { Channel, Connector } from "./channel.ts";

/** The web address of each party by its name: `ws://host:port` or `wss://host[:port][/path]`. Not in the session file: a carrier is not trusted. */
export type WebAddresses = Readonly<Record<string, string>>;

/** Milliseconds between two attempts: browsers slow down pages that try more often. */
const RETRY = 250;
/** Messages that may come before somebody listens. */
const MOST_EARLY = 64;
const OPEN = 1;

/** @throws TacitError WEB_ADDRESS unless there is one for every party of the session and for nobody else */
export function checkAddresses(session: Session, web: WebAddresses): void {
  const names = session.file.parties.map((p) => p.identity.name);
  const other = Object.keys(web).find((n) => !names.includes(n));
  if (other !== undefined) {
    throw new TacitError("WEB_ADDRESS", `connect: expected web addresses of ${names.join(", ")}, got one of somebody else`);
  }
  for (const name of names) {
    const at = Object.hasOwn(web, name) ? web[name] : undefined;
    if (typeof at === "string" && URL.canParse(at) && ["ws:", "wss:"].includes(new URL(at).protocol)) continue;
    const got = at === undefined ? "none" : "another form";
    throw new TacitError("WEB_ADDRESS", `connect: expected a ws:// or wss:// address of ${name}, got ${got}`, {
      hint: "it is what stands as web in that party's party.json, or what its operator's proxy serves",
    });
  }
}

/** Reaches parties at their web addresses. `make` opens a WebSocket: the platform's, if it is not given. */
export function webConnector(web: WebAddresses, make: (url: string) => WebSocket = (url) => new WebSocket(url)): Connector {
  return async (session, index, signal) => {
    checkAddresses(session, web);
    const url = web[session.partyName(index)]!;
    const until = performance.now() + session.timeout;
    while (performance.now() < until && !signal.aborted) {
      const socket = start(url, make);
      // Listens from the start: the greeting may come with the last byte of the handshake.
      const channel = webChannel(socket, session);
      if (await opened(socket, until - performance.now(), signal)) return channel;
      channel.close();
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
    const origin = typeof location === "undefined" ? "" : `, and does its party.json list the origin ${location.origin}`;
    const waited = `connect to ${session.showParty(index)}: expected it within ${session.timeout / 1000} s, got nobody`;
    throw new TacitError("MPC_TIMEOUT", waited, { hint: `is it started, is ${url} reachable from here${origin}?` });
  };
}

function start(url: string, make: (url: string) => WebSocket): WebSocket {
  try {
    return make(url);
  } catch (cause) {
    throw new TacitError("WEB_ADDRESS", `connect: expected an address that this page may open, got ${url}`, {
      hint: "a page that came over https reaches wss:// alone",
      cause,
    });
  }
}

/** Whether the socket opened in time. */
function opened(socket: WebSocket, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve(socket.readyState === OPEN && !signal.aborted);
    };
    const timer = setTimeout(done, Math.max(1, ms));
    signal.addEventListener("abort", done, { once: true });
    for (const event of ["open", "error", "close"] as const) socket.addEventListener(event, done, { once: true });
  });
}

/**
 * A WebSocket as a Channel. Pages see no pings: the party sends empty messages instead (client-server.ts), and one that is silent for
 * twice the session's time is gone. Text, and messages above the session's limit, close it.
 */
function webChannel(socket: WebSocket, session: Session): Channel {
  socket.binaryType = "arraybuffer";
  const early: Uint8Array[] = [];
  let listener: Parameters<Channel["listen"]>[0] | null = null;
  let over: string | null = null;
  let heard = performance.now();
  const end = (why: string): void => {
    if (over !== null) return;
    over = why;
    clearInterval(watch);
    socket.close();
    listener?.closed(why);
  };
  let stale = false;
  const look = (): void => {
    const late = performance.now() - heard > 2 * session.timeout;
    // Twice: after a machine slept, a timer comes before the messages that lay in the socket.
    if (late && stale) end("silent");
    stale = late;
  };
  const watch = unref(setInterval(look, Math.max(50, session.timeout / 3)));
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    heard = performance.now();
    if (over !== null) return;
    if (!(data instanceof ArrayBuffer) || data.byteLength > session.file.limits.message) return end("not a message");
    if (data.byteLength === 0) return;
    const bytes = new Uint8Array(data);
    if (listener !== null) listener.message(bytes);
    else if (early.push(bytes) > MOST_EARLY) end("too early");
  });
  socket.addEventListener("error", () => end("error"));
  socket.addEventListener("close", ({ code }) => end(`closed with code ${code}`));
  return {
    buffered: () => socket.bufferedAmount,
    send(message): void {
      if (over === null) socket.send(new Uint8Array(message));
    },
    listen(on): void {
      listener = on;
      for (const m of early.splice(0)) on.message(m);
      if (over !== null) on.closed(over);
    },
    close: () => end("closed here"),
  };
}
