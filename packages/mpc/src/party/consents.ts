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

export class Consents {
  /** By the grants' ids. */
  readonly all: ReadonlyMap<string, Consent>;
  readonly #known = new Map<string, Consent>();
  /** By person: what was kept on that person's account. */
  readonly #kept = new Map<string, { grants: number; bytes: number }>();
  readonly #session: Session;
  readonly #limits: ConsentLimits;
  #file: number | null = null;

  private constructor(session: Session, limits: ConsentLimits) {
    this.#session = session;
    this.#limits = limits;
    this.all = this.#known;
  }

  /**
   * The entries of the session file, and what was given to this party before. Each signature is verified again: who writes into the
   * file can take grants away, and add none.
   * @throws TacitError GRANT_INVALID for a session file whose entries do not verify
   */
  static async open(session: Session, directory: string | null, limits: ConsentLimits = CONSENT_LIMITS): Promise<Consents> {
    const made = new Consents(session, limits);
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
      const consent = consentOf(signed, await signersOf(this.#session.id, signed, this.#session.everyone));
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
    const consent = consentOf(signed, await signersOf(this.#session.id, signed, this.#session.everyone));
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
    const gathered = { ...consent, signers: new Set([...(known?.signers ?? []), ...consent.signers]) };
    this.#known.set(consent.id, gathered);
    return gathered;
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
