/** @file Parsers of what rests on a party's disk where others may reach it: checkpoints, manifests, letters. */
import { headBytes, readCheckpoint, sealedSize } from "../../../src/party/checkpoints/format.ts";
import { type Manifest, manifestBytes, readManifest } from "../../../src/party/checkpoints/manifest.ts";
import { fromCbor, toCbor } from "../../../src/session/cbor.ts";
import { isSigned, letterWire, readLetter, writeLetter } from "../../../src/session/letter.ts";
import { holds, type Parser } from "../parser.ts";
import { FAR, PARTIES, RECIPIENT, SESSION } from "../world.ts";

const PLAIN = 100;
const head = headBytes({
  kind: "values",
  session: SESSION.id,
  root: SESSION.root,
  party: 0,
  name: "clinic-a",
  attempt: 3,
  checkpoint: 70,
  part: 0,
  step: 50,
  program: "7c".repeat(32),
  expires: FAR,
  salt: new Uint8Array(32).fill(8),
  plain: PLAIN,
});

const checkpoint: Parser = {
  name: "checkpoint of a party",
  guards: ["mpc/src/party/checkpoints/format.ts", "mpc/src/party/checkpoints/sealed-file.ts"],
  form: "bytes",
  seeds: [new Uint8Array(Buffer.concat([head, new Uint8Array(sealedSize(PLAIN)).fill(6)]))],
  codes: ["CHECKPOINT_INVALID"],
  read(input) {
    const file = readCheckpoint(input);
    holds(
      file.chunks.every((c) => c.length > 0),
      "chunks with content",
    );
    return new Uint8Array(Buffer.concat([headBytes(file.head), ...file.chunks]));
  },
};

const given = { owners: ["data-owner"], source: { kind: "handle", handle: "data-owner/images" }, rows: 4 } as const;
const MANIFEST: Manifest = {
  checkpoint: 70,
  step: 50,
  program: "7c".repeat(32),
  note: Uint8Array.of(1, 2, 3),
  labels: [{ label: "weight", handle: "a.0" }],
  runs: [
    { program: "", inputs: [given] },
    {
      program: "7c".repeat(32),
      inputs: [given, { owners: [], source: { kind: "public", least: -1, most: null, distinct: false }, rows: 1 }],
    },
  ],
  values: [
    {
      handle: "data-owner/images",
      aval: { dtype: "f32", shape: [4, 2] },
      owners: ["data-owner"],
      source: { kind: "handle", handle: "data-owner/images" },
      made: { run: 0, output: 0 },
      secret: true,
      bytes: 128,
      file: { checkpoint: 70, part: 0, hash: new Uint8Array(32).fill(1) },
    },
    {
      handle: "a.0",
      aval: { dtype: "f32", shape: [2] },
      owners: ["data-owner"],
      source: { kind: "result", program: "7c".repeat(32) },
      made: { run: 1, output: 0 },
      secret: true,
      bytes: 32,
      file: null,
    },
  ],
};

/** The same of a run that was counted against a mechanism. */
const COUNTED: Manifest = {
  ...MANIFEST,
  runs: MANIFEST.runs.map((r) =>
    r.program === "" ? r : { ...r, counted: { grant: "9d".repeat(32), released: [["data-owner"], []] } },
  ),
};

const manifest: Parser = {
  name: "manifest of a checkpoint",
  guards: ["mpc/src/party/checkpoints/manifest.ts", "mpc/src/party/checkpoints/checkpoints.ts"],
  form: "cbor",
  seeds: [MANIFEST, COUNTED].map((m) => manifestBytes(m, true)),
  codes: ["CHECKPOINT_INVALID"],
  read: (input) => manifestBytes(readManifest(input), true),
};

const letters = await Promise.all(
  [0, 1].map((index) =>
    writeLetter(
      SESSION,
      { index, identity: PARTIES[index]!, recipient: RECIPIENT.public },
      {
        run: 8,
        to: "patient-7",
        why: "diagnosis",
        handle: "a.0",
        aval: { dtype: "f32", shape: [10] },
        program: "7c".repeat(32),
        output: 0,
      },
      new Uint8Array(80),
    ),
  ),
);

/** As it rests in a mailbox and as its recipient gets it. */
const letter: Parser = {
  name: "letter",
  guards: ["mpc/src/session/letter.ts", "mpc/src/party/mailbox.ts"],
  form: "cbor",
  seeds: letters.map((l) => toCbor(letterWire(l))),
  codes: ["ENVELOPE_INVALID"],
  read: (input) => toCbor(letterWire(readLetter(fromCbor(input, "letter", "ENVELOPE_INVALID", 4)))),
};

const signedLetter: Parser = {
  name: "letter of another's hand",
  guards: ["mpc/src/session/letter.ts"],
  form: "cbor",
  seeds: letter.seeds.slice(0, 1),
  codes: ["ENVELOPE_INVALID"],
  share: 0.05,
  async read(input) {
    const read = readLetter(fromCbor(input, "letter", "ENVELOPE_INVALID", 4));
    const own = Buffer.compare(input, letter.seeds[0]!) === 0;
    holds((await isSigned(SESSION, 0, read)) === own, "no changed letter has its party's signature");
    return undefined;
  },
};

export const REST_PARSERS: readonly Parser[] = [checkpoint, manifest, letter, signedLetter];
