/** @file Mechanism: what an owner can demand of a disclosure. The output leaves only with noise on it, within a budget that parties count. */
import { TacitError } from "@tacit/core/errors";
import type { Neighbours } from "@tacit/privacy";
import { boundWire, type Fields, type Wire } from "./cbor.ts";

/**
 * The output may depend on the rows of these inputs through `clippedSum` and `partyNoise` alone, and all runs under the grant together may
 * cost ε at δ at most, by zCDP. Row i of all of `rows` is one person's.
 */
export interface MechanismTerms {
  readonly kind: "distributed-discrete-gaussian";
  readonly neighbours: Neighbours;
  /** Positions of inputs, rising: axis 0 counts persons. Their owners are protected; other inputs of theirs must be results that were noised already. */
  readonly rows: readonly number[];
  readonly epsilon: number;
  readonly delta: number;
}

const NEIGHBOURS: readonly Neighbours[] = ["add-remove", "replace-one"];

export const mechanismWire = (m: MechanismTerms): Wire => [
  0,
  NEIGHBOURS.indexOf(m.neighbours),
  [...m.rows],
  boundWire(m.epsilon),
  boundWire(m.delta),
];

const refuse = (want: string): never => {
  throw new TacitError("GRANT_INVALID", `grant: expected ${want} in a mechanism, got another`);
};

/** @throws TacitError GRANT_INVALID */
export function readMechanism(f: Fields): MechanismTerms {
  f.uint(0);
  const neighbours = NEIGHBOURS[f.uint(1)]!;
  const rows = f.uints(64);
  const [epsilon, delta] = [f.bound() ?? 0, f.bound() ?? 0];
  f.end();
  if (rows.length === 0 || rows.some((r, i) => r > 4096 || (i > 0 && r <= rows[i - 1]!))) refuse("rising positions of inputs");
  if (!(epsilon > 0 && epsilon < Number.POSITIVE_INFINITY)) refuse("an ε above 0 and finite");
  if (!(delta > 0 && delta < 1)) refuse("a δ between 0 and 1");
  return { kind: "distributed-discrete-gaussian", neighbours, rows, epsilon, delta };
}

/** As it stands in JSON, as what `readMechanism` reads. What is no such object becomes something that it refuses. */
export function mechanismFields(m: Readonly<Record<string, unknown>>): unknown {
  const number = (x: unknown): unknown => (typeof x === "number" && !Number.isNaN(x) ? boundWire(x) : null);
  const kind = m.kind === "distributed-discrete-gaussian" ? 0 : -1;
  return [kind, NEIGHBOURS.indexOf(m.neighbours as Neighbours), m.rows, number(m.epsilon), number(m.delta)];
}
