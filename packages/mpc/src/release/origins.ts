/**
 * @file Where the inputs of a run may come from when a grant demands noise: rows as their owners gave them, and nothing else of theirs that was not
 * noised. One rule for parties, who know what is bound, and for plans, which know what may be bound.
 */
import type { Grant, GrantInput, Source } from "../session/grant.ts";
import type { MechanismTerms } from "../session/mechanism.ts";

/** What is bound to an input, or may be. */
export interface Origin {
  readonly owners: readonly string[];
  /** As its owner gave it; else a result. */
  readonly given: boolean;
  /** Whether all that these owners gave went into it through noise alone, in a run that was counted. */
  readonly isReleased: (owners: readonly string[]) => boolean;
}

/** Why `origin` (undefined: public) may not be input `i` beside protected rows of `owners`; undefined where it may. */
export function whyNotFrom(
  m: MechanismTerms,
  i: number,
  origin: Origin | undefined,
  owners: ReadonlySet<string>,
): string | undefined {
  if (m.rows.includes(i))
    return origin?.given === true ? undefined : "does not fit: protected rows must be inputs as they were given";
  const shared = origin?.owners.filter((o) => owners.has(o)) ?? [];
  if (origin === undefined || shared.length === 0 || origin.isReleased(shared)) return undefined;
  return `does not fit: input ${i} holds data of ${shared.join(", ")} without counted noise`;
}

/** Who gives a handle: its name begins with theirs. */
const giverOf = (handle: string): string => handle.slice(0, handle.indexOf("/"));

/** What a source lets in, taken at its best: a result may have been noised before. */
const mayBe = (s: Source): Origin | undefined => {
  if (s.kind === "public") return undefined;
  if (s.kind === "result") return { owners: [], given: false, isReleased: () => true };
  return { owners: [giverOf(s.handle)], given: true, isReleased: () => false };
};

/** Owners whose rows are protected whichever of the sources is bound. */
function surelyProtected(inputs: readonly GrantInput[], m: MechanismTerms): Set<string> {
  const owners = m.rows.map((r) => new Set((inputs[r]?.sources ?? []).flatMap((s) => mayBe(s)?.owners ?? [])));
  return new Set(owners.filter((o) => o.size === 1).flatMap((o) => [...o]));
}

/** Why nothing that the grant lets in keeps to `m`; undefined: something does. */
export function whyNoOrigin({ inputs }: Grant, m: MechanismTerms): string | undefined {
  const owners = surelyProtected(inputs, m);
  for (const [i, { sources }] of inputs.entries()) {
    const reasons = sources.map((s) => whyNotFrom(m, i, mayBe(s), owners));
    if (reasons.length > 0 && reasons.every((r) => r !== undefined)) return reasons[0];
  }
  return undefined;
}

/** Everybody whose rows a mechanism protects. */
export const protectedOwners = ({ inputs }: Grant, m: MechanismTerms): string[] =>
  [...new Set(m.rows.flatMap((r) => inputs[r]?.owners ?? []))].sort();

/**
 * Secret inputs of `owner` of which the mechanism says nothing: those of people whose rows are not among the protected. Of a protected owner every
 * other input must be a result that was noised before (`whyNotFrom`).
 */
export function unprotectedInputs(grant: Grant, m: MechanismTerms, owner: string): number[] {
  if (protectedOwners(grant, m).includes(owner)) return [];
  return grant.inputs.flatMap((input, i) => (input.owners.includes(owner) ? [i] : []));
}
