/** @file LowerRow: how the cpu device turns one node into steps. */
import type { Aval } from "../../../program/aval.ts";
import type { GraphNode } from "../graph.ts";
import type { Lowering } from "./lowering.ts";

export interface LowerRow {
  /** Whether there is a kernel for these types and attributes; absent: always. Where not, the op's reference runs as a host step. */
  can?(node: GraphNode, args: readonly Aval[]): boolean;
  /** Writes the steps of node `v`, or its view. No argument and not the result is empty. */
  lower(to: Lowering, v: number, node: GraphNode): void;
}
