/** @file Grants: the entries of a session's policy. What a Program may be run on, who may learn what, how often, signed by owners. */
import { sha256 } from "@noble/hashes/sha2.js";
import { TacitError } from "@tacit/core/errors";
import { fromHex, toHex } from "../identity/encoding.ts";
import { type Identity, isRecord, type PublicIdentity, verify } from "../identity/identity.ts";
import { boundWire, Fields, fromCbor, toCbor, type Wire } from "./cbor.ts";
import { type MechanismTerms, mechanismFields, mechanismWire, readMechanism } from "./mechanism.ts";

/**
 * Where a bound value may come from: an input by its handle; any result of a Program; or a value that everybody knows,
 * within bounds (null: none), its elements all different where `distinct` (indices that may not repeat a row).
 */
export type Source =
  | { readonly kind: "handle"; readonly handle: string }
  | { readonly kind: "result"; readonly program: string }
  | { readonly kind: "public"; readonly least: number | null; readonly most: number | null; readonly distinct: boolean };

export interface GrantInput {
  /** The value's owners must all be among these. Empty for public values. */
  readonly owners: readonly string[];
  /** Any of these will do. */
  readonly sources: readonly Source[];
  /** Least size of the first dimension; a scalar has one row. */
  readonly rows: number;
}

/** Output `output` may be learnt by `to`, for the reason `why`. An output without an entry stays shared. */
export interface Disclosure {
  readonly output: number;
  readonly to: string;
  readonly why: string;
  /** Demanded of the output; absent: it may leave as it is. */
  readonly mechanism?: MechanismTerms;
}

export interface Grant {
  /** Program id; "" for revealing an input as it came (one input, output 0). */
  readonly program: string;
  readonly inputs: readonly GrantInput[];
  readonly disclosures: readonly Disclosure[];
  readonly runs: number;
  readonly reveals: number;
  /** Seconds since 1970. */
  readonly expires: number;
}

export interface Signature {
  readonly name: string;
  /** Ed25519, 64 bytes. */
  readonly bytes: Uint8Array;
}

export interface SignedGrant {
  readonly grant: Grant;
  readonly signatures: readonly Signature[];
}

const MOST_INPUTS = 4096;
const MOST_SOURCES = 64;
const CODE = "GRANT_INVALID";

export function sourceWire(s: Source): Wire {
  if (s.kind === "handle") return [0, s.handle];
  if (s.kind === "result") return [1, s.program];
  return [2, boundWire(s.least), boundWire(s.most), s.distinct];
}

/** Without a mechanism three fields, as before there were any: ids of old grants stay. */
const disclosureWire = (d: Disclosure): Wire => [d.output, d.to, d.why, ...(d.mechanism ? [mechanismWire(d.mechanism)] : [])];

export const grantWire = (g: Grant): Wire => [
  g.program,
  g.inputs.map((i) => [[...i.owners], i.sources.map(sourceWire), i.rows]),
  g.disclosures.map(disclosureWire),
  g.runs,
  g.reveals,
  g.expires,
];

export const signedWire = (s: SignedGrant): Wire => [grantWire(s.grant), s.signatures.map((x) => [x.name, x.bytes])];

/** Names a grant in counters and messages. Two grants with the same terms are one grant: they share their counts. */
export const grantId = (g: Grant): string => toHex(sha256(toCbor(grantWire(g))));

export function readSource(f: Fields): Source {
  const kind = f.uint(2);
  let source: Source;
  if (kind === 0) source = { kind: "handle", handle: f.text() };
  else if (kind === 1) source = { kind: "result", program: f.text() };
  else source = { kind: "public", least: f.bound(), most: f.bound(), distinct: f.boolean() };
  f.end();
  return source;
}

function readInput(f: Fields): GrantInput {
  const input = { owners: f.texts(64), sources: f.list(MOST_SOURCES, readSource), rows: f.uint() };
  f.end();
  return input;
}

function readDisclosure(f: Fields): Disclosure {
  const d = { output: f.uint(MOST_INPUTS), to: f.text(), why: f.text() };
  const mechanism = f.done ? undefined : readMechanism(f.fields());
  f.end();
  return mechanism === undefined ? d : { ...d, mechanism };
}

function readGrant(f: Fields): Grant {
  const grant = {
    program: f.text(64),
    inputs: f.list(MOST_INPUTS, readInput),
    disclosures: f.list(MOST_INPUTS, readDisclosure),
    runs: f.uint(),
    reveals: f.uint(),
    expires: f.uint(),
  };
  f.end();
  return grant;
}

