/** @file What a benchmark row is, and the JSON it becomes. */
import type { Sample } from "./harness.ts";
import { median } from "./harness.ts";

/** A row's definition. */
export interface RowSpec {
  readonly name: string;
  readonly unit: string;
  readonly better: "lower" | "higher";
  /** Interleaved passes; at least five. */
  readonly runs: number;
  /** Turns a sample's value (milliseconds for timed rows) into the unit. */
  readonly convert?: (value: number) => number;
  /** Absolute target in the unit, where the issue gives one. */
  readonly target?: number;
  /** Most bytes that a party may send, and most rounds, where the issue gives them. */
  readonly mostBytes?: number;
  readonly mostRounds?: number;
  /** Target as a ratio against peers: at least `ratio` times the peer's speed. */
  readonly against?: Readonly<Record<string, number>>;
  /** What others published and nobody measured here. */
  readonly note?: string;
}

/** One row of the result. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
  readonly runs: number;
  readonly min: number;
  readonly max: number;
  readonly cpu?: number;
  readonly bytesPerParty?: number;
  readonly rounds?: number;
  /** Seconds on the wire that `estimate` predicts; what is measured has the computing besides. */
  readonly predicted?: number;
  readonly note?: string;
  readonly peers: Readonly<Record<string, number>>;
  /** Our speed over the peer's, by medians. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly target?: number;
  readonly wanted?: Readonly<Record<string, number>>;
  readonly mostBytes?: number;
  readonly mostRounds?: number;
  readonly meets: boolean | null;
}

/** Speed of `ours` relative to `theirs`. */
const speedup = (better: "lower" | "higher", ours: number, theirs: number): number =>
  better === "lower" ? theirs / ours : ours / theirs;

/** Builds the row; `meets` is computed from the target and from every peer that was measured, null where there is nothing to compare. */
export function makeRow(spec: RowSpec, ours: readonly Sample[], peers: ReadonlyMap<string, readonly Sample[]>): Row {
  const convert = spec.convert ?? ((v: number): number => v);
  const values = ours.map((s) => convert(s.value));
  const value = median(values);
  const peerMedians: Record<string, number> = {};
  const ratios: Record<string, number> = {};
  for (const [name, samples] of peers) {
    const m = median(samples.map((s) => convert(s.value)));
    peerMedians[name] = m;
    ratios[name] = speedup(spec.better, value, m);
  }
  const checks: boolean[] = [];
  if (spec.target !== undefined) checks.push(spec.better === "lower" ? value <= spec.target : value >= spec.target);
  for (const [name, ratio] of Object.entries(spec.against ?? {})) {
    const got = ratios[name];
    if (got !== undefined) checks.push(got >= ratio);
  }
  const first = ours[0];
  if (spec.mostBytes !== undefined) checks.push((first?.bytesPerParty ?? Number.POSITIVE_INFINITY) <= spec.mostBytes);
  if (spec.mostRounds !== undefined) checks.push((first?.rounds ?? Number.POSITIVE_INFINITY) <= spec.mostRounds);
  const cpus = ours.flatMap((s) => (s.cpu === undefined ? [] : [s.cpu]));
  return {
    name: spec.name,
    value,
    unit: spec.unit,
    better: spec.better,
    runs: values.length,
    min: Math.min(...values),
    max: Math.max(...values),
    ...(cpus.length > 0 ? { cpu: median(cpus) } : {}),
    ...(first?.bytesPerParty === undefined ? {} : { bytesPerParty: first.bytesPerParty }),
    ...(first?.rounds === undefined ? {} : { rounds: first.rounds }),
    ...(first?.predicted === undefined ? {} : { predicted: first.predicted }),
    ...(spec.note === undefined ? {} : { note: spec.note }),
    peers: peerMedians,
    ratios,
    ...(spec.target === undefined ? {} : { target: spec.target }),
    ...(spec.against === undefined ? {} : { wanted: spec.against }),
    ...(spec.mostBytes === undefined ? {} : { mostBytes: spec.mostBytes }),
    ...(spec.mostRounds === undefined ? {} : { mostRounds: spec.mostRounds }),
    meets: checks.length === 0 ? null : checks.every(Boolean),
  };
}
