/** @file What a suite of benchmarks is: rows, who is measured for each, and rows that are computed rather than timed. */
import type { Contender } from "../harness.ts";
import type { Row, RowSpec } from "../rows.ts";

/** A row that is measured against contenders. */
export interface TimedRow extends RowSpec {
  readonly ours: Contender;
  readonly peers: readonly Contender[];
}

/** A row that computes itself (sizes, growth). */
export interface ComputedRow {
  readonly name: string;
  compute(): Promise<Row>;
}

export interface Suite {
  readonly name: string;
  rows(): Promise<readonly (TimedRow | ComputedRow)[]>;
}
