/** @file Every op of core's table with secret arguments: the cases are those of core's own tests of the table. */
import { type Aval, DTYPE, Expr, emit, OPS, ops, sizeOf, trace } from "@tacit/core/program";
import { CASES, type Case } from "../../../../core/test/ops/cases.ts";
import { run, values } from "../../../../core/test/ops/harness.ts";
import { PUBLIC, SECRET } from "../programs/parties.ts";
import type { Job } from "./measure.ts";

/** Names of all ops. */
export const opNames: readonly string[] = [...OPS.keys()];

/** What must be known beside a secret, and where. */
export const NOTES: Readonly<Record<string, string>> = {
  constant: "public",
  iota: "public",
  randomBits: "public keys and counts",
  scatter: "public indices",
  pow: "a constant exponent",
  partyNoise: "noise of deviation 2^-12 of each party: the error is the noise",
};
const PUBLIC_ARGUMENTS: Readonly<Record<string, readonly number[]>> = { scatter: [1], randomBits: [0, 1] };

const SHARED = new Set(["f32", "i32", "bool"]);
const isShared = ({ dtype }: Pick<Aval, "dtype">): boolean => SHARED.has(dtype);

/** The case that says most about an op on shares: no empty arrays, dtypes that a secret may have. */
function caseOf(op: string): Case {
  const all = CASES.filter((c) => c.op === op);
  const full = all.filter((c) => c.args.every((a) => sizeOf(a.shape) > 0));
  return full.find((c) => c.args.every(isShared) && isShared(OPS.get(op)!.infer(c.args, c.attrs))) ?? full[0] ?? all[0]!;
}

/** x^3: the exponent of a Program on shares is a constant. */
const CUBE: Case = { op: "pow", args: [{ shape: [5], dtype: "f32", fill: "normal" }], attrs: [] };

/** Arguments secret unless they must be public, values on the grid of fixed point. */
export function opJob(op: string): Job {
  const { args, attrs } = op === "pow" ? CUBE : caseOf(op);
  const leaves = args.map(({ shape, dtype }) => Expr.placeholder({ shape, dtype }));
  const inputs = args.map((a, i) => {
    const x = values(a, i + 1);
    return DTYPE[a.dtype].float ? Float32Array.from(x as Float64Array, (v) => Math.round(v * 65536) / 65536) : x;
  });
  const result = op === "pow" ? ops.pow(leaves[0]!, ops.lit(leaves[0]!, 3)) : emit(op, leaves, attrs);
  // Noise is an error here: the op has no clear result.
  const clear = op === "partyNoise" ? leaves[0]! : result;
  const outputs = run([clear], leaves, inputs, "f64");
  const known = PUBLIC_ARGUMENTS[op] ?? [];
  return {
    program: trace([result], leaves).program,
    bindings: args.map((_, i) => (known.includes(i) ? PUBLIC : SECRET)),
    inputs,
    outputs,
  };
}
