/** @file Consents: the grants that a party knows, with everyone who signed them. Kept in a file: an owner signs once, not after each restart. Node only. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { fromHex, toHex } from "../identity/encoding.ts";
import { type Consent, consentOf } from "../session/consent.ts";
import { grantFromBytes, grantToBytes, type SignedGrant, signersOf } from "../session/grant.ts";
import type { Session } from "../session/session-file.ts";
import { append } from "./disk.ts";

const MOST_GRANTS = 65_536;
/** What one person's signatures may make a party keep, in memory and on its disk. */
export interface ConsentLimits {
  readonly grants: number;
  readonly bytes: number;
}

/** A grant for LeNet-5 has 5 KB. Who signs what nobody asked for uses up a share of his own: not the others' places, not the disk. */
export const CONSENT_LIMITS: ConsentLimits = { grants: 16_384, bytes: 2 ** 26 };

/** Where signatures that were taken back are written down, for good: a party's counters. */
export interface Withdrawals {
  withdraw(grants: readonly string[], name: string): void;
  withdrawals(): Iterable<readonly [grant: string, name: string]>;
}

const WHOLE = /^[0-9a-f]{64}$/;
/** As the commands show it, and longer. */
const BEGINNING = /^[0-9a-f]{16,63}$/;

export class Consents {
  /** By the grants' ids. */
  readonly all: ReadonlyMap<string, Consent>;
  readonly #known = new Map<string, Consent>();
  /** By person: what was kept on that person's account. */
  readonly #kept = new Map<string, { grants: number; bytes: number }>();
  readonly #session: Session;
  readonly #limits: ConsentLimits;
  readonly #withdrawals: Withdrawals | undefined;
  /** Names of those who took their signature back, by grant. */
  readonly #withdrawn = new Map<string, Set<string>>();
  #file: number | null = null;

  private constructor(session: Session, limits: ConsentLimits, withdrawals: Withdrawals | undefined) {
    this.#session = session;
    this.#limits = limits;
    this.#withdrawals = withdrawals;
    for (const [id, name] of withdrawals?.withdrawals() ?? []) this.#takeBack(id, name);
    this.all = this.#known;
  }

  /**
   * The entries of the session file, and what was given to this party before. Each signature is verified again: who writes into the
   * file can take grants away, and add none.
   * @throws TacitError GRANT_INVALID for a session file whose entries do not verify
   */
  static async open(
    session: Session,
    directory: string | null,
    limits: ConsentLimits = CONSENT_LIMITS,
    withdrawals?: Withdrawals,
  ): Promise<Consents> {
    const made = new Consents(session, limits, withdrawals);
    for (const signed of session.file.grants)
      made.#gather(consentOf(signed, await signersOf(session.root, signed, session.everyone)));
    if (directory === null) return made;
    const path = join(directory, `${session.hex}.grants`);
    made.#file = openSync(path, "a+", 0o600);
    for (const line of readFileSync(path, "utf8").split("\n").slice(0, -1)) await made.#again(line);
    return made;
  }

