/** @file What a person can learn about the parties of a session before anything runs: the measuring half of `tacit doctor`. Node only. */
import { TacitError } from "@tacit/core/errors";
import type { PartyFacts } from "../client/facts.ts";
import { PartyClient } from "../client/party-client.ts";
import { askFacts, askLinks, askSpeed, echo } from "../client/probing.ts";
import type { Identity } from "../identity/identity.ts";
import type { LinkMeasure } from "../party/link-probe.ts";
import { MOST_ECHO } from "../party/messages.ts";
import type { Speed } from "../protocols/protocol.ts";
import type { Session } from "../session/session-file.ts";
import { type OnWaiting, whileWaiting } from "../session/waiting.ts";
import { type Obstacle, reachParty } from "../transport/reach.ts";

/** A clock compared with this machine's: ahead by so many milliseconds, give or take half a round trip. */
export interface ClockDifference {
  readonly ahead: number;
  readonly uncertainty: number;
}

/** What was learned of one party; null is what could not be, or was not asked for want of a key. */
export interface Examined {
  readonly index: number;
  readonly name: string;
  /** Its address for people. */
  readonly client: string;
  /** Null: reached, with its pinned key and this version. */
  readonly obstacle: { readonly kind: Obstacle; readonly detail: string } | null;
  /** Version of its software, from its greeting. */
  readonly software: string | null;
  readonly facts: PartyFacts | null;
  /** Milliseconds there and back, the least of some. */
  readonly roundTrip: number | null;
  /** Bits per second from here to it, and back. */
  readonly up: number | null;
  readonly down: number | null;
  readonly clock: ClockDifference | null;
  readonly speed: Speed | null;
  /** To the other parties; empty while something runs, or while it is not joined with them. */
  readonly links: readonly LinkMeasure[];
  /** What went wrong after it was reached. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface ExamineOptions {
  /** Who asks, one of the session's people; null: nobody, then only ports, keys and versions are looked at. */
  readonly who: Identity | null;
  /** Milliseconds for one step at one party. Default 5,000. */
  readonly patience?: number;
  readonly waiting?: OnWaiting;
}

type Found = { -readonly [K in keyof Examined]: Examined[K] };

const PATIENCE_MS = 5000;
const SAMPLES = 5;
/** Bytes that are sent to time a line: until one takes long enough to be told from the round trip. */
const SIZES = [65_536, 262_144, MOST_ECHO];
const ENOUGH_MS = 40;

/** Rejects after `ms`: whoever is asked may be stopped. */
async function within<T>(ms: number, name: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TacitError("MPC_TIMEOUT", `${name} answered no probe for ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks at every party: all at once for what one line carries, one after the other for what would disturb. Never throws for a party. */
export async function examineParties(session: Session, options: ExamineOptions): Promise<readonly Examined[]> {
  const { who, patience = PATIENCE_MS, waiting } = options;
  const found = session.file.parties.map(({ identity, client }, index) => blank(index, identity.name, client));
  const clients: PartyClient[] = [];
  const busy = new Set(found.map((f) => f.name));
  const all = (async () => {
    await Promise.all(
      found.map(async (f) => {
        await noting(f, async () => {
          const client = await approach(session, f, patience);
          if (client === null) return;
          clients.push(client);
          if (who !== null) await listenTo(client, who, f, patience);
        });
        busy.delete(f.name);
      }),
    );
    for (const client of who === null ? [] : clients) {
      const f = found[client.index]!;
      if (f.error !== null) continue;
      await noting(f, async () => {
        f.speed = await within(patience, f.name, askSpeed(client, who!));
        f.links = await within(patience, f.name, askLinks(client, who!));
      });
    }
  })();
  try {
    await whileWaiting(all, found.length, () => [...busy], waiting);
  } finally {
    for (const c of clients) c.close();
  }
  return found;
}

const blank = (index: number, name: string, client: string): Found => ({
  index,
  name,
  client,
  obstacle: null,
  software: null,
  facts: null,
  roundTrip: null,
  up: null,
  down: null,
  clock: null,
  speed: null,
  links: [],
  error: null,
});

async function noting(f: Found, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (e) {
    const known = e instanceof TacitError ? e : new TacitError("MPC_PARTY_LOST", `${f.name}: expected answers, got an error`);
    f.error = { code: known.code, message: known.message };
  }
}

async function approach(session: Session, f: Found, patience: number): Promise<PartyClient | null> {
  const reached = await reachParty(session, f.index, patience);
  if ("obstacle" in reached) {
    f.obstacle = { kind: reached.obstacle, detail: reached.detail };
    return null;
  }
  f.roundTrip = reached.milliseconds;
  try {
    const client = await within(patience, f.name, PartyClient.open(session, f.index, reached.channel));
    f.software = client.software;
    return client;
  } catch (e) {
    reached.channel.close();
    throw e;
  }
}

async function listenTo(client: PartyClient, who: Identity, f: Found, patience: number): Promise<void> {
  for (let i = 0; i < SAMPLES; i++) {
    const [began, at] = [performance.now(), Date.now()];
    const facts = await within(patience, f.name, askFacts(client, who));
    const took = performance.now() - began;
    f.facts = facts;
    // Of the quickest answer the time between is known best.
    if (f.clock === null || took / 2 < f.clock.uncertainty)
      f.clock = { ahead: facts.clock - (at + took / 2), uncertainty: took / 2 };
    f.roundTrip = Math.min(f.roundTrip ?? took, took);
  }
  f.up = await line(f.roundTrip ?? 0, (bytes) => within(patience, f.name, echo(client, who, bytes, 0)));
  f.down = await line(f.roundTrip ?? 0, (bytes) => within(patience, f.name, echo(client, who, 0, bytes)));
}

/** Bits per second: what larger and larger messages take beyond the round trip. Signing and checking them counts as line. */
async function line(roundTrip: number, send: (bytes: number) => Promise<number>): Promise<number> {
  let bits = 0;
  for (const bytes of SIZES) {
    const beyond = Math.max((await send(bytes)) - roundTrip, 0.01);
    bits = Math.max(bits, (8000 * bytes) / beyond);
    if (beyond > ENOUGH_MS) break;
  }
  return bits;
}
