/** @file A party as a process: listens, learns the session, joins the others, serves people, ends with an exit code. Node only. */
import { TacitError } from "@tacit/core/errors";
import { sameBytes } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import { protocolNamed } from "../protocols/index.ts";
import type { Protocol } from "../protocols/protocol.ts";
import type { Session } from "../session/session-file.ts";
import { CLIENT_MESSAGE } from "../transport/channel.ts";
import { ClientServer, type WebEndpoint } from "../transport/client-server.ts";
import { connectParties, type Emulation } from "../transport/gathering.ts";
import { PartyServer, type Reach, splitAddress } from "../transport/tls.ts";
import { Counters } from "./counters.ts";
import { type Ending, Party } from "./party.ts";
import { Probe } from "./probe.ts";

export interface Listening {
  readonly parties: PartyServer;
  readonly clients: ClientServer;
  /** Where pages connect, where they may. */
  readonly web: ClientServer | null;
  close(): Promise<void>;
}

export interface PartyAddresses {
  /** host:port for other parties; port 0 finds a free one. */
  readonly address: string;
  /** host:port for people. */
  readonly client: string;
  /** Where pages connect; nowhere if it is not given. */
  readonly web?: WebEndpoint | null;
}

/** Loopback, unless a session file says otherwise. */
export const LOOPBACK: PartyAddresses = { address: "127.0.0.1:0", client: "127.0.0.1:0" };

/** Opens all listening ends, before the session is known. @throws TacitError MPC_ADDRESS, PARTY_CONFIG */
export async function listen(
  identity: Identity,
  at: PartyAddresses = LOOPBACK,
  message: number = CLIENT_MESSAGE,
): Promise<Listening> {
  const party = splitAddress(at.address);
  const client = splitAddress(at.client);
  const parties = await PartyServer.listen(identity, party.host, party.port);
  const open: { close(): Promise<void> }[] = [parties];
  const close = async (): Promise<void> => void (await Promise.all(open.map((o) => o.close())));
  try {
    const clients = await ClientServer.listen(parties.leaf, client.host, client.port, message);
    open.push(clients);
    const web = at.web ? await ClientServer.listenWeb(at.web, message) : null;
    if (web !== null) open.push(web);
    return { parties, clients, web, close };
  } catch (e) {
    await close();
    throw e;
  }
}

export interface JoinOptions extends Reach, Emulation {
  readonly session: Session;
  readonly identity: Identity;
  /** Where counters and the transcript are kept; private to this party. */
  readonly directory: string;
  /** Most bytes of share memory, where this machine gives less than the session allows. */
  readonly memory?: number;
  /** Most bytes of the files in `directory`. */
  readonly disk?: number;
  /** "" for a plain session. */
  readonly mode?: string;
  readonly protocols?: readonly Protocol[];
}

/** Position of `identity` among the session's parties. @throws TacitError SESSION_INVALID */
export function indexOf(session: Session, identity: Identity): number {
  const index = session.file.parties.findIndex((p) => sameBytes(p.identity.sign, identity.public.sign));
  if (index >= 0) return index;
  throw new TacitError(
    "SESSION_INVALID",
    `party: expected ${identity.name}'s key among the parties of the session, got other keys`,
    {
      hint: "use the key file that belongs to this session",
    },
  );
}

/** Joins the other parties and begins to serve people. @throws TacitError MPC_*, SESSION_*, COUNTERS_INVALID */
export async function join(listening: Listening, options: JoinOptions): Promise<Party> {
  const { session, identity, directory } = options;
  session.checkTime();
  const index = indexOf(session, identity);
  const protocol = protocolNamed(session.file.protocol.name, options.protocols);
  if (protocol.parties !== session.file.parties.length) {
    throw new TacitError(
      "SESSION_INVALID",
      `session: expected ${protocol.parties} parties for ${protocol.name}, got ${session.file.parties.length}`,
    );
  }
  const counters = Counters.open(directory, session);
  const probe = new Probe({ session, identity, protocol });
  probe.missing = session.file.parties.flatMap((_, j) => (j === index ? [] : [j]));
  listening.clients.openDoor(session.timeout, (channel) => probe.serve(channel));
  try {
    const { patience, peers, waiting, signal, network } = options;
    const mesh = await connectParties(listening.parties, {
      ...(patience !== undefined && { patience }),
      ...(peers !== undefined && { peers }),
      waiting: (missing, milliseconds) => {
        probe.missing = missing;
        waiting?.(missing, milliseconds);
      },
      ...(signal !== undefined && { signal }),
      ...(network !== undefined && { network }),
      session,
      index,
      identity,
      attempt: counters.nextAttempt,
      mode: options.mode ?? "",
    });
    const memory = Math.min(session.file.limits.memory, options.memory ?? Number.POSITIVE_INFINITY);
    const disk = options.disk === undefined ? {} : { disk: options.disk };
    const party = await Party.start({
      session,
      index,
      identity,
      protocol,
      mesh,
      counters,
      directory,
      memory,
      probe,
      ...disk,
    }).catch(async (e: unknown) => {
      await mesh.close();
      throw e;
    });
    for (const end of [listening.clients, listening.web]) end?.open(session.timeout, (channel) => party.serve(channel));
    return party;
  } catch (e) {
    counters.close();
    throw e;
  }
}

/** 0 in good order, 3 where policy refused, 4 for peers and network, 2 for our own bugs: the codes of the command line. */
export function exitCodeOf(error: unknown): number {
  if (error === null || error === undefined) return 0;
  if (!(error instanceof TacitError)) return 2;
  if (["POLICY_REFUSED", "GRANT_INVALID", "SESSION_EXPIRED"].includes(error.code)) return 3;
  const ours = error.code === "MPC_PARTY_FAILED";
  const peers =
    error.code.startsWith("MPC_") ||
    ["INPUT_BROKEN_OFF", "INPUT_UNEQUAL", "CHECKPOINT_UNEQUAL", "RUN_MISMATCH", "ENVELOPE_INVALID", "SEAL_INVALID"].includes(
      error.code,
    );
  return ours ? 2 : peers ? 4 : 1;
}

/** Serves until the session ends; returns how. Closes everything it opened. */
export async function serve(listening: Listening, options: JoinOptions, onParty?: (party: Party) => void): Promise<Ending> {
  try {
    const party = await join(listening, options);
    onParty?.(party);
    return await party.ended;
  } finally {
    await listening.close();
  }
}
