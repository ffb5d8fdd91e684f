/** @file What a Program from a stranger may ask for. */

export interface Limits {
  /** Size of the canonical bytes. */
  readonly bytes: number;
  readonly nodes: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly rank: number;
  /** Elements of one value, empty axes counted as one. */
  readonly elements: number;
  /** Elements of all values together. */
  readonly totalElements: number;
  /** Attributes of one node, apart from 3 for each dimension of the largest rank. */
  readonly attrs: number;
  /** Arguments of one node. */
  readonly args: number;
}

export const DEFAULT_LIMITS: Limits = {
  bytes: 16 * 2 ** 20,
  nodes: 100_000,
  inputs: 10_000,
  outputs: 10_000,
  rank: 8,
  elements: 2 ** 31,
  totalElements: 2 ** 36,
  attrs: 64,
  args: 1024,
};
