/** @file Receiving: a recipient collects what the parties keep for it, opens the parts, and adds them up. No driver need be there. */
import { TacitError } from "@tacit/core/errors";
import type { TypedArray } from "@tacit/core/program";
import { sameBytes } from "../identity/encoding.ts";
import type { Identity } from "../identity/identity.ts";
import { protocolNamed } from "../protocols/index.ts";
import type { Protocol } from "../protocols/protocol.ts";
import { toCbor } from "../session/cbor.ts";
import { headWire, isSigned, type Letter, type LetterHead, openLetter, readHead, readLetter } from "../session/letter.ts";
import type { Session } from "../session/session-file.ts";
import { whileWaiting } from "../session/waiting.ts";
import type { Connector } from "../transport/channel.ts";
import { type ClientOptions, checkPerson } from "./give.ts";
import type { Group } from "./group.ts";
import { openGroup } from "./reach.ts";

/** A result that was disclosed to the one who receives it. */
export interface Delivery extends LetterHead {
  readonly values: TypedArray;
}

export interface ReceiveOptions extends ClientOptions {
  /**
   * Milliseconds to wait for the parties and for a first delivery. Default: the session's time for the parties, and no longer than
   * until they have answered for a delivery.
   */
  readonly wait?: number | undefined;
  /** Gets what has come; the parties forget their parts once this has resolved, so write it down first. */
  readonly take?: ((deliveries: readonly Delivery[]) => Promise<void>) | undefined;
  /** Lets the parties forget deliveries of which parts are missing or damaged. */
  readonly discard?: boolean | undefined;
  readonly protocols?: readonly Protocol[] | undefined;
}

export interface Received {
  readonly deliveries: readonly Delivery[];
  /** What could not be put together, each naming the party at fault. The parts stay where they are, unless they are to be discarded. */
  readonly faults: readonly TacitError[];
}

/** How often the parties are asked while nothing has come, and how long parts may be apart before one is missing. */
const [ASK_MS, APART_MS] = [500, 3000];
const CODE = "LETTER_INVALID";

interface Person {
  readonly session: Session;
  readonly identity: Identity;
  readonly group: Group;
}

/**
 * Everything that waits for `identity` at the parties.
 * @throws TacitError MPC_TIMEOUT where parties are missing, or nothing came within `wait`; SESSION_*, MPC_PARTY_LOST
 */
export async function receive(session: Session, connector: Connector, options: ReceiveOptions): Promise<Received> {
  const { identity, wait } = options;
  checkPerson(session, identity);
  const until = performance.now() + (wait ?? 0);
  let before: TacitError | null = null;
  for (;;) {
    const left = wait === undefined ? undefined : until - performance.now();
    const group = await openGroup(session, connector, options.waiting, left).catch((e: unknown) => {
      // That parties did not come in what little was left says less than how the connection before was lost.
      throw before === null || (left ?? 0) >= session.timeout ? withLoss(e, before) : before;
    });
    try {
      return await collect({ session, identity, group }, options, until);
    } catch (e) {
      // Parties that are started anew while it waits are found again.
      const lost = e instanceof TacitError && (e.code === "MPC_PARTY_LOST" || e.code === "SESSION_CLOSED");
      if (!lost || performance.now() + ASK_MS >= until) throw withLoss(e, before);
      before = e;
      await pause(ASK_MS);
    } finally {
      group.close();
    }
  }
}

