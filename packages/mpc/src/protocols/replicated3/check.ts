/** @file What a Program needs that replicated3 cannot do, all of it at once; and what a run costs, by running the parties without data. */
import type { Binding, Gap } from "@tacit/core/device";
import { DTYPE, type DType, type Node, type Program, sizeOf, type TypedArray } from "@tacit/core/program";
import { type ComparisonCost, type Cost, type ProtocolOptions, STEPS_PER_NODE } from "../protocol.ts";
import { dryRun } from "./dry.ts";
import { HANDLERS } from "./lower/index.ts";
import { constantLimit, LIMITS } from "./lower/limits.ts";
import { makePlan, type Plan } from "./lower/plan.ts";
import { Run } from "./lower/run.ts";
import type { Context, Shares, Width } from "./primitives/index.ts";
import { widthOf } from "./range.ts";

/** dtypes that a secret may have: fixed point, integers of argmax, bits of comparisons. */
const SECRET_DTYPES: ReadonlySet<DType> = new Set<DType>(["f32", "i32", "bool"]);

function gapOf(plan: Plan, node: Node): string | undefined {
  if (!HANDLERS.has(node.op)) return "no protocol for secret arguments";
  if (!SECRET_DTYPES.has(node.aval.dtype)) return `a secret has dtype ${[...SECRET_DTYPES].join(", ")}, not ${node.aval.dtype}`;
  return LIMITS.get(node.op)?.(plan, node) ?? constantLimit(plan, node);
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
    if (plan.uses[id] === 0 || plan.knowledge[id] !== "secret") return;
    const reason = gapOf(plan, node);
    if (reason !== undefined) gaps.push({ node: i, op: node.op, reason });
  });
  if (!(options.fractionBits >= 8 && options.fractionBits <= 16)) {
    gaps.push({ node: -1, op: "session", reason: `fraction bits of 8 to 16, not ${options.fractionBits}` });
  }
  return gaps;
}

const costs = new Map<string, Promise<Cost>>();
/** Costs that are remembered: a dry run of a training step takes about 0.1 s. */
const REMEMBERED = 64;

/** Exact rounds, bytes, frames and share memory of a run, remembered per Program and binding. */
export function estimate(program: Program, bindings: readonly Binding[], options: ProtocolOptions): Promise<Cost> {
  const width = widthOf(options);
  const key = JSON.stringify([program.id, bindings.map((b) => b.kind === "public"), options.fractionBits, width]);
  let found = costs.get(key);
  if (!found) {
    if (costs.size >= REMEMBERED) costs.clear();
    costs.set(key, (found = measure(makePlan(program, bindings), options.fractionBits, width)));
  }
  return found;
}

async function measure(plan: Plan, fractionBits: number, width: Width): Promise<Cost> {
  const { program } = plan;
  const code = async (ctx: Context): Promise<void> => {
    const inputs = program.inputs.map((aval, i): Shares | TypedArray => {
      const n = sizeOf(aval.shape);
      return plan.knowledge[i] === "secret" ? resting(ctx, n) : DTYPE[aval.dtype].make(n);
    });
    await new Run(ctx, plan, { fractionBits, dry: true }).execute(inputs);
  };
  const { widths, ...cost } = await dryRun(code, { width });
  return { ...cost, comparisons: byNode(program, widths) };
}

/** The comparisons of a run, one line for each node and ring. */
function byNode(program: Program, widths: ReadonlyMap<number, Width>): readonly ComparisonCost[] {
  const found = new Map<string, ComparisonCost>();
  for (const [id, bits] of widths) {
    const node = Math.floor(id / STEPS_PER_NODE);
    found.set(`${node}.${bits}`, { node, op: program.nodes[node]!.op, bits });
  }
  return [...found.values()].sort((x, y) => x.node - y.node || x.bits - y.bits);
}

function resting(ctx: Context, n: number): Shares {
  return { a: ctx.alloc(8 * n), b: ctx.alloc(8 * n), n, depth: 0 };
}
