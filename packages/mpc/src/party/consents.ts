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

export class Consents {
  /** By the grants' ids. */
  readonly all: ReadonlyMap<string, Consent>;
  readonly #known = new Map<string, Consent>();
  readonly #session: Session;
  #file: number | null = null;

  private constructor(session: Session) {
    this.#session = session;
    this.all = this.#known;
  }

  /**
   * The entries of the session file, and what was given to this party before. Each signature is verified again: who writes into the
   * file can take grants away, and add none.
   * @throws TacitError GRANT_INVALID for a session file whose entries do not verify
   */
  static async open(session: Session, directory: string | null): Promise<Consents> {
    const made = new Consents(session);
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
      this.#gather(consentOf(signed, await signersOf(this.#session.id, signed, this.#session.everyone)));
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
    const before = this.#known.get(consent.id)?.signers.size ?? 0;
    const gathered = this.#gather(consent);
    const fresh = gathered.signers.size > before;
    // One that a full disk cut off would spoil the next: a party that cannot write ends.
    if (fresh && this.#file !== null) append(this.#file, `${toHex(grantToBytes(signed))}\n`, "grants");
    return { consent: gathered, fresh };
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