/** Whoever waited in vain hears of the connection that was lost meanwhile, too. */
function withLoss(e: unknown, before: TacitError | null): unknown {
  if (before === null || !(e instanceof TacitError) || e.code !== "MPC_TIMEOUT") return e;
  return new TacitError(e.code, `${e.message}; meanwhile ${before.message}`, {
    cause: e,
    ...(e.hint !== undefined && { hint: e.hint }),
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Which parts wait at each party: their heads, by run. */
type Heads = readonly ReadonlyMap<number, LetterHead>[];

async function headsOf({ group, identity }: Person): Promise<Heads> {
  const replies = await group.all(identity, { type: "letters" });
  return replies.map((f) => new Map(f.rest(readHead).map((h) => [h.run, h])));
}

const runsOf = (heads: Heads): number[] => [...new Set(heads.flatMap((h) => [...h.keys()]))].sort((a, b) => a - b);
const whole = (heads: Heads): boolean => runsOf(heads).every((run) => heads.every((h) => h.has(run)));

/** Asks until something waits, all of whose parts are there; or until they had the time to come. */
async function waitFor(person: Person, options: ReceiveOptions, until: number): Promise<Heads> {
  let apart: number | null = null;
  const ask = async (): Promise<Heads> => {
    for (;;) {
      const heads = await headsOf(person);
      const some = runsOf(heads).length > 0;
      if (some && whole(heads)) return heads;
      if (some) apart ??= performance.now();
      if (apart !== null && performance.now() - apart > APART_MS) return heads;
      if (!some && performance.now() >= until) return nothing(heads, person, options);
      await pause(ASK_MS);
    }
  };
  return whileWaiting(ask(), 1, () => [`a delivery to ${person.identity.name}`], options.waiting);
}

function nothing(heads: Heads, { identity }: Person, { wait }: ReceiveOptions): Heads {
  if (wait === undefined) return heads;
  throw new TacitError("MPC_TIMEOUT", `receive: expected a delivery to ${identity.name} within ${wait / 1000} s, got none`, {
    hint: "the driver delivers when it has run; a disclosure that no owner signed never comes",
  });
}

async function collect(person: Person, options: ReceiveOptions, until: number): Promise<Received> {
  const { group, identity } = person;
  const heads = await waitFor(person, options, until);
  const deliveries: Delivery[] = [];
  const faults: TacitError[] = [];
  const done: number[] = [];
  for (const run of runsOf(heads)) {
    const found = await one(person, options, run, heads).catch((e: unknown) => {
      if (e instanceof TacitError && e.code === CODE) return e;
      throw e;
    });
    if (found instanceof TacitError) faults.push(found);
    else deliveries.push(found);
    if (!(found instanceof TacitError) || options.discard === true) done.push(run);
  }
  if (deliveries.length > 0) await options.take?.(deliveries);
  if (done.length > 0) await group.all(identity, { type: "received", runs: done });
  return { deliveries, faults };
}

const invalid = (message: string, hint: string): TacitError => new TacitError(CODE, message, { hint });

async function one(person: Person, { protocols }: ReceiveOptions, run: number, heads: Heads): Promise<Delivery> {
  const { session, identity, group } = person;
  const head = agreed(session, heads, run);
  const letters = await group.gather(group.clients.map((c) => c.request(identity, { type: "letter", run }).then(readLetter)));
  const parts = await Promise.all(letters.map((l, i) => partOf(person, i, l, head)));
  const protocol = protocolNamed(session.file.protocol.name, protocols);
  try {
    return { ...head, values: protocol.reconstruct(parts, head.aval, session.file.protocol.options) };
  } catch {
    throw invalid(`delivery ${run}: expected parts of the size of their shape, got others`, "see that all run the same version");
  } finally {
    for (const p of parts) p.fill(0);
  }
}

/** The head that all parties state. @throws TacitError LETTER_INVALID naming who lacks it or states another */
function agreed(session: Session, heads: Heads, run: number): LetterHead {
  const stated = heads.map((h) => h.get(run));
  const missing = stated.flatMap((h, i) => (h === undefined ? [session.showParty(i)] : []));
  if (missing.length > 0) {
    throw invalid(
      `delivery ${run}: expected a part of every party, got none of ${missing.join(", ")}`,
      "the party lost or withholds it, or an earlier receive was cut off when it had the result: --discard removes what is left",
    );
  }
  const bytes = stated.map((h) => toCbor(headWire(h!)));
  const odd = bytes.findIndex((b, i) => bytes.every((other, j) => i === j || !sameBytes(b, other)));
  if (odd >= 0) {
    throw invalid(
      `delivery ${run}: expected parts of one result, got another run, value, reason or shape from ${session.showParty(odd)}`,
      "that party's software is at fault or lies: ask for the delivery again, and tell the others",
    );
  }
  return stated[0]!;
}

async function partOf({ session, identity }: Person, index: number, letter: Letter, head: LetterHead): Promise<Uint8Array> {
  const who = session.showParty(index);
  const same = sameBytes(toCbor(headWire(letter.head)), toCbor(headWire(head)));
  if (same && (await isSigned(session, index, letter))) {
    const part = await openLetter(session, index, identity, letter).catch(() => undefined);
    if (part !== undefined) return part;
  }
  throw invalid(
    `delivery ${head.run}: expected the part that ${who} wrote, got an altered one`,
    `the copy at ${who} was changed or damaged: ask for the delivery again, and tell ${session.partyName(index)}`,
  );
}
