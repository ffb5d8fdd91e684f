/** @file What becomes of a Program on shares: written out as the engine would, checked, estimated, run by three parties and compared. */
import type { Binding } from "@tacit/core/device";
import { decompose, OPS, type Program, type TypedArray } from "@tacit/core/program";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import type { Parties } from "../programs/parties.ts";

export interface Job {
  readonly program: Program;
  readonly bindings: readonly Binding[];
  readonly inputs: readonly TypedArray[];
  /** Results in the clear. */
  readonly outputs: readonly TypedArray[];
}

export interface Measured {
  /** Why not, one line; empty: it runs. */
  readonly why: string;
  /** Whether composites were written out. */
  readonly written: boolean;
  readonly rounds: number;
  /** Bytes of the fullest party. */
  readonly bytes: number;
  /** Largest difference from the clear result, over 1 + its magnitude. */
  readonly error: number;
  /** Whether the run counted what the estimate says. */
  readonly asEstimated: boolean;
}

const missing = (why: string): Measured => ({ why, written: false, rounds: 0, bytes: 0, error: 0, asEstimated: true });

/** Composites that lack a protocol are replaced by what they are made of, until none is left. */
export function writtenOut({ program, bindings }: Job, parties: Parties): { readonly program: Program; readonly why: string } {
  let found = program;
  for (;;) {
    const gaps = replicated3.check(found, bindings, parties.options);
    if (gaps.length === 0) return { program: found, why: "" };
    const composites = gaps.map((g) => g.op).filter((op) => OPS.get(op)?.decompose !== undefined);
    if (composites.length === 0) {
      return { program: found, why: [...new Set(gaps.map((g) => `\`${g.op}\`: ${g.reason}`))].sort().join("; ") };
    }
    found = decompose(found, new Set(composites));
  }
}

function difference(want: TypedArray, got: TypedArray): number {
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const w = Number(want[i]);
    const d = Math.abs(w - Number(got[i])) / (1 + Math.abs(w));
    worst = Math.max(worst, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return worst;
}

export async function measure(job: Job, parties: Parties): Promise<Measured> {
  const { program, why } = writtenOut(job, parties);
  if (why !== "") return missing(why);
  const { values, counters } = await parties.compute(program, job.bindings, job.inputs);
  const cost = await replicated3.estimate(program, job.bindings, parties.options);
  const rounds = Math.max(...counters.map((c) => c.rounds));
  const same = rounds === cost.rounds && counters.every((c, i) => c.bytesSent === cost.bytesPerParty[i]);
  const error = Math.max(0, ...job.outputs.map((want, i) => difference(want, values[i]!)));
  return { why, written: program !== job.program, rounds, bytes: Math.max(...cost.bytesPerParty), error, asEstimated: same };
}

/** The worst of several jobs. */
export function together(all: readonly Measured[]): Measured {
  const failed = all.find((m) => m.why !== "");
  if (failed) return failed;
  return {
    why: "",
    written: all.some((m) => m.written),
    rounds: Math.max(...all.map((m) => m.rounds)),
    bytes: Math.max(...all.map((m) => m.bytes)),
    error: Math.max(...all.map((m) => m.error)),
    asEstimated: all.every((m) => m.asEstimated),
  };
}
