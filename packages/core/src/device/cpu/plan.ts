/** @file Program -> Plan: decompose, claim patterns, lower to steps, order in-place updates, place buffers. */

import { type Aval, showAval } from "../../program/aval.ts";
import type { TypedArray } from "../../program/dtype.ts";
import type { Update } from "../device.ts";
import { place } from "./arena.ts";
import { type Graph, nodeOf, paddedBytes } from "./graph.ts";
import { copyStep } from "./lower/copy.ts";
import { hasKernel, lowerNode } from "./lower/index.ts";
import { Lowering } from "./lower/lowering.ts";
import { decompose } from "./passes/decompose.ts";
import { PATTERNS } from "./passes/index.ts";
import { type InPlaceUpdate, schedule } from "./schedule.ts";
import type { Step } from "./steps.ts";
import { Matcher, orderUnits } from "./units.ts";

/** Where a value lives: at `offset` bytes of the arena, of the plan's literals, or of the buffer of resident input `index`. */
export interface Place {
  readonly space: "arena" | "literal" | "input";
  /** Input index where space is "input". */
  readonly index: number;
  readonly offset: number;
}

export interface Plan {
  readonly inputs: readonly Aval[];
  /** Inputs that are read where they lie in WASM memory; the others are copied into the arena before a run. */
  readonly resident: readonly boolean[];
  readonly steps: readonly Step[];
  readonly places: readonly (Place | undefined)[];
  readonly avals: readonly Aval[];
  readonly literals: ReadonlyMap<number, TypedArray>;
  readonly literalBytes: number;
  readonly arenaBytes: number;
  /** What the values would take if no two shared memory. */
  readonly unsharedBytes: number;
  readonly outputs: readonly PlanOutput[];
  /** Per value, the node of the Program that it stands for; -1 for inputs and for what the plan added. */
  readonly origins: Int32Array;
}

/** `input` >= 0: the output replaced the value of that resident input, nothing is copied out. */
export interface PlanOutput {
  readonly value: number;
  readonly aval: Aval;
  readonly input: number;
}

export interface PlanOptions {
  /** false, for comparison: no pattern, no chain; every node is a step of its own. */
  readonly fuse?: boolean;
}

/**
 * @param resident which inputs lie in WASM memory
 * @param updates outputs that replace the value of a resident input
 */
export function makePlan(
  program: Graph,
  resident: readonly boolean[],
  updates: readonly Update[],
  options: PlanOptions = {},
): Plan {
  const graph = decompose(program, hasKernel);
  const to = lower(graph, updates, options.fuse ?? true);
  const values = resultValues(to, graph.outputs, updates);
  const inPlace = updates.map((u) => ({ value: values[u.output]!, input: u.input }));
  const { steps, direct } = commit(to, inPlace);
  const memory = assign(to, steps, resident, direct, values);
  return {
    inputs: program.inputs,
    resident,
    steps,
    avals: Array.from({ length: to.count }, (_, v) => to.aval(v)),
    literals: to.literals,
    origins: Int32Array.from({ length: to.count }, (_, v) => nodeOf(graph, v)?.origin ?? -1),
    outputs: values.map((value, i) => {
      const update = updates.find((u) => u.output === i);
      return { value, aval: to.aval(graph.outputs[i]!), input: update?.input ?? -1 };
    }),
    ...memory,
  };
}

function lower(graph: Graph, updates: readonly Update[], fuse: boolean): Lowering {
  const matcher = new Matcher(graph, updates);
  if (fuse) for (const pattern of PATTERNS) pattern(matcher);
  for (let v = graph.inputs.length; v < matcher.count; v++) {
    if (matcher.free(v)) matcher.claim({ members: [v], lower: (to) => lowerNode(to, v) });
  }
  const to = new Lowering(graph);
  for (const unit of orderUnits(matcher)) unit.lower(to);
  return to;
}

/**
 * The value of each output. One that is an input (or a part of one) is copied where updates are about: if that input is replaced the
 * output means its old value, and if the output replaces another input it needs a writer.
 */
function resultValues(to: Lowering, outputs: readonly number[], updates: readonly Update[]): number[] {
  const replaced = new Set(updates.map((u) => u.input));
  const replacing = new Set(updates.map((u) => u.output));
  return outputs.map((output, i) => {
    const v = to.dense(output);
    const root = to.root(v).root;
    if (!replaced.has(root) && !(replacing.has(i) && root < to.graph.inputs.length)) return v;
    const copy = to.aux(to.aval(v));
    to.steps.push(copyStep(to.aval(v), v, copy));
    return copy;
  });
}

/** Orders the steps; an update that cannot write in place gets a copy at the end, after every reader of the old value. */
function commit(to: Lowering, updates: readonly InPlaceUpdate[]): { steps: readonly Step[]; direct: readonly InPlaceUpdate[] } {
  const root = (v: number): number => to.root(v).root;
  const bytes = (v: number): number => paddedBytes(to.aval(v));
  const whole = updates.filter((u) => to.root(u.value).bytes === 0 && bytes(root(u.value)) === bytes(u.input));
  const { steps, direct } = schedule(
    to.steps,
    whole.map((u) => ({ value: root(u.value), input: u.input })),
    root,
    bytes,
  );
  const done = new Set(direct.map((d) => d.input));
  const late = updates.filter((u) => !done.has(u.input)).map((u) => copyStep(to.aval(u.input), u.value, u.input));
  return { steps: [...steps, ...late], direct };
}

