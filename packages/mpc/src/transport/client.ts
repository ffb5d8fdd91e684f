/** @file A person's connection to a party from Node: WebSocket over TLS, the party's key compared with the pinned one. */
import type { TLSSocket } from "node:tls";
import { TacitError } from "@tacit/core/errors";
import { WebSocket } from "ws";
import { peerKey } from "../identity/certificate.ts";
import { sameBytes } from "../identity/encoding.ts";
import type { Session } from "../session/session-file.ts";
import { type Channel, payloadLimit } from "./channel.ts";
import { channelOf, endSilent } from "./client-server.ts";

/** Connects to the client address of party `index`, waiting until it serves. @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE */
export async function connectClient(session: Session, index: number, signal?: AbortSignal): Promise<Channel> {
  const entry = session.file.parties[index]!;
  const until = performance.now() + session.timeout;
  while (performance.now() < until && signal?.aborted !== true) {
    const socket = await open(`wss://${entry.client}`, session.file.limits.message, until - performance.now(), signal);
    if (socket === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      continue;
    }
    if (socket.key !== undefined && sameBytes(socket.key, entry.identity.sign)) {
      watch(socket.socket, session.timeout);
      return channelOf(socket.socket);
    }
    socket.socket.terminate();
    throw new TacitError("MPC_HANDSHAKE", `connect to ${session.showParty(index)}: expected its pinned key, got another`, {
      hint: "somebody else listens there, or the party's key file was replaced: compare fingerprints",
    });
  }
  throw new TacitError(
    "MPC_TIMEOUT",
    `connect to ${session.showParty(index)}: expected it within ${session.timeout / 1000} s, got nobody`,
    {
      hint: `is it started, and is ${entry.client} reachable from here?`,
    },
  );
}

/** `rejectUnauthorized` is off because trust is the pinned key, compared before the first message. */
function open(
  url: string,
  message: number,
  handshakeTimeout: number,
  signal: AbortSignal | undefined,
): Promise<{ socket: WebSocket; key: Uint8Array | undefined } | undefined> {
  return new Promise((resolve) => {
    let key: Uint8Array | undefined;
    const socket = new WebSocket(url, {
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
      maxPayload: payloadLimit(message),
      perMessageDeflate: false,
      handshakeTimeout: Math.max(1, handshakeTimeout),
    });
    socket.on("upgrade", (response) => {
      key = isTls(response.socket) ? peerKey(response.socket) : undefined;
    });
    const stop = (): void => socket.terminate();
    signal?.addEventListener("abort", stop, { once: true });
    socket.on("error", () => resolve(undefined));
    socket.once("open", () => {
      signal?.removeEventListener("abort", stop);
      resolve({ socket, key });
    });
  });
}

const isTls = (socket: object): socket is TLSSocket => "getPeerX509Certificate" in socket;

/** A party that answers no ping for twice the session's time is gone (one that computes answers between two ops). */
function watch(socket: WebSocket, timeout: number): void {
  let heard = performance.now();
  socket.on("pong", () => {
    heard = performance.now();
  });
  socket.on("message", () => {
    heard = performance.now();
  });
  const timer = setInterval(
    () => {
      if (performance.now() - heard > 2 * timeout) endSilent(socket);
      else socket.ping();
    },
    Math.max(50, timeout / 3),
  );
  timer.unref();
  socket.once("close", () => clearInterval(timer));
}
