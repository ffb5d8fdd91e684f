/** @file mpc.give, mpc.approve and mpc.receive: programs of owners and recipients. Node only. */
import type { Identity } from "../identity/identity.ts";
import type { Passphrase } from "../identity/key-text.ts";
import { openIdentity } from "../identity/open-identity.ts";
import type { Grant, SignedGrant } from "../session/grant.ts";
import { readSession } from "../session/read-session.ts";
import type { Session } from "../session/session-file.ts";
import { connectClient } from "../transport/client.ts";
import { approve as approveOver, type Left, revoke as revokeOver, type Signed, signersAt } from "./approve.ts";
import { type ClientOptions, checkPerson, type Gift, type Given, type GiveOptions, give as giveOver } from "./give.ts";
import { type ListedInput, listInputs } from "./list.ts";
import { openGroup } from "./reach.ts";
import { type Received, type ReceiveOptions, receive as receiveOver } from "./receive.ts";

/** Whose keys: an identity, or the path of a key file. Default: the environment's TACIT_KEY. */
export interface OwnKeys {
  readonly identity?: Identity | string;
  /** Opens a sealed key file. Default: the line in the file that the environment's TACIT_PASSPHRASE_FILE names. */
  readonly passphrase?: Passphrase;
}

const opened = async (from: string | Session): Promise<Session> => (typeof from === "string" ? readSession(from) : from);

/**
 * Shares values among the parties of a session, owned by whose keys these are. No driver need be there.
 * @throws TacitError HANDLE_USED, INPUT_*, SESSION_*, KEY_*, MPC_*
 */
export async function give(
  from: string | Session,
  gifts: readonly Gift[],
  options: Omit<GiveOptions, "identity"> & OwnKeys = {},
): Promise<Given[]> {
  const session = await opened(from);
  const identity = await openIdentity(options.identity, options.passphrase);
  return giveOver(session, connectClient, gifts, { ...options, identity });
}

/**
 * Hands grants that were signed (`mpc.signGrant`, or elsewhere) to the parties; resolves with everyone who has signed each by now, and
 * what is left of it.
 * @throws TacitError GRANT_INVALID, SESSION_*, KEY_*, MPC_*
 */
export async function approve(
  from: string | Session,
  grants: readonly SignedGrant[],
  options: Omit<ClientOptions, "identity"> & OwnKeys = {},
): Promise<(Signed & { readonly left: Left })[]> {
  const session = await opened(from);
  const identity = await openIdentity(options.identity, options.passphrase);
  return approveOver(session, connectClient, grants, { ...options, identity });
}

/**
 * Takes back one's own signature of grants, by their ids (`mpc.grantId`, or what `tacit approve` prints), at all parties and for good.
 * Resolves with the whole ids. @throws TacitError GRANT_INVALID, SESSION_*, KEY_*, MPC_*
 */
export async function revoke(
  from: string | Session,
  ids: readonly string[],
  options: Omit<ClientOptions, "identity"> & OwnKeys = {},
): Promise<string[]> {
  const session = await opened(from);
  const identity = await openIdentity(options.identity, options.passphrase);
  return revokeOver(session, connectClient, ids, { ...options, identity });
}

/** What the parties of a session hold, and who has signed `grants`. */
export async function look(
  from: string | Session,
  options: Omit<ClientOptions, "identity"> & OwnKeys & { readonly grants?: readonly Grant[] } = {},
): Promise<{ readonly inputs: readonly ListedInput[]; readonly signed: readonly Signed[] }> {
  const session = await opened(from);
  const identity = await openIdentity(options.identity, options.passphrase);
  checkPerson(session, identity);
  const group = await openGroup(session, connectClient, options.waiting, options.wait);
  try {
    const inputs = await listInputs(group, identity);
    return { inputs, signed: await signersAt(group, identity, options.grants ?? []) };
  } finally {
    group.close();
  }
}

/**
 * What was disclosed to whose keys these are, and waits at the parties. No driver need be there.
 * @throws TacitError SESSION_*, KEY_*, MPC_*
 */
export async function receive(
  from: string | Session,
  options: Omit<ReceiveOptions, "identity"> & OwnKeys = {},
): Promise<Received> {
  const session = await opened(from);
  const identity = await openIdentity(options.identity, options.passphrase);
  return receiveOver(session, connectClient, { ...options, identity });
}
