/**
 * @file Mechanisms: what a party checks by itself before a run under a grant that demands noise. From the Program alone (`release/rows/`), from
 * where the bound values come, and from its own count of runs. Steps, for each mechanism of the grant:
 *  1. Inputs with protected rows are inputs as their owners gave them, not results: nobody mixed their rows before.
 *  2. Other secret inputs that a protected owner's data flowed into are results that were noised already, in a run that was counted.
 *  3. The outputs that the mechanism is demanded of depend on the rows through clippedSum and partyNoise alone.
 *  4. All runs under the grant, this one included, cost at most ε at δ: every noise of the Program counts, whether its result is disclosed or not.
 * Then the run is counted, on disk, before its first message; disclosing and further use of what it gave cost nothing more. Which of its outputs
 * are noised, and for whom, is decided then and stays with each result, in checkpoints too.
 */
import type { Program } from "@tacit/core/program";
import { analysisOf, costOf, demandsOf, whyNever } from "../release/budget.ts";
import { type Origin, whyNotFrom } from "../release/origins.ts";
import type { Grant } from "../session/grant.ts";
import type { MechanismTerms } from "../session/mechanism.ts";
import type { Stored } from "./store.ts";

/** What is bound to each input; undefined: a public value. */
type Inputs = readonly (Stored | undefined)[];

export class Mechanisms {
  readonly #fractionBits: number;

  /** `fractionBits`: of the session's fixed-point numbers. */
  constructor(fractionBits: number) {
    this.#fractionBits = fractionBits;
  }

  /** Why a run on `inputs` is not one that `grant` allows as its `runs`-th; undefined where it is. */
  judge(grant: Grant, runs: number, program: Program, inputs: Inputs): string | undefined {
    const never = whyNever(program, grant, this.#fractionBits);
    if (never !== undefined) return never;
    for (const { terms: m } of demandsOf(grant)) {
      const why = this.#bound(m, inputs);
      if (why !== undefined) return why;
      if (costOf(analysisOf(program, grant, m), m, this.#fractionBits, runs) > m.epsilon)
        return `has no budget left: ${runs - 1} runs were counted against epsilon ${m.epsilon} at delta ${m.delta}`;
    }
    return undefined;
  }

  /** By output of a run that was judged and counted: the owners, sorted, for whom it is noised. */
  released(grant: Grant, program: Program, inputs: Inputs): string[][] {
    const noised = demandsOf(grant).map(({ terms: m }) => {
      return { owners: protectedBy(m, inputs), kinds: analysisOf(program, grant, m).outputs };
    });
    return program.outputs.map((_, k) => {
      const owners = noised.flatMap((n) => (n.kinds[k] === "clean" ? [...n.owners] : []));
      return [...new Set(owners)].sort();
    });
  }

  /** Steps 1 and 2. */
  #bound(m: MechanismTerms, inputs: Inputs): string | undefined {
    const owners = protectedBy(m, inputs);
    const reasons = inputs.map((s, i) => whyNotFrom(m, i, s && originOf(s), owners));
    return reasons.find((why) => why !== undefined);
  }
}

const protectedBy = (m: MechanismTerms, inputs: Inputs): ReadonlySet<string> =>
  new Set(m.rows.flatMap((r) => inputs[r]?.owners ?? []));

const originOf = ({ owners, source, made }: Stored): Origin => {
  const released = made.run.counted?.released[made.output] ?? [];
  return { owners, given: source.kind === "handle", isReleased: (of) => of.every((o) => released.includes(o)) };
};
