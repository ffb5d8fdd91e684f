/** @file One look at a party's client address, step by step: name, port, TLS, pinned key, version. Says which step fails. Node only. */
import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import { peerKey } from "../identity/certificate.ts";
import { sameBytes } from "../identity/encoding.ts";
import { isRecord } from "../identity/identity.ts";
import type { Session } from "../session/session-file.ts";
import { type Channel, PROBE_PATH, payloadLimit } from "./channel.ts";
import { channelOf } from "./client-server.ts";
import { splitAddress } from "./tls.ts";

/** What stands between this machine and a party. */
export type Obstacle =
  /** The host's name leads nowhere. */
  | "name"
  /** The machine answers, and nothing listens there. */
  | "refused"
  /** Nobody answers in time: switched off, behind a firewall, or a process that is stopped. */
  | "timeout"
  /** Something listens that does not speak TLS 1.3 and WebSocket. */
  | "protocol"
  /** Another key than the session file's. */
  | "key"
  /** The party listens, and takes no probe: an older version, or no place is left. */
  | "version";

export type Reached =
  | { readonly channel: Channel; readonly milliseconds: number }
  | { readonly obstacle: Obstacle; readonly detail: string };

const detailOf = (e: unknown): string => (isRecord(e) && typeof e.code === "string" ? e.code : "no reason given");

/** Looks at party `index` once, for at most `timeout` milliseconds. Never throws. */
export async function reachParty(session: Session, index: number, timeout: number): Promise<Reached> {
  const began = performance.now();
  const left = (): number => Math.max(1, timeout - (performance.now() - began));
  const { host, port } = splitAddress(session.file.parties[index]!.client);
  const named = await Promise.race([
    lookup(host).then(
      () => null,
      (e: unknown) => detailOf(e),
    ),
    new Promise<string>((resolve) => setTimeout(resolve, left(), "no answer").unref()),
  ]);
  if (named !== null) return { obstacle: "name", detail: named };
  const knocked = await knock(host, port, left());
  if ("obstacle" in knocked) return knocked;
  const opened = await open(session, index, left());
  return "obstacle" in opened ? opened : { channel: opened.channel, milliseconds: knocked.milliseconds };
}

type Knocked = { readonly milliseconds: number } | Extract<Reached, { obstacle: Obstacle }>;

/** TCP alone: whether anything listens, and how far away it is. */
function knock(host: string, port: number, timeout: number): Promise<Knocked> {
  return new Promise((resolve) => {
    const began = performance.now();
    const socket: Socket = connect({ host, port });
    const done = (result: Knocked): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => done({ obstacle: "timeout", detail: "no answer" }), timeout);
    socket.once("connect", () => done({ milliseconds: performance.now() - began }));
    socket.once("error", (e) => {
      const detail = detailOf(e);
      done({ obstacle: detail === "ECONNREFUSED" ? "refused" : "timeout", detail });
    });
  });
}

/** TLS with the pinned key, then the door for probes. */
function open(
  session: Session,
  index: number,
  timeout: number,
): Promise<{ readonly channel: Channel } | Extract<Reached, { obstacle: Obstacle }>> {
  const entry = session.file.parties[index]!;
  return new Promise((resolve) => {
    const socket = new WebSocket(`wss://${entry.client}${PROBE_PATH}`, {
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
      maxPayload: payloadLimit(session.file.limits.message),
      perMessageDeflate: false,
      handshakeTimeout: timeout,
    });
    const fail = (obstacle: Obstacle, detail: string): void => {
      socket.on("error", () => {});
      socket.terminate();
      resolve({ obstacle, detail });
    };
    const pinned = (at: object): boolean => {
      const key = isTls(at) ? peerKey(at) : undefined;
      return key !== undefined && sameBytes(key, entry.identity.sign);
    };
    let own = false;
    socket.on("upgrade", (response) => {
      own = pinned(response.socket);
    });
    socket.on("unexpected-response", (_request, response) => {
      if (!pinned(response.socket)) return fail("key", "another key");
      fail("version", `answered ${response.statusCode ?? 0}`);
    });
    socket.once("error", (e) => {
      const late = e.message.includes("timed out");
      fail(late ? "timeout" : "protocol", late ? "no answer" : detailOf(e));
    });
    socket.once("open", () => (own ? resolve({ channel: channelOf(socket) }) : fail("key", "another key")));
  });
}

const isTls = (socket: object): socket is TLSSocket => "getPeerX509Certificate" in socket;
