/** @file mpc.connect: drives parties that already run. Node only. */
import type { Identity } from "../identity/identity.ts";
import type { Passphrase } from "../identity/key-text.ts";
import { openIdentity } from "../identity/open-identity.ts";
import { protocolNamed } from "../protocols/index.ts";
import { readSession } from "../session/read-session.ts";
import type { Session } from "../session/session-file.ts";
import type { OnWaiting } from "../session/waiting.ts";
import { connectClient } from "../transport/client.ts";
import { waitingOnStderr } from "./local.ts";
import type { MpcSession } from "./mpc-session.ts";
import { openSession } from "./open.ts";

export interface ConnectOptions {
  /** The driver's keys: an identity, or the path of a key file. Default: the environment's TACIT_KEY. */
  readonly identity?: Identity | string;
  /** Opens the key files that are sealed. Default: the line in the file that the environment's TACIT_PASSPHRASE_FILE names. */
  readonly passphrase?: Passphrase;
  /** Further people whose keys are on this machine: they own inputs, sign grants, open reveals. */
  readonly people?: readonly (Identity | string)[];
  /** Who owns what `tensor.to(session)` shares. Default: the driver. */
  readonly owner?: string;
  /** Hears for whom the session waits: "waiting for clinic-c (2 of 3), 14 s". Default: a line on stderr. */
  readonly waiting?: OnWaiting;
  /** Milliseconds to wait for the parties. Default: the session's time. */
  readonly wait?: number;
}

/** @throws TacitError SESSION_*, KEY_FILE, DRIVER_BUSY, MPC_* */
export async function connect(from: string | Session, options: ConnectOptions = {}): Promise<MpcSession> {
  const session = typeof from === "string" ? await readSession(from) : from;
  session.checkTime();
  const { passphrase } = options;
  const driver = await openIdentity(options.identity, passphrase);
  const others = await Promise.all((options.people ?? []).map((p) => openIdentity(p, passphrase)));
  const identities = new Map([driver, ...others].map((i) => [i.name, i]));
  const protocol = protocolNamed(session.file.protocol.name);
  const { owner = driver.name, waiting = waitingOnStderr, wait } = options;
  return openSession(session, connectClient, { protocol, identities, owner, waiting, wait });
}
