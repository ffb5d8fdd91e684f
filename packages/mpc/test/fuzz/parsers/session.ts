/** @file Parsers of sessions: CBOR itself, session files, grants, public files, consent over what was read. */
import { TacitError } from "@tacit/core/errors";
import { fromCbor, toCbor } from "../../../src/session/cbor.ts";
import { type BoundRun, consentOf, demandsMechanism, permitReveal, permitRun } from "../../../src/session/consent.ts";
import { grantFromBytes, grantToBytes, grantWire, signGrant } from "../../../src/session/grant.ts";
import { parsePublic, publicEntry } from "../../../src/session/public-file.ts";
import { Session } from "../../../src/session/session-file.ts";
import { bytesOf, holds, type Parser, succeeds, textOf } from "../parser.ts";
import { DRIVER, GRANT, OWNER, PARTIES, PLAIN, SESSION, SIGNED } from "../world.ts";

const SESSION_CODES = ["SESSION_INVALID", "GRANT_INVALID", "IDENTITY_INVALID", "ENCODING_INVALID"];
const twice = await signGrant(PLAIN.id, { ...GRANT, disclosures: [], inputs: GRANT.inputs.slice(0, 1) }, [OWNER, DRIVER]);
const demanded = {
  kind: "distributed-discrete-gaussian",
  neighbours: "add-remove",
  rows: [0],
  epsilon: 2.5,
  delta: 1e-6,
} as const;
const noisy = await signGrant(PLAIN.root, { ...GRANT, disclosures: [{ ...GRANT.disclosures[0]!, mechanism: demanded }] }, [
  OWNER,
]);

const cbor: Parser = {
  name: "canonical CBOR",
  guards: ["mpc/src/session/cbor.ts"],
  form: "cbor",
  seeds: [
    SESSION.toBytes(),
    toCbor([0, -1, 23, 24, "text", new Uint8Array(3), null, true, [[], [1, [2]]]]),
    grantToBytes(SIGNED),
  ],
  codes: ["ENVELOPE_INVALID"],
  read(input) {
    fromCbor(input, "fuzz", "ENVELOPE_INVALID");
    return undefined;
  },
};

function throughJson(session: Session): void {
  const again = succeeds(() => Session.fromJson(session.toJson()), "a session is read from its JSON");
  holds(again.hex === session.hex, "a session is the same through its JSON");
}

const sessionBytes: Parser = {
  name: "session, CBOR",
  guards: ["mpc/src/session/session-file.ts", "mpc/src/session/grant.ts"],
  form: "cbor",
  seeds: [SESSION.toBytes(), PLAIN.toBytes()],
  codes: SESSION_CODES,
  read: (input) => {
    const session = Session.fromBytes(input);
    throughJson(session);
    return session.toBytes();
  },
};

const withoutId = ({ id: _, ...rest }: Record<string, unknown>): Record<string, unknown> => rest;
const sessionJson: Parser = {
  name: "session file, JSON",
  guards: ["mpc/src/session/session-file.ts", "mpc/src/session/grant.ts"],
  form: "json",
  seeds: [
    ...[SESSION, PLAIN].map((s) => bytesOf(s.toJson())),
    ...[SESSION, PLAIN].map((s) => bytesOf(JSON.stringify(withoutId(JSON.parse(s.toJson()) as Record<string, unknown>)))),
  ],
  codes: SESSION_CODES,
  read(input) {
    const session = Session.fromJson(textOf(input));
    throughJson(session);
    holds(succeeds(() => Session.fromBytes(session.toBytes()), "a session is read from its bytes").hex === session.hex, "its id");
    return undefined;
  },
};

const grant: Parser = {
  name: "grant",
  guards: ["mpc/src/session/grant.ts", "mpc/src/session/mechanism.ts"],
  form: "cbor",
  seeds: [grantToBytes(SIGNED), grantToBytes(twice), grantToBytes(noisy)],
  codes: ["GRANT_INVALID"],
  read: (input) => grantToBytes(grantFromBytes(input)),
};

const publicFile: Parser = {
  name: "public file",
  guards: ["mpc/src/session/public-file.ts"],
  form: "json",
  seeds: [
    publicEntry({ identity: OWNER.public }),
    publicEntry({ identity: PARTIES[0]!.public, reached: { address: "[::1]:7000", client: "a.example:443" } }),
    { schema: 1, kind: "keygen", ...publicEntry({ identity: OWNER.public }), fingerprint: "SHA256:00" },
  ].map((x) => bytesOf(JSON.stringify(x))),
  codes: ["IDENTITY_INVALID", "ENCODING_INVALID"],
  read(input) {
    const read = parsePublic(textOf(input));
    const text = JSON.stringify(publicEntry(read));
    holds(
      JSON.stringify(publicEntry(succeeds(() => parsePublic(text), "it is read again"))) === text,
      "a public file is the same when written and read again",
    );
    return undefined;
  },
};

const RUN: BoundRun = {
  program: GRANT.program,
  inputs: [
    { owners: ["data-owner"], source: { kind: "handle", handle: "images" }, rows: 64 },
    { owners: [], source: { kind: "public", least: -1, most: 0.5, distinct: true }, rows: 1 },
    { owners: [], source: { kind: "public", least: Number.NEGATIVE_INFINITY, most: 7, distinct: false }, rows: 1 },
  ],
};

/** Whatever a grant says that could be read: it permits nothing without its owners, and nothing beyond its terms. */
const consent: Parser = {
  name: "consent under a grant",
  guards: ["mpc/src/session/consent.ts"],
  form: "cbor",
  seeds: [grantToBytes(SIGNED), grantToBytes(noisy)],
  codes: ["GRANT_INVALID", "POLICY_REFUSED"],
  read(input) {
    const signed = grantFromBytes(input);
    const known = consentOf(signed, new Set(signed.signatures.map((s) => s.name)));
    const used = { runs: 2, reveals: 2 };
    // A party that has checked a demanded mechanism lets the run through, and notes under which grant it counted it.
    const run = demandsMechanism(signed.grant) ? { ...RUN, counted: { grant: known.id, released: [["data-owner"]] } } : RUN;
    const allowed = permitRun(
      [known],
      run,
      () => used,
      1,
      () => undefined,
    );
    holds(allowed !== undefined && known.signers.has("data-owner"), "a run was permitted with its owner's signature");
    holds(signed.grant.runs > 2 && signed.grant.expires > 1, "a run was permitted within the terms");
    const wish = { output: 0, to: "driver", why: "mean loss of an epoch" };
    const opened = permitReveal([known], run, wish, () => used, 1);
    holds(opened.grant.reveals > 2, "a reveal was permitted within the terms");
    holds(toCbor(grantWire(opened.grant)).length > 0, "terms that can be written");
    try {
      permitReveal([known], run, { ...wish, to: "mallory" }, () => used, 1);
    } catch (e) {
      if (e instanceof TacitError && e.code === "POLICY_REFUSED") return undefined;
      throw e;
    }
    holds(
      signed.grant.disclosures.some((d) => d.to === "mallory"),
      "a reveal to another was refused",
    );
    return undefined;
  },
};

export const SESSION_PARSERS: readonly Parser[] = [cbor, sessionBytes, sessionJson, grant, publicFile, consent];
