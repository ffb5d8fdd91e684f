/** @file Approver: signs grants for owners whose keys are on this machine, on first use of each Program and binding. */
import type { Identity } from "../identity/identity.ts";
import { type BoundRun, type Consent, consentOf, permitReveal, permitRun, unionOfOwners, type Wish } from "../session/consent.ts";
import { type Disclosure, type Grant, type SignedGrant, type Source, signersOf, signGrant } from "../session/grant.ts";
import type { Session } from "../session/session-file.ts";

/** Above any run that fits in a session. */
const MANY = 1_000_000_000;
const UNUSED = { runs: 0, reveals: 0 };

/** Public values of any size: a grant of one's own for one's own machine bounds Programs and sources, not learning rates. */
const loosened = (s: Source): Source => (s.kind === "public" ? { kind: "public", least: null, most: null, distinct: false } : s);

const demands = ({ grant }: Consent, run: BoundRun, wish: Wish): boolean =>
  grant.program === run.program &&
  grant.disclosures.some((d) => d.output === wish.output && d.to === wish.to && d.why === wish.why && d.mechanism !== undefined);

export class Approver {
  readonly #session: Session;
  readonly #identities: ReadonlyMap<string, Identity>;
  readonly #consents = new Map<string, Consent>();

  constructor(session: Session, identities: ReadonlyMap<string, Identity>) {
    this.#session = session;
    this.#identities = identities;
  }

  /** Takes note of entries that stand in the session file or were given by others. */
  async learn(signed: SignedGrant, bound: Uint8Array): Promise<void> {
    const consent = consentOf(signed, await signersOf(bound, signed, this.#session.everyone));
    this.#consents.set(consent.id, consent);
  }

  /** A new grant that `run` needs; undefined where one is known, or where an owner's key is elsewhere (the parties will refuse). */
  forRun(run: BoundRun): Promise<SignedGrant | undefined> {
    return this.#unless(
      () =>
        permitRun(
          this.#consents.values(),
          run,
          () => UNUSED,
          this.#now(),
          () => undefined,
        ),
      run,
      [],
    );
  }

  async forReveal(run: BoundRun, wish: Wish): Promise<SignedGrant | undefined> {
    // What its owners disclose with noise alone is not signed for without.
    if ([...this.#consents.values()].some((c) => demands(c, run, wish))) return undefined;
    return this.#unless(() => permitReveal(this.#consents.values(), run, wish, () => UNUSED, this.#now()), run, [wish]);
  }

  #now(): number {
    return Date.now() / 1000;
  }

  async #unless(permitted: () => unknown, run: BoundRun, disclosures: readonly Disclosure[]): Promise<SignedGrant | undefined> {
    try {
      permitted();
      return undefined;
    } catch {
      const owners = unionOfOwners(run.inputs);
      const signers = owners.flatMap((o) => this.#identities.get(o) ?? []);
      if (signers.length < owners.length) return undefined;
      const signed = await signGrant(this.#session.id, this.#terms(run, disclosures), signers);
      const consent = consentOf(signed, new Set(owners));
      this.#consents.set(consent.id, consent);
      return signed;
    }
  }

  #terms(run: BoundRun, disclosures: readonly Disclosure[]): Grant {
    const inputs = run.inputs.map((i) => ({ owners: i.owners, sources: [loosened(i.source)], rows: i.rows }));
    return { program: run.program, inputs, disclosures, runs: MANY, reveals: MANY, expires: this.#session.file.expires };
  }
}
