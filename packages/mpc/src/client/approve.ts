/** @file Approving: an owner's signatures go to the parties, who gather those of all owners; anybody who knows a grant may ask who signed it. */
import { TacitError } from "@tacit/core/errors";
import { MOST_REVOKED } from "../party/messages.ts";
import type { Grant, SignedGrant } from "../session/grant.ts";
import { grantId, grantToBytes } from "../session/grant.ts";
import type { Session } from "../session/session-file.ts";
import type { Connector } from "../transport/channel.ts";
import { type ClientOptions, checkPerson } from "./give.ts";
import type { Group } from "./group.ts";
import { openGroup } from "./reach.ts";

/** A grant and those who have signed it, at every party. */
export interface Signed {
  readonly id: string;
  readonly signers: readonly string[];
}

/** What is left of a grant: the least that any party counts. A start reserves some ahead, which counts as used. */
export interface Left {
  readonly runs: number;
  readonly reveals: number;
}

/** Names that stand in every list. */
const inAll = (lists: readonly (readonly string[])[]): string[] =>
  (lists[0] ?? []).filter((name) => lists.every((list) => list.includes(name)));

/** Hands signed grants to all parties. @throws TacitError GRANT_INVALID, SESSION_*, MPC_* */
export async function approve(
  session: Session,
  connector: Connector,
  grants: readonly SignedGrant[],
  { identity, waiting, wait }: ClientOptions,
): Promise<(Signed & { readonly left: Left })[]> {
  checkPerson(session, identity);
  const group = await openGroup(session, connector, waiting, wait);
  try {
    const signed: Signed[] = [];
    for (const grant of grants) {
      const replies = await group.all(identity, { type: "grant", bytes: grantToBytes(grant) });
      signed.push({ id: grantId(grant.grant), signers: inAll(replies.map((f) => f.remainingTexts(64))) });
    }
    const terms = grants.map((g) => g.grant);
    const left = await leftAt(group, identity, terms);
    return signed.map((s, i) => ({ ...s, left: left[i]! }));
  } finally {
    group.close();
  }
}

/**
 * Takes back one's own signature of these grants (ids, or 16 digits or more of those that were given to the parties), at all parties and
 * for good: from the next run on nothing happens under them. Resolves with the whole ids.
 * @throws TacitError GRANT_INVALID, SESSION_*, MPC_*
 */
export async function revoke(
  session: Session,
  connector: Connector,
  ids: readonly string[],
  { identity, waiting, wait }: ClientOptions,
): Promise<string[]> {
  checkPerson(session, identity);
  const group = await openGroup(session, connector, waiting, wait);
  try {
    const whole: string[] = [];
    for (let i = 0; i < ids.length; i += MOST_REVOKED)
      whole.push(...(await revokeSome(session, group, ids.slice(i, i + MOST_REVOKED), identity)));
    return whole;
  } finally {
    group.close();
  }
}

async function revokeSome(
  session: Session,
  group: Group,
  ids: readonly string[],
  identity: ClientOptions["identity"],
): Promise<string[]> {
  const replies = await group.all(identity, { type: "revoke", ids });
  const [whole = [], ...others] = replies.map((f) => f.remainingTexts(64));
  const other = others.findIndex((list) => list.join() !== whole.join());
  if (other < 0) return whole;
  const who = session.showParty(other + 1);
  throw new TacitError("GRANT_INVALID", `revoke: expected the same grants at all parties, got others at ${who}`, {
    hint: "say the whole ids: tacit approve --json prints them",
  });
}

/** Who has signed these grants by now, at every party. */
export async function signersAt(group: Group, identity: ClientOptions["identity"], grants: readonly Grant[]): Promise<Signed[]> {
  const ids = grants.map(grantId);
  const replies = await group.all(identity, { type: "granted", ids });
  const lists = replies.map((f) => f.rest((item) => item.remainingTexts(64)));
  return ids.map((id, i) => ({ id, signers: inAll(lists.map((list) => list[i] ?? [])) }));
}

/** What is left of these grants. Anybody of the session who knows a grant may ask. */
export async function leftAt(group: Group, identity: ClientOptions["identity"], grants: readonly Grant[]): Promise<Left[]> {
  const replies = await group.all(identity, { type: "used", ids: grants.map(grantId) });
  const parties = replies.map((f) =>
    f.rest((item) => {
      const used = { runs: item.uint(), reveals: item.uint() };
      item.end();
      return used;
    }),
  );
  const most = (i: number, what: keyof Left): number => Math.max(0, ...parties.map((p) => p[i]?.[what] ?? 0));
  return grants.map((g, i) => ({
    runs: Math.max(0, g.runs - most(i, "runs")),
    reveals: Math.max(0, g.reveals - most(i, "reveals")),
  }));
}
