/**
 * @file Consent: the one place that decides whether a run or a reveal is allowed. Every owner whose data flows in must have
 * signed; a quorum of stake would replace `consents` alone.
 */
import { TacitError } from "@tacit/core/errors";
import { type Grant, type GrantInput, grantId, type SignedGrant, type Source } from "./grant.ts";

/** Where a bound value comes from, as the executor knows it, not as the driver says. */
export interface BoundInput {
  /** Sorted. Empty for a public value. */
  readonly owners: readonly string[];
  readonly source: Source;
  readonly rows: number;
}

/** That a run was counted against the mechanisms of a grant, and what it released by that: decided when it was counted, for good. */
export interface Counted {
  /** That grant's id. */
  readonly grant: string;
  /** By output: the owners, sorted, whose data it holds through the noise of this run alone, or of counted runs before. */
  readonly released: readonly (readonly string[])[];
}

/** A Program with what it is run on. Results keep theirs: a later reveal is judged by how they were really made. */
export interface BoundRun {
  /** "" for an input as it came. */
  readonly program: string;
  readonly inputs: readonly BoundInput[];
  /** Of a run under a grant that demands a mechanism. */
  readonly counted?: Counted;
}

/** Says why a run does not keep to the mechanism that a grant demands, once `runs` more of it were counted; undefined where it does. */
export type Judge = (grant: Grant, runs: number) => string | undefined;

/** Whether a grant demands a mechanism for some output. */
export const demandsMechanism = (g: Grant): boolean => g.disclosures.some((d) => d.mechanism !== undefined);

/** A grant whose signatures were verified against this session. */
export interface Consent {
  readonly id: string;
  readonly grant: Grant;
  readonly signers: ReadonlySet<string>;
  /** Those who took their signature back, if any did. */
  readonly withdrawn?: ReadonlySet<string>;
}

/** How much of a grant was used. */
export interface Used {
  readonly runs: number;
  readonly reveals: number;
}

/** Whether those who signed may decide for `owners`: today all of them must have. */
export const consents = (signers: ReadonlySet<string>, owners: readonly string[]): boolean => owners.every((o) => signers.has(o));

/** The union of owner sets, sorted: what results inherit. */
export function unionOfOwners(inputs: readonly { readonly owners: readonly string[] }[]): string[] {
  return [...new Set(inputs.flatMap((i) => i.owners))].sort();
}

export const consentOf = (signed: SignedGrant, signers: ReadonlySet<string>): Consent => ({
  id: grantId(signed.grant),
  grant: signed.grant,
  signers,
});

function sourceFits(allowed: Source, actual: Source): boolean {
  if (allowed.kind === "handle") return actual.kind === "handle" && actual.handle === allowed.handle;
  if (allowed.kind === "result") return actual.kind === "result" && actual.program === allowed.program;
  if (actual.kind !== "public") return false;
  if (allowed.distinct && !actual.distinct) return false;
  if (allowed.least !== null && (actual.least === null || actual.least < allowed.least)) return false;
  return allowed.most === null || (actual.most !== null && actual.most <= allowed.most);
}

function inputFits(allowed: GrantInput, actual: BoundInput): string | undefined {
  if (!allowed.sources.some((s) => sourceFits(s, actual.source))) return "comes from a source that is not allowed";
  if (actual.rows < allowed.rows) return `has ${actual.rows} rows where at least ${allowed.rows} are asked`;
  if (!actual.owners.every((o) => allowed.owners.includes(o))) return "belongs to owners who are not named";
  return undefined;
}

/** Why `consent` does not cover `run` at `now` (seconds), or undefined where it does. Counts are judged apart. */
function mismatch(consent: Consent, run: BoundRun, now: number): string | undefined {
  const { grant } = consent;
  if (grant.program !== run.program) return "is for another program";
  if (grant.expires <= now) return "has expired";
  if (grant.inputs.length !== run.inputs.length) return `names ${grant.inputs.length} inputs, not ${run.inputs.length}`;
  for (const [i, actual] of run.inputs.entries()) {
    const why = inputFits(grant.inputs[i]!, actual);
    if (why !== undefined) return `does not fit: input ${i} ${why}`;
  }
  const owners = unionOfOwners(run.inputs);
  if (consents(consent.signers, owners)) return undefined;
  const gone = owners.filter((o) => consent.withdrawn?.has(o) === true);
  return gone.length > 0 ? `was withdrawn by ${gone.join(", ")}` : "lacks the signature of an owner";
}

