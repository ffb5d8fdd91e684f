/** @file Fair share: what people's inputs may take of a party's share memory. Nobody takes it from all others, nor from the runs. */
import { TacitError } from "@tacit/core/errors";

/** Of the limit: what inputs may take, all together. The rest is for what runs make. */
const FOR_INPUTS = 3 / 4;
/** Of that: what is divided equally among the people of the session, whoever comes first. The rest goes to those who come first. */
const DIVIDED = 1 / 2;
/** Inputs of one person, however small: each has a name, and everybody may ask for the list. */
const MOST_INPUTS = 16_384;

/** What a person's inputs take, at rest and under way. */
export interface Holding {
  readonly inputs: number;
  readonly bytes: number;
}

/** The bytes that nobody can take from one of `people`. */
export const ownShare = (limit: number, people: number): number => Math.floor((limit * FOR_INPUTS * DIVIDED) / people);

/** Takes note of one input more. */
export function addTo(held: Map<string, Holding>, owner: string, bytes: number): void {
  const before = held.get(owner) ?? { inputs: 0, bytes: 0 };
  held.set(owner, { inputs: before.inputs + 1, bytes: before.bytes + bytes });
}

/**
 * Whether `owner` may give an input of `bytes` more, where people hold what `held` says.
 * @throws TacitError MPC_MEMORY before anything is taken
 */
export function checkFairShare(
  { limit, people }: { readonly limit: number; readonly people: number },
  held: ReadonlyMap<string, Holding>,
  owner: string,
  bytes: number,
): void {
  const own = ownShare(limit, people);
  const before = held.get(owner) ?? { inputs: 0, bytes: 0 };
  if (before.inputs >= MOST_INPUTS) {
    throw new TacitError("MPC_MEMORY", `put: expected at most ${MOST_INPUTS} inputs of ${owner} at this party, got one more`);
  }
  const wanted = before.bytes + bytes;
  if (wanted <= own) return;
  let common = Math.floor(limit * FOR_INPUTS * (1 - DIVIDED));
  for (const [who, holding] of held) if (who !== owner) common -= Math.max(0, holding.bytes - own);
  if (wanted <= own + common) return;
  const most = own + Math.max(0, common);
  throw new TacitError("MPC_MEMORY", `put: expected at most ${most} bytes of inputs of ${owner} at this party, got ${wanted}`, {
    hint: "the rest is for others and for runs, or others have it: give less, or agree on a larger limit (tacit session new --memory)",
  });
}
