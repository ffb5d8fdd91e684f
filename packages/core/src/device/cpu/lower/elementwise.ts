/** @file Elementwise ops: a group of nodes of one shape becomes one call of the chain kernel. */
import { type ChainInput, type ChainOp, type ChainStep, type ElementType, F32_KERNELS } from "@tacit/kernels";
import type { Aval, Shape } from "../../../program/aval.ts";
import { DTYPE, type DType, dtypeOf } from "../../../program/dtype.ts";
import { type GraphNode, nodeOf } from "../graph.ts";
import { type At, call } from "../steps.ts";
import { collapse, contiguous, expandView, type View, whole } from "../view.ts";
import { copyViewStep } from "./copy.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

const FLOAT: readonly DType[] = ["f32"];
const NUMBER: readonly DType[] = ["f32", "i32", "u32", "u8"];
const INTEGER: readonly DType[] = ["i32", "u32", "u8"];
const BITS: readonly DType[] = [...INTEGER, "bool"];
const ANY: readonly DType[] = [...NUMBER, "bool"];

/** Dtypes of the deciding operand for which the chain kernel has the op. Integer `rem` is not here: it must refuse zero. */
const DTYPES: Readonly<Record<string, readonly DType[]>> = {
  ...Object.fromEntries(
    ["exp", "log", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tanh", "sigmoid", "erf", "log1p", "expm1", "atan", "erfinv"].map(
      (op) => [op, FLOAT],
    ),
  ),
  ...Object.fromEntries(["floor", "ceil", "round", "reluGrad", "div", "pow", "rem"].map((op) => [op, FLOAT])),
  ...Object.fromEntries(["neg", "abs", "sign", "relu", "add", "sub", "mul", "maximum", "minimum"].map((op) => [op, NUMBER])),
  ...Object.fromEntries(["bitAnd", "bitOr", "bitXor", "bitNot"].map((op) => [op, BITS])),
  ...Object.fromEntries(["shiftLeft", "shiftRight"].map((op) => [op, INTEGER])),
  ...Object.fromEntries(["eq", "ne", "lt", "le", "gt", "ge", "where", "cast"].map((op) => [op, ANY])),
};

const isElement = (d: DType): d is ElementType => DTYPE[d].bytes !== 8;

/** Whether the chain kernel computes the node. */
export function isChainable(node: GraphNode, args: readonly Aval[]): boolean {
  if (!isElement(node.aval.dtype) || isReinterpretation(node, args)) return false;
  const decides = args[node.op === "where" ? 1 : 0];
  return decides !== undefined && (DTYPES[node.op]?.includes(decides.dtype) ?? false);
}

/** Between i32 and u32 a cast keeps the bits: it is a view. */
const isReinterpretation = (node: GraphNode, [x]: readonly Aval[]): boolean =>
  node.op === "cast" && WORD.includes(node.aval.dtype) && WORD.includes(x!.dtype);
const WORD: readonly DType[] = ["i32", "u32"];

/** A chain under construction: operands by what they read, steps in order. */
class ChainWriter {
  readonly loads: { readonly view: View; readonly dtype: ElementType; readonly inOrder: boolean }[] = [];
  private readonly constants: { readonly constant: number; readonly dtype: ElementType }[] = [];
  private readonly operands = new Map<string, number>();
  private readonly order: ("load" | "constant")[] = [];
  readonly steps: ChainStep[] = [];
  private readonly results = new Map<number, number>();
  private readonly to: Lowering;
  private readonly shape: Shape;

  constructor(to: Lowering, shape: Shape) {
    this.to = to;
    this.shape = shape;
  }

  /** Adds the node `v`; operands that the chain computes itself are used from there. Step k is numbered -1 - k until all operands are known. */
  add(v: number, node: GraphNode): void {
    const args = node.args.map((a) => this.results.get(a) ?? this.operand(a));
    const dtype = this.to.aval(node.args[0]!).dtype;
    if (node.op === "relu") args.push(this.constant(0, dtype as ElementType));
    const op = (node.op === "relu" ? "maximum" : node.op) as ChainOp;
    const to = op === "cast" ? { to: dtypeOf(node.attrs[0]!) as ElementType } : {};
    this.steps.push({ op, args, ...to });
    this.results.set(v, -this.steps.length);
  }

  /** Number of a step's result or an operand in the kernel's numbering: operands first. */
  number(ref: number): number {
    return ref >= 0 ? ref : this.order.length - 1 - ref;
  }

  result(v: number): number {
    return this.number(this.results.get(v)!);
  }

