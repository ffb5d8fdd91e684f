/** @file Reductions: any set of axes as runs of [outer, reduced, inner, tail]. */
import { type ElementType, F32_KERNELS, type ReduceParams } from "@tacit/kernels";
import { type Aval, type Shape, sizeOf } from "../../../program/aval.ts";
import type { DType } from "../../../program/dtype.ts";
import { call } from "../steps.ts";
import { whole } from "../view.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

/** Neighbouring axes that are all reduced, or all kept. */
interface Run {
  size: number;
  readonly reduced: boolean;
}

function runsOf(shape: Shape, axes: readonly number[]): Run[] {
  const runs: Run[] = [];
  shape.forEach((size, d) => {
    if (size === 1) return;
    const reduced = axes.includes(d);
    const last = runs.at(-1);
    if (last !== undefined && last.reduced === reduced) last.size *= size;
    else runs.push({ size, reduced });
  });
  return runs;
}

/** One pass over [outer, reduced, inner, tail]; takes the last run of reduced axes, with the one before it where only kept axes lie between. */
interface Pass {
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
  readonly tail: number;
}

const product = (runs: readonly Run[]): number => runs.reduce((n, r) => n * r.size, 1);

/** The passes that reduce all runs, each on the result of the one before. */
export function passesOf(shape: Shape, axes: readonly number[]): Pass[] {
  let runs = runsOf(shape, axes);
  const passes: Pass[] = [];
  for (let last = runs.findLastIndex((r) => r.reduced); last >= 0; last = runs.findLastIndex((r) => r.reduced)) {
    const inner = runs.slice(last + 1);
    const before = inner.length === 0 ? last - 2 : -1;
    if (before >= 0) {
      const [first, kept] = [runs[before]!, runs[last - 1]!];
      passes.push({ outer: product(runs.slice(0, before)), reduced: first.size, inner: kept.size, tail: runs[last]!.size });
      runs = merged([...runs.slice(0, before), kept]);
    } else {
      passes.push({ outer: product(runs.slice(0, last)), reduced: runs[last]!.size, inner: product(inner), tail: 1 });
      runs = merged([...runs.slice(0, last), ...inner]);
    }
  }
  return passes;
}

function merged(runs: readonly Run[]): Run[] {
  const out: Run[] = [];
  for (const r of runs) {
    const last = out.at(-1);
    if (last !== undefined && last.reduced === r.reduced) last.size *= r.size;
    else out.push({ ...r });
  }
  return out;
}

function lowerReduce(to: Lowering, v: number, x: number, axes: readonly number[], op: ReduceParams["op"]): void {
  const aval = to.aval(x);
  const dtype = aval.dtype as ElementType;
  const passes = passesOf(aval.shape, axes);
  if (passes.length === 0) {
    // Only axes of size 1: the same elements in another shape.
    to.setView(v, whole(to.dense(x), to.aval(v).shape));
    return;
  }
  let from = to.dense(x);
  passes.forEach((p, i) => {
    const source = from;
    const out = i === passes.length - 1 ? v : to.aux({ shape: [p.outer * p.inner], dtype: aval.dtype });
    to.kernel({
      label: `${op} [${p.outer},${p.reduced},${p.inner},${p.tail}]`,
      reads: [source],
      writes: [out],
      calls: (at) => [call(F32_KERNELS.reduce, { op, dtype, ...p, x: at(source), y: at(out) })],
    });
    from = out;
  });
}

const ELEMENTS: readonly DType[] = ["f32", "i32", "u32", "u8", "bool"];

const reduction = (op: ReduceParams["op"]): LowerRow => ({
  can: (node, args: readonly Aval[]) => ELEMENTS.includes(args[0]!.dtype) && args[0]!.dtype === node.aval.dtype,
  lower: (to, v, node) => lowerReduce(to, v, node.args[0]!, node.attrs.slice(1), op),
});

const argReduction = (op: "argmax" | "argmin"): LowerRow => ({
  can: (_node, args) => ELEMENTS.includes(args[0]!.dtype),
  lower(to, v, node) {
    const x = to.dense(node.args[0]!);
    const { shape, dtype } = to.aval(node.args[0]!);
    const axis = node.attrs[0]!;
    const sizes = { outer: sizeOf(shape.slice(0, axis)), reduced: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
    to.kernel({
      label: op,
      reads: [x],
      writes: [v],
      calls: (at) => [call(F32_KERNELS.argReduce, { op, dtype: dtype as ElementType, ...sizes, x: at(x), y: at(v) })],
    });
  },
});

const cumsum: LowerRow = {
  can: (node) => node.aval.dtype === "f32" || node.aval.dtype === "i32",
  lower(to, v, node) {
    const x = to.dense(node.args[0]!);
    const { shape, dtype } = node.aval;
    const axis = node.attrs[0]!;
    const sizes = { outer: sizeOf(shape.slice(0, axis)), n: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
    to.kernel({
      label: "cumsum",
      reads: [x],
      writes: [v],
      calls: (at) => [call(F32_KERNELS.cumsum, { ...sizes, dtype: dtype as "f32" | "i32", x: at(x), y: at(v) })],
    });
  },
};

export const REDUCE: Readonly<Record<string, LowerRow>> = {
  sum: reduction("sum"),
  prod: reduction("prod"),
  amax: reduction("max"),
  amin: reduction("min"),
  all: reduction("min"),
  any: reduction("max"),
  argmax: argReduction("argmax"),
  argmin: argReduction("argmin"),
  cumsum,
};
