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
import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
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

/** Terms are public: the error names the first that differs. */
function otherTerms(path: string, found: string, asked: string): TacitError {
  const [there, here] = [found, asked].map((json) => JSON.parse(json) as Readonly<Record<string, unknown>>);
  const kind = (terms: object): string => ("measure" in terms ? "PeopleBudget" : "Budget");
  const [stands, opens] = [kind(there!), kind(here!)];
  if (stands !== opens)
    return new TacitError("PRIVACY_LEDGER", `budget: expected the file of a ${opens}, got a ${stands}'s at ${path}`);
  const name = Object.keys({ ...here, ...there }).find((key) => here![key] !== there![key]) ?? "the order of the terms";
  const show = (x: unknown): string => (x === undefined ? "none" : JSON.stringify(x));
  return new TacitError(
    "PRIVACY_LEDGER",
    `budget: expected ${name} ${show(there![name])}, as the terms in ${path} have it, got ${show(here![name])}`,
    { hint: "a budget is not changed by opening it: another promise takes another file" },
  );
}

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
    throw cause instanceof TacitError ? cause : unusable(path, cause);
  }
}

const [SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_NOTADB] = [5, 11, 26];

/** What is the matter with a file that SQLite has no use for. */
function unusable(path: string, cause: unknown): TacitError {
  const ledger = (message: string, hint?: string): TacitError =>
    new TacitError("PRIVACY_LEDGER", `budget: expected ${message}`, hint === undefined ? { cause } : { hint, cause });
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) return ledger(`a folder at ${folder}, got none`, "make the folder first: it may be misspelt");
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return ledger(`the path of a file, got the folder ${path}`);
  const { errcode } = cause as { errcode?: unknown };
  if (errcode === SQLITE_NOTADB || errcode === SQLITE_CORRUPT)
    return ledger(`a ledger at ${path}, got a file of another kind`, "nothing in it was changed: take another path");
  if (errcode === SQLITE_BUSY) return ledger(`a ledger that is free, got one that another process holds, at ${path}`);
  return ledger(`a file that can be written, got one that cannot at ${path}`, "see who may write the file and its folder");
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
    if (found.terms !== terms) throw otherTerms(path, found.terms, terms);
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

  /** The file. @throws TacitError PRIVACY_LEDGER when it was closed */
  get #open(): DatabaseSync {
    if (this.#db.isOpen) return this.#db;
    throw new TacitError("PRIVACY_LEDGER", "budget: expected one that is open, got one that was closed", {
      hint: "`using` closes it at the end of its block: `open` opens it again, with what is left of it",
    });
  }

  /** Runs `work` alone among all processes; what it wrote is on disk when this returns, or nothing is. */
  exclusively<T>(work: () => T): T {
    this.#exec("BEGIN IMMEDIATE");
    let done: T;
    try {
      done = work();
    } catch (e) {
      this.#open.exec("ROLLBACK");
      throw e;
    }
    this.#exec("COMMIT");
    return done;
  }

  #exec(sql: string): void {
    const db = this.#open;
    try {
      db.exec(sql);
    } catch (cause) {
      if (sql === "COMMIT") db.exec("ROLLBACK");
      throw new TacitError("PRIVACY_LEDGER", "budget: expected its ledger to be free and writable, got an error", {
        hint: "another process may hold it for long, or the disk is full: nothing was spent and nothing released",
        cause,
      });
    }
  }

  add(state: EntryState, purpose: string, events: readonly PrivacyEvent[]): number {
    const { lastInsertRowid } = this.#open
      .prepare("INSERT INTO entries (state, at, purpose) VALUES (?, ?, ?)")
      .run(state, Date.now(), purpose);
    const insert = this.#open.prepare("INSERT INTO events VALUES (?, ?, ?)");
    for (const e of events) insert.run(lastInsertRowid, kindOf(e), e.count);
    return Number(lastInsertRowid);
  }

  state(id: number): EntryState | undefined {
    return this.#open.prepare("SELECT state FROM entries WHERE id = ?").get(id)?.state as EntryState | undefined;
  }

  turn(id: number, state: EntryState): void {
    this.#open.prepare("UPDATE entries SET state = ? WHERE id = ?").run(state, id);
  }

  /** All that is spent or reserved, events of one kind as one. */
  events(): PrivacyEvent[] {
    const rows = this.#open
      .prepare(
        "SELECT kind, SUM(count) AS n FROM events JOIN entries ON entries.id = entry WHERE state <> 'cancelled' GROUP BY kind ORDER BY kind",
      )
      .all();
    return rows.map((r) => eventOf(r.kind, r.n));
  }

  entries(): Entry[] {
    const of = this.#open.prepare("SELECT kind, count FROM events WHERE entry = ?");
    return this.#open
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
    return Number(this.#open.prepare("SELECT spent FROM people WHERE person = ?").get(person)?.spent ?? 0);
  }

  addPerson(person: string, amount: number): void {
    this.#open
      .prepare("INSERT INTO people VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET spent = spent + excluded.spent")
      .run(person, amount);
  }

  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }
}
