/** @file Reaching all parties of a session at once. What carries the messages is the caller's: Node's connector, or a browser's. */
import { TacitError } from "@tacit/core/errors";
import type { Session } from "../session/session-file.ts";
import { type OnWaiting, whileWaiting } from "../session/waiting.ts";
import type { Connector } from "../transport/channel.ts";
import { Group } from "./group.ts";
import { PartyClient } from "./party-client.ts";

/**
 * A client at every party, greeted within the session's time. `waiting` hears for whom it waits: parties that do not serve yet, and
 * later those that a command waits for.
 * @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE naming all that are missing, ENVELOPE_INVALID; no connection is left then
 */
export async function openGroup(session: Session, connector: Connector, waiting?: OnWaiting): Promise<Group> {
  const { parties } = session.file;
  const missing = new Set(parties.map((p) => p.identity.name));
  const giveUp = new AbortController();
  const work = parties.map(async (p, i) => {
    const client = await PartyClient.open(session, i, await connector(session, i, giveUp.signal));
    missing.delete(p.identity.name);
    return client;
  });
  try {
    return new Group(await whileWaiting(Promise.all(work), parties.length, () => [...missing], waiting), waiting);
  } catch (e) {
    giveUp.abort();
    for (const w of work) w.then((c) => c.close()).catch(() => undefined);
    if (!(e instanceof TacitError) || e.code !== "MPC_TIMEOUT" || missing.size < 2) throw e;
    const names = parties.flatMap((p, i) => (missing.has(p.identity.name) ? [session.showParty(i)] : []));
    const seconds = session.timeout / 1000;
    throw new TacitError("MPC_TIMEOUT", `connect to ${names.join(", ")}: expected them within ${seconds} s, got nobody`, {
      hint: e.hint ?? "are they started, and are their client addresses reachable from here?",
    });
  }
}
