/** @file Places: whose the connections of a party are. It has 64 (transport/client-server.ts); nobody takes all of them. */
import { TacitError } from "@tacit/core/errors";
import type { Connection } from "./connection.ts";

/** Connections of one person. */
const MOST_OF_ONE = 16;
/** Connections on which nobody of the session has spoken yet. Each may hold a message of 64 MiB. */
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
  setTimeout(() => void from.flushed().then(() => setImmediate(() => from.close())), GOODBYE_MS).unref();
  throw new TacitError(
    "MPC_CONNECTIONS",
    `connect: expected at most ${MOST_OF_ONE} connections of one person to a party, got one more of ${sender}`,
    { hint: "end programs that run with the same keys" },
  );
}
