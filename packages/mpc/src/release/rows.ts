/**
 * @file What of a Program depends on whose rows: a static analysis, on which a party relies when a grant demands noise. Of each value it says one of
 *
 * | clean | no data of protected rows flows in but through noise |
 * | rows  | slice i along one axis depends on row i alone (of one selection of rows), and on clean values |
 * | sum   | Σ of clipped rows: one row changes it by at most C in the 2-norm |
 * | mixed | anything else |
 *
 * Sound if each rule is: by induction over the nodes. An op without a rule is mixed as soon as it reads anything that is not clean, so that a new
 * op can make a Program be refused, and never be passed by mistake.
 */
import { fractionOf, type Node, type Program, sizeOf } from "@tacit/core/program";

export type Dependence =
  | { readonly kind: "clean" }
  | { readonly kind: "mixed" }
  | { readonly kind: "sum"; readonly bound: number }
  /** `chosen`: the value id of the row numbers by which rows were selected; -1: all, as given. */
  | { readonly kind: "rows"; readonly axis: number; readonly chosen: number };

type Rows = Extract<Dependence, { kind: "rows" }>;

const CLEAN: Dependence = { kind: "clean" };
const MIXED: Dependence = { kind: "mixed" };

/** One use of noise: numbers in units of the value. */
export interface NoiseUse {
  readonly node: number;
  readonly sensitivity: number;
  readonly deviation: number;
  readonly dimension: number;
  readonly float: boolean;
}

export interface RowAnalysis {
  /** Of each output. */
  readonly outputs: readonly Dependence["kind"][];
  /** Every use of noise on a sum, whether an output reads it or not. */
  readonly noises: readonly NoiseUse[];
}

interface Site {
  readonly program: Program;
  readonly node: Node;
  readonly args: readonly Dependence[];
  readonly shapes: readonly (readonly number[])[];
  /** Whether a value is a public input whose elements are all different. */
  readonly distinct: (id: number) => boolean;
}
type Rule = (s: Site) => Dependence;

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The one selection that all rows among the arguments come from; undefined: several, or something that is no rows. */
function chosenOf(args: readonly Dependence[]): number | undefined {
  const first = args.find((a) => a.kind === "rows");
  const same = args.every((a) => a.kind === "clean" || (a.kind === "rows" && a.chosen === (first as Rows).chosen));
  return first?.kind === "rows" && same ? first.chosen : undefined;
}

/** Rows of arguments that broadcast: axes count from the right, and none of size 1 may be spread over others. */
const elementwise: Rule = ({ node, args, shapes }) => {
  const chosen = chosenOf(args);
  if (chosen === undefined) return MIXED;
  const out = node.aval.shape;
  let axis = -1;
  for (const [i, a] of args.entries()) {
    if (a.kind !== "rows") continue;
    const at = a.axis + out.length - shapes[i]!.length;
    if ((axis >= 0 && at !== axis) || out[at] !== shapes[i]![a.axis]) return MIXED;
    axis = at;
  }
  return { kind: "rows", axis, chosen };
};

/** The rows of argument 0, at another axis; the others must be clean. */
function alone(s: Site, axisOf: (axis: number) => number | undefined): Dependence {
  const [x, ...rest] = s.args;
  if (x?.kind !== "rows" || rest.some((a) => a.kind !== "clean")) return MIXED;
  const axis = axisOf(x.axis);
  return axis === undefined ? MIXED : { ...x, axis };
}

/** Same number of elements before the axis and along it: each slice stays one. */
const reshape: Rule = (s) => {
  if (s.args[0]!.kind === "sum") return s.args[0]!;
  return alone(s, (axis) => {
    const from = s.shapes[0]!;
    const before = product(from.slice(0, axis));
    const to = s.node.aval.shape;
    const at = to.findIndex((n, d) => n === from[axis] && product(to.slice(0, d)) === before);
    return at < 0 ? undefined : at;
  });
};

const permute: Rule = (s) => alone(s, (axis) => s.node.attrs.indexOf(axis));

const expand: Rule = (s) =>
  alone(s, (axis) => {
    const at = axis + s.node.aval.shape.length - s.shapes[0]!.length;
    return s.node.aval.shape[at] === s.shapes[0]![axis] ? at : undefined;
  });

/** Over other axes than that of the rows. attrs: keepdim, axes. */
const reduction: Rule = (s) =>
  alone(s, (axis) => {
    const [keep, ...axes] = s.node.attrs;
    if (axes.includes(axis)) return undefined;
    return keep === 1 ? axis : axis - axes.filter((d) => d < axis).length;
  });

/** Slices that keep all rows, in order. attrs: start, stop, step. */
const slice: Rule = (s) =>
  alone(s, (axis) => {
    const rank = s.shapes[0]!.length;
    const { attrs } = s.node;
    const whole = attrs[axis] === 0 && attrs[rank + axis] === s.shapes[0]![axis] && attrs[2 * rank + axis] === 1;
    return whole ? axis : undefined;
  });

/** attrs: lo, hi, interior. */
const pad: Rule = (s) =>
  alone(s, (axis) => {
    const rank = s.shapes[0]!.length;
    return [0, 1, 2].every((k) => s.node.attrs[k * rank + axis] === 0) ? axis : undefined;
  });

