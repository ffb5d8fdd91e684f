/** @file Places: whose the connections of a party are, and the commands under way. It has 64 (transport/client-server.ts); nobody takes all of them. */
import { TacitError } from "@tacit/core/errors";
import type { Connection } from "./connection.ts";

/** Connections of one person. */
const MOST_OF_ONE = 16;
/** Connections on which nobody of the session has spoken yet. Each may hold 64 KiB (STRANGER_BYTES). */
const MOST_STRANGERS = 16;
const GOODBYE_MS = 100;

/** Before a connection is added: of too many on which nobody has spoken the oldest goes. */
export function makeRoom(connections: ReadonlySet<Connection>): void {
  const strangers = [...connections].filter((c) => !c.known);
  if (strangers.length >= MOST_STRANGERS) strangers[0]!.cut();
}

/** `sender` is served over `from` from now on. @throws TacitError MPC_CONNECTIONS, and closes the connection once that is said */
export function takePlace(connections: ReadonlySet<Connection>, from: Connection, sender: string): void {
  if (from.people.has(sender)) return;
  if ([...connections].filter((c) => c.people.has(sender)).length < MOST_OF_ONE) {
    from.people.add(sender);
    return;
  }
  // Not before it has heard why.
  setTimeout(() => void from.flushed().then(() => leave(from)), GOODBYE_MS).unref();
  throw new TacitError(
    "MPC_CONNECTIONS",
    `connect: expected at most ${MOST_OF_ONE} connections of one person to a party, got one more of ${sender}`,
    { hint: "end programs that run with the same keys" },
  );
}

/** Closes it; whoever does not answer that keeps no place either (a web socket would wait 30 s). */
function leave(from: Connection): void {
  from.close();
  setTimeout(() => from.cut(), GOODBYE_MS).unref();
}

/** Commands of one person that are not answered yet: 256 inputs that are compared, twice. */
const MOST_UNANSWERED = 512;

/** The commands that a party has taken up and not answered, by person, over all of its connections. */
export class Unanswered {
  readonly #most: number;
  readonly #by = new Map<string, { commands: number; bytes: number }>();

  /** `most`: bytes of the commands of one person. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a command until what this returns is called. @throws TacitError MPC_BUSY */
  take(sender: string, bytes: number): () => void {
    const before = this.#by.get(sender) ?? { commands: 0, bytes: 0 };
    if (before.commands >= MOST_UNANSWERED || (before.commands > 0 && before.bytes + bytes > this.#most)) {
      throw new TacitError(
        "MPC_BUSY",
        `command: expected at most ${MOST_UNANSWERED} commands of ${sender} (${this.#most} bytes) that are not answered, got one more`,
        { hint: "wait for answers before you send more" },
      );
    }
    before.commands++;
    before.bytes += bytes;
    this.#by.set(sender, before);
    return () => {
      before.commands--;
      before.bytes -= bytes;
      if (before.commands === 0) this.#by.delete(sender);
    };
  }
}
