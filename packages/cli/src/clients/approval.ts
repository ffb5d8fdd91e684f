/** @file What an owner is asked to sign, read from a plan and said in words. Nothing in the plan is believed that its bytes do not show. */
import { expected, TacitError } from "@tacit/core/errors";
import { Program, showAval } from "@tacit/core/program";
import { mpc } from "@tacit/mpc";
import { readBounded } from "../files.ts";
import { allNamed, named, quoted } from "../output/foreign.ts";

/** A grant of a plan, and its Program where it runs one. */
export interface Asked {
  /** What the plan calls it: words of whoever made it. */
  readonly title: string;
  readonly grant: mpc.Grant;
  /** Null for the disclosure of an input as it came. */
  readonly program: Program | null;
}

/** A plan of LeNet-5's training has 0.2 MB. */
const MOST_BYTES = 2 ** 26;
const CODE = "PLAN_INVALID";

type Json = Readonly<Record<string, unknown>>;
const isRecord = (x: unknown): x is Json => typeof x === "object" && x !== null && !Array.isArray(x);

function bytesOf(hex: unknown): Uint8Array {
  if (typeof hex === "string" && /^([0-9a-f]{2})+$/.test(hex)) return new Uint8Array(Buffer.from(hex, "hex"));
  return expected(CODE, "approve", "the bytes of each program in the plan", "something else", "make it with tacit plan --json");
}

/** Titles come from elsewhere: letters are shown as they are, everything else in quotes. */
const titleOf = (text: unknown): string =>
  typeof text !== "string" ? "a program" : /^[A-Za-z0-9 -]{1,100}$/.test(text) ? text : quoted(text);

function askedOf(entry: unknown): Asked {
  const e: Json = isRecord(entry) ? entry : {};
  const { grant } = mpc.signedFromJson({ grant: e.grant, signatures: [] });
  if (mpc.grantId(grant) !== e.grantId) {
    expected(CODE, "approve", "the grant whose id the plan states", "another", "the plan was changed: make it again");
  }
  if (grant.program === "") return { title: titleOf(e.title), grant, program: null };
  const program = Program.fromBytes(bytesOf(e.code));
  if (program.id === grant.program && program.inputs.length === grant.inputs.length)
    return { title: titleOf(e.title), grant, program };
  return expected(CODE, "approve", "the program that the grant names", "another", "the plan was changed: make it again");
}

/** The grants of a plan that `owner` is asked to sign. @throws TacitError PLAN_INVALID, GRANT_INVALID, FILE_READ */
export async function readPlan(path: string, session: mpc.Session, owner: string): Promise<Asked[]> {
  return parsePlan(new TextDecoder().decode(await readBounded("approve", path, MOST_BYTES)), path, session, owner);
}

/** The same from its text. @throws TacitError PLAN_INVALID, GRANT_INVALID, PROGRAM_INVALID, ENCODING_INVALID */
export function parsePlan(text: string, path: string, session: mpc.Session, owner: string): Asked[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (!isRecord(json) || json.kind !== "plan" || !Array.isArray(json.programs)) {
    throw new TacitError(CODE, `approve: expected what tacit plan --json printed, got something else at ${JSON.stringify(path)}`);
  }
  if (json.session !== session.hex) {
    throw new TacitError(CODE, "approve: expected a plan for this session, got one for another", {
      hint: "tacit plan --session with the same session file",
    });
  }
  return json.programs.map(askedOf).filter(({ grant }) => grant.inputs.some((i) => i.owners.includes(owner)));
}

const runsOf = (n: number): string => (n === 1 ? "1 run" : `${n} runs`);
const disclosuresOf = (n: number): string => (n === 1 ? "1 disclosure" : `${n} disclosures`);

/** As `mpc.showSource`, with the names that a stranger may have written escaped. */
const showFrom = (s: mpc.GrantInput["sources"][number]): string =>
  s.kind === "handle"
    ? `input ${named(s.handle)}`
    : s.kind === "result"
      ? `a result of ${named(s.program.slice(0, 12))}`
      : mpc.showSource(s);

function showInput(asked: Asked, k: number, owner: string): string {
  const input = asked.grant.inputs[k]!;
  const aval = asked.program === null ? "" : ` ${showAval(asked.program.inputs[k]!)}`;
  const others = input.owners.filter((o) => o !== owner);
  const mine = input.owners.includes(owner);
  const whose =
    input.owners.length === 0
      ? "public"
      : mine
        ? `YOURS${others.length === 0 ? "" : ` and ${allNamed(others)}'s`}`
        : `${allNamed(others)}'s`;
  const from = input.sources.map(showFrom).join(" or ");
  const rows = input.owners.length === 0 ? "" : `, at least ${input.rows} rows`;
  return `  on     input ${k}${aval}: ${whose}; ${from}${rows}`;
}

