/** @file @tacit/core/program: Programs as data, their types, the op table, and transformations of Programs. */
export { Expr, emit } from "./expr.ts";
export * as ops from "./ops/emit.ts";
export { fractionAbove, fractionBelow, fractionOf } from "./ops/release/fraction.ts";
export type { BatchRule, GradContext, OpRow, Reference } from "./ops/row.ts";
export { OPS } from "./ops/table.ts";
export { type Aval, broadcastShapes, type Shape, sameShape, showAval, showShape, sizeOf, stridesOf } from "./program/aval.ts";
export { DTYPE, DTYPES, type DType, dtypeOf, isDType, promote, type TypedArray } from "./program/dtype.ts";
export { type Node, Program } from "./program/program.ts";
export * from "./transform/index.ts";
