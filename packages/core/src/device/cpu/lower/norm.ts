/** @file Layer normalisation and its gradient: rows are what stands before the normalised axes. */
import { F32_KERNELS } from "@tacit/kernels";
import { normSettings } from "../../../ops/norm/rows.ts";
import { sizeOf } from "../../../program/aval.ts";
import type { GraphNode } from "../graph.ts";
import { call } from "../steps.ts";
import type { LowerRow } from "./row.ts";

function rowsOf(node: GraphNode): { n: number; c: number; centre: boolean; eps: number } {
  const { shape } = node.aval;
  const { axes, centre, eps } = normSettings(shape.length, node.attrs);
  const c = sizeOf(axes.map((d) => shape[d]!));
  return { n: sizeOf(shape) / c, c, centre, eps };
}

const layerNorm: LowerRow = {
  can: (node) => node.aval.dtype === "f32",
  lower(to, v, node) {
    const x = to.dense(node.args[0]!);
    to.kernel({
      label: "layerNorm",
      reads: [x],
      writes: [v],
      inPlace: [[x]],
      calls: (at) => [call(F32_KERNELS.layerNorm, { x: at(x), y: at(v), ...rowsOf(node) })],
    });
  },
};

const layerNormGrad: LowerRow = {
  can: (node) => node.aval.dtype === "f32",
  lower(to, v, node) {
    const [g, x] = node.args.map((a) => to.dense(a)) as [number, number];
    to.kernel({
      label: "layerNormGrad",
      reads: [g, x],
      writes: [v],
      inPlace: [g === x ? [] : [g, x]],
      calls: (at) => [call(F32_KERNELS.layerNormGrad, { g: at(g), x: at(x), dx: at(v), ...rowsOf(node) })],
    });
  },
};

export const NORM: Readonly<Record<string, LowerRow>> = { layerNorm, layerNormGrad };
