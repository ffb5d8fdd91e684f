/** @file Letters: one party's part of a result, sealed to a recipient who collects it later, and signed by the party. */
import type { Aval } from "@tacit/core/program";
import { type Identity, type PublicIdentity, verify } from "../identity/identity.ts";
import { sealerTo } from "../identity/seal.ts";
import { avalWire, readAval } from "./aval.ts";
import { type Fields, toCbor, type Wire } from "./cbor.ts";
import type { Session } from "./session-file.ts";

/** What all parts of a delivery say alike. */
export interface LetterHead {
  /** The run number under which it was disclosed: no other delivery of the session has it. */
  readonly run: number;
  readonly to: string;
  readonly why: string;
  /** The value's name at the parties. */
  readonly handle: string;
  readonly aval: Aval;
  /** The Program and output that made it; "" for an input as it came. */
  readonly program: string;
  readonly output: number;
}

export interface Letter {
  readonly head: LetterHead;
  /** 32 bytes that its recipient needs to open it (HPKE). */
  readonly encapsulated: Uint8Array;
  readonly sealed: Uint8Array;
  /** The party's, over session, place, head and sealed part: a copy that rested on a disk is the one that was written. */
  readonly signature: Uint8Array;
}

export const headWire = (h: LetterHead): Wire => [h.run, h.to, h.why, h.handle, avalWire(h.aval), h.program, h.output];

/** @throws TacitError of the fields' code */
export function readHead(f: Fields): LetterHead {
  const head = {
    run: f.uint(2 ** 32),
    to: f.text(64),
    why: f.text(),
    handle: f.text(),
    aval: readAval(f.fields()),
    program: f.text(64),
    output: f.uint(65_536),
  };
  f.end();
  return head;
}

export const letterWire = (l: Letter): Wire => [headWire(l.head), l.encapsulated, l.sealed, l.signature];

export function readLetter(f: Fields): Letter {
  const letter = { head: readHead(f.fields()), encapsulated: f.bytes(32), sealed: f.bytes(), signature: f.bytes(64) };
  f.end();
  return letter;
}

const info = (session: Session, party: number, h: LetterHead): Uint8Array =>
  toCbor(["tacit/letter/1", session.id, party, h.run, h.handle]);

const covered = (session: Session, party: number, l: Omit<Letter, "signature">): Uint8Array =>
  toCbor([session.id, party, headWire(l.head), l.encapsulated, l.sealed]);

/** Seals `part` to `recipient` as party `index`, which signs it. The head is authenticated with it. */
export async function writeLetter(
  session: Session,
  { index, identity, recipient }: { readonly index: number; readonly identity: Identity; readonly recipient: PublicIdentity },
  head: LetterHead,
  part: Uint8Array,
): Promise<Letter> {
  const sealer = await sealerTo(recipient.seal, info(session, index, head));
  const sealed = await sealer.seal(part, toCbor(headWire(head)));
  const letter = { head, encapsulated: sealer.encapsulated, sealed };
  return { ...letter, signature: await identity.sign("letter", covered(session, index, letter)) };
}

/** Whether party `index` wrote this letter, in this session. */
export const isSigned = (session: Session, index: number, letter: Letter): Promise<boolean> =>
  verify(session.file.parties[index]!.identity, "letter", covered(session, index, letter), letter.signature);

/** This party's part. @throws TacitError SEAL_INVALID */
export async function openLetter(session: Session, index: number, recipient: Identity, letter: Letter): Promise<Uint8Array> {
  const opener = await recipient.opener(letter.encapsulated, info(session, index, letter.head));
  return opener.open(letter.sealed, toCbor(headWire(letter.head)));
}
