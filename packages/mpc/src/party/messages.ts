/** @file The commands that people send to a party, and its replies, as arrays and back. */

import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, sizeOf, type TypedArray } from "@tacit/core/program";
import { avalWire, readAval } from "../session/aval.ts";
import type { Fields, Wire } from "../session/cbor.ts";

export { avalWire, readAval } from "../session/aval.ts";

const CODE = "ENVELOPE_INVALID";
const MOST_VALUES = 10_000;
/** Signatures that one command takes back. */
export const MOST_REVOKED = 256;
/** A driver may leave out so many run numbers at once (commands that a party refused, or never got): nobody uses up all at a stroke. */
export const MOST_SKIPPED = 1024;
/** Bytes of a checkpoint's note. */
export const MOST_NOTE = 65_536;

/** An input of a run: a handle, or a value that everybody may know. */
export type RunInput =
  | { readonly kind: "handle"; readonly handle: string }
  | { readonly kind: "public"; readonly aval: Aval; readonly bytes: Uint8Array };

export interface RunCommand {
  readonly type: "run";
  readonly run: number;
  readonly program: string;
  readonly inputs: readonly RunInput[];
  /** Names of the results, in order. */
  readonly outputs: readonly string[];
  /** Handles that are dropped once the run is done. */
  readonly frees: readonly string[];
  /** Id of the grant under which it is counted, at all parties; absent: each takes the first that allows it (`permitRun`). */
  readonly grant?: string;
}

/** Announces an input: `total` bytes in `chunks` messages, sealed to this party. The sender owns it. */
export interface PutCommand {
  readonly type: "put";
  /** OWNER/NAME, the owner being the sender. */
  readonly handle: string;
  /** 16 random bytes, the same to all parties: what they say to each other about a try that was broken off is not about the next. */
  readonly attempt: Uint8Array;
  readonly aval: Aval;
  readonly total: number;
  readonly chunks: number;
  readonly encapsulated: Uint8Array;
}

/** Discloses a value: `reveal` returns the parts, `deliver` leaves them in the parties' mailboxes for their recipient. */
export interface OpenCommand {
  readonly type: "reveal" | "deliver";
  readonly run: number;
  readonly handle: string;
  readonly to: string;
  readonly why: string;
}

/** Saves what these handles name, and every input in `inputs`, at all parties. */
export interface CheckpointCommand {
  readonly type: "checkpoint";
  readonly run: number;
  readonly step: number;
  /** Id of the Program that is being run; "" where none is. */
  readonly program: string;
  /** `value`: of the driver's own, which everybody may know; null: the value that rests at the parties. */
  readonly values: readonly {
    readonly label: string;
    readonly handle: string;
    readonly value: { readonly aval: Aval; readonly bytes: Uint8Array } | null;
  }[];
  readonly inputs: readonly string[];
  /** The driver's own public state, as it wants it back. */
  readonly note: Uint8Array;
}

export interface ResumeCommand {
  readonly type: "resume";
  readonly run: number;
  /** Not the newest, but the one before. */
  readonly previous: boolean;
}

/**
 * What anybody of the session may ask: "facts" (versions, clock, whom it waits for), "links" (round trip and bandwidth to the other
 * parties), "speed" (of this machine), "echo" (takes `bytes`, answers `reply` zero bytes).
 */
export interface ProbeCommand {
  readonly type: "probe";
  readonly what: "facts" | "links" | "speed" | "echo";
  readonly bytes: Uint8Array;
  readonly reply: number;
}

export type Command =
  | { readonly type: "drive" }
  | ProbeCommand
  | PutCommand
  | { readonly type: "chunk"; readonly handle: string; readonly index: number; readonly sealed: Uint8Array }
  | { readonly type: "program"; readonly bytes: Uint8Array }
  | { readonly type: "grant"; readonly bytes: Uint8Array }
  | RunCommand
  | OpenCommand
  | { readonly type: "granted" | "used" | "revoke"; readonly ids: readonly string[] }
  | { readonly type: "letters" }
  | { readonly type: "letter"; readonly run: number }
  | { readonly type: "received"; readonly runs: readonly number[] }
  | { readonly type: "fetch"; readonly handle: string }
  | { readonly type: "free"; readonly handles: readonly string[] }
  | CheckpointCommand
  | ResumeCommand
  | { readonly type: "forget"; readonly run: number }
  | { readonly type: "list" }
  | { readonly type: "counters" }
  | { readonly type: "transcript" }
  | { readonly type: "close" };

