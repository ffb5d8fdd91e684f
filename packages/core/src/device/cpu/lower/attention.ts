/** @file Attention and its gradient: operands through their strides, results laid out so that merging heads moves nothing. */
import { type AttentionMask, type AttentionParams, F32_KERNELS, type RowStrides, type Rows } from "@tacit/kernels";
import { attentionSettings, sizesOf } from "../../../ops/attention/infer.ts";
import { type Shape, sizeOf, stridesOf } from "../../../program/aval.ts";
import type { GraphNode } from "../graph.ts";
import { type At, type Call, call } from "../steps.ts";
import { collapse, expandView, type View, whole } from "../view.ts";
import type { Lowering } from "./lowering.ts";
import type { LowerRow } from "./row.ts";

/** The view of an argument whose rows lie without gaps between elements; a copy where they do not. The base is dense. */
function rowsView(to: Lowering, v: number): View {
  const view = to.view(v);
  const even = view.shape.at(-1) === 1 || view.strides.at(-1) === 1;
  return even ? { ...view, base: to.base(view) } : whole(to.dense(v), to.aval(v).shape);
}

/** A mask as seen by every score. */
function maskView(to: Lowering, v: number, scores: Shape): View {
  const view = to.view(v);
  const last = view.shape.at(-1) === 1 ? 0 : (view.strides.at(-1) ?? 0);
  const usable = last === 0 || last === 1 ? { ...view, base: to.base(view) } : whole(to.dense(v), to.aval(v).shape);
  return expandView(usable, scores);
}

/** [..., heads, rows, width] in memory as [..., rows, heads, width]: what follows merges heads into rows [..., rows, heads · width]. */
function headsInside(shape: Shape, base: number): View {
  const r = shape.length;
  if (r < 4) return whole(base, shape);
  const order = [...shape.keys()];
  [order[r - 3], order[r - 2]] = [r - 2, r - 3];
  const strides = stridesOf(order.map((d) => shape[d]!));
  return { base, offset: 0, shape, strides: order.map((_, d) => strides[order.indexOf(d)]!) };
}

/** One instruction for each entry of the axes that a kernel's two batch axes cannot hold. */
interface Batches {
  readonly n0: number;
  readonly n1: number;
  /** Per operand: strides of both axes. */
  readonly strides: readonly (readonly [number, number])[];
  /** Per instruction and operand: elements to the first entry. */
  readonly offsets: readonly (readonly number[])[];
}

function batchesOf(batch: Shape, views: readonly View[]): Batches {
  const { shape, strides } = collapse(
    batch,
    views.map((v) => v.strides.slice(0, batch.length)),
  );
  const lead = Math.max(0, shape.length - 2);
  let offsets: number[][] = [views.map((v) => v.offset)];
  for (let d = 0; d < lead; d++) {
    offsets = offsets.flatMap((at) => Array.from({ length: shape[d]! }, (_, i) => at.map((o, k) => o + i * strides[k]![d]!)));
  }
  const tail = shape.slice(lead);
  const [n0, n1] = tail.length === 2 ? [tail[0]!, tail[1]!] : [1, tail[0] ?? 1];
  const pair = (s: readonly number[]): [number, number] => (tail.length === 2 ? [s[lead]!, s[lead + 1]!] : [0, s[lead] ?? 0]);
  return { n0, n1, strides: strides.map(pair), offsets };
}

interface Plan {
  readonly reads: readonly number[];
  readonly out: View;
  calls(at: At, run: (params: AttentionParams, g: Rows) => Call): Call[];
}

/** q, k, v, perhaps a mask, and g (for the gradient) as one instruction's operands. */
function planOf(to: Lowering, node: GraphNode, args: readonly number[], out: View, grad: number | undefined): Plan {
  const [q, k, v, mask] = args as [number, number, number, number?];
  const { batch, l, s, e, d } = sizesOf(to.aval(q), to.aval(k), to.aval(v));
  const operands = [rowsView(to, q), rowsView(to, k), rowsView(to, v), out];
  if (grad !== undefined) operands.push(rowsView(to, grad));
  const seen = mask === undefined ? undefined : maskView(to, mask, [...batch, l, s]);
  const views = seen === undefined ? operands : [...operands, seen];
  const { n0, n1, strides, offsets } = batchesOf(batch, views);
  const sizes = { n0, n1, l, s, e, d, ...attentionSettings(node.attrs) };
  const rows = (at: At, i: number, offset: readonly number[]): Rows => {
    const view = operands[i]!;
    const own: RowStrides = [...strides[i]!, view.strides[batch.length]!];
    return { address: at(view.base) + 4 * offset[i]!, strides: own };
  };
  const maskOf = (at: At, offset: readonly number[]): AttentionMask | undefined => {
    if (seen === undefined) return undefined;
    const i = views.length - 1;
    const kind = to.aval(mask!).dtype === "bool" ? "bool" : "f32";
    const own = [...strides[i]!, ...seen.strides.slice(-2)] as [number, number, number, number];
    return { address: at(seen.base) + (kind === "bool" ? 1 : 4) * offset[i]!, kind, strides: own };
  };
  const reads = [...new Set([...operands.filter((_, i) => i !== 3).map((x) => x.base), ...(seen ? [seen.base] : [])])];
  return {
    reads,
    out,
    calls: (at, run) =>
      offsets.map((o) => {
        const [pq, pk, pv, po] = [0, 1, 2, 3].map((i) => rows(at, i, o)) as [Rows, Rows, Rows, Rows];
        const params = { q: pq, k: pk, v: pv, out: po, mask: maskOf(at, o), ...sizes };
        return run(params, grad === undefined ? po : rows(at, 4, o));
      }),
  };
}

/** The result's buffer: the value's own, or one with heads inside that the value is a view of. */
function result(to: Lowering, v: number): View {
  const aval = to.aval(v);
  if (aval.shape.length < 4) return whole(v, aval.shape);
  const view = headsInside(aval.shape, to.aux(aval));
  to.setView(v, view);
  return view;
}

const f32 = (node: GraphNode): boolean => node.aval.dtype === "f32";

const attention: LowerRow = {
  can: f32,
  lower(to, v, node) {
    const plan = planOf(to, node, node.args, result(to, v), undefined);
    const { l, s, e, d } = sizesOf(to.aval(node.args[0]!), to.aval(node.args[1]!), to.aval(node.args[2]!));
    const heads = sizeOf(node.aval.shape) / (l * d);
    to.kernel({
      label: `attention ${heads}x${l}x${s}x${e}`,
      reads: plan.reads,
      writes: [plan.out.base],
      flops: 2 * heads * l * s * (e + d),
      calls: (at) => plan.calls(at, (params) => call(F32_KERNELS.attention, params)),
    });
  },
};

const attentionGrad: LowerRow = {
  can: f32,
  lower(to, v, node) {
    const [g, ...args] = node.args as [number, ...number[]];
    const plan = planOf(to, node, args, result(to, v), g);
    const { batch, l, s, e, d } = sizesOf(to.aval(args[0]!), to.aval(args[1]!), to.aval(args[2]!));
    to.kernel({
      label: `attentionGrad ${sizeOf(batch)}x${l}x${s}x${e}`,
      reads: plan.reads,
      writes: [plan.out.base],
      flops: 2 * sizeOf(batch) * l * s * (3 * e + 2 * d),
      calls: (at) => plan.calls(at, (params, grad) => call(F32_KERNELS.attentionGrad, { ...params, g: grad })),
    });
  },
};

export const ATTENTION: Readonly<Record<string, LowerRow>> = { attention, attentionGrad };
