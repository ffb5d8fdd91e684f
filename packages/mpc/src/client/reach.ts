/** @file Reaching all parties of a session at once. What carries the messages is the caller's: Node's connector, or a browser's. */
import { TacitError } from "@tacit/core/errors";
import type { Session } from "../session/session-file.ts";
import { type OnWaiting, whileWaiting } from "../session/waiting.ts";
import type { Connector } from "../transport/channel.ts";
import { Group } from "./group.ts";
import { PartyClient } from "./party-client.ts";

/** Between two looks for a party that is not there. */
const PAUSE_MS = 250;

/**
 * A client at every party, greeted within `patience` milliseconds (default: the session's time). `waiting` hears for whom it waits: parties that do not serve yet, and
 * later those that a command waits for.
 * @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE naming all that are missing, ENVELOPE_INVALID; no connection is left then
 */
export async function openGroup(
  session: Session,
  connector: Connector,
  waiting?: OnWaiting,
  patience: number = session.timeout,
): Promise<Group> {
  const { parties } = session.file;
  const missing = new Set(parties.map((p) => p.identity.name));
  const giveUp = new AbortController();
  const until = performance.now() + patience;
  const timer = setTimeout(() => giveUp.abort(), Math.max(0, patience));
  const work = parties.map(async (p, i) => {
    const client = await patiently(until, async () => {
      const channel = await connector(session, i, giveUp.signal);
      return PartyClient.open(session, i, channel, Math.max(1, Math.min(session.timeout, Math.ceil(until - performance.now()))));
    });
    missing.delete(p.identity.name);
    return client;
  });
  try {
    return new Group(await whileWaiting(Promise.all(work), parties.length, () => [...missing], waiting), waiting);
  } catch (e) {
    giveUp.abort();
    for (const w of work) w.then((c) => c.close()).catch(() => undefined);
    if (!isLate(e)) throw e;
    const names = parties.flatMap((p, i) => (missing.has(p.identity.name) ? [session.showParty(i)] : []));
    const seconds = Math.max(0, patience) / 1000;
    throw new TacitError(
      "MPC_TIMEOUT",
      `connect to ${names.join(", ")}: expected ${names.length > 1 ? "them" : "it"} within ${seconds} s, got nobody`,
      {
        hint: e.hint ?? "are they started, and are their client addresses reachable from here?",
      },
    );
  } finally {
    clearTimeout(timer);
  }
}

const isLate = (e: unknown): e is TacitError =>
  e instanceof TacitError && (e.code === "MPC_TIMEOUT" || e.code === "MPC_PARTY_LOST");

/** One who is late, or ends between connection and greeting, is looked for again until then. */
async function patiently<T>(until: number, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (e) {
      if (!isLate(e) || performance.now() + PAUSE_MS >= until) throw e;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
