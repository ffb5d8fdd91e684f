/** @file Group: all parties at once, as the driver sees them. One failure is everyone's; the most telling error is thrown. */
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import { BROKEN_OFF, type Command } from "../party/messages.ts";
import type { Fields } from "../session/cbor.ts";
import { type OnWaiting, whileWaiting } from "../session/waiting.ts";
import { idle } from "../timers.ts";
import type { PartyClient } from "./party-client.ts";

/** How long the others may take to say why, once one party failed. */
const GRACE = 2000;

export class Group {
  readonly clients: readonly PartyClient[];
  readonly #waiting: OnWaiting | undefined;

  /** `waiting` hears for whom a command waits: a party that is silent, that others wait for, or that alone has not answered. */
  constructor(clients: readonly PartyClient[], waiting?: OnWaiting) {
    this.clients = clients;
    this.#waiting = waiting;
  }

  /** The same command to all; replies in order of the parties. @throws TacitError */
  all(identity: Identity, command: Command): Promise<Fields[]> {
    return this.each(identity, () => command);
  }

  /** `commandFor(i)` to party i. @throws TacitError the most telling of what the parties said */
  each(identity: Identity, commandFor: (index: number) => Command): Promise<Fields[]> {
    return this.gather(this.clients.map((c, i) => c.request(identity, commandFor(i))));
  }

  /** Waits for `work[i]` of party i, and says for whom. @throws TacitError the most telling of what the parties said */
  gather<T>(work: readonly Promise<T>[]): Promise<T[]> {
    const open = new Set(this.clients);
    for (const [i, w] of work.entries()) {
      const done = (): void => void open.delete(this.clients[i]!);
      w.then(done, done);
    }
    const missing = (): string[] => {
      // One that has answered may be waited for, too: where it stopped just after, what it sent the others last has not left it.
      const waited = this.clients.filter(
        (c) => (open.has(c) && c.isSilent) || [...open].some((other) => !other.isSilent && other.waits.includes(c.index)),
      );
      // Before the first answer all of them compute: nobody is waited for, unless it is silent, or a party says that it waits for it.
      const named = waited.length > 0 ? waited : open.size === this.clients.length ? [] : [...open];
      return named.map((c) => c.name);
    };
    return whileWaiting(together(work), this.clients.length, missing, this.#waiting);
  }

  closing(): void {
    for (const c of this.clients) c.closing();
  }

  close(): void {
    for (const c of this.clients) c.close();
  }
}

/** Waits for all; after the first failure only as long as others may need to say why. */
export async function together<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const errors: unknown[] = [];
  const watched = work.map((w) =>
    w.catch((e: unknown) => {
      errors.push(e);
      return undefined;
    }),
  );
  const all = Promise.all(watched);
  const failed = new Promise<void>((resolve) => {
    for (const w of work) w.catch(() => idle(GRACE).then(resolve));
  });
  await Promise.race([all, failed]);
  if (errors.length > 0) throw mostTelling(errors);
  return Promise.all(work);
}

/**
 * Which of several errors is shown; nothing else is concluded from their words. A refusal before a loss; a loss with the op before one without; what others heard of a loss after
 * the loss itself.
 */
function mostTelling(errors: readonly unknown[]): unknown {
  const rank = (e: unknown): number => {
    if (!(e instanceof TacitError)) return 5;
    if (e.code === "SESSION_CLOSED") return 4;
    if (e.code === BROKEN_OFF) return 3.5;
    const lost = e.code === "MPC_PARTY_LOST" || e.code === "MPC_TIMEOUT";
    const told = e.message.includes(" refused: ") || e.message.includes("(said ");
    if (lost) return e.message.includes(" at op ") && !told ? 1 : e.message.includes(" at op ") ? 2 : 3;
    return told ? 0.5 : 0;
  };
  return errors.toSorted((a, b) => rank(a) - rank(b))[0];
}
