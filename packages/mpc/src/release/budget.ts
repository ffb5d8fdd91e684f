/** @file What a grant's mechanism costs and allows, from the Program alone: for the parties that count it, and in words for the owner who is asked. */
import type { Program } from "@tacit/core/program";
import { epsilonOf } from "@tacit/privacy";
import type { Grant, GrantInput } from "../session/grant.ts";
import type { MechanismTerms } from "../session/mechanism.ts";
import { eventOf } from "./event.ts";
import { protectedOwners, unprotectedInputs, whyNoOrigin } from "./origins.ts";
import { analyseRows, type RowAnalysis } from "./rows/index.ts";

const isDistinct = (i: GrantInput | undefined): boolean =>
  i !== undefined && i.owners.length === 0 && i.sources.every((s) => s.kind === "public" && s.distinct);

/** A mechanism with the outputs of which a grant demands it: one for all, in most. */
export interface Demand {
  readonly terms: MechanismTerms;
  readonly outputs: readonly number[];
}

/** Each mechanism of a grant once: all 300 tensors of a model may leave under the same. */
export function demandsOf(grant: Grant): readonly Demand[] {
  const found = new Map<string, { terms: MechanismTerms; outputs: number[] }>();
  for (const { output, mechanism: terms } of grant.disclosures) {
    if (terms === undefined) continue;
    const key = JSON.stringify(terms);
    const demand = found.get(key);
    if (demand === undefined) found.set(key, { terms, outputs: [output] });
    else demand.outputs.push(output);
  }
  return [...found.values()];
}

/** Of a step's Programs, and of a few mechanisms on each. */
const MOST_ANALYSES = 16;
/** The latest last: a party judges each run, and 8,000 nodes take some 30 ms of what else it could do. */
const analyses = new Map<string, RowAnalysis>();

/** What a grant's Program does with the rows that a mechanism protects. */
export function analysisOf(program: Program, grant: Grant, m: MechanismTerms): RowAnalysis {
  const distinct = new Set(program.inputs.flatMap((_, i) => (isDistinct(grant.inputs[i]) ? [i] : [])));
  const key = JSON.stringify([program.id, m.rows, [...distinct]]);
  const analysis = analyses.get(key) ?? analyseRows(program, m.rows, (i) => distinct.has(i));
  analyses.delete(key);
  analyses.set(key, analysis);
  for (const [oldest] of analyses) if (analyses.size > MOST_ANALYSES) analyses.delete(oldest);
  return analysis;
}

/** ε of `runs` runs, by zCDP. Noise of less than a unit has no account, and runs nowhere. */
export function costOf(analysis: RowAnalysis, m: MechanismTerms, fractionBits: number, runs: number): number {
  const events = analysis.noises.map((n) => eventOf(n, m.neighbours, n.float ? fractionBits : 0, runs));
  const isTiny = analysis.noises.some((n) => n.deviation * (n.float ? 2 ** fractionBits : 1) < 1);
  if (isTiny) return Number.POSITIVE_INFINITY;
  return events.length === 0 ? 0 : epsilonOf(events, { delta: m.delta, accountant: "zcdp" });
}

/** Why no run of this Program keeps to the mechanisms of a grant, whatever is bound; undefined: one does. */
export function whyNever(program: Program, grant: Grant, fractionBits: number): string | undefined {
  for (const { terms: m, outputs } of demandsOf(grant)) {
    if (m.rows.some((r) => r >= program.inputs.length)) return "names rows of an input that the program does not have";
    const analysis = analysisOf(program, grant, m);
    const output = outputs.find((k) => analysis.outputs[k] !== "clean");
    if (output !== undefined) {
      const why = analysis.reasons[output] ?? "there is no such output";
      return `does not fit: output ${output} depends on protected rows in another way than by clipped sums with noise (${why})`;
    }
    if (costOf(analysis, m, fractionBits, 1) > m.epsilon) return "has no budget for a run: more noise, or a larger epsilon";
    const why = whyNoOrigin(grant, m);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The most runs, up to `limit`, that stay within ε: costs rise with runs. */
function runsWithin(analysis: RowAnalysis, m: MechanismTerms, fractionBits: number, limit: number): number {
  let [fits, beyond] = [0, limit + 1];
  while (beyond - fits > 1) {
    const middle = Math.floor((fits + beyond) / 2);
    if (costOf(analysis, m, fractionBits, middle) <= m.epsilon) fits = middle;
    else beyond = middle;
  }
  return fits;
}

const inputsOf = (all: readonly number[]): string => `${all.length === 1 ? "input" : "inputs"} ${all.join(", ")}`;

/** Inputs without protection, and whose they are. */
function unprotected(grant: Grant, m: MechanismTerms, show: (owner: string) => string): string {
  const owners = [...new Set(grant.inputs.flatMap((i) => i.owners))].sort();
  const parts = owners.flatMap((o) => {
    const inputs = unprotectedInputs(grant, m, o);
    return inputs.length === 0 ? [] : [`${inputsOf(inputs)} of ${show(o)}`];
  });
  return parts.length === 0 ? "" : `; NOT protected: ${parts.join(", ")}`;
}

/** Whose rows a mechanism protects, within which budget, and whose data it does not. `show`: escapes a name that a stranger wrote. */
export function showTerms(grant: Grant, m: MechanismTerms, show: (owner: string) => string = (o) => o): string {
  const owners = protectedOwners(grant, m).map(show).join(", ");
  return (
    `ε ${m.epsilon} at δ ${m.delta} at most for each row of ${inputsOf(m.rows)} of ${owners} (${m.neighbours}), all runs together` +
    unprotected(grant, m, show)
  );
}

/** One line for the owner. `show`: as for `showTerms`. */
export function describeMechanism(
  program: Program,
  grant: Grant,
  m: MechanismTerms,
  fractionBits: number,
  show?: (owner: string) => string,
): string {
  const why = whyNever(program, grant, fractionBits);
  if (why !== undefined) return `only with noise of all parties, which this program does not give: it ${why}`;
  const analysis = analysisOf(program, grant, m);
  const one = costOf(analysis, m, fractionBits, 1).toPrecision(3);
  const fit = runsWithin(analysis, m, fractionBits, grant.runs);
  return `only with noise of all parties: ${showTerms(grant, m, show)}; one run costs ε ${one}, ${fit} of ${grant.runs} runs fit (zCDP)`;
}