const runCommandWire = (c: RunCommand): Wire => [
  c.type,
  c.run,
  c.program,
  c.inputs.map(inputWire),
  [...c.outputs],
  [...c.frees],
  ...(c.grant === undefined ? [] : [c.grant]),
];

const inputWire = (i: RunInput): Wire => (i.kind === "handle" ? [0, i.handle] : [1, avalWire(i.aval), i.bytes]);

function readInput(f: Fields): RunInput {
  const input: RunInput =
    f.uint(1) === 0 ? { kind: "handle", handle: f.text() } : { kind: "public", aval: readAval(f.fields()), bytes: f.bytes() };
  f.end();
  return input;
}

function readNamed(f: Fields): CheckpointCommand["values"][number] {
  const [label, handle] = [f.text(), f.text()];
  const of = f.fields();
  const value = of.done ? null : { aval: readAval(of.fields()), bytes: of.bytes() };
  of.end();
  f.end();
  if (value !== null) valuesOf(value.bytes, value.aval);
  return { label, handle, value };
}

function readNote(f: Fields): Uint8Array {
  const note = f.bytes();
  if (note.length <= MOST_NOTE) return note;
  throw new TacitError(CODE, `checkpoint: expected a note of at most ${MOST_NOTE} bytes, got ${note.length}`);
}

/** A command as it travels. */
export function commandWire(c: Command): Wire {
  switch (c.type) {
    case "put":
      return [c.type, c.handle, c.attempt, avalWire(c.aval), c.total, c.chunks, c.encapsulated];
    case "chunk":
      return [c.type, c.handle, c.index, c.sealed];
    case "program":
    case "grant":
      return [c.type, c.bytes];
    case "run":
      return runCommandWire(c);
    case "reveal":
    case "deliver":
      return [c.type, c.run, c.handle, c.to, c.why];
    case "checkpoint": {
      const values = c.values.map(
        (v): Wire => [v.label, v.handle, v.value === null ? [] : [avalWire(v.value.aval), v.value.bytes]],
      );
      return [c.type, c.run, c.step, c.program, values, [...c.inputs], c.note];
    }
    case "resume":
      return [c.type, c.run, c.previous];
    case "forget":
      return [c.type, c.run];
    case "fetch":
      return [c.type, c.handle];
    case "free":
      return [c.type, [...c.handles]];
    case "probe":
      return [c.type, PROBES.indexOf(c.what), c.bytes, c.reply];
    case "granted":
    case "used":
    case "revoke":
      return [c.type, [...c.ids]];
    case "letter":
      return [c.type, c.run];
    case "received":
      return [c.type, [...c.runs]];
    default:
      return [c.type];
  }
}

/** The code at parties that heard of a broken connection from another one: an effect, and never the cause. */
export const BROKEN_OFF = "INPUT_BROKEN_OFF";

const RUNS = 2 ** 32 - 2;
const PROBES = ["facts", "links", "speed", "echo"] as const;
/** Most bytes of an echo, there and back. */
export const MOST_ECHO = 1_048_576;

const readOpen = (type: OpenCommand["type"], f: Fields): OpenCommand => ({
  type,
  run: f.uint(RUNS),
  handle: f.text(),
  to: f.text(),
  why: f.text(),
});

const GRANT = /^[0-9a-f]{64}$/;

function readRun(f: Fields): RunCommand {
  const command: RunCommand = {
    type: "run",
    run: f.uint(RUNS),
    program: f.text(64),
    inputs: f.list(MOST_VALUES, readInput),
    outputs: f.texts(MOST_VALUES),
    frees: f.texts(MOST_VALUES * 10),
  };
  if (f.done) return command;
  const grant = f.text(64);
  if (!GRANT.test(grant)) throw new TacitError(CODE, "run: expected the id of a grant, 64 digits, got another text");
  return { ...command, grant };
}

