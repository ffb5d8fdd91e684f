/** @file Advanced indexing: `x.index(...)` as Python's `x[...]`, with PyTorch's rules where integer tensors stand between ranges. */
import { expected } from "../errors.ts";
import type { Expr } from "../expr.ts";
import * as op from "../ops/emit.ts";
import { broadcastShapes, type Shape, showAval, showShape, sizeOf } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import type { TensorBase } from "./base.ts";

/**
 * One place of an index: a number selects (and drops the dimension), `[start, stop, step]` is a range whose step may be negative,
 * `":"` everything, `null` a new dimension of size 1, `"..."` as many `":"` as fit, and an integer tensor picks elements.
 */
export type Index =
  | number
  | null
  | "..."
  | ":"
  | readonly [start?: number | null, stop?: number | null, step?: number]
  | TensorBase;

const MASK_HINT =
  "how many elements a mask holds depends on the data; keep the shape with where(mask, x, 0), or count with mask.sum()";

/** A boolean mask picks as many elements as it holds true values, and shapes are known before any value is. */
export function refuseMask(where: string): never {
  expected("SHAPE_DATA_DEPENDENT", where, "a result whose shape does not depend on values", "a boolean mask", MASK_HINT);
}

const isTensor = (i: Index): i is TensorBase => typeof i === "object" && i !== null && !Array.isArray(i);
const consumes = (i: Index): boolean => i !== null && i !== "...";

/** The list without `"..."`, one entry for each dimension of x and each new one. */
function complete(where: string, x: Expr, indices: readonly Index[]): readonly Index[] {
  const rank = x.shape.length;
  const used = indices.filter(consumes).length;
  if (used > rank) expected("INDEX_INVALID", where, `at most ${rank} indices for ${showAval(x)}`, `${used}`);
  const dots = indices.filter((i) => i === "...").length;
  if (dots > 1) expected("INDEX_INVALID", where, 'at most one "..."', `${dots}`);
  const all = new Array<Index>(rank - used).fill(":");
  return dots === 0 ? [...indices, ...all] : indices.flatMap((i) => (i === "..." ? all : [i]));
}

/** Start, number and step of a range of n elements, as Python reads it. */
function rangeOf(where: string, r: readonly (number | null | undefined)[], n: number): readonly [number, number, number] {
  const step = r[2] ?? 1;
  if (!r.every((v) => v === null || v === undefined || Number.isInteger(v)) || step === 0)
    expected("INDEX_INVALID", where, "integers, and a step that is not 0", `[${r.join()}]`);
  const bound = (v: number, low: number, high: number): number => Math.min(high, Math.max(low, v < 0 ? v + n : v));
  if (step > 0) {
    const [start, stop] = [bound(r[0] ?? 0, 0, n), bound(r[1] ?? n, 0, n)];
    return [start, Math.max(0, Math.ceil((stop - start) / step)), step];
  }
  const start = bound(r[0] ?? n - 1, -1, n - 1);
  // Below zero Python's default stop has no number: -1 would mean the last element.
  const stop = r[1] === null || r[1] === undefined ? -1 : bound(r[1], -1, n - 1);
  return [start, Math.max(0, Math.ceil((stop - start) / step)), step];
}

/** Numbers, ranges and new dimensions done; integer tensors left, with the dimension that each stands for. */
interface Basic {
  readonly y: Expr;
  readonly tensors: readonly { readonly axis: number; readonly index: Expr }[];
}

function basic(where: string, x: Expr, indices: readonly Index[]): Basic {
  const [start, stop, step, flips]: number[][] = [[], [], [], []];
  const shape: number[] = [];
  const tensors: { axis: number; index: Expr }[] = [];
  let d = 0;
  for (const i of indices) {
    if (i === null) {
      shape.push(1);
      continue;
    }
    const n = x.shape[d]!;
    const [first, count, by] = typeof i === "number" ? [one(where, i, n, d), 1, 1] : rangeOf(where, Array.isArray(i) ? i : [], n);
    const low = by > 0 ? first : first + (count - 1) * by;
    start!.push(count === 0 ? 0 : low);
    stop!.push(count === 0 ? 0 : low + (count - 1) * Math.abs(by) + 1);
    step!.push(Math.abs(by));
    if (by < 0) flips!.push(d);
    if (isTensor(i)) tensors.push({ axis: shape.length, index: indexOf(where, i) });
    if (typeof i !== "number") shape.push(count);
    d++;
  }
  return { y: op.reshape(op.flip(op.slice(x, start!, stop!, step!), flips!), shape), tensors };
}

