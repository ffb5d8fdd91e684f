/** @file Graph: the planner's form of a Program, plain data that passes rebuild. */
import { type Aval, sizeOf } from "../../program/aval.ts";
import { DTYPE } from "../../program/dtype.ts";

/** One op applied to values. Structurally a Program's node. */
export interface GraphNode {
  readonly op: string;
  readonly attrs: readonly number[];
  readonly args: readonly number[];
  readonly aval: Aval;
  /** The node of the Program that it stands for; absent in a Program itself. */
  readonly origin?: number;
}

/** Values 0..inputs-1 are inputs, then one per node. Every Program is a Graph. */
export interface Graph {
  readonly inputs: readonly Aval[];
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly number[];
}

/** The node that makes value `v`, or undefined for an input. */
export function nodeOf(graph: Graph, v: number): GraphNode | undefined {
  return v < graph.inputs.length ? undefined : graph.nodes[v - graph.inputs.length];
}

export function avalOf(graph: Graph, v: number): Aval {
  return v < graph.inputs.length ? graph.inputs[v]! : graph.nodes[v - graph.inputs.length]!.aval;
}

export const valueCount = (graph: Graph): number => graph.inputs.length + graph.nodes.length;

/** Per value, the values that read it, ascending; a reader that reads twice stands once. */
export function usersOf(graph: Graph): number[][] {
  const users: number[][] = Array.from({ length: valueCount(graph) }, () => []);
  for (let i = 0; i < graph.nodes.length; i++) {
    const v = graph.inputs.length + i;
    for (const a of graph.nodes[i]!.args) if (users[a]!.at(-1) !== v) users[a]!.push(v);
  }
  return users;
}

/** Bytes of a value's data, without padding. */
export const bytesOf = (a: Aval): number => sizeOf(a.shape) * DTYPE[a.dtype].bytes;

/** Bytes that a buffer for `a` takes: whole 64-byte lines, so that vector loads past the end stay inside. */
export const paddedBytes = (a: Aval): number => (bytesOf(a) + 63) & ~63;
