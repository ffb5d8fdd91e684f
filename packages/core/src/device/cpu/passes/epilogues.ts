/** @file Bias and relu after a product or a convolution run in its epilogue, while the result is in registers. */

import { lowerConv } from "../lower/conv.ts";
import { hasKernel } from "../lower/index.ts";
import { lowerMatmul } from "../lower/matmul.ts";
import type { Matcher } from "../units.ts";

/** Products of any batch take a bias over the last axis, convolutions one over the channels. */
const HEAVY: Readonly<Record<string, { readonly lower: typeof lowerMatmul; readonly biasAxis: (rank: number) => number }>> = {
  matmul: { lower: lowerMatmul, biasAxis: (rank) => rank - 1 },
  conv2d: { lower: lowerConv, biasAxis: () => 1 },
};

/** Claims product (+ bias) (+ relu). */
export function epilogues(m: Matcher): void {
  for (let v = m.graph.inputs.length; v < m.count; v++) {
    const node = m.node(v)!;
    const row = HEAVY[node.op];
    if (row === undefined || !m.free(v) || !hasKernel(node, m.graph)) continue;
    const members = [v];
    const sum = m.onlyUser(v);
    const bias = sum === undefined || !m.free(sum) ? undefined : biasOf(m, sum, v, row.biasAxis(node.aval.shape.length));
    if (bias !== undefined) members.push(sum!);
    const last = m.onlyUser(members.at(-1)!);
    const relu = last !== undefined && m.is(last, "relu") && m.free(last);
    if (relu) members.push(last);
    if (members.length === 1) continue;
    const out = members.at(-1)!;
    m.claim({ members, lower: (to) => row.lower(to, v, node, { ...(bias !== undefined && { bias }), relu, out }) });
  }
}

/**
 * The value that `sum` = add(v, b) adds to v, when b holds one number per index of axis `axis` of v, the same along all other axes,
 * and the sum has v's shape.
 */
export function biasOf(m: Matcher, sum: number, v: number, axis: number): number | undefined {
  const node = m.node(sum)!;
  if (node.op !== "add" || node.args[0] === node.args[1] || !node.args.includes(v)) return undefined;
  const shape = m.shape(v);
  if (node.aval.shape.length !== shape.length || node.aval.shape.some((d, i) => d !== shape[i])) return undefined;
  let b = node.args[0] === v ? node.args[1]! : node.args[0]!;
  while (m.is(b, "expand")) b = m.node(b)!.args[0]!;
  const lead = shape.length - m.shape(b).length;
  const fits = m.shape(b).every((d, i) => d === (i + lead === axis ? shape[axis] : 1));
  return fits && lead <= axis ? b : undefined;
}