function one(where: string, i: number, n: number, dim: number): number {
  if (!Number.isInteger(i) || i < -n || i >= n)
    expected("INDEX_INVALID", where, `an index in ${-n}..${n - 1} of dimension ${dim}`, `${i}`);
  return i < 0 ? i + n : i;
}

function indexOf(where: string, t: TensorBase): Expr {
  if (t.dtype === "bool") refuseMask(where);
  if (!DTYPE[t.dtype].integer) expected("DTYPE_UNSUPPORTED", where, "integer tensors as indices", showAval(t));
  return op.cast(t.expr, "i32");
}

/** Negative places counted from the end; what lies outside becomes -1, which the op that reads it refuses. */
export function wrapped(index: Expr, n: number): Expr {
  const size = op.lit(index, n);
  const i = op.where(op.lt(index, op.lit(index, 0)), op.add(index, size), index);
  return op.where(op.bitAnd(op.ge(i, op.lit(i, 0)), op.lt(i, size)), i, op.lit(i, -1));
}

/** A tensor of one index without dimensions selects as a number does: its dimension goes, and others keep their places. */
function selected({ y, tensors }: Basic): Basic {
  const at = tensors.findIndex((t) => t.index.shape.length === 0);
  // Alone it is a pick like any other.
  if (at < 0 || tensors.length === 1) return { y, tensors };
  const { axis, index } = tensors[at]!;
  const slice = op.indexSelect(y, op.reshape(wrapped(index, y.shape[axis]!), [1]), axis);
  const left = tensors.toSpliced(at, 1).map((t) => ({ axis: t.axis > axis ? t.axis - 1 : t.axis, index: t.index }));
  return selected({ y: op.reshape(slice, slice.shape.toSpliced(axis, 1)), tensors: left });
}

/** Elements of y picked by tensors that broadcast together; they stand where the tensors stood side by side, else in front. */
function pick(where: string, { y, tensors }: Basic): Expr {
  const axes = tensors.map((t) => t.axis);
  const sizes = axes.map((a) => y.shape[a]!);
  if (sizeOf(sizes) >= 2 ** 31)
    expected("SHAPE_MISMATCH", where, "indexed dimensions of fewer than 2^31 elements", showShape(sizes));
  const shape = tensors.reduce<Shape>((s, t) => broadcastShapes(where, s, t.index.shape), []);
  let flat: Expr | null = null;
  let good: Expr | null = null;
  tensors.forEach(({ index }, k) => {
    const i = wrapped(index, sizes[k]!);
    const inside = op.ge(i, op.lit(i, 0));
    flat = flat === null ? i : op.add(op.mul(flat, op.lit(i, sizes[k]!)), i);
    good = good === null ? inside : op.bitAnd(good, inside);
  });
  // One place outside must not become another row's place inside.
  const places = op.reshape(op.expand(op.where(good!, flat!, op.lit(flat!, -1)), shape), [sizeOf(shape)]);
  const rest = y.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const restShape = rest.map((d) => y.shape[d]!);
  const rows = op.reshape(op.permute(y, [...axes, ...rest]), [sizeOf(sizes), ...restShape]);
  const picked = op.reshape(op.indexSelect(rows, places, 0), [...shape, ...restShape]);
  const sideBySide = axes.every((a, k) => k === 0 || a === axes[k - 1]! + 1);
  if (!sideBySide) return picked;
  const before = axes[0]!;
  const [front, count] = [shape.length, picked.shape.length];
  const order = Array.from({ length: count }, (_, i) => (i < before ? front + i : i < before + front ? i - before : i));
  return op.permute(picked, order);
}

/** @throws INDEX_INVALID, SHAPE_DATA_DEPENDENT for masks, DTYPE_UNSUPPORTED, SHAPE_MISMATCH where indices do not broadcast */
export function indexed(where: string, x: Expr, indices: readonly Index[]): Expr {
  const done = selected(basic(where, x, complete(where, x, indices)));
  return done.tensors.length === 0 ? done.y : pick(where, done);
}
