/**
 * @file The ledger of one budget: what was spent and what is reserved, in SQLite (`node:sqlite`). Node only.
 *
 * Over-spending is impossible, also among many processes and after a crash:
 *  1. A request begins with BEGIN IMMEDIATE: one writer at a time, across processes; others wait up to `BUSY_MS`.
 *  2. Inside, it adds its own events to all that stand in the file, reserved ones too, and asks the accountant. Too much: ROLLBACK.
 *  3. Otherwise it writes its events and commits. Synchronous EXTRA: COMMIT returns when the disk has it, and has forgotten
 *     the journal that would undo it.
 *  4. Only then is noise drawn and anything released. A crash before 3 has released nothing; after 3 the events stand, released or not.
 *
 * A full budget comes out of `createLedger` alone, once for each file: tables and terms are one transaction, written only where the file
 * holds nothing, under the same lock. So of many processes one makes it; what a crash leaves holds all of it or nothing, and nothing is no budget.
 */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
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
CREATE TABLE terms (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT NOT NULL);
CREATE TABLE entries (id INTEGER PRIMARY KEY AUTOINCREMENT, state TEXT NOT NULL CHECK (state IN ('reserved', 'spent', 'cancelled')),
  at INTEGER NOT NULL, purpose TEXT NOT NULL);
CREATE TABLE events (entry INTEGER NOT NULL REFERENCES entries (id), kind TEXT NOT NULL, count INTEGER NOT NULL CHECK (count >= 0));
CREATE INDEX events_of ON events (entry);
CREATE TABLE people (person TEXT PRIMARY KEY, spent INTEGER NOT NULL CHECK (spent >= 0)) WITHOUT ROWID;
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
function checkPath(path: string): void {
  if (typeof path !== "string" || NO_FILE.test(path))
    throw new TacitError("PRIVACY_LEDGER", "budget: expected the path of a file, got another name", {
      hint: "a budget that is not on disk forgets what was spent",
    });
}

/** Runs `work` on the file at `path`. @throws TacitError PRIVACY_LEDGER for whatever SQLite says against it, with the file closed */
function withFile<T>(path: string, mode: "rw" | "rwc", work: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    // As an address, it can say that no file is to be made.
    const address = pathToFileURL(path);
    address.searchParams.set("mode", mode);
    db = new DatabaseSync(address);
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON;`);
    return work(db);
  } catch (cause) {
    db?.close();
    if (cause instanceof TacitError) throw cause;
    throw new TacitError("PRIVACY_LEDGER", `budget: expected an SQLite file that can be written, got another at ${path}`, {
      cause,
    });
  }
}

const missing = (path: string): TacitError =>
  new TacitError("PRIVACY_LEDGER_MISSING", `budget: expected a budget at ${path}, got none`, {
    hint: "see that the path is the one that it was created at; `create` makes a new, full one",
  });

/** What the file holds: the terms of a ledger, nothing at all, or something else. */
function contents(db: DatabaseSync): { readonly terms: string } | "nothing" | "other" {
  const names = db.prepare("SELECT name FROM sqlite_schema").all();
  if (names.length === 0) return "nothing";
  if (!names.some((r) => r.name === "terms")) return "other";
  const terms = db.prepare("SELECT json FROM terms").get()?.json;
  return typeof terms === "string" ? { terms } : "other";
}

const SQLITE_BUSY = 5;

/**
 * A write-ahead log: who reads does not wait for who writes. The switch needs the file for itself and does not wait for it (one in a
 * hundred creations at once met another process); a file that was not switched is as safe, and the next to open it tries again.
 */
function useLog(db: DatabaseSync): void {
  try {
    db.exec("PRAGMA journal_mode = WAL");
  } catch (e) {
    if ((e as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw e;
  }
}

/**
 * Makes a ledger with these terms where there is none. Exactly one of the processes that ask at once succeeds.
 * @throws TacitError PRIVACY_LEDGER_EXISTS where a ledger stands; PRIVACY_LEDGER where something else does, or the file cannot be written
 */
export function createLedger(path: string, terms: string): Ledger {
  checkPath(path);
  withFile(path, "rwc", (db) => {
    db.exec("BEGIN IMMEDIATE");
    const found = contents(db);
    if (found === "nothing") {
      db.exec(SCHEMA);
      db.prepare("INSERT INTO terms VALUES (1, ?)").run(terms);
      db.exec("COMMIT");
      return db.close();
    }
    if (found === "other")
      throw new TacitError("PRIVACY_LEDGER", `budget: expected no file, or an empty one, got another database at ${path}`);
    throw new TacitError("PRIVACY_LEDGER_EXISTS", `budget: expected no budget at ${path}, got one`, {
      hint: "`open` opens it, with what is left of it; another promise takes another path",
    });
  });
  return openLedger(path, terms);
}

/**
 * Opens the ledger that stands there; makes nothing.
 * @throws TacitError PRIVACY_LEDGER_MISSING where there is none; PRIVACY_LEDGER for other terms, another file, or one that cannot be written
 */
export function openLedger(path: string, terms: string): Ledger {
  checkPath(path);
  if (!existsSync(path)) throw missing(path);
  return withFile(path, "rw", (db) => {
    const found = contents(db);
    if (found === "nothing") throw missing(path);
    if (found === "other") throw new TacitError("PRIVACY_LEDGER", `budget: expected a ledger, got another database at ${path}`);
    if (found.terms !== terms) {
      throw new TacitError("PRIVACY_LEDGER", `budget: expected the terms that stand in ${path}, got others`, {
        hint: "a budget is not enlarged by opening it: make another file for another promise",
      });
    }
    useLog(db);
    return new Ledger(db);
  });
}

export class Ledger implements Disposable {
  readonly #db: DatabaseSync;

  /** `db`: what `openLedger` looked at. */
  constructor(db: DatabaseSync) {
    this.#db = db;
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
