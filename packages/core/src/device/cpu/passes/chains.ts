/** @file Fusion of elementwise nodes: neighbours of one shape become one chain, run tile by tile through the cache. */
import { type Aval, sameShape, sizeOf } from "../../../program/aval.ts";
import { avalOf } from "../graph.ts";
import { isChainable, lowerChain } from "../lower/elementwise.ts";
import type { Matcher, Unit } from "../units.ts";

// The kernel has 64 slots for operands, registers and constants, and a tile's registers should stay in L1.
const MAX_NODES = 20;
const MAX_OPERANDS = 16;
// Nodes looked at in the search for a cycle before a fusion is given up; real graphs need a few dozen.
const SEARCH_LIMIT = 2000;

/** Nodes of a chain, ascending. */
class Chain {
  readonly members: number[];

  constructor(v: number) {
    this.members = [v];
  }
}

/** Whether the chain kernel computes node v. */
function chainable(m: Matcher, v: number): boolean {
  const n = m.node(v);
  if (n === undefined || sizeOf(n.aval.shape) === 0) return false;
  const args: Aval[] = n.args.map((a) => avalOf(m.graph, a));
  return isChainable(n, args);
}

/** Claims all elementwise nodes. Consumers first: a value joins the chain of its earliest reader where that makes no cycle. */
export function chains(m: Matcher): void {
  const first = m.graph.inputs.length;
  const chainOf = new Array<Chain | undefined>(m.count).fill(undefined);
  for (let v = m.count - 1; v >= first; v--) {
    if (!m.free(v) || !chainable(m, v)) continue;
    const target = earliestChain(m, chainOf, v);
    if (target !== undefined && fits(m, target, v) && !makesCycle(m, chainOf, v, target)) {
      target.members.unshift(v);
      chainOf[v] = target;
    } else chainOf[v] = new Chain(v);
  }
  for (const chain of new Set(chainOf)) {
    if (chain === undefined) continue;
    const inside = new Set(chain.members);
    const outputs = chain.members.filter((v) => m.isOutput(v) || m.users[v]!.some((u) => !inside.has(u)));
    m.claim({ members: chain.members, lower: (to) => lowerChain(to, chain.members, outputs) });
  }
}

/** The chain of the first reader of v, when that reader is elementwise over v's own shape. */
function earliestChain(m: Matcher, chainOf: readonly (Chain | undefined)[], v: number): Chain | undefined {
  let best: Chain | undefined;
  for (const u of m.users[v]!) {
    const chain = chainOf[u];
    if (chain === undefined || !sameShape(m.shape(u), m.shape(v))) continue;
    if (best === undefined || chain.members[0]! < best.members[0]!) best = chain;
  }
  return best;
}

function fits(m: Matcher, chain: Chain, v: number): boolean {
  if (chain.members.length >= MAX_NODES) return false;
  const inside = new Set([v, ...chain.members]);
  const operands = new Set<number>();
  let outputs = 0;
  for (const x of inside) {
    for (const a of m.node(x)!.args) if (!inside.has(a)) operands.add(a);
    if (m.isOutput(x) || m.users[x]!.some((u) => !inside.has(u))) outputs++;
  }
  return operands.size + outputs <= MAX_OPERANDS;
}

/** Whether something outside the chain reads v and is itself needed by the chain. */
function makesCycle(m: Matcher, chainOf: readonly (Chain | undefined)[], v: number, chain: Chain): boolean {
  const outside = m.users[v]!.filter((u) => chainOf[u] !== chain);
  if (outside.length === 0) return false;
  const limit = horizon(m, chainOf, v, chain);
  const seen = new Set<Chain | Unit | number>();
  const stack = outside.filter((u) => u <= limit);
  while (stack.length > 0) {
    const u = stack.pop()!;
    const group = chainOf[u] ?? m.unit(u) ?? u;
    if (group === chain) return true;
    if (seen.has(group)) continue;
    seen.add(group);
    if (seen.size > SEARCH_LIMIT) return true;
    const members = typeof group === "number" ? [group] : group.members;
    for (const x of members) for (const y of m.users[x]!) if (y <= limit) stack.push(y);
  }
  return false;
}

/**
 * From values after this one no path leads back to the chain: paths ascend, except inside a group, and no group stands on both sides.
 */
function horizon(m: Matcher, chainOf: readonly (Chain | undefined)[], v: number, chain: Chain): number {
  let limit = chain.members.at(-1)!;
  for (let p = v; p <= limit; p++) {
    const last = (chainOf[p] ?? m.unit(p))?.members.at(-1);
    if (last !== undefined && last > limit) limit = last;
  }
  return limit;
}
