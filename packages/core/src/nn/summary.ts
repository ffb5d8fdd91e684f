/** @file summary: what a model is made of, as a table: layers, output shapes, parameters, multiplications. Nothing is computed. */
import { expected } from "../errors.ts";
import { Expr } from "../expr.ts";
import { type Shape, sizeOf } from "../program/aval.ts";
import type { DType } from "../program/dtype.ts";
import { noGrad } from "../tensor/backward.ts";
import { zeros } from "../tensor/creation.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { Module } from "./module.ts";

export interface SummaryOptions {
  /** Of the inputs: f32 unless said; i32 for models that begin with an embedding. */
  readonly dtype?: DType;
}

/** One layer, in the order of the calls. */
export interface SummaryRow {
  readonly name: string;
  readonly kind: string;
  readonly outputs: readonly Shape[];
  /** Of the layer itself, counted where it stands first. */
  readonly parameters: number;
  /** Multiply-accumulates of products and convolutions. */
  readonly macs: number;
}

const isTensor = (x: unknown): x is Tensor => x instanceof Tensor;
/** Tensors in a value, in arrays and plain objects in it. */
function tensorsIn(x: unknown): Tensor[] {
  if (isTensor(x)) return [x];
  if (Array.isArray(x)) return x.flatMap(tensorsIn);
  const plain = typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype;
  return plain ? Object.values(x as object).flatMap(tensorsIn) : [];
}

/** Of one op by itself; undefined where it is made of others. */
function ownMacs(x: Expr): number | undefined {
  const [a, b] = x.args;
  const name = x.op?.name;
  if (name === "matmul") return sizeOf(x.shape) * a!.shape.at(x.attrs[0] === 1 ? -2 : -1)!;
  if (name === "conv2d") return (sizeOf(x.shape) * sizeOf(b!.shape)) / b!.shape[0]!;
  if (name === "conv2dGradInput") return (sizeOf(a!.shape) * sizeOf(b!.shape)) / b!.shape[0]!;
  return x.op?.decompose === undefined ? 0 : undefined;
}

/** Of everything between `roots` and `border` that was not counted before. */
function macsBetween(roots: readonly Expr[], border: readonly Expr[], counted: Set<Expr>): number {
  const seen = new Set(border);
  const stack = [...roots];
  let sum = 0;
  for (let x = stack.pop(); x !== undefined; x = stack.pop()) {
    if (seen.has(x)) continue;
    seen.add(x);
    stack.push(...x.args);
    if (counted.has(x)) continue;
    counted.add(x);
    sum += ownMacs(x) ?? inside(x);
  }
  return sum;
}

/** Of an op that is made of others. */
function inside(x: Expr): number {
  const inputs = x.args.map((a) => Expr.placeholder(a));
  return macsBetween([x.op!.decompose!(inputs, x.attrs)], inputs, new Set());
}

/**
 * The layers that a forward pass calls, in evaluation mode. `inputShape`: [N, C, H, W] and the like, or a list of shapes.
 * @throws whatever the model throws for such inputs
 */
export function summaryRows(model: Module, inputShape: Shape | readonly Shape[], options: SummaryOptions = {}): SummaryRow[] {
  const shapes = (inputShape.every((d) => typeof d === "number") ? [inputShape] : inputShape) as readonly Shape[];
  if (shapes.some((s) => !Array.isArray(s)))
    expected("ARGUMENT_INVALID", "summary", "a shape or a list of shapes", typeof shapes[0]);
  const inputs = shapes.map((s) => zeros(s, { dtype: options.dtype ?? "f32" }));
  const found = new Map<Module, SummaryRow>();
  const counted = new Set<unknown>();
  const ops = new Set<Expr>();
  const modules = model.namedModules();
  const modes = modules.map(([, m]) => m.training);
  const note = (name: string, m: Module, given: readonly unknown[], output: unknown): void => {
    const outputs = tensorsIn(output);
    const border = tensorsIn(given).map((t) => t.expr);
    const macs = macsBetween(
      outputs.map((t) => t.expr),
      border,
      ops,
    );
    const own = ownParameters(m).filter((p) => !counted.has(p));
    for (const p of own) counted.add(p);
    const former = found.get(m);
    const parameters = (former?.parameters ?? 0) + own.reduce((n, p) => n + p.numel, 0);
    found.set(m, {
      name,
      kind: m.constructor.name,
      outputs: outputs.map((t) => t.shape),
      parameters,
      macs: (former?.macs ?? 0) + macs,
    });
  };
  const handles = modules.map(([name, m]) => m.registerForwardHook((_m, given, output) => note(name, m, given, output)));
  try {
    model.eval();
    noGrad(() => (model as unknown as (...x: Tensor[]) => unknown)(...inputs));
  } finally {
    for (const h of handles) h.remove();
    modules.forEach(([, m], i) => void (m.training = modes[i]!));
  }
  return [...found.values()].filter(
    (r) => r.parameters > 0 || r.macs > 0 || modules.find(([n]) => n === r.name)![1].children().length === 0,
  );
}

/** Parameters that stand in the module itself, not below it. */
function ownParameters(module: Module): Tensor[] {
  const below = new Set<Tensor>(module.children().flatMap((m) => m.parameters()));
  return module.parameters().filter((p) => !below.has(p));
}

/** 12,345. */
const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

/** The rows as text: one line for each layer, then the sums. @throws as `summaryRows` */
export function summary(model: Module, inputShape: Shape | readonly Shape[], options: SummaryOptions = {}): string {
  const rows = summaryRows(model, inputShape, options);
  const cells = rows.map((r) => [
    r.name === "" ? r.kind : `${r.name} (${r.kind})`,
    r.outputs.map((s) => `[${s}]`).join(" "),
    grouped(r.parameters),
    grouped(r.macs),
  ]);
  const all = model.parameters();
  const count = (list: readonly Tensor[]): number => list.reduce((n, p) => n + p.numel, 0);
  const total = count(all);
  const trained = count(all.filter((p) => p.requiresGrad));
  const head = ["layer", "output", "parameters", "MACs"];
  const foot = ["total", "", grouped(total), grouped(rows.reduce((n, r) => n + r.macs, 0))];
  const table = [head, ...cells, foot];
  const widths = head.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  const rule = "-".repeat(widths.reduce((a, w) => a + w + 2, -2));
  const frozen = total - trained;
  const note = frozen === 0 ? [] : [`${grouped(trained)} parameters are trained, ${grouped(frozen)} are frozen`];
  return [line(head), rule, ...cells.map(line), rule, line(foot), ...note].join("\n");
}
