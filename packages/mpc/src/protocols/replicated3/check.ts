/** @file What a Program needs that replicated3 cannot do, all of it at once. Loads none of the parties' code: clients check too. */
import type { Binding, Gap } from "@tacit/core/device";
import type { DType, Node, Program } from "@tacit/core/program";
import type { ProtocolOptions } from "../protocol.ts";
import { constantLimit, LIMITS } from "./lower/limits.ts";
import { SHARED_OPS } from "./lower/ops.ts";
import { makePlan, type Plan } from "./lower/plan.ts";

/** dtypes that a secret may have: fixed point, integers of argmax, bits of comparisons. */
const SECRET_DTYPES: ReadonlySet<DType> = new Set<DType>(["f32", "i32", "bool"]);

function gapOf(plan: Plan, node: Node, f: number): string | undefined {
  if (!SHARED_OPS.has(node.op)) return "no protocol for secret arguments";
  if (!SECRET_DTYPES.has(node.aval.dtype)) return `a secret has dtype ${[...SECRET_DTYPES].join(", ")}, not ${node.aval.dtype}`;
  return LIMITS.get(node.op)?.(plan, node, f) ?? constantLimit(plan, node, f);
}

/** Every gap of the nodes that a result needs; and inputs that cannot be secret (node -1 - input). */
export function check(program: Program, bindings: readonly Binding[], options: ProtocolOptions): readonly Gap[] {
  const plan = makePlan(program, bindings);
  const gaps: Gap[] = [];
  program.inputs.forEach((aval, i) => {
    if (plan.knowledge[i] === "secret" && !SECRET_DTYPES.has(aval.dtype)) {
      gaps.push({ node: -1 - i, op: "input", reason: `a secret has dtype ${[...SECRET_DTYPES].join(", ")}, not ${aval.dtype}` });
    }
  });
  program.nodes.forEach((node, i) => {
    const id = program.inputs.length + i;
    if (plan.uses[id] === 0) return;
    const known = plan.knowledge[id] !== "secret";
    if (known && node.op !== "partyNoise") return;
    const reason = known ? "noise on a value that everybody knows" : gapOf(plan, node, options.fractionBits);
    if (reason !== undefined) gaps.push({ node: i, op: node.op, reason });
  });
  if (!(options.fractionBits >= 8 && options.fractionBits <= 16)) {
    gaps.push({ node: -1, op: "session", reason: `fraction bits of 8 to 16, not ${options.fractionBits}` });
  }
  return gaps;
}
