/** @file Ops that take indices, and random bits. A bad index is found by the kernel and named here. */
import { F32_KERNELS } from "@tacit/kernels";
import { type Aval, type Shape, sameShape, sizeOf } from "../../../program/aval.ts";
import { DTYPE } from "../../../program/dtype.ts";
import type { GraphNode } from "../graph.ts";
import { type Call, call, type Guard } from "../steps.ts";
import { whole } from "../view.ts";
import { copyInto } from "./copy.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

const outside = (op: string, size: number): Guard => ({
  code: "INDEX_INVALID",
  message: `${op}: expected indices in 0..${size - 1}, got one outside`,
});

/** [outer, n, inner] of a shape seen along one axis. */
function along(shape: Shape, axis: number): { outer: number; n: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), n: shape[axis]!, inner: sizeOf(shape.slice(axis + 1)) };
}

/** The index may be smaller than x along other axes in PyTorch; the kernels want it equal there. */
function fitsAxis(x: Aval, index: Aval, axis: number): boolean {
  return sameShape(x.shape.toSpliced(axis, 1), index.shape.toSpliced(axis, 1));
}

const gather: LowerRow = {
  can: (node, [x, index]) => DTYPE[node.aval.dtype].bytes === 4 && fitsAxis(x!, index!, node.attrs[0]!),
  lower(to, v, node) {
    const [x, index] = node.args.map((a) => to.dense(a)) as [number, number];
    const axis = node.attrs[0]!;
    const sizes = along(to.aval(node.args[0]!).shape, axis);
    const m = node.aval.shape[axis]!;
    to.kernel({
      label: "gather",
      reads: [x, index],
      writes: [v],
      guard: outside("gather", sizes.n),
      calls: (at) => [call(F32_KERNELS.gather, { ...sizes, m, x: at(x), index: at(index), y: at(v) })],
    });
  },
};

const indexSelect: LowerRow = {
  lower(to, v, node) {
    const [x, index] = node.args.map((a) => to.dense(a)) as [number, number];
    const axis = node.attrs[0]!;
    const sizes = along(to.aval(node.args[0]!).shape, axis);
    const elementBytes = DTYPE[node.aval.dtype].bytes as 1 | 4 | 8;
    const m = node.aval.shape[axis]!;
    to.kernel({
      label: "indexSelect",
      reads: [x, index],
      writes: [v],
      guard: outside("indexSelect", sizes.n),
      calls: (at) => [call(F32_KERNELS.indexSelect, { ...sizes, m, elementBytes, x: at(x), index: at(index), y: at(v) })],
    });
  },
};

/** scatterAdd and indexAdd: the base is copied (or taken over), then added to. */
function lowerAdd(to: Lowering, v: number, node: GraphNode, op: "scatterAdd" | "indexAdd"): void {
  const [base, index, src] = node.args.map((a) => to.dense(a)) as [number, number, number];
  const axis = node.attrs[0]!;
  const sizes = along(node.aval.shape, axis);
  const m = to.aval(node.args[2]!).shape[axis]!;
  const view = whole(base, [sizeOf(node.aval.shape)]);
  to.kernel({
    label: op,
    reads: [base, index, src],
    writes: [v],
    guard: outside(op, sizes.n),
    calls: (at): Call[] => [
      ...copyInto(view, { ...view, base: v }, node.aval.dtype, at),
      call(F32_KERNELS[op], { ...sizes, m, src: at(src), index: at(index), y: at(v) }),
    ],
  });
}

const scatterAdd: LowerRow = {
  can: (node, [x, index, src]) =>
    node.aval.dtype === "f32" && fitsAxis(x!, index!, node.attrs[0]!) && sameShape(index!.shape, src!.shape),
  lower: (to, v, node) => lowerAdd(to, v, node, "scatterAdd"),
};

const indexAdd: LowerRow = {
  can: (node) => node.aval.dtype === "f32",
  lower: (to, v, node) => lowerAdd(to, v, node, "indexAdd"),
};

const oneHot: LowerRow = {
  can: (node, [index]) => node.aval.dtype === "f32" && index!.dtype === "i32",
  lower(to, v, node) {
    const labels = to.dense(node.args[0]!);
    const classes = node.attrs[0]!;
    const n = to.size(node.args[0]!);
    to.kernel({
      label: "oneHot",
      reads: [labels],
      writes: [v],
      guard: { code: "LABEL_OUT_OF_RANGE", message: `oneHot: expected labels in 0..${classes - 1}, got one outside` },
      calls: (at) => [call(F32_KERNELS.oneHot, { labels: at(labels), y: at(v), n, classes })],
    });
  },
};

const randomBits: LowerRow = {
  lower(to, v, node) {
    const [key, offset] = node.args.map((a) => to.dense(a)) as [number, number];
    const offsetWords = to.size(node.args[1]!);
    const n = sizeOf(node.aval.shape);
    to.kernel({
      label: "randomBits",
      reads: [key, offset],
      writes: [v],
      calls: (at) => [call(F32_KERNELS.randomBits, { key: at(key), offset: at(offset), offsetWords, y: at(v), n })],
    });
  },
};

export const INDEXING: Readonly<Record<string, LowerRow>> = { gather, indexSelect, scatterAdd, indexAdd, oneHot, randomBits };
