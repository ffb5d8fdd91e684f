/** @file Counters that survive a restart: run numbers, attempts, and how much of each grant was used. Node only. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { fromHex, toHex } from "../identity/encoding.ts";
import { isRecord } from "../identity/identity.ts";
import { fromCbor, toCbor } from "../session/cbor.ts";
import type { Used } from "../session/consent.ts";
import type { Session } from "../session/session-file.ts";
import { append, diskError } from "./disk.ts";
import { dropLock, takeLock } from "./lock.ts";
import { MOST_SKIPPED } from "./messages.ts";

/** Run numbers are reserved ahead by this many, so that a training step waits for the disk once in 64. */
const RUNS_AHEAD = 64;
/** Above every run number: with what is reserved ahead they stay below 2^32 - 2. */
const LAST_RUN = 2 ** 32 - 2 - RUNS_AHEAD;
/**
 * Another party's claim may move this one's run number so far at a join: 77 days of ten runs a second, for a directory that was taken
 * back to an old copy, and a 64th of all numbers. Numbers only grow: unbounded, one lie would use up all for good.
 */
const MOST_CLAIMED = 2 ** 26;

/** "checkpoint": the last one that all parties have, "forgotten": the last that the driver gave up; by session. "withdrawn": 1, by grant and name. */
type Kind = "run" | "attempt" | "runs" | "reveals" | "checkpoint" | "forgotten" | "withdrawn";
type Row = readonly [kind: Kind, key: string, value: number];
const KINDS: readonly Kind[] = ["run", "attempt", "runs", "reveals", "checkpoint", "forgotten", "withdrawn"];
/** Lines that were overtaken by later ones, beyond which a start writes the file anew: 100,000 training steps leave some 4,000. */
const MOST_OVERTAKEN = 4096;
/** Most grants whose use one party tells another, and that it knows from others at all. */
const MOST_GRANTS = 65_536;
/** Items of what is told: four for each grant. */
const MOST_ITEMS = 4 * MOST_GRANTS + 16;
const GRANT = /^[0-9a-f]{64}$/;

/**
 * An append-only file of [kind, key, value], each line written and synced before what it counts happens. Values only grow:
 * after a crash a counter may stand higher than what was used, never lower. At a start lines that later ones overtook are left out; at an
 * orderly end the file is written anew with what was used.
 */
export class Counters {
  readonly #values = new Map<string, number>();
  /** What stands in the file: at least the value. */
  readonly #durable = new Map<string, number>();
  readonly #path: string;
  readonly #file: number;
  readonly #lock: string;
  readonly #most: number;
  #cut = false;
  #closed = false;

  private constructor(path: string, file: number, lock: string, durable: ReadonlyMap<string, number>, most: number) {
    this.#path = path;
    this.#most = most;
    this.#file = file;
    this.#lock = lock;
    for (const [k, v] of durable) {
      this.#values.set(k, v);
      this.#durable.set(k, v);
    }
  }

  /**
   * Opens the counters of a session in `directory`. Its root names the file: what owners sign in a session file they sign for the
   * root, and another file with the same terms must not count their runs anew.
   * `most`: grants that are told to others, and known from them.
   * @throws TacitError COUNTERS_INVALID when the file was changed, or another party uses it
   */
  static open(directory: string, session: Pick<Session, "root">, most: number = MOST_GRANTS): Counters {
    const path = join(directory, `${toHex(session.root)}.counters`);
    const lock = `${path}.lock`;
    if (!takeLock(lock)) {
      throw new TacitError(
        "COUNTERS_INVALID",
        `counters: expected to be the only party of this session here, got another with ${lock}`,
      );
    }
    try {
      const { values: durable, lines } = readCounters(path);
      if (lines - durable.size > MOST_OVERTAKEN) compact(path, durable);
      const file = openSync(path, "a", 0o600);
      syncDirectory(directory);
      return new Counters(path, file, lock, durable, most);
    } catch (e) {
      dropLock(lock);
      throw e;
    }
  }

