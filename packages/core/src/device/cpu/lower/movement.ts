/** @file Movement ops: views where strides can say it, copies where not. */
import { sizeOf, stridesOf } from "../../../program/aval.ts";
import { expandView, flipView, permuteView, reshapeView, sliceView, type View, whole } from "../view.ts";
import { copyInto, fillCall } from "./copy.ts";
import type { LowerRow } from "./row.ts";

/** A row whose result is only another view of its argument. */
const viewOp = (view: (from: View, attrs: readonly number[], shape: readonly number[]) => View): LowerRow => ({
  lower(to, v, node) {
    to.setView(v, view(to.view(node.args[0]!), node.attrs, node.aval.shape));
  },
});

const reshape: LowerRow = {
  lower(to, v, node) {
    const x = node.args[0]!;
    const view = reshapeView(to.view(x), node.aval.shape);
    to.setView(v, view ?? whole(to.dense(x), node.aval.shape));
  },
};

const pad: LowerRow = {
  lower(to, v, node) {
    const rank = node.aval.shape.length;
    const lo = node.attrs.slice(0, rank);
    const interior = node.attrs.slice(2 * rank);
    const from = to.view(node.args[0]!);
    const base = to.base(from);
    const strides = stridesOf(node.aval.shape);
    const offset = lo.reduce((n, l, d) => n + l * strides[d]!, 0);
    const target: View = { base: v, offset, shape: from.shape, strides: strides.map((s, d) => s * (interior[d]! + 1)) };
    to.kernel({
      label: "pad",
      reads: [base],
      writes: [v],
      calls: (at) => [fillCall(v, node.aval, 0, at), ...copyInto({ ...from, base }, target, node.aval.dtype, at)],
    });
  },
};

const cat: LowerRow = {
  lower(to, v, node) {
    const axis = node.attrs[0]!;
    const strides = stridesOf(node.aval.shape);
    const pieces: { from: View; target: View }[] = [];
    let start = 0;
    for (const x of node.args) {
      const view = to.view(x);
      const from = { ...view, base: to.base(view) };
      if (sizeOf(view.shape) > 0) {
        pieces.push({ from, target: { base: v, offset: start * strides[axis]!, shape: view.shape, strides } });
      }
      start += view.shape[axis]!;
    }
    to.kernel({
      label: "cat",
      reads: pieces.map((p) => p.from.base),
      writes: [v],
      calls: (at) => pieces.flatMap((p) => copyInto(p.from, p.target, node.aval.dtype, at)),
    });
  },
};

export const MOVEMENT: Readonly<Record<string, LowerRow>> = {
  reshape,
  permute: viewOp((from, axes) => permuteView(from, axes)),
  expand: viewOp((from, _attrs, shape) => expandView(from, shape)),
  slice: viewOp((from, attrs, shape) => sliceView(from, attrs.slice(0, shape.length), attrs.slice(2 * shape.length), shape)),
  flip: viewOp((from, axes) => flipView(from, axes)),
  pad,
  cat,
};
