/** @file A smaller Program that is wrong too: one result, nodes replaced by inputs of their values, what nobody reads left out. */
import { type Node, Program, type TypedArray } from "@tacit/core/program";
import { makePlan } from "../../../../src/protocols/replicated3/lower/plan.ts";
import { type Parties, SECRET } from "../parties.ts";
import { evaluate, judge, type Verdict } from "./judge.ts";
import type { Trial } from "./make.ts";

const UNIT = 2 ** -16;

/** Without inputs and nodes that nobody needs. */
function pruned(t: Trial): Trial {
  const { program } = t;
  const first = program.inputs.length;
  const need = new Set(program.outputs);
  for (let i = program.nodes.length - 1; i >= 0; i--)
    if (need.has(first + i)) for (const a of program.nodes[i]!.args) need.add(a);
  const ids = new Map<number, number>();
  for (let id = 0; id < first + program.nodes.length; id++) if (need.has(id)) ids.set(id, ids.size);
  const kept = <T>(all: readonly T[]): T[] => all.filter((_, i) => need.has(i));
  const nodes = program.nodes
    .filter((_, i) => need.has(first + i))
    .map((n): Node => ({ ...n, args: n.args.map((a) => ids.get(a)!) }));
  return {
    program: new Program(
      kept(program.inputs),
      nodes,
      program.outputs.map((o) => ids.get(o)!),
    ),
    bindings: kept(t.bindings),
    bounds: kept(t.bounds),
    inputs: kept(t.inputs),
  };
}

/** The node's value as one more input, secret. */
function cut(t: Trial, at: number): Trial | undefined {
  const { program } = t;
  const node = program.nodes[at]!;
  if (node.aval.dtype !== "f32" || node.op === "constant" || node.args.length === 0) return undefined;
  const first = program.inputs.length;
  const values = evaluate(t, makePlan(program, t.bindings))[first + at]! as Float64Array;
  const input: TypedArray = Float32Array.from(values, (v) => Math.round(v / UNIT) * UNIT);
  const bound = Math.max(...input.map(Math.abs), UNIT);
  const id = (a: number): number => (a === first + at ? first : a < first ? a : a + 1);
  const nodes = program.nodes.map((n): Node => ({ ...n, args: n.args.map(id) }));
  return pruned({
    program: new Program([...program.inputs, node.aval], nodes, program.outputs.map(id)),
    bindings: [...t.bindings, SECRET],
    bounds: [...t.bounds, bound],
    inputs: [...t.inputs, input],
  });
}

/** The smallest that was found. */
export async function shrink(t: Trial, verdict: Extract<Verdict, { kind: "wrong" }>, parties: Parties): Promise<Trial> {
  const fails = async (x: Trial): Promise<boolean> => (await judge(x, parties)).kind === "wrong";
  let best = t;
  if (verdict.first.output >= 0) {
    const { program } = t;
    const one = pruned({ ...t, program: new Program(program.inputs, program.nodes, [program.outputs[verdict.first.output]!]) });
    if (await fails(one)) best = one;
  }
  for (let i = best.program.nodes.length - 1; i >= 0; i--) {
    if (i >= best.program.nodes.length) continue;
    const smaller = cut(best, i);
    if (smaller && smaller.program.nodes.length < best.program.nodes.length && (await fails(smaller))) best = smaller;
  }
  return best;
}