interface Life {
  bytes: number;
  from: number;
  to: number;
}

/** Lifetimes of the buffers of the arena, step by step; a result takes over the buffer of an operand that dies. */
class Lifetimes {
  readonly all: Life[] = [];
  private readonly of = new Map<number, Life>();
  private readonly last: Int32Array;
  private readonly to: Lowering;

  constructor(to: Lowering, last: Int32Array) {
    this.to = to;
    this.last = last;
  }

  get(root: number): Life | undefined {
    return this.of.get(root);
  }

  begin(v: number, at: number): void {
    const life = { bytes: paddedBytes(this.to.aval(v)), from: at, to: Math.max(this.last[v]!, at) };
    this.all.push(life);
    this.of.set(v, life);
  }

  /** Root `v`, made by step `at`, lives in the buffer of one of the `candidates` if one of them dies there; else in its own. */
  beginIn(v: number, at: number, candidates: readonly number[]): void {
    const bytes = paddedBytes(this.to.aval(v));
    for (const c of candidates) {
      const alias = this.to.root(c);
      const life = alias.bytes === 0 ? this.of.get(alias.root) : undefined;
      // A buffer that was taken over by another result of this step lives on, or ends here with a root that is not this one.
      if (life === undefined || life.bytes !== bytes || life.to !== at || this.last[alias.root] !== at) continue;
      if (this.takenAt.get(life) === at) continue;
      this.takenAt.set(life, at);
      life.to = Math.max(this.last[v]!, at);
      this.of.set(v, life);
      return;
    }
    this.begin(v, at);
  }
  private readonly takenAt = new Map<Life, number>();
}

/** Lifetimes of buffers, with dying operands taken over by results, then offsets. */
function assign(
  to: Lowering,
  steps: readonly Step[],
  resident: readonly boolean[],
  direct: readonly InPlaceUpdate[],
  outputs: readonly number[],
): Pick<Plan, "places" | "arenaBytes" | "unsharedBytes" | "literalBytes"> {
  const fixed = fixedPlaces(to, resident, direct);
  const lives = new Lifetimes(to, lastUses(to, steps, outputs));
  for (let v = 0; v < resident.length; v++) if (!fixed.places.has(v)) lives.begin(v, -1);
  let unsharedBytes = 0;
  for (const [i, step] of steps.entries()) {
    for (const [k, w] of step.writes.entries()) {
      const v = to.root(w).root;
      if (fixed.places.has(v)) continue;
      unsharedBytes += paddedBytes(to.aval(v));
      lives.beginIn(v, i, step.kind === "kernel" ? (step.inPlace?.[k] ?? []) : []);
    }
  }
  const solid = lives.all.filter((l) => l.bytes > 0);
  const placed = place(solid);
  const offsetOf = new Map<Life, number>(solid.map((l, i) => [l, placed.offsets[i]!]));
  const places = Array.from({ length: to.count }, (_, v): Place | undefined => {
    const alias = to.root(v);
    const at = fixed.places.get(alias.root);
    if (at !== undefined) return { ...at, offset: at.offset + alias.bytes };
    const life = lives.get(alias.root);
    return life && { space: "arena", index: 0, offset: (offsetOf.get(life) ?? 0) + alias.bytes };
  });
  return { places, arenaBytes: placed.bytes, unsharedBytes, literalBytes: fixed.literalBytes };
}

/** Places outside the arena: resident inputs, what replaces them, literals. */
function fixedPlaces(
  to: Lowering,
  resident: readonly boolean[],
  direct: readonly InPlaceUpdate[],
): { places: Map<number, Place>; literalBytes: number } {
  const places = new Map<number, Place>();
  let literalBytes = 0;
  for (let v = 0; v < resident.length; v++) if (resident[v]) places.set(v, { space: "input", index: v, offset: 0 });
  for (const d of direct) places.set(d.value, { space: "input", index: d.input, offset: 0 });
  for (const v of to.literals.keys()) {
    places.set(v, { space: "literal", index: 0, offset: literalBytes });
    literalBytes += paddedBytes(to.aval(v));
  }
  return { places, literalBytes };
}

/** Per root, the last step that touches it; outputs outlive all steps. */
function lastUses(to: Lowering, steps: readonly Step[], outputs: readonly number[]): Int32Array {
  const last = new Int32Array(to.count).fill(-1);
  for (let i = 0; i < steps.length; i++) {
    for (const v of steps[i]!.reads) last[to.root(v).root] = i;
    for (const v of steps[i]!.writes) last[to.root(v).root] = i;
  }
  for (const v of outputs) last[to.root(v).root] = steps.length;
  return last;
}

/** One line per step, for people: labels, results and where they live. */
export function describePlan(plan: Plan): string {
  const show = (v: number): string => {
    const at = plan.places[v];
    const where = at === undefined ? "?" : `${at.space}${at.space === "input" ? at.index : ""}+${at.offset}`;
    return `v${v}:${showAval(plan.avals[v]!)}@${where}`;
  };
  return plan.steps.map((s) => `${s.writes.map(show).join(" ")} = ${s.label} ${s.reads.map(show).join(" ")}`).join("\n");
}
