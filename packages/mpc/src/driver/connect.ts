/** @file mpc.connect: drives parties that already run. Node only. */
import { readFile } from "node:fs/promises";
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import { readKeyFile } from "../identity/key-file.ts";
import type { Passphrase } from "../identity/key-text.ts";
import { MOST_PASSPHRASE_BYTES } from "../identity/sealed-keys.ts";
import { protocolNamed } from "../protocols/index.ts";
import { Session } from "../session/session-file.ts";
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
}

const identityOf = (from: Identity | string, passphrase: Passphrase | undefined): Promise<Identity> =>
  typeof from === "string" ? readKeyFile(from, passphrase) : Promise.resolve(from);

/** @throws TacitError KEY_PASSPHRASE */
async function fromEnvironment(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch(() => "");
  if (text !== "" && text.length <= MOST_PASSPHRASE_BYTES) return text.replace(/\r?\n$/, "");
  throw new TacitError(
    "KEY_PASSPHRASE",
    `connect: expected a passphrase in TACIT_PASSPHRASE_FILE, got ${text.length} characters`,
  );
}

/** Reads a session file. @throws TacitError SESSION_INVALID */
export async function readSession(path: string): Promise<Session> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new TacitError("SESSION_INVALID", `session: expected a session file at ${path}, got none`);
  });
  return Session.fromJson(text);
}

/** @throws TacitError SESSION_*, KEY_FILE, DRIVER_BUSY, MPC_* */
export async function connect(from: string | Session, options: ConnectOptions = {}): Promise<MpcSession> {
  const session = typeof from === "string" ? await readSession(from) : from;
  session.checkTime();
  const key = options.identity ?? process.env.TACIT_KEY;
  if (key === undefined) {
    throw new TacitError("KEY_FILE", "connect: expected the driver's key file, got none", {
      hint: "pass { identity: path }, or set TACIT_KEY to the path of the key file",
    });
  }
  const { TACIT_PASSPHRASE_FILE: file } = process.env;
  const passphrase = options.passphrase ?? (file === undefined ? undefined : () => fromEnvironment(file));
  const driver = await identityOf(key, passphrase);
  const others = await Promise.all((options.people ?? []).map((p) => identityOf(p, passphrase)));
  const identities = new Map([driver, ...others].map((i) => [i.name, i]));
  const protocol = protocolNamed(session.file.protocol.name);
  const { owner = driver.name, waiting = waitingOnStderr } = options;
  return openSession(session, connectClient, { protocol, identities, owner, waiting });
}
