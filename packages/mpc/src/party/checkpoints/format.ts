/** @file The form of a sealed file: a head that everybody may read, then sealed chunks. Pure: bytes in, parts or an error out. */
import { TacitError } from "@tacit/core/errors";
import { concatBytes, utf8 } from "../../identity/encoding.ts";
import { checkName } from "../../identity/identity.ts";
import { fromCbor, toCbor } from "../../session/cbor.ts";

/** "values": a checkpoint. "input": an input that a person gave, saved once and referred to by checkpoints. */
export type FileKind = "values" | "input";
const KINDS: readonly FileKind[] = ["values", "input"];

/** What a sealed file says of itself. All of it is associated data of every chunk: none can be exchanged. */
export interface Head {
  readonly kind: FileKind;
  /** Id and root of the session. */
  readonly session: Uint8Array;
  readonly root: Uint8Array;
  /** The party's place in the session, and its name. */
  readonly party: number;
  readonly name: string;
  readonly attempt: number;
  /** The run number of the command that wrote it: never used before, never again. */
  readonly checkpoint: number;
  /** 0 for the checkpoint; inputs count from 0. */
  readonly part: number;
  readonly step: number;
  /** Id of the Program that the driver runs; "" where it named none. */
  readonly program: string;
  /** When the session ends, seconds since 1970: the file is of no use then. */
  readonly expires: number;
  /** 32 fresh random bytes: the file's key is derived from them. */
  readonly salt: Uint8Array;
  /** Bytes before sealing. */
  readonly plain: number;
}

const CODE = "CHECKPOINT_INVALID";
const VERSION = 1;
const MAGIC = utf8("tacit/checkpoint");
const MOST_HEAD = 2048;
/** Bytes of a chunk before sealing; the last may be shorter. */
export const CHUNK = 1_048_576;
/** AES-GCM's tag. */
export const TAG = 16;
const MOST_PLAIN = 2 ** 42;
/** Of everything before the length of the head. */
export const PREFIX: number = MAGIC.length + 4;

export const chunksOf = (plain: number): number => Math.max(1, Math.ceil(plain / CHUNK));
/** Bytes of the sealed part. */
export const sealedSize = (plain: number): number => plain + TAG * chunksOf(plain);

export const invalid = (want: string, got: string, hint?: string): TacitError =>
  new TacitError(CODE, `checkpoint: expected ${want}, got ${got}`, {
    hint: hint ?? "the file was changed, cut off or exchanged: resume from the one before, or begin anew",
  });

/** Magic, length and head, as they begin a file. */
export function headBytes(h: Head): Uint8Array {
  const head = toCbor([
    VERSION,
    KINDS.indexOf(h.kind),
    h.session,
    h.root,
    h.party,
    h.name,
    h.attempt,
    h.checkpoint,
    h.part,
    h.step,
    h.program,
    h.expires,
    h.salt,
    h.plain,
  ]);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, head.length);
  return concatBytes(MAGIC, length, head);
}

/** Bytes of the head that begins after PREFIX. @throws TacitError CHECKPOINT_INVALID */
export function headLength(prefix: Uint8Array): number {
  if (prefix.length < PREFIX || MAGIC.some((b, i) => prefix[i] !== b)) throw invalid("a checkpoint of Tacit", "another file");
  const length = new DataView(prefix.buffer, prefix.byteOffset).getUint32(MAGIC.length);
  if (length > MOST_HEAD) throw invalid(`a head of at most ${MOST_HEAD} bytes`, `${length}`);
  return length;
}

/** Reads the head alone, without prefix. @throws TacitError CHECKPOINT_INVALID, whatever the bytes */
export function readHead(bytes: Uint8Array): Head {
  const f = fromCbor(bytes, "checkpoint", CODE, 14, 64);
  f.uint(VERSION, VERSION);
  const kind = KINDS[f.uint(KINDS.length - 1)]!;
  const session = f.bytes(32);
  const root = f.bytes(32);
  const party = f.uint(63);
  const name = f.text(63);
  const rest = {
    attempt: f.uint(2 ** 32 - 2),
    checkpoint: f.uint(2 ** 32 - 2),
    part: f.uint(2 ** 20),
    step: f.uint(),
    program: f.text(64),
    expires: f.uint(),
    salt: f.bytes(32),
    plain: f.uint(MOST_PLAIN),
  };
  f.end();
  try {
    checkName("checkpoint", name);
  } catch {
    throw invalid("the name of a party", "something else");
  }
  return { kind, session, root, party, name, ...rest };
}

/** A file as its parts; nothing is opened. */
export interface SealedFile {
  readonly head: Head;
  /** Magic, length and head: what the chunks are bound to. */
  readonly bytes: Uint8Array;
  readonly chunks: readonly Uint8Array[];
}

/**
 * Reads a whole file. Its length follows from its head: one that was cut off or has more is refused.
 * @throws TacitError CHECKPOINT_INVALID, whatever the bytes; never anything else
 */
export function readCheckpoint(bytes: Uint8Array): SealedFile {
  const length = headLength(bytes.subarray(0, PREFIX));
  const begin = PREFIX + length;
  const head = readHead(bytes.subarray(PREFIX, begin));
  if (bytes.length !== begin + sealedSize(head.plain)) {
    throw invalid(`${begin + sealedSize(head.plain)} bytes`, `${bytes.length}`);
  }
  const chunks: Uint8Array[] = [];
  for (let at = begin; at < bytes.length; at += CHUNK + TAG) chunks.push(bytes.subarray(at, at + CHUNK + TAG));
  return { head, bytes: bytes.subarray(0, begin), chunks };
}
