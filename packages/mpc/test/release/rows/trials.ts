/**
 * @file Trials of a rule of rows: a random node whose arguments hold rows in random ways, and the rule's answer against values. Other data of one
 * row may change what the answer gives to that row, and nothing else.
 */
import { type Aval, type Node, OPS, sizeOf, type TypedArray } from "@tacit/core/program";
import { generator } from "../../../../core/test/ops/harness.ts";
import type { Rows, Rule, Site } from "../../../src/release/rows/domain.ts";
import { below, type Draw, MAKERS, pick, shuffled } from "./makers.ts";

interface Trial {
  readonly site: Site;
  readonly avals: readonly Aval[];
  readonly values: readonly TypedArray[];
  /** One more value for place e of argument i. */
  readonly draw: (i: number) => number;
}

/** `held`: nothing else changed. `refused`: the rule says mixed. Else what is wrong. */
export type Outcome = "held" | "refused" | { readonly wrong: string };

/** Every way in which a value can hold `count` rows. */
function waysOf(size: number, count: number): number[] {
  const ways: number[] = [];
  for (let stride = 1; stride * count <= size; stride++) if (size % (stride * count) === 0) ways.push(stride);
  return ways;
}

const rowOf = ({ stride, count }: Rows, place: number): number => Math.floor(place / stride) % count;

function filled({ shape, dtype }: Aval, next: () => number): TypedArray {
  const n = sizeOf(shape);
  const out = dtype === "f32" ? new Float32Array(n) : dtype === "i32" ? new Int32Array(n) : new Uint8Array(n);
  for (let i = 0; i < n; i++) out[i] = next();
  return out;
}

const ARGUMENTS = [0, 1, 2];

/** Undefined where no argument has room for the rows. */
function trialOf(op: string, r: Draw): Trial | undefined {
  const { avals, attrs, bounds = [] } = MAKERS.get(op)!(r);
  const aval = OPS.get(op)!.infer(avals, attrs);
  const count = pick(r, [2, 2, 3]);
  const args = avals.map((a): Rows | undefined => {
    const ways = r() < 0.3 ? [] : waysOf(sizeOf(a.shape), count);
    return ways.length === 0 ? undefined : { kind: "rows", stride: pick(r, ways), count, chosen: -1 };
  });
  if (args.every((a) => a === undefined)) return undefined;
  const draw = (i: number): number => {
    if (avals[i]!.dtype === "f32") return 4 * r() - 2;
    return below(r, bounds[i] ?? 2);
  };
  const values = avals.map((a, i) => filled(a, () => draw(i)));
  const [, index] = values;
  const distinct = op === "indexSelect" && index!.length <= bounds[1]!;
  if (distinct) (index as Int32Array).set(shuffled(r, bounds[1]!).slice(0, index!.length));
  const node: Node = { op, attrs, args: ARGUMENTS.slice(0, avals.length), aval };
  const site = { node, shapes: avals.map((a) => a.shape), args, count, chosen: -1, distinct: () => distinct };
  return { site, avals, values, draw };
}

const resultOf = ({ site: { node }, avals }: Trial, values: readonly TypedArray[]): TypedArray =>
  OPS.get(node.op)!.reference(values, avals, node.attrs, node.aval);

/** Whose row in the arguments row `row` of the answer is: its own, or the one that was selected. */
const givenRow = (t: Trial, answer: Rows, row: number): number =>
  answer.chosen === -1 ? row : Number(t.values[answer.chosen]![row]);

function show({ site: { node, shapes, args } }: Trial, answer: Rows, what: string): string {
  const given = shapes.map((s, i) => `[${s}]${args[i] ? ` stride ${args[i].stride} count ${args[i].count}` : ""}`).join(", ");
  return `${node.op}[${node.attrs}] of ${given} to [${node.aval.shape}] stride ${answer.stride} count ${answer.count}: ${what}`;
}

/** Whether the answer holds when the data of `row` are drawn anew. */
function changed(t: Trial, answer: Rows, before: TypedArray, row: number): string | undefined {
  const values = t.values.map((v, i) => {
    const rows = t.site.args[i];
    const other = v.slice();
    if (rows !== undefined) for (let e = 0; e < v.length; e++) if (rowOf(rows, e) === row) other[e] = t.draw(i);
    return other;
  });
  const after = resultOf(t, values);
  const touched = new Set<number>();
  for (let e = 0; e < before.length; e++) {
    if (Object.is(before[e], after[e])) continue;
    const own = rowOf(answer, e);
    touched.add(own);
    if (givenRow(t, answer, own) !== row) return `data of row ${row} change place ${e}, of row ${own}`;
  }
  return touched.size > 1 ? `data of row ${row} change rows ${[...touched]}` : undefined;
}

function outcomeOf(t: Trial, rule: Rule): Outcome {
  const answer = rule(t.site);
  if (answer === undefined) return "refused";
  if (sizeOf(t.site.node.aval.shape) % (answer.stride * answer.count) !== 0) return { wrong: show(t, answer, "not whole rows") };
  const before = resultOf(t, t.values);
  for (let row = 0; row < t.site.count; row++) {
    const wrong = changed(t, answer, before, row);
    if (wrong !== undefined) return { wrong: show(t, answer, wrong) };
  }
  return "held";
}

/** Of a rule's trials. `together`: held with rows in several arguments. */
interface Found {
  held: number;
  refused: number;
  together: number;
  wrong?: string;
}

/** What a search asks for, in `most` trials at most. */
interface Wanted {
  readonly held: number;
  readonly together?: number;
  readonly most: number;
}

/** Trials until as many held as are wanted, or one went wrong. */
export function tryRule(op: string, rule: Rule, { held, together = 0, most }: Wanted): Found {
  const r = generator(op.length + 31 * op.charCodeAt(0));
  const found: Found = { held: 0, refused: 0, together: 0 };
  for (let i = 0; i < most && (found.held < held || found.together < together); i++) {
    const trial = trialOf(op, r);
    if (trial === undefined) continue;
    const outcome = outcomeOf(trial, rule);
    if (typeof outcome !== "string") return { ...found, wrong: outcome.wrong };
    found[outcome]++;
    if (outcome === "held" && trial.site.args.filter((a) => a !== undefined).length > 1) found.together++;
  }
  return found;
}
