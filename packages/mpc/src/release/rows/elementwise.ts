/** @file Rules of ops that read one element of each argument, at the same index: elementwise ops, and expand. */
import { each, meet, type Rule } from "./domain.ts";

/**
 * Axes count from the right.
 *  1. An axis that holds rows has at least 2 indices, and only axes of size 1 broadcast: it is an axis of the result, as long.
 *  2. An element of the result reads each argument at its own index along that axis: its own row.
 */
const elementwise: Rule = (s) =>
  meet(s, ({ axis, inner }, i) => ({ axis: axis + s.node.aval.shape.length - s.shapes[i]!.length, inner }));

export const ELEMENTWISE: readonly [string, Rule][] = each(
  "add sub mul div pow maximum minimum eq ne lt le gt ge where reluGrad neg abs sign relu exp log sqrt rsqrt reciprocal sigmoid tanh erf gelu " +
    "cast bitNot bitAnd bitOr bitXor expand",
  elementwise,
);