const READERS: Readonly<Record<Command["type"], (f: Fields) => Command>> = {
  drive: () => ({ type: "drive" }),
  put: (f) => ({
    type: "put",
    handle: f.text(),
    attempt: f.bytes(16),
    aval: readAval(f.fields()),
    total: f.uint(),
    chunks: f.uint(2 ** 20, 1),
    encapsulated: f.bytes(32),
  }),
  chunk: (f) => ({ type: "chunk", handle: f.text(), index: f.uint(), sealed: f.bytes() }),
  program: (f) => ({ type: "program", bytes: f.bytes() }),
  grant: (f) => ({ type: "grant", bytes: f.bytes() }),
  run: readRun,
  reveal: (f) => readOpen("reveal", f),
  deliver: (f) => readOpen("deliver", f),
  granted: (f) => ({ type: "granted", ids: f.texts(MOST_VALUES, 64) }),
  revoke: (f) => ({ type: "revoke", ids: f.texts(MOST_REVOKED, 64) }),
  used: (f) => ({ type: "used", ids: f.texts(MOST_VALUES, 64) }),
  letters: () => ({ type: "letters" }),
  letter: (f) => ({ type: "letter", run: f.uint(RUNS) }),
  received: (f) => ({ type: "received", runs: f.uints(MOST_VALUES) }),
  checkpoint: (f) => ({
    type: "checkpoint",
    run: f.uint(RUNS),
    step: f.uint(),
    program: f.text(64),
    values: f.list(MOST_VALUES, readNamed),
    inputs: f.texts(MOST_VALUES),
    note: readNote(f),
  }),
  resume: (f) => ({ type: "resume", run: f.uint(RUNS), previous: f.boolean() }),
  forget: (f) => ({ type: "forget", run: f.uint(RUNS) }),
  fetch: (f) => ({ type: "fetch", handle: f.text() }),
  free: (f) => ({ type: "free", handles: f.texts(MOST_VALUES * 10) }),
  list: () => ({ type: "list" }),
  probe: (f) => ({ type: "probe", what: PROBES[f.uint(3)]!, bytes: f.bytes(), reply: f.uint(MOST_ECHO) }),
  counters: () => ({ type: "counters" }),
  transcript: () => ({ type: "transcript" }),
  close: () => ({ type: "close" }),
};

/** What nobody but the driver may ask. */
export const DRIVER_ONLY: ReadonlySet<Command["type"]> = new Set([
  "run",
  "reveal",
  "deliver",
  "fetch",
  "free",
  "program",
  "counters",
  "transcript",
  "checkpoint",
  "resume",
  "forget",
  "close",
]);

const isType = (x: string): x is Command["type"] => Object.hasOwn(READERS, x);

/** @throws TacitError ENVELOPE_INVALID */
export function readCommand(f: Fields): Command {
  const type = f.text(16);
  if (!isType(type)) throw new TacitError(CODE, "command: expected a command of this version, got another");
  const command = READERS[type](f);
  f.end();
  return command;
}

/** Little-endian bytes of public values: a copy. */
export function valueBytes(values: TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
}

/** @throws TacitError ENVELOPE_INVALID when the length does not fit */
export function valuesOf(bytes: Uint8Array, aval: Aval): TypedArray {
  const n = sizeOf(aval.shape);
  const { bytes: width, make } = DTYPE[aval.dtype];
  if (n * width !== bytes.length) {
    throw new TacitError(CODE, `value: expected ${n * width} bytes for its shape, got ${bytes.length}`);
  }
  if (aval.dtype === "bool" && bytes.some((b) => b > 1)) {
    throw new TacitError(CODE, "value: expected 0 or 1 as booleans, got another byte");
  }
  const values = make(n);
  new Uint8Array(values.buffer).set(bytes);
  return values;
}

/** What is sealed with each chunk of an input: its place. */
export const chunkPlace = (handle: string, index: number, chunks: number): readonly Wire[] => ["chunk", handle, index, chunks];
/** Bytes of one chunk before sealing. */
export const CHUNK_BYTES = 1_048_576;