/** Most reasons in a message: anybody may sign grants for a Program, and refusals are written down. */
const MOST_REASONS = 8;

function refuse(what: string, hint: string, reasons: readonly string[]): never {
  const more = reasons.length > MOST_REASONS ? [`${reasons.length - MOST_REASONS} more`] : [];
  const because = reasons.length === 0 ? "no grant names it" : [...reasons.slice(0, MOST_REASONS), ...more].join("; ");
  throw new TacitError(
    "POLICY_REFUSED",
    `${what}: expected a grant signed by every owner, got none that allows it (${because})`,
    { hint },
  );
}

const short = (program: string): string => (program === "" ? "an input" : `program ${program.slice(0, 12)}`);

/**
 * Grants for this Program, or the one that is named. Those with a mechanism come first, by rising id, an order that all parties share: a result
 * can leave under one only if its run was counted there.
 */
function mechanismsFirst(all: Iterable<Consent>, run: BoundRun, named: string | undefined): Consent[] {
  const fitting = [...all].filter((c) => c.grant.program === run.program && (named === undefined || c.id === named));
  const demanding = fitting.filter((c) => demandsMechanism(c.grant)).sort((a, b) => (a.id < b.id ? -1 : 1));
  return [...demanding, ...fitting.filter((c) => !demandsMechanism(c.grant))];
}

/**
 * The grant under which `run` may be run once more: `named` (an id), or else the first that allows it, those with a mechanism before others and by
 * rising id; undefined where no owner's data flows in, and nothing is counted.
 * @throws TacitError POLICY_REFUSED with every grant's reason
 */
export function permitRun(
  all: Iterable<Consent>,
  run: BoundRun,
  used: (id: string) => Used,
  now: number,
  judge: Judge = () => "demands a mechanism, which only a party checks",
  named?: string,
): Consent | undefined {
  const owners = unionOfOwners(run.inputs);
  if (owners.length === 0) return undefined;
  const reasons: string[] = [];
  for (const consent of mechanismsFirst(all, run, named)) {
    const { runs } = used(consent.id);
    let why = mismatch(consent, run, now) ?? (runs < consent.grant.runs ? undefined : "has no runs left");
    if (demandsMechanism(consent.grant)) why ??= judge(consent.grant, runs + 1);
    if (why === undefined) return consent;
    reasons.push(`grant ${consent.id.slice(0, 12)} ${why}`);
  }
  return refuse(
    `run of ${short(run.program)}${named === undefined ? "" : ` under grant ${named.slice(0, 12)}`}`,
    `the owners to ask are ${owners.join(", ")}: show them tacit plan (with --spare where a grant is used up)`,
    reasons,
  );
}

/** A wish to open output `output` of `run` to `to`. */
export interface Wish {
  readonly output: number;
  readonly to: string;
  readonly why: string;
}

/**
 * The grant under which the result may be opened.
 * @throws TacitError POLICY_REFUSED
 */
export function permitReveal(
  all: Iterable<Consent>,
  run: BoundRun,
  wish: Wish,
  used: (id: string) => Used,
  now: number,
): Consent {
  const owners = unionOfOwners(run.inputs);
  const reasons: string[] = [];
  for (const consent of all) {
    if (consent.grant.program !== run.program) continue;
    const named = consent.grant.disclosures.filter((d) => d.output === wish.output && d.to === wish.to && d.why === wish.why);
    let why = mismatch(consent, run, now);
    why ??= named.length > 0 ? undefined : "does not disclose this output to this recipient for this reason";
    const free = named.some((d) => d.mechanism === undefined || run.counted?.grant === consent.id);
    why ??= free ? undefined : "discloses it from runs alone that were counted against its budget";
    why ??= used(consent.id).reveals < consent.grant.reveals ? undefined : "has no reveals left";
    if (why === undefined) return consent;
    reasons.push(`grant ${consent.id.slice(0, 12)} ${why}`);
  }
  return refuse(
    `reveal of output ${wish.output} of ${short(run.program)} to ${wish.to}`,
    `the owners to ask are ${owners.join(", ")}: a reveal needs the consent of all of them, with this recipient and this reason`,
    reasons,
  );
}
