/** @file Conditions of ops beyond having a handler: why a node cannot run as bound, or undefined. Read by check only. */
import type { Node } from "@tacit/core/program";
import { DTYPE } from "@tacit/core/program";
import type { Plan } from "./plan.ts";

export type Limit = (plan: Plan, node: Node) => string | undefined;

const isSecret = (plan: Plan, id: number): boolean => plan.knowledge[id] === "secret";

/** Products of integers have no bound that fits fixed point. */
const floatOnly: Limit = (plan, node) =>
  node.args.every((a) => DTYPE[plan.program.aval(a).dtype].float) ? undefined : "secret arguments are f32";

const castLimit: Limit = (plan, node) => {
  const from = plan.program.aval(node.args[0]!).dtype;
  if (from === node.aval.dtype || from === "bool" || (from === "i32" && node.aval.dtype === "f32")) return undefined;
  return `a secret ${from} does not become ${node.aval.dtype}: rounding it needs a protocol of its own`;
};

const publicArgs =
  (...indices: readonly number[]): Limit =>
  (plan, node) =>
    indices.some((i) => isSecret(plan, node.args[i]!)) ? "indices must be public" : undefined;

export const LIMITS: ReadonlyMap<string, Limit> = new Map(
  Object.entries({
    matmul: floatOnly,
    mul: floatOnly,
    div: floatOnly,
    cast: castLimit,
    indexSelect: publicArgs(1),
  }),
);