  #advance(kind: Kind, key: string, value: number, ahead: number): void {
    this.#checkOpen();
    const name = `${kind} ${key}`;
    if (value <= (this.#values.get(name) ?? 0)) return;
    this.#values.set(name, value);
    if (value <= (this.#durable.get(name) ?? 0)) return;
    const durable = value + ahead;
    this.#write(`${JSON.stringify([kind, key, durable])}\n`);
    this.#durable.set(name, durable);
  }

  /** Each counter to at least its value, all in one write. What a stranger says twice is written once: lines must grow. */
  #raise(rows: readonly Row[]): void {
    this.#checkOpen();
    const news = new Map<string, Row>();
    for (const row of rows) {
      const [kind, key, value] = row;
      const name = `${kind} ${key}`;
      if (value > (this.#values.get(name) ?? 0)) this.#values.set(name, value);
      if (value > (news.get(name)?.[2] ?? this.#durable.get(name) ?? 0)) news.set(name, row);
    }
    if (news.size === 0) return;
    this.#write([...news.values()].map((row) => `${JSON.stringify(row)}\n`).join(""));
    for (const [name, row] of news) this.#durable.set(name, row[2]);
  }

  /** What was reserved ahead was given back: nothing may be counted on it. @throws TacitError SESSION_CLOSED */
  #checkOpen(): void {
    if (this.#closed) throw new TacitError("SESSION_CLOSED", "counters: expected an open session, got one that was closed");
  }

  /** After a line that a full disk cut off none may follow: together they would be one that nobody wrote. */
  #write(line: string): void {
    if (this.#cut) throw diskError("counters", "a line that was cut off");
    this.#cut = true;
    append(this.#file, line, "counters");
    fdatasyncSync(this.#file);
    this.#cut = false;
  }

  #get(kind: Kind, key: string): number {
    return this.#values.get(`${kind} ${key}`) ?? 0;
  }

  /** The least run number that was never used. */
  get nextRun(): number {
    return this.#get("run", "");
  }

  /** Uses up `run` and everything before it. @throws TacitError RUN_NUMBER when it was used before, is far ahead, or would wrap */
  takeRun(run: number): void {
    const most = Math.min(this.nextRun + MOST_SKIPPED, LAST_RUN - 1);
    if (run < this.nextRun || run > most) {
      throw new TacitError("RUN_NUMBER", `run: expected a number of at least ${this.nextRun} and at most ${most}, got ${run}`, {
        hint: "a message was replayed, or the driver lost count: connect again",
      });
    }
    this.#advance("run", "", run + 1, RUNS_AHEAD);
  }

  /** The next attempt to propose in a handshake. */
  get nextAttempt(): number {
    return this.#get("attempt", "") + 1;
  }

  takeAttempt(attempt: number): void {
    this.#advance("attempt", "", attempt, 0);
  }

  used(grant: string): Used {
    return { runs: this.#get("runs", grant), reveals: this.#get("reveals", grant) };
  }

  /**
   * Counts a run under a grant that allows `limit`. Reserved ahead by at most 1 % of the limit, which a crash may lose; not where `exact`:
   * each run is paid for with ε, which may be for three of them, whatever the limit says.
   */
  countRun(grant: string, limit: number, exact = false): void {
    const ahead = exact ? 0 : Math.min(RUNS_AHEAD, Math.floor(limit / 100));
    this.#advance("runs", grant, this.#get("runs", grant) + 1, ahead);
  }

  countReveal(grant: string): void {
    this.#advance("reveals", grant, this.#get("reveals", grant) + 1, 0);
  }

  /** The number of the last checkpoint of `session` (its id in hexadecimal) that was committed; 0: none. */
  committed(session: string): number {
    return this.#get("checkpoint", session);
  }

  commit(session: string, checkpoint: number): void {
    this.#advance("checkpoint", session, checkpoint, 0);
  }

  /** Checkpoints up to this number were given up. */
  forgotten(session: string): number {
    return this.#get("forgotten", session);
  }

  forget(session: string, checkpoint: number): void {
    this.#advance("forgotten", session, checkpoint, 0);
  }

  /** `name` has taken back its signature of these grants, for good: one write for all, which other people's commands wait for. */
  withdraw(grants: readonly string[], name: string): void {
    this.#raise(grants.map((grant): Row => ["withdrawn", `${grant} ${name}`, 1]));
  }

  /** Grant and name of each signature that was taken back. */
  withdrawals(): (readonly [grant: string, name: string])[] {
    const keys = [...this.#values.keys()].filter((k) => k.startsWith("withdrawn ")).map(grantOf);
    return keys.map((key) => [key.slice(0, key.indexOf(" ")), grantOf(key)]);
  }

  /** Ids of grants that were used, in the order of their first use here. */
  #grants(): Set<string> {
    return new Set([...this.#values.keys()].filter((k) => k.startsWith("runs ") || k.startsWith("reveals ")).map(grantOf));
  }

  /** What this party tells the others when it joins: the least unused run number, and how much of each grant was used. */
  told(): Uint8Array {
    // The latest: what was learnt from others must not hide what was used here.
    const known = [...this.#grants()].filter((g) => GRANT.test(g)).slice(-this.#most);
    return toCbor([this.nextRun, known.map((g) => [fromHex("grant", g), this.#get("runs", g), this.#get("reveals", g)])]);
  }

  /**
   * Takes the larger of what another party told and what is known here, and writes it down: a party whose directory was taken
   * back to an old copy learns what it has forgotten before it serves anybody. A claim that is too far ahead is refused, not cut: a
   * smaller number might be one that was used.
   * @throws TacitError MPC_FRAME_INVALID, MPC_DISK
   */
  learn(bytes: Uint8Array, who: string): void {
    const f = fromCbor(bytes, `counters of ${who}`, "MPC_FRAME_INVALID", 2, MOST_ITEMS);
    const next = f.uint(LAST_RUN);
    const grants = f.list(MOST_GRANTS, (g) => {
      const used = { grant: toHex(g.bytes(32)), runs: g.uint(), reveals: g.uint() };
      g.end();
      return used;
    });
    f.end();
    if (next > this.nextRun + MOST_CLAIMED) {
      throw new TacitError(
        "MPC_FRAME_INVALID",
        `${who}: expected a run number of at most ${this.nextRun + MOST_CLAIMED} when it joins, got ${next}`,
        {
          hint: "that party lies, or this one's data directory is an old copy: find out which; in both cases agree on a new session",
        },
      );
    }
    // Ids mean nothing here until an owner brings the grant: without a bound made-up ones fill the disk, join after join.
    const names = this.#grants();
    for (const { grant } of grants) names.add(grant);
    if (names.size > this.#most) {
      throw new TacitError("MPC_FRAME_INVALID", `${who}: expected counts of at most ${this.#most} grants in all, got more`, {
        hint: "that party tells of grants that nobody signed: find out why before you go on",
      });
    }
    const rows = grants.flatMap(({ grant, runs, reveals }): Row[] => [
      ["runs", grant, runs],
      ["reveals", grant, reveals],
    ]);
    this.#raise([["run", "", next], ...rows]);
  }

  /** Gives back what was reserved ahead. Without room for that it stays counted. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
    const isAhead = [...this.#durable].some(([name, durable]) => durable > (this.#values.get(name) ?? 0));
    if (isAhead) compact(this.#path, this.#values);
    dropLock(this.#lock);
  }
}

const grantOf = (name: string): string => name.slice(name.indexOf(" ") + 1);

/** A new file's name is durable once its directory is; where directories cannot be opened (Windows) the platform sees to it. */
function syncDirectory(directory: string): void {
  if (process.platform === "win32") return;
  const at = openSync(directory, "r");
  fsyncSync(at);
  closeSync(at);
}

/** Reads the file; an unfinished last line (a crash while writing) counts for nothing: what it counts did not happen. */
function readCounters(path: string): { readonly values: ReadonlyMap<string, number>; readonly lines: number } {
  const values = new Map<string, number>();
  let text: string;
  try {
    // All that is written here is ASCII; a byte for each character, whatever stands there.
    text = readFileSync(path, "latin1");
  } catch (e) {
    if (isRecord(e) && e.code === "ENOENT") return { values, lines: 0 };
    throw e;
  }
  const lines = text.split("\n");
  const torn = lines.pop() ?? "";
  if (torn !== "") truncateSync(path, text.length - torn.length);
  for (const [i, line] of lines.entries()) {
    const [kind, key, value] = parseLine(line);
    const name = `${kind} ${key}`;
    if (kind === undefined || typeof value !== "number" || !Number.isSafeInteger(value) || value <= (values.get(name) ?? 0)) {
      throw new TacitError(
        "COUNTERS_INVALID",
        `counters: expected growing numbers in ${path}, got something else in line ${i + 1}`,
        {
          hint: "the file was changed or restored from a backup: agree on a new session",
        },
      );
    }
    values.set(name, value);
  }
  return { values, lines: lines.length };
}

/** The same values in one line each: a new file, synced, then renamed over the old one. Without room for it the old one stays. */
function compact(path: string, values: ReadonlyMap<string, number>): void {
  const part = `${path}.part`;
  try {
    const file = openSync(part, "w", 0o600);
    try {
      const rows = [...values].map(([name, value]) => [name.slice(0, name.indexOf(" ")), grantOf(name), value]);
      append(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""), "counters");
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } catch {
    rmSync(part, { force: true });
  }
}

function parseLine(line: string): readonly [Kind | undefined, string, unknown] {
  try {
    const row: unknown = JSON.parse(line);
    if (!Array.isArray(row) || row.length !== 3 || typeof row[1] !== "string") return [undefined, "", 0];
    return [KINDS.find((k) => k === row[0]), row[1], row[2]];
  } catch {
    return [undefined, "", 0];
  }
}
