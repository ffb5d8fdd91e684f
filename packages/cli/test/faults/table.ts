/** @file The fault matrix as data: what is expected of everybody else in each cell, or why there is no such cell. */

import type { Op } from "./expressions.ts";

export const FAULTS = [
  "killed",
  "stopped",
  "cut off",
  "slow",
  "garbage bytes",
  "bit flips",
  "oversized frame",
  "wrong key",
  "old version",
  "other policy",
  "replayed handshake",
  "replayed input",
  "restarted",
  "disk full",
  "clock off",
] as const;
export type Fault = (typeof FAULTS)[number];

/** Each kind of op has a Program of its own in expressions.ts. */
export const OPS: readonly Op[] = ["linear", "comparison", "division", "convolution", "pooling", "sort", "classOnly"];
export type Phase = "handshake" | "input" | Op | "reveal" | "checkpoint" | "resume";
export const PHASES: readonly Phase[] = ["handshake", "input", ...OPS, "reveal", "checkpoint", "resume"];

export const ROLES = ["party", "provider", "driver", "recipient"] as const;
export type Role = (typeof ROLES)[number];

/** The session ends for all others: each with `exit` and one of `codes`, in an error that names the victim, the place and what to do. */
export interface Ends {
  readonly kind: "ends";
  readonly exit: number;
  readonly codes: readonly string[];
  /** On the wire either end of a broken link may be the one that is named. */
  readonly either: boolean;
  /** How the victim itself ends, where it is not killed. */
  readonly victim: readonly number[] | null;
}

/** Nobody else is disturbed: every result is right, everybody else ends in good order, and the victim's place is free for an honest one. */
export interface GoesOn {
  readonly kind: "goes on";
  /** How the victim ends; null: that is not looked at (it is killed, or stands still). */
  readonly exits: readonly number[] | null;
  /** Its error, where it ends with one. */
  readonly codes: readonly string[];
  /** Or all parties end with code 4 and an error that names the driver: it may have told some what it told no others. */
  readonly mayEnd: boolean;
}

export interface Impossible {
  readonly kind: "impossible";
  readonly because: string;
}

export type Cell = Ends | GoesOn | Impossible;

const ends = (codes: readonly string[], more: Partial<Omit<Ends, "kind" | "codes">> = {}): Ends => ({
  kind: "ends",
  exit: 4,
  codes,
  either: false,
  victim: null,
  ...more,
});
const goesOn = (exits: readonly number[] | null, codes: readonly string[] = []): GoesOn => ({
  kind: "goes on",
  exits,
  codes,
  mayEnd: false,
});
const FINE = goesOn([0]);
const none = (because: string): Impossible => ({ kind: "impossible", because });

type Row = Readonly<Record<Phase, Cell>>;

/** One row from its parts; `ops` stands for each kind of op. */
function row(r: Readonly<Record<"handshake" | "input" | "ops" | "reveal" | "checkpoint" | "resume", Cell>>): Row {
  const ops = Object.fromEntries(OPS.map((o) => [o, r.ops])) as Record<Op, Cell>;
  const { handshake, input, reveal, checkpoint, resume } = r;
  return { handshake, input, ...ops, reveal, checkpoint, resume };
}
const same = (cell: Cell): Row => row({ handshake: cell, input: cell, ops: cell, reveal: cell, checkpoint: cell, resume: cell });
/** What can happen only where a connection begins. */
const atFirst = (cell: Cell, because: string): Row => {
  const never = none(because);
  return row({ handshake: cell, input: never, ops: never, reveal: never, checkpoint: never, resume: cell });
};
/** In the handshake a party that is missing, for whatever reason, is waited for and then named, with what the others said of it. */
const withFirst = (handshake: Cell, rest: Cell): Row => ({ ...same(rest), handshake });

const LOST = "MPC_PARTY_LOST";
const LATE = "MPC_TIMEOUT";
const FRAME = "MPC_FRAME_INVALID";
const HELLO = "MPC_HANDSHAKE";

