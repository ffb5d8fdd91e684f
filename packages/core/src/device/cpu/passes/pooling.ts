/** @file Max pooling with what stands before it: max(relu(x + b)) = relu(max(x) + b), on a quarter of the elements for 2x2 windows. */

import { hasKernel } from "../lower/index.ts";
import { lowerMaxPool, lowerMaxPoolGrad, type MaxPoolOptions } from "../lower/pool.ts";
import type { Matcher } from "../units.ts";
import { biasOf } from "./epilogues.ts";

/**
 * Claims each pooling with its gradient: the forward pass leaves the places of the maxima, so that the gradient reads neither x nor y.
 * A relu before it (and a bias before that) goes after the maximum; its gradient then is in the index: a maximum that relu cut has none.
 */
export function pooling(m: Matcher): void {
  for (let v = m.graph.inputs.length; v < m.count; v++) {
    const node = m.node(v)!;
    if (node.op !== "maxPool2d" || !m.free(v) || !hasKernel(node, m.graph)) continue;
    const x = node.args[0]!;
    const grads = m.users[x]!.filter((u) => isGradOf(m, u, x, v));
    const reluGrads = throughRelu(m, x, v, grads);
    if (reluGrads !== undefined || grads.length > 0) claim(m, v, x, grads, reluGrads);
  }
}

/** u = maxPool2dGrad(g, x, y) of the pooling y = v, same window. */
function isGradOf(m: Matcher, u: number, x: number, v: number): boolean {
  const node = m.node(u)!;
  if (node.op !== "maxPool2dGrad" || node.args[1] !== x || node.args[2] !== v || !m.free(u)) return false;
  return node.args[0] !== x && node.attrs.join() === m.node(v)!.attrs.join();
}

/** For x = relu(...) that only this pooling and its gradients need: the relu's gradients, one per pooling gradient. Else undefined. */
function throughRelu(m: Matcher, x: number, v: number, grads: readonly number[]): Map<number, number> | undefined {
  if (!m.is(x, "relu") || !m.free(x) || m.isOutput(x)) return undefined;
  const pairs = new Map<number, number>();
  for (const u of m.users[x]!) {
    if (u === v || grads.includes(u)) continue;
    const g = m.node(u)!.args[0]!;
    if (!m.is(u, "reluGrad") || m.node(u)!.args[1] !== x || !m.free(u)) return undefined;
    if (!grads.includes(g) || m.onlyUser(g) !== u) return undefined;
    pairs.set(g, u);
  }
  return pairs.size === grads.length ? pairs : undefined;
}

function claim(m: Matcher, v: number, x: number, grads: readonly number[], reluGrads: Map<number, number> | undefined): void {
  const { attrs, aval } = m.node(v)!;
  const members = [v];
  let source = x;
  let options: MaxPoolOptions = {};
  if (reluGrads !== undefined) {
    members.unshift(x);
    source = m.node(x)!.args[0]!;
    options = { relu: true };
    const before = m.free(source) && m.onlyFor(source, x) ? withBias(m, source) : undefined;
    if (before !== undefined) {
      members.unshift(source);
      source = before.image;
      options = { relu: true, bias: before.bias };
    }
  }
  let index = -1;
  m.claim({
    members,
    lower(to) {
      if (grads.length > 0) index = to.aux({ shape: aval.shape, dtype: "i32" });
      lowerMaxPool(to, source, v, attrs, index < 0 ? options : { ...options, index });
    },
  });
  for (const u of grads) {
    const out = reluGrads?.get(u) ?? u;
    m.claim({
      members: out === u ? [u] : [u, out],
      lower: (to) => lowerMaxPoolGrad(to, m.node(u)!.args[0]!, index, out, attrs),
    });
  }
}

/** `sum` = image + bias over channels. */
function withBias(m: Matcher, sum: number): { image: number; bias: number } | undefined {
  if (!m.is(sum, "add")) return undefined;
  for (const image of m.node(sum)!.args) {
    if (m.shape(image).length !== 4) continue;
    const bias = biasOf(m, sum, image, 1);
    if (bias !== undefined) return { image, bias };
  }
  return undefined;
}