export function readSigned(f: Fields): SignedGrant {
  const grant = readGrant(f.fields());
  const signatures = f.list(64, (x) => {
    const signature = { name: x.text(), bytes: x.bytes(64) };
    x.end();
    return signature;
  });
  f.end();
  return { grant, signatures };
}

/** @throws TacitError GRANT_INVALID */
export const grantFromBytes = (bytes: Uint8Array): SignedGrant => readSigned(fromCbor(bytes, "grant", CODE));
export const grantToBytes = (signed: SignedGrant): Uint8Array => toCbor(signedWire(signed));

/** What a signature covers: the session (its id; its root for entries of the file itself) and the terms. */
const covered = (bound: Uint8Array, grant: Grant): Uint8Array => toCbor([bound, grantWire(grant)]);

/** Signs `grant` by each of `signers`, for the session `bound`. */
export async function signGrant(bound: Uint8Array, grant: Grant, signers: readonly Identity[]): Promise<SignedGrant> {
  const bytes = covered(bound, grant);
  const signatures = await Promise.all(signers.map(async (s) => ({ name: s.name, bytes: await s.sign("grant", bytes) })));
  return { grant, signatures };
}

/**
 * The names of those whose signature verifies.
 * @throws TacitError GRANT_INVALID when a signature is of somebody unknown or does not verify
 */
export async function signersOf(
  bound: Uint8Array,
  signed: SignedGrant,
  people: ReadonlyMap<string, PublicIdentity>,
): Promise<ReadonlySet<string>> {
  const bytes = covered(bound, signed.grant);
  const names = new Set<string>();
  for (const s of signed.signatures) {
    const who = people.get(s.name);
    if (who === undefined || !(await verify(who, "grant", bytes, s.bytes))) {
      throw new TacitError(
        "GRANT_INVALID",
        `grant: expected signatures of people of this session over this session, got another one`,
        {
          hint: "sign again with the key that stands in the session file, for this session",
        },
      );
    }
    names.add(s.name);
  }
  return names;
}

const bytesOf = (where: string, text: unknown): unknown => (typeof text === "string" ? fromHex(where, text) : text);
const record = (x: unknown): Readonly<Record<string, unknown>> => (isRecord(x) ? x : {});
const list = (x: unknown): readonly unknown[] => (Array.isArray(x) ? x : []);

/** JSON has none: written as a number they would become null, which is no bound at all. */
const INFINITIES = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

function sourceFields(x: unknown): unknown {
  const s = record(x);
  const bound = (b: unknown): unknown => {
    const x = INFINITIES.find((i) => String(i) === b) ?? b;
    return typeof x === "number" ? boundWire(x) : (x ?? null);
  };
  if (s.kind === "handle") return [0, s.handle];
  if (s.kind === "result") return [1, s.program];
  return [2, bound(s.least), bound(s.most), s.distinct];
}

/** Reads a grant as it stands in a session file. @throws TacitError GRANT_INVALID, ENCODING_INVALID */
export function signedFromJson(x: unknown): SignedGrant {
  const g = record(record(x).grant);
  const inputs = list(g.inputs).map((i) => [record(i).owners, list(record(i).sources).map(sourceFields), record(i).rows]);
  const disclosures = list(g.disclosures).map((d) => {
    const { output, to, why, mechanism } = record(d);
    return [output, to, why, ...(mechanism === undefined ? [] : [mechanismFields(record(mechanism))])];
  });
  const grant = [g.program, inputs, disclosures, g.runs, g.reveals, g.expires];
  const signatures = list(record(x).signatures).map((s) => [record(s).name, bytesOf("grant", record(s).bytes)]);
  return readSigned(new Fields([grant, signatures], "grant", CODE, 2));
}

function sourceJson(s: Source): unknown {
  if (s.kind !== "public") return s;
  const bound = (x: number | null): unknown => (x !== null && INFINITIES.includes(x) ? String(x) : x);
  return { ...s, least: bound(s.least), most: bound(s.most) };
}

/** The inverse of `signedFromJson`. */
export const signedToJson = (s: SignedGrant): unknown => ({
  grant: { ...s.grant, inputs: s.grant.inputs.map((i) => ({ ...i, sources: i.sources.map(sourceJson) })) },
  signatures: s.signatures.map((x) => ({ name: x.name, bytes: toHex(x.bytes) })),
});
