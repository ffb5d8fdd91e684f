/** @file What an owner is asked to sign, read from a plan and said in words. Nothing in the plan is believed that its bytes do not show. */
import { expected, TacitError } from "@tacit/core/errors";
import { Program, showAval } from "@tacit/core/program";
import { mpc } from "@tacit/mpc";
import { readBounded } from "../files.ts";

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

/** Titles come from elsewhere: no control characters. */
const plain = (text: unknown): string => (typeof text === "string" ? text.replaceAll(/\p{C}/gu, "?").slice(0, 100) : "a program");

function askedOf(entry: unknown): Asked {
  const e: Json = isRecord(entry) ? entry : {};
  const { grant } = mpc.signedFromJson({ grant: e.grant, signatures: [] });
  if (mpc.grantId(grant) !== e.grantId) {
    expected(CODE, "approve", "the grant whose id the plan states", "another", "the plan was changed: make it again");
  }
  if (grant.program === "") return { title: plain(e.title), grant, program: null };
  const program = Program.fromBytes(bytesOf(e.code));
  if (program.id === grant.program && program.inputs.length === grant.inputs.length)
    return { title: plain(e.title), grant, program };
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

function showInput(asked: Asked, k: number, owner: string): string {
  const input = asked.grant.inputs[k]!;
  const aval = asked.program === null ? "" : ` ${showAval(asked.program.inputs[k]!)}`;
  const others = input.owners.filter((o) => o !== owner);
  const mine = input.owners.includes(owner);
  const whose =
    input.owners.length === 0
      ? "public"
      : mine
        ? `YOURS${others.length === 0 ? "" : ` and ${others.join(", ")}'s`}`
        : `${others.join(", ")}'s`;
  const from = input.sources.map(mpc.showSource).join(" or ");
  const rows = input.owners.length === 0 ? "" : `, at least ${input.rows} rows`;
  return `  on     input ${k}${aval}: ${whose}; ${from}${rows}`;
}

/** When a grant ends; it may name a time that no calendar has. */
const ends = (expires: number): string =>
  expires <= 8.64e12 ? `until ${new Date(expires * 1000).toISOString()}` : "until the session ends";

/**
 * What signing `asked` allows, for its owner to read: a line for each input and each disclosure, whatever is written in them. A name
 * with a line break in it would look like a line of ours.
 */
export function showAsked(asked: Asked, owner: string): string {
  const { grant, program } = asked;
  const what = program === null ? "an input, as it came" : `program ${program.id.slice(0, 16)} of ${program.nodes.length} ops`;
  const opened = grant.disclosures.map((d) => {
    const aval = program === null ? "" : ` ${showAval(program.outputAvals[d.output] ?? program.inputs[0]!)}`;
    return `  OPENS  output ${d.output}${aval} to ${d.to}, for ${JSON.stringify(d.why)}, and to nobody else`;
  });
  return [
    `${asked.title}: ${what}`,
    ...grant.inputs.map((_, k) => showInput(asked, k, owner)),
    ...(opened.length === 0 ? ["  opens  nothing: all results stay shared"] : opened),
    `  most   ${runsOf(grant.runs)}, ${grant.reveals} disclosures, ${ends(grant.expires)}`,
  ]
    .map((line) => line.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?"))
    .join("\n");
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
  throw new TacitError(CODE, `grants: expected what tacit approve --out wrote for this session, got something else at ${path}`);
}