  inputs(at: At): ChainInput[] {
    let load = 0;
    let constant = 0;
    return this.order.map((kind) => {
      if (kind === "constant") return this.constants[constant++]!;
      const { view, dtype, inOrder } = this.loads[load++]!;
      const address = at(view.base) + view.offset * DTYPE[dtype].bytes;
      return inOrder ? { address, dtype } : { address, dtype, strides: view.strides };
    });
  }

  private constant(value: number, dtype: ElementType): number {
    return this.once(`${dtype} ${Object.is(value, -0) ? "-0" : value}`, () => {
      this.constants.push({ constant: value, dtype });
      return "constant";
    });
  }

  private operand(v: number): number {
    const dtype = this.to.aval(v).dtype as ElementType;
    const value = this.to.constant(v);
    if (value !== undefined) return this.constant(value, dtype);
    const source = this.to.view(v);
    const view = expandView({ ...source, base: this.to.base(source) }, this.shape);
    return this.once(`${dtype} ${view.base} ${view.offset} ${view.strides.join()}`, () => {
      this.loads.push({ view, dtype, inOrder: contiguous(view) });
      return "load";
    });
  }

  private once(key: string, add: () => "load" | "constant"): number {
    let i = this.operands.get(key);
    if (i === undefined) this.operands.set(key, (i = this.order.push(add()) - 1));
    return i;
  }

  /** Views that need more axes than the kernel takes are copied first. */
  limitAxes(max: number): void {
    const strided = this.loads.filter((l) => !l.inOrder).map((l) => l.view.strides);
    if (strided.length === 0 || collapse(this.shape, strided).shape.length <= max) return;
    for (const [i, l] of this.loads.entries()) {
      if (l.inOrder) continue;
      const copy = this.to.aux({ shape: this.shape, dtype: l.dtype });
      this.to.steps.push(copyViewStep(l.view, copy, l.dtype));
      this.loads[i] = { view: whole(copy, this.shape), dtype: l.dtype, inOrder: true };
    }
  }
}

// Axes that the chain kernel takes after merging.
const MAX_AXES = 6;

/** Lowers nodes of one shape (ascending) to one call; `outputs` are those that something else reads. */
export function lowerChain(to: Lowering, members: readonly number[], outputs: readonly number[]): void {
  const nodes = members.map((v) => nodeOf(to.graph, v)!);
  const shape = nodes[0]!.aval.shape;
  const writer = new ChainWriter(to, shape);
  for (const [i, v] of members.entries()) writer.add(v, nodes[i]!);
  writer.limitAxes(MAX_AXES);
  const steps = writer.steps.map((s) => ({ ...s, args: s.args.map((a) => writer.number(a)) }));
  to.kernel({
    label: `chain(${steps.map((s) => s.op).join(" ")})`,
    reads: writer.loads.map((l) => l.view.base),
    writes: outputs,
    inPlace: outputs.map((v) => replaceable(to, writer, v)),
    calls: (at) => [
      call(F32_KERNELS.chain, {
        shape,
        inputs: writer.inputs(at),
        steps,
        outputs: outputs.map((v) => ({ value: writer.result(v), address: at(v) })),
      }),
    ],
  });
}

/** Operands read in order, through one view only, with elements of the result's size. */
function replaceable(to: Lowering, writer: ChainWriter, v: number): number[] {
  const root = (x: number): number => to.root(x).root;
  const bytes = DTYPE[to.aval(v).dtype].bytes;
  const readers = new Map<number, number>();
  for (const l of writer.loads) readers.set(root(l.view.base), (readers.get(root(l.view.base)) ?? 0) + 1);
  return writer.loads
    .filter((l) => l.inOrder && l.view.offset === 0 && DTYPE[l.dtype].bytes === bytes && readers.get(root(l.view.base)) === 1)
    .map((l) => l.view.base);
}

/** Alone, each op is a chain of one. */
const single: LowerRow = { can: isChainable, lower: (to, v) => lowerChain(to, [v], [v]) };

const cast: LowerRow = {
  can: (node, args) => isReinterpretation(node, args) || isChainable(node, args),
  lower(to, v, node) {
    if (isReinterpretation(node, [to.aval(node.args[0]!)])) to.setView(v, to.view(node.args[0]!));
    else lowerChain(to, [v], [v]);
  },
};

export const ELEMENTWISE: Readonly<Record<string, LowerRow>> = {
  ...Object.fromEntries(Object.keys(DTYPES).map((op) => [op, single])),
  cast,
};
