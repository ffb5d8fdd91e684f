/**
 * @file Mechanisms: what a party checks by itself before a run under a grant that demands noise. From the Program alone (`release/rows/`), from
 * where the bound values come, and from its own count of runs. Steps, for each mechanism of the grant:
 *  1. Inputs with protected rows are inputs as their owners gave them, not results: nobody mixed their rows before.
 *  2. Other secret inputs that a protected owner's data flowed into are results that were noised already, in a run that was counted.
 *  3. The outputs that the mechanism is demanded of depend on the rows through clippedSum and partyNoise alone.
 *  4. All runs under the grant, this one included, cost at most ε at δ: every noise of the Program counts, whether its result is disclosed or not.
 * Then the run is counted, on disk, before its first message; disclosing and further use of what it gave cost nothing more.
 */
import type { Program } from "@tacit/core/program";
import { analysisOf, costOf, whyNever } from "../release/budget.ts";
import { type Origin, whyNotFrom } from "../release/origins.ts";
import type { BoundRun, Consent } from "../session/consent.ts";
import type { Grant } from "../session/grant.ts";
import type { MechanismTerms } from "../session/mechanism.ts";
import type { Stored } from "./store.ts";

export interface MechanismsOptions {
  readonly fractionBits: number;
  readonly consents: ReadonlyMap<string, Consent>;
  readonly programs: ReadonlyMap<string, Program>;
}

export class Mechanisms {
  readonly #o: MechanismsOptions;

  constructor(options: MechanismsOptions) {
    this.#o = options;
  }

  /** Why a run on `inputs` (undefined: public) is not one that `grant` allows as its `runs`-th; undefined where it is. */
  judge(grant: Grant, runs: number, program: Program, inputs: readonly (Stored | undefined)[]): string | undefined {
    const never = whyNever(program, grant, this.#o.fractionBits);
    if (never !== undefined) return never;
    for (const { mechanism: m } of grant.disclosures) {
      if (m === undefined) continue;
      const why = this.#bound(m, inputs);
      if (why !== undefined) return why;
      if (costOf(analysisOf(program, grant, m), m, this.#o.fractionBits, runs) > m.epsilon)
        return `has no budget left: ${runs - 1} runs were counted against epsilon ${m.epsilon} at delta ${m.delta}`;
    }
    return undefined;
  }

  /** Steps 1 and 2. */
  #bound(m: MechanismTerms, inputs: readonly (Stored | undefined)[]): string | undefined {
    const owners = new Set(m.rows.flatMap((r) => inputs[r]?.owners ?? []));
    const reasons = inputs.map((s, i) => whyNotFrom(m, i, s && this.#originOf(s), owners));
    return reasons.find((why) => why !== undefined);
  }

  #originOf(s: Stored): Origin {
    return { owners: s.owners, given: s.source.kind === "handle", isReleased: (owners) => this.#isReleased(s, owners) };
  }

  /** Whether all that `owners` gave went into a result through noise alone, in a run that was counted. */
  #isReleased(s: Stored, owners: readonly string[]): boolean {
    const { run, output } = s.made;
    const grant = run.counted === undefined ? undefined : this.#o.consents.get(run.counted)?.grant;
    const program = this.#o.programs.get(run.program);
    if (grant === undefined || program === undefined) return false;
    return grant.disclosures.some(({ mechanism: m }) => {
      if (m === undefined || !owners.every((o) => this.#protects(m, run, o))) return false;
      return analysisOf(program, grant, m).outputs[output] === "clean";
    });
  }

  #protects(m: MechanismTerms, run: BoundRun, owner: string): boolean {
    return m.rows.some((r) => run.inputs[r]?.owners.includes(owner) === true);
  }
}
