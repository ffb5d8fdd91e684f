/** @file What a run costs, by running the parties' own code without data. Loaded when somebody asks. */
import type { Binding } from "@tacit/core/device";
import { DTYPE, type Program, sizeOf, type TypedArray } from "@tacit/core/program";
import { type ComparisonCost, type Cost, type ProtocolOptions, STEPS_PER_NODE } from "../protocol.ts";
import { dryRun } from "./dry.ts";
import { makePlan, type Plan } from "./lower/plan.ts";
import { Run } from "./lower/run.ts";
import type { Context, Shares, Width } from "./primitives/index.ts";
import { widthOf } from "./range.ts";

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
