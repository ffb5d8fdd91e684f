/** @file Mesh: one party's links to all others, from connected carriers to checked, keyed links. */
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import type { Session } from "../session/session-file.ts";
import { FrameLink } from "./frame-link.ts";
import { checkMode, commonKey, KeyRing, readyBytes } from "./handshake.ts";
import { type Greeted, Introduction } from "./introduction.ts";
import type { Carrier } from "./outbox.ts";

/** A connected, authenticated stream: what TLS or a pair of pipes offers. */
export interface Connection {
  /** Makes the link's carrier and begins to feed it: nothing was read before. */
  attach(open: (carrier: Carrier) => { feed(chunk: Uint8Array): void; closed(): void }): void;
}

export interface Mesh {
  readonly index: number;
  /** [j] is the link to party j; undefined at [index]. */
  readonly links: readonly (FrameLink | undefined)[];
  readonly keys: KeyRing;
  /** The largest that any party proposed: never used before by any of them. */
  readonly attempt: number;
  /** What all parties were started with beyond the session; "" but in tests. */
  readonly mode: string;
  close(): Promise<void>;
}

export interface MeshOptions {
  readonly session: Session;
  readonly index: number;
  readonly identity: Identity;
  /** One more than this party has ever used in this session. */
  readonly attempt: number;
  /** "" for a plain session. */
  readonly mode: string;
}

function linkOver(connection: Connection, session: Session, peer: number): FrameLink {
  const { message, memory, timeout } = session.file.limits;
  const made: FrameLink[] = [];
  connection.attach((carrier) => {
    const link = new FrameLink(carrier, { peer: session.showParty(peer), message, queue: memory / 2, timeout });
    made.push(link);
    return link;
  });
  return made[0]!;
}

/** Introduces this party at the other end of `connection`, where party `peer` is. */
export const introduce = (connection: Connection, peer: number, contribution: Uint8Array, options: MeshOptions): Introduction =>
  new Introduction(linkOver(connection, options.session, peer), peer, contribution, options);

/**
 * Runs the handshake over `connections` ([j] to party j) and returns keyed links.
 * @throws TacitError MPC_HANDSHAKE, MPC_VERSION, MPC_TIMEOUT, MPC_PARTY_LOST; all links are closed then
 */
export async function openMesh(connections: readonly (Connection | undefined)[], options: MeshOptions): Promise<Mesh> {
  checkMode(options.session, options.mode);
  const contribution = newContribution();
  const introductions = connections.flatMap((c, j) => (c === undefined ? [] : [introduce(c, j, contribution, options)]));
  const until = performance.now() + options.session.timeout;
  return finishMesh(introductions, contribution, options, until);
}

/** Goes into every hello of this party. */
export const newContribution = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32));

/**
 * From introductions to all others to keyed links. A failure is told to all others before the links are closed: they report it
 * instead of this party's end.
 * @throws TacitError MPC_HANDSHAKE, MPC_VERSION, MPC_TIMEOUT, MPC_PARTY_LOST; all links are closed then
 */
export async function finishMesh(
  introductions: readonly Introduction[],
  contribution: Uint8Array,
  options: MeshOptions,
  until: number,
): Promise<Mesh> {
  const { session, index } = options;
  const alive = setInterval(() => {
    for (const i of introductions) i.note([]);
  }, notePeriod(session.timeout));
  try {
    const greeted = new Map<number, Greeted>();
    await Promise.all(introductions.map(async (i) => greeted.set(i.index, await i.greeted)));
    const attempt = attemptOf(options, greeted);
    const contributions = session.file.parties.map((_, j) => greeted.get(j)?.hello.contribution ?? contribution);
    const ready = readyBytes(session, attempt, contributions);
    const agreed = Promise.all(introductions.map((i) => i.agree(ready, until)));
    await Promise.race([agreed, ...introductions.map((i) => i.lost)]);
    const keys = session.file.parties.map((_, j) => greeted.get(j)?.key ?? commonKey(session, contributions));
    contribution.fill(0);
    for (const i of introductions) i.release();
    const links = session.file.parties.map((_, j) => introductions.find((i) => i.index === j)?.link);
    return meshOf(options, links, new KeyRing(session, index, keys), attempt);
  } catch (e) {
    await breakOff(introductions, e);
    throw e;
  } finally {
    clearInterval(alive);
  }
}

/**
 * A claim may move the number of attempts so far: a join every second for half a year. They only grow, and there are 2^32: unbounded, one
 * lie would use up all for good.
 */
const MOST_AHEAD = 2 ** 24;

/** The largest that anybody proposes. @throws TacitError MPC_HANDSHAKE naming who is too far ahead */
function attemptOf({ attempt, session }: MeshOptions, greeted: ReadonlyMap<number, Greeted>): number {
  let most = attempt;
  for (const [j, { hello }] of greeted) {
    if (hello.attempt > attempt + MOST_AHEAD) {
      const want = `attempt ${attempt + MOST_AHEAD} at most`;
      throw new TacitError("MPC_HANDSHAKE", `handshake with ${session.showParty(j)}: expected ${want}, got ${hello.attempt}`, {
        hint: "that party lies, or this one's data directory is an old copy: find out which; in both cases agree on a new session",
      });
    }
    most = Math.max(most, hello.attempt);
  }
  return most;
}

/** Tells everyone why, then closes. */
export async function breakOff(introductions: Iterable<Introduction>, e: unknown): Promise<void> {
  const all = [...introductions];
  if (e instanceof TacitError) for (const i of all) i.abort(e);
  await Promise.all(all.map((i) => i.link.close()));
}

/** How often a party says whom it waits for: a peer that says nothing for the session's time is gone. */
export const notePeriod = (timeout: number): number => Math.max(5, Math.min(1000, timeout / 8));

function meshOf({ index, mode }: MeshOptions, links: readonly (FrameLink | undefined)[], keys: KeyRing, attempt: number): Mesh {
  const close = async (): Promise<void> => {
    // Links first: whatever still runs sends nothing that was made without keys.
    const closing = links.map((l) => l?.close());
    keys.close();
    await Promise.all(closing);
  };
  return { index, links, keys, attempt, mode, close };
}