const PARTY: Readonly<Record<Fault, Row>> = {
  killed: withFirst(ends([LOST, LATE]), ends([LOST])),
  stopped: same(ends([LATE])),
  "cut off": same(ends([LATE], { victim: [4] })),
  // Both ends of a slow link notice; whoever does first hangs up, and the other sees that.
  slow: same(ends([LATE, LOST], { victim: [4] })),
  "garbage bytes": withFirst(
    ends([FRAME, HELLO, LOST, LATE], { either: true, victim: [4] }),
    ends([FRAME, LOST], { either: true, victim: [4] }),
  ),
  "bit flips": withFirst(
    ends([FRAME, HELLO, LOST, LATE], { either: true, victim: [4] }),
    ends([FRAME, LOST, LATE], { either: true, victim: [4] }),
  ),
  "oversized frame": withFirst(
    ends([FRAME, HELLO, LOST, LATE], { either: true, victim: [4] }),
    ends([FRAME, LOST], { either: true, victim: [4] }),
  ),
  "wrong key": atFirst(ends([HELLO, LATE], { victim: [1, 4] }), "a party proves its key once, when it connects"),
  "old version": atFirst(
    ends(["MPC_VERSION", HELLO, LOST, LATE], { victim: [4] }),
    "a process says its version once, when it connects",
  ),
  "other policy": atFirst(
    ends([HELLO, LOST, LATE], { victim: [4] }),
    "the session's id is bound into the handshake; a run has no other policy",
  ),
  "replayed handshake": same(FINE),
  "replayed input": same(FINE),
  restarted: withFirst(FINE, ends([LOST])),
  "disk full": withFirst(ends([LOST, LATE, "MPC_DISK"], { victim: [4] }), ends(["MPC_DISK"], { victim: [4] })),
  // What was agreed upon before the end is finished; nothing new begins after it.
  "clock off": withFirst(ends([LATE, LOST], { victim: [3] }), FINE),
};

const SEEN = "ENVELOPE_INVALID";
const NO_FILE = "it writes no file";

/** People come and go: whatever one of them does, the parties stay. */
const PERSON: Readonly<Record<Fault, Row>> = {
  killed: same(goesOn(null)),
  stopped: same(goesOn(null)),
  "cut off": same(goesOn([4], [LATE, LOST])),
  slow: same(goesOn([0, 4], [LATE, LOST])),
  "garbage bytes": same(goesOn([4], [LOST, SEEN, LATE])),
  "bit flips": same(goesOn([4], [LOST, SEEN, LATE])),
  "oversized frame": same(goesOn([4], [LOST, SEEN, LATE])),
  "wrong key": same(goesOn([1, 4], ["SESSION_INVALID", "KEY_FILE", "DRIVER_ONLY", LOST, SEEN])),
  "old version": same(goesOn([4], ["MPC_VERSION", LOST, SEEN])),
  "other policy": same(goesOn([4], [LOST, SEEN])),
  "replayed handshake": same(goesOn([0])),
  "replayed input": same(goesOn([0])),
  restarted: same(goesOn(null)),
  "disk full": same(none(NO_FILE)),
  "clock off": same(goesOn([0, 3], ["SESSION_EXPIRED"])),
};

const halfTold = (r: Row): Row =>
  Object.fromEntries(
    PHASES.map((p) => [p, r[p].kind === "goes on" && p !== "handshake" ? { ...r[p], mayEnd: true } : r[p]]),
  ) as Row;

/** Its one file is the result that it writes. */
const WRITES = goesOn([1, 4], ["OUTPUT_WRITE", "FILE_WRITE", "MPC_DISK"]);
/** It asks again over a new connection, so that a broken one costs it nothing. */
const ASKS_AGAIN = same(goesOn([0, 4], [LOST, SEEN, LATE]));
const RECIPIENT: Readonly<Record<Fault, Row>> = {
  ...PERSON,
  "garbage bytes": ASKS_AGAIN,
  "bit flips": ASKS_AGAIN,
  "oversized frame": ASKS_AGAIN,
  "replayed input": same(none("a recipient gives no input")),
  "disk full": { ...same(none("a recipient writes nothing before its result has come")), reveal: WRITES },
};
const PROVIDER: Readonly<Record<Fault, Row>> = { ...PERSON, "disk full": same(none(`a provider reads its input: ${NO_FILE}`)) };
const DRIVER: Readonly<Record<Fault, Row>> = {
  ...(Object.fromEntries(FAULTS.map((f) => [f, halfTold(PERSON[f])])) as Record<Fault, Row>),
  "replayed input": same(none("a driver gives no input: whoever does is a provider")),
  "disk full": same(none(`checkpoints rest at the parties, a driver has its connections alone: ${NO_FILE}`)),
};

export const TABLE: Readonly<Record<Role, Readonly<Record<Fault, Row>>>> = {
  party: PARTY,
  provider: PROVIDER,
  driver: DRIVER,
  recipient: RECIPIENT,
};

export const cellOf = (fault: Fault, phase: Phase, role: Role): Cell => TABLE[role][fault][phase];
export const nameOf = (fault: Fault, phase: Phase, role: Role): string => `${fault} x ${phase} x ${role}`;