/** Along another axis; parts without rows are clean. attrs: axis. */
const cat: Rule = ({ node, args }) => {
  const chosen = chosenOf(args);
  const axes = new Set(args.filter((a) => a.kind === "rows").map((a) => a.axis));
  const [axis] = axes;
  if (chosen === undefined || axes.size !== 1 || axis === undefined || axis === node.attrs[0]) return MIXED;
  return { kind: "rows", axis, chosen };
};

/** Works within slices along all other axes than attrs[0]. */
const along: Rule = (s) => alone(s, (axis) => (axis === s.node.attrs[0] ? undefined : axis));

/** [.., m, k] by [.., k, n]; attrs: transposeA, transposeB. Rows are a batch axis, or m, or n; never k. */
const matmul: Rule = (s) => {
  const { node, args, shapes } = s;
  const chosen = chosenOf(args);
  if (chosen === undefined) return MIXED;
  const rank = node.aval.shape.length;
  const found = new Set<number>();
  for (const [i, a] of args.entries()) {
    if (a.kind !== "rows") continue;
    const own = shapes[i]!;
    const fromRight = own.length - a.axis;
    const free = (i === 0) === (node.attrs[i] === 1) ? 1 : 2;
    // A batch axis that is broadcast would spread one row over several.
    const at = rank - fromRight;
    if (fromRight > 2 && node.aval.shape[at] === own[a.axis]) found.add(at);
    else if (fromRight === free) found.add(i === 0 ? rank - 2 : rank - 1);
    else return MIXED;
  }
  const both = args.every((a) => a.kind === "rows");
  const [axis] = found;
  // Two factors of rows meet in one slice only along a batch axis.
  if (found.size !== 1 || axis === undefined || (both && axis >= rank - 2)) return MIXED;
  return { kind: "rows", axis, chosen };
};

/** [N, C] by rows to [N] or [N, C]: row i of all arguments. */
const crossEntropy: Rule = ({ args }) => {
  const chosen = chosenOf(args);
  if (chosen === undefined || args.some((a) => a.kind === "rows" && a.axis !== 0)) return MIXED;
  return { kind: "rows", axis: 0, chosen };
};

/** Rows that are selected once each; or places within each row. attrs: axis. */
const indexSelect: Rule = (s) => {
  const [x, index] = s.args;
  if (x?.kind !== "rows" || index?.kind !== "clean") return MIXED;
  if (s.node.attrs[0] !== x.axis) return x;
  const id = s.node.args[1]!;
  return x.chosen === -1 && s.distinct(id) ? { ...x, chosen: id } : MIXED;
};

const clippedSum: Rule = ({ node, args }) => {
  const [x] = args;
  return x?.kind === "rows" && x.axis === 0 ? { kind: "sum", bound: fractionOf("clippedSum", node.attrs) } : MIXED;
};

const each = (names: string, rule: Rule): [string, Rule][] => names.split(" ").map((name) => [name, rule]);

const RULES: ReadonlyMap<string, Rule> = new Map([
  ...each("add sub mul div pow maximum minimum eq ne lt le gt ge where reluGrad", elementwise),
  ...each("neg abs sign relu exp log sqrt rsqrt reciprocal sigmoid tanh erf gelu cast bitNot bitAnd bitOr bitXor", elementwise),
  ...each("sum amax amin prod all any", reduction),
  ...each("softmax logSoftmax cumsum", along),
  ...each("softmaxCrossEntropy softmaxCrossEntropyGrad", crossEntropy),
  ["reshape", reshape],
  ["permute", permute],
  ["expand", expand],
  ["slice", slice],
  ["pad", pad],
  ["cat", cat],
  ["matmul", matmul],
  ["indexSelect", indexSelect],
  ["clippedSum", clippedSum],
]);

/** `rows`: inputs whose axis 0 counts protected persons. `distinct`: inputs that are public and all different. Other inputs are clean. */
export function analyseRows(program: Program, rows: readonly number[], distinct: (input: number) => boolean): RowAnalysis {
  const found: Dependence[] = program.inputs.map((a, i): Dependence => {
    if (!rows.includes(i)) return CLEAN;
    return a.shape.length > 0 ? { kind: "rows", axis: 0, chosen: -1 } : MIXED;
  });
  const noises: NoiseUse[] = [];
  program.nodes.forEach((node, i) => {
    const args = node.args.map((a) => found[a]!);
    const [x] = args;
    if (args.every((a) => a.kind === "clean")) found.push(CLEAN);
    else if (node.op === "partyNoise" && x?.kind === "sum") {
      const { shape, dtype } = node.aval;
      const deviation = fractionOf("partyNoise", node.attrs);
      noises.push({ node: i, sensitivity: x.bound, deviation, dimension: Math.max(1, sizeOf(shape)), float: dtype === "f32" });
      found.push(CLEAN);
    } else {
      const shapes = node.args.map((a) => program.aval(a).shape);
      const isDistinct = (id: number): boolean => id < program.inputs.length && distinct(id);
      found.push(RULES.get(node.op)?.({ program, node, args, shapes, distinct: isDistinct }) ?? MIXED);
    }
  });
  return { outputs: program.outputs.map((id) => found[id]!.kind), noises };
}