  /** A line that does not verify counts for nothing. */
  async #again(line: string): Promise<void> {
    try {
      const signed = grantFromBytes(fromHex("grants", line));
      const consent = this.#standing(consentOf(signed, await signersOf(this.#session.id, signed, this.#session.everyone)));
      const news = this.#news(consent);
      this.#gather(consent);
      if (news.length > 0) this.#charge(news, line.length / 2);
    } catch (e) {
      if (!(e instanceof TacitError)) throw e;
    }
  }

  /**
   * Takes a grant that somebody brings; one that comes again with more signatures gathers them: owners may sign one after the other.
   * @throws TacitError GRANT_INVALID, MPC_DISK
   */
  async admit(bytes: Uint8Array): Promise<{ readonly consent: Consent; readonly fresh: boolean }> {
    const signed: SignedGrant = grantFromBytes(bytes);
    if (signed.signatures.length === 0) throw new TacitError("GRANT_INVALID", "grant: expected a signature at least, got none");
    const consent = this.#standing(consentOf(signed, await signersOf(this.#session.id, signed, this.#session.everyone)));
    if (consent.signers.size === 0) {
      throw new TacitError(
        "GRANT_INVALID",
        `grant ${consent.id.slice(0, 12)}: expected one that stands, got one that was withdrawn`,
        {
          hint: "a withdrawal is for good: plan anew with another --spare, which makes another grant",
        },
      );
    }
    const news = this.#news(consent);
    const fresh = news.length > 0;
    if (fresh) this.#charge(news, bytes.length);
    const gathered = this.#gather(consent);
    // One that a full disk cut off would spoil the next: a party that cannot write ends.
    if (fresh && this.#file !== null) append(this.#file, `${toHex(grantToBytes(signed))}\n`, "grants");
    return { consent: gathered, fresh };
  }

  /** Signers of it who were not known. */
  #news({ id, signers }: Consent): string[] {
    const before = this.#known.get(id)?.signers;
    return [...signers].filter((name) => before?.has(name) !== true);
  }

  /** On the account of the first of `signers` who has room. @throws TacitError GRANT_INVALID */
  #charge(signers: readonly string[], bytes: number): void {
    const most = this.#limits;
    for (const name of signers) {
      const kept = this.#kept.get(name) ?? { grants: 0, bytes: 0 };
      if (kept.grants >= most.grants || kept.bytes + bytes > most.bytes) continue;
      this.#kept.set(name, { grants: kept.grants + 1, bytes: kept.bytes + bytes });
      return;
    }
    throw new TacitError(
      "GRANT_INVALID",
      `grant: expected at most ${most.grants} grants of ${most.bytes} bytes together that one person signed, got more`,
    );
  }

  #gather(consent: Consent): Consent {
    const known = this.#known.get(consent.id);
    if (known === undefined && this.#known.size >= MOST_GRANTS) {
      throw new TacitError("GRANT_INVALID", `grant: expected at most ${MOST_GRANTS} grants in a session, got more`);
    }
    const gathered = this.#standing({ ...consent, signers: new Set([...(known?.signers ?? []), ...consent.signers]) });
    this.#known.set(consent.id, gathered);
    return gathered;
  }

  /**
   * `name` takes back its own signature of these grants (ids, or beginnings of those that it signed), whether they are known here yet or
   * not. For good, and on the disk first: from now on nothing runs and nothing is disclosed under them.
   * @throws TacitError GRANT_INVALID, MPC_DISK
   */
  withdraw(name: string, asked: readonly string[]): { readonly ids: readonly string[]; readonly fresh: readonly string[] } {
    const ids = asked.map((id) => this.#whole(name, id));
    const fresh = [...new Set(ids)].filter((id) => this.#withdrawn.get(id)?.has(name) !== true);
    const before = [...this.#withdrawn.values()].filter((names) => names.has(name)).length;
    if (before + fresh.length > this.#limits.grants) {
      throw new TacitError("GRANT_INVALID", `revoke: expected at most ${this.#limits.grants} grants of one person, got more`);
    }
    this.#withdrawals?.withdraw(fresh, name);
    for (const id of fresh) {
      this.#takeBack(id, name);
      const known = this.#known.get(id);
      if (known !== undefined) this.#known.set(id, this.#standing(known));
    }
    return { ids, fresh };
  }

  #takeBack(id: string, name: string): void {
    this.#withdrawn.set(id, new Set([...(this.#withdrawn.get(id) ?? []), name]));
  }

  /** Without the signatures that were taken back. */
  #standing(consent: Consent): Consent {
    const withdrawn = this.#withdrawn.get(consent.id);
    if (withdrawn === undefined) return consent;
    return { ...consent, withdrawn, signers: new Set([...consent.signers].filter((name) => !withdrawn.has(name))) };
  }

  #whole(name: string, id: string): string {
    if (WHOLE.test(id)) return id;
    const own = BEGINNING.test(id) ? [...this.#known.values()].filter((c) => c.id.startsWith(id)) : [];
    const [first, ...others] = own.filter((c) => c.signers.has(name) || c.withdrawn?.has(name) === true);
    if (first !== undefined && others.length === 0) return first.id;
    throw new TacitError(
      "GRANT_INVALID",
      `revoke: expected the id of a grant, or 16 digits or more of one that ${name} signed, got another`,
      {
        hint: "tacit approve printed it",
      },
    );
  }

  /** Who signed the grant of this id: whoever knows the id knows its terms. */
  signersOf(id: string): string[] {
    return [...(this.#known.get(id)?.signers ?? [])].sort();
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
