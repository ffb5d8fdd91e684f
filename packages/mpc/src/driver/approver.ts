/** @file Approver: signs grants for owners whose keys are on this machine, on first use of each Program and binding. */
import { TacitError } from "@tacit/core/errors";
import type { Identity } from "../identity/identity.ts";
import { type BoundRun, type Consent, consentOf, permitReveal, permitRun, unionOfOwners, type Wish } from "../session/consent.ts";
import { type Disclosure, type Grant, type SignedGrant, type Source, signersOf, signGrant } from "../session/grant.ts";
import type { Session } from "../session/session-file.ts";

/** Above any run that fits in a session. */
const MANY = 1_000_000_000;
const UNUSED = { runs: 0, reveals: 0 };

/** Public values of any size: a grant of one's own for one's own machine bounds Programs and sources, not learning rates. */
const loosened = (s: Source): Source => (s.kind === "public" ? { kind: "public", least: null, most: null, distinct: false } : s);

/** Whether a grant demands noise of this very disclosure: it may be allowed already, which the parties know. */
const demands = ({ grant }: Consent, run: BoundRun, wish: Wish): boolean =>
  grant.program === run.program &&
  grant.disclosures.some((d) => d.output === wish.output && d.to === wish.to && d.why === wish.why && d.mechanism !== undefined);

/** Whether an owner demands noise of this Program's results, or of what else is made of the same rows. A result may be made of any of its owners' data. */
function protects({ grant }: Consent, run: BoundRun): boolean {
  const rows = grant.disclosures.flatMap(({ mechanism: m }) => m?.rows.flatMap((r) => grant.inputs[r] ?? []) ?? []);
  if (rows.length === 0) return false;
  if (grant.program === run.program) return true;
  const handles = new Set(rows.flatMap((i) => i.sources.flatMap((s) => (s.kind === "handle" ? [s.handle] : []))));
  const owners = new Set(rows.flatMap((i) => i.owners));
  return run.inputs.some(({ source, owners: own }) =>
    source.kind === "handle" ? handles.has(source.handle) : own.some((o) => owners.has(o)),
  );
}

function refuseWithout({ id }: Consent, { output, to, why }: Wish): never {
  throw new TacitError(
    "POLICY_REFUSED",
    `reveal of output ${output} to ${to}: expected what grant ${id.slice(0, 12)} demands, noise and a budget, got a disclosure without for ${JSON.stringify(why)}`,
    {
      hint: "nothing is signed by itself for rows whose owner demands noise: disclose what that grant names, or have another signed (tacit plan)",
    },
  );
}

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

  /**
   * A new grant that a disclosure needs; undefined as for `forRun`.
   * @throws TacitError POLICY_REFUSED where owners demand noise of what is made of these rows, and signed nothing that lets this out without
   */
  async forReveal(run: BoundRun, wish: Wish): Promise<SignedGrant | undefined> {
    const known = [...this.#consents.values()];
    if (known.some((c) => demands(c, run, wish))) return undefined;
    const permitted = (): unknown => permitReveal(known, run, wish, () => UNUSED, this.#now());
    const demanding = known.find((c) => protects(c, run));
    return this.#unless(permitted, run, [wish], demanding && (() => refuseWithout(demanding, wish)));
  }

  #now(): number {
    return Date.now() / 1000;
  }

  /** `refuse`: throws, in the place of a signature. */
  async #unless(
    permitted: () => unknown,
    run: BoundRun,
    disclosures: readonly Disclosure[],
    refuse?: () => never,
  ): Promise<SignedGrant | undefined> {
    try {
      permitted();
      return undefined;
    } catch {
      const owners = unionOfOwners(run.inputs);
      const signers = owners.flatMap((o) => this.#identities.get(o) ?? []);
      if (signers.length < owners.length) return undefined;
      refuse?.();
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