/** When a grant ends; it may name a time that no calendar has. */
const ends = (expires: number): string =>
  expires <= 8.64e12 ? `until ${new Date(expires * 1000).toISOString()}` : "until the session ends";

/** What its owner demands of a disclosure; a demand that the Program does not meet is said, and parties refuse its runs. */
function demanded({ grant, program }: Asked, { mechanism }: mpc.Grant["disclosures"][number], fractionBits: number): string {
  if (mechanism === undefined) return "";
  if (program === null) return "; only with noise, which an input as it came does not have";
  return `; ${mpc.describeMechanism(program, grant, mechanism, fractionBits, named)}`;
}

/** Which of the reader's data a mechanism says nothing of: a Program may let them out as they are. */
function warnings(grant: mpc.Grant, { output, mechanism }: mpc.Grant["disclosures"][number], owner: string): string[] {
  if (mechanism === undefined) return [];
  return mpc
    .unprotectedInputs(grant, mechanism, owner)
    .map((i) => `  BEWARE YOUR input ${i} is NOT protected by it: output ${output} may hold of it whatever the program says`);
}

/**
 * What signing `asked` allows, for its owner to read: a line for each input and each disclosure, whatever is written in them. Names
 * that are not of the ordinary kind are quoted and escaped: one with a line break in it would look like a line of ours.
 */
export function showAsked(asked: Asked, owner: string, fractionBits: number): string {
  const { grant, program } = asked;
  const what = program === null ? "an input, as it came" : `program ${program.id.slice(0, 16)} of ${program.nodes.length} ops`;
  const opened = grant.disclosures.flatMap((d) => {
    const aval = program === null ? "" : ` ${showAval(program.outputAvals[d.output] ?? program.inputs[0]!)}`;
    const opens = `  OPENS  output ${d.output}${aval} to ${named(d.to)}, for ${quoted(d.why)}, and to nobody else`;
    return [`${opens}${demanded(asked, d, fractionBits)}`, ...warnings(grant, d, owner)];
  });
  return [
    `${asked.title}: ${what}`,
    ...grant.inputs.map((_, k) => showInput(asked, k, owner)),
    ...(opened.length === 0 ? ["  opens  nothing: all results stay shared"] : opened),
    `  most   ${runsOf(grant.runs)}, ${disclosuresOf(grant.reveals)}, ${ends(grant.expires)}`,
  ].join("\n");
}

/** What no grant says, and an owner should know before the first is signed. */
export const UNBOUNDED =
  "no grant bounds checkpoints: whoever drives may have each party write its shares, sealed to itself, to its own disk (docs/checkpoints.md)";

/** How much of a signed grant is left, for its owner: who is still to sign, or what may still be done, or what to do. */
export function showLeft(missing: readonly string[], { runs, reveals }: mpc.Left, grant: mpc.Grant): string {
  if (missing.length > 0) return `still to sign: ${allNamed(missing)}`;
  const noRuns = grant.runs > 0 && runs === 0;
  const noReveals = grant.reveals > 0 && reveals === 0;
  if (noRuns || noReveals) {
    const what = [...(noRuns ? [runsOf(grant.runs)] : []), ...(noReveals ? [disclosuresOf(grant.reveals)] : [])].join(" and ");
    return `USED UP: all of its ${what} done; to run it again make a plan with another --spare, and sign that (the driver says the same --spare)`;
  }
  const left = [...(grant.runs > 0 ? [runsOf(runs)] : []), ...(grant.reveals > 0 ? [disclosuresOf(reveals)] : [])];
  return `complete, ${left.length === 0 ? "nothing to run" : `${left.join(" and ")} left`}`;
}

/** Signed grants as a file. */
export const signedText = (session: mpc.Session, signed: readonly mpc.SignedGrant[]): string =>
  `${JSON.stringify({ schema: 1, kind: "grants", session: session.hex, grants: signed.map(mpc.signedToJson) }, null, 2)}\n`;

/** Reads such a file. @throws TacitError PLAN_INVALID, GRANT_INVALID */
export async function readSigned(path: string, session: mpc.Session): Promise<mpc.SignedGrant[]> {
  return parseSigned(new TextDecoder().decode(await readBounded("grants", path, MOST_BYTES)), path, session);
}

/** The same from its text. @throws TacitError PLAN_INVALID, GRANT_INVALID, ENCODING_INVALID */
export function parseSigned(text: string, path: string, session: mpc.Session): mpc.SignedGrant[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (isRecord(json) && json.kind === "grants" && json.session === session.hex && Array.isArray(json.grants)) {
    return json.grants.map(mpc.signedFromJson);
  }
  throw new TacitError(
    CODE,
    `grants: expected what tacit approve --out wrote for this session, got something else at ${JSON.stringify(path)}`,
  );
}
