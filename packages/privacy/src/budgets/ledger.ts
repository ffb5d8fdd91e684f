/**
 * @file The ledger of one budget: what was spent and what is reserved, in SQLite (`node:sqlite`). Node only.
 *
 * Over-spending is impossible, also among many processes and after a crash:
 *  1. A request begins with BEGIN IMMEDIATE: one writer at a time, across processes; others wait up to `BUSY_MS`.
 *  2. Inside, it adds its own events to all that stand in the file, reserved ones too, and asks the accountant. Too much: ROLLBACK.
 *  3. Otherwise it writes its events and commits. Synchronous FULL: COMMIT returns when the disk has it.
 *  4. Only then is noise drawn and anything released. A crash before 3 has released nothing; after 3 the events stand, released or not.
 */
import { DatabaseSync } from "node:sqlite";
import { TacitError } from "@tacit/core/errors";
import type { PrivacyEvent } from "../events.ts";

export type EntryState = "reserved" | "spent" | "cancelled";

/** A line of the ledger. */
export interface Entry {
  readonly id: number;
  readonly state: EntryState;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly purpose: string;
  readonly events: readonly PrivacyEvent[];
}

const BUSY_MS = 10_000;
const SCHEMA = `
CREATE TABLE IF NOT EXISTS terms (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL CHECK (state IN ('reserved', 'spent', 'cancelled')),
  at INTEGER NOT NULL, purpose TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (entry INTEGER NOT NULL REFERENCES entries (id), kind TEXT NOT NULL, count INTEGER NOT NULL CHECK (count >= 0));
CREATE INDEX IF NOT EXISTS events_of ON events (entry);
CREATE TABLE IF NOT EXISTS people (person TEXT PRIMARY KEY, spent INTEGER NOT NULL CHECK (spent >= 0)) WITHOUT ROWID;
`;

/** What makes two events the same but for their count. */
const kindOf = ({ mechanism, neighbours, sampling }: PrivacyEvent): string => JSON.stringify([mechanism, neighbours, sampling]);

function eventOf(kind: unknown, count: unknown): PrivacyEvent {
  const [mechanism, neighbours, sampling] = JSON.parse(String(kind)) as [
    PrivacyEvent["mechanism"],
    PrivacyEvent["neighbours"],
    PrivacyEvent["sampling"],
  ];
  return { mechanism, neighbours, sampling, count: Number(count) };
}

/** SQLite takes these for a database in memory, or an address: each opening would be a fresh budget, gone with its process. */
const NO_FILE = /^$|^:|^file:/;

/** @throws TacitError PRIVACY_LEDGER for what names no file */
export function checkPath(path: string): void {
  if (typeof path !== "string" || NO_FILE.test(path))
    throw new TacitError("PRIVACY_LEDGER", "budget: expected the path of a file, got another name", {
      hint: "a budget that is not on disk forgets what was spent",
    });
}

export class Ledger implements Disposable {
  readonly #db: DatabaseSync;

  /** Opens or makes the file. @throws TacitError PRIVACY_LEDGER */
  constructor(path: string) {
    try {
      this.#db = new DatabaseSync(path);
      this.#db.exec(
        `PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;`,
      );
      this.#db.exec(SCHEMA);
    } catch (cause) {
      throw new TacitError("PRIVACY_LEDGER", `budget: expected an SQLite file that can be written, got another at ${path}`, {
        cause,
      });
    }
  }

  /** Runs `work` alone among all processes; what it wrote is on disk when this returns, or nothing is. */
  exclusively<T>(work: () => T): T {
    this.#exec("BEGIN IMMEDIATE");
    let done: T;
    try {
      done = work();
    } catch (e) {
      this.#db.exec("ROLLBACK");
      throw e;
    }
    this.#exec("COMMIT");
    return done;
  }

  #exec(sql: string): void {
    try {
      this.#db.exec(sql);
    } catch (cause) {
      if (sql === "COMMIT") this.#db.exec("ROLLBACK");
      throw new TacitError("PRIVACY_LEDGER", "budget: expected its ledger to be free and writable, got an error", {
        hint: "another process may hold it for long, or the disk is full: nothing was spent and nothing released",
        cause,
      });
    }
  }

  /** The terms in the file; `json` is written where there are none. */
  terms(json: string): string {
    return this.exclusively(() => {
      this.#db.prepare("INSERT OR IGNORE INTO terms VALUES (1, ?)").run(json);
      return String(this.#db.prepare("SELECT json FROM terms").get()?.json);
    });
  }

  add(state: EntryState, purpose: string, events: readonly PrivacyEvent[]): number {
    const { lastInsertRowid } = this.#db
      .prepare("INSERT INTO entries (state, at, purpose) VALUES (?, ?, ?)")
      .run(state, Date.now(), purpose);
    const insert = this.#db.prepare("INSERT INTO events VALUES (?, ?, ?)");
    for (const e of events) insert.run(lastInsertRowid, kindOf(e), e.count);
    return Number(lastInsertRowid);
  }

  state(id: number): EntryState | undefined {
    return this.#db.prepare("SELECT state FROM entries WHERE id = ?").get(id)?.state as EntryState | undefined;
  }

  turn(id: number, state: EntryState): void {
    this.#db.prepare("UPDATE entries SET state = ? WHERE id = ?").run(state, id);
  }

  /** All that is spent or reserved, events of one kind as one. */
  events(): PrivacyEvent[] {
    const rows = this.#db
      .prepare(
        "SELECT kind, SUM(count) AS n FROM events JOIN entries ON entries.id = entry WHERE state <> 'cancelled' GROUP BY kind ORDER BY kind",
      )
      .all();
    return rows.map((r) => eventOf(r.kind, r.n));
  }

  entries(): Entry[] {
    const of = this.#db.prepare("SELECT kind, count FROM events WHERE entry = ?");
    return this.#db
      .prepare("SELECT id, state, at, purpose FROM entries ORDER BY id")
      .all()
      .map((r) => ({
        id: Number(r.id),
        state: r.state as EntryState,
        at: Number(r.at),
        purpose: String(r.purpose),
        events: of.all(r.id as number).map((e) => eventOf(e.kind, e.count)),
      }));
  }

  /** What one person has spent, in the unit of the caller's choice. */
  personSpent(person: string): number {
    return Number(this.#db.prepare("SELECT spent FROM people WHERE person = ?").get(person)?.spent ?? 0);
  }

  addPerson(person: string, amount: number): void {
    this.#db
      .prepare("INSERT INTO people VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET spent = spent + excluded.spent")
      .run(person, amount);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
