/** @file Values that no input changes: constants become operands or fills, iota is computed once when the plan is made. */
import { OPS } from "../../../ops/table.ts";
import type { LowerRow } from "./row.ts";

const iota: LowerRow = {
  lower(to, v, node) {
    to.setLiteral(v, OPS.get("iota")!.reference([], [], node.attrs, node.aval));
  },
};

/** A constant is read through `Lowering.constant`, or filled where somebody needs it in memory. */
const constant: LowerRow = { lower() {} };

export const LITERALS: Readonly<Record<string, LowerRow>> = { constant, iota };
