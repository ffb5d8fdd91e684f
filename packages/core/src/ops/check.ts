/** @file Checks shared by the rows of the op table. Every one throws `op: expected X, got Y`. */
import { expected, TacitError } from "../errors.ts";
import { type Aval, type Shape, sameShape, showAval, showShape } from "../program/aval.ts";
import { DTYPE, type DType, dtypeOf } from "../program/dtype.ts";

/** Attributes are 32-bit signed integers: they stand in Int32Array keys and in kernels' instruction words. */
export const ATTR_MIN: number = -(2 ** 31);
export const ATTR_MAX: number = 2 ** 31 - 1;

/** A set of dtypes with a name for messages. */
export interface Kind {
  readonly name: string;
  has(d: DType): boolean;
}

export const FLOAT: Kind = { name: "a float dtype", has: (d) => DTYPE[d].float };
export const INTEGER: Kind = { name: "an integer dtype", has: (d) => DTYPE[d].integer };
export const NUMBER: Kind = { name: "a float or integer dtype", has: (d) => d !== "bool" };
export const BITS: Kind = { name: "an integer dtype or bool", has: (d) => !DTYPE[d].float };
export const BOOL: Kind = { name: "bool", has: (d) => d === "bool" };
export const INDEX: Kind = { name: "i32", has: (d) => d === "i32" };
export const LABEL: Kind = { name: "i32 or i64", has: (d) => d === "i32" || d === "i64" };
export const U32: Kind = { name: "u32", has: (d) => d === "u32" };
export const ANY: Kind = { name: "any dtype", has: () => true };

export function checkKind(op: string, aval: Aval, kind: Kind): void {
  if (!kind.has(aval.dtype)) expected("DTYPE_UNSUPPORTED", op, kind.name, showAval(aval));
}

export function checkSameDType(op: string, a: Aval, b: Aval): void {
  if (a.dtype !== b.dtype) {
    expected("DTYPE_MISMATCH", op, "arguments of one dtype", `${a.dtype} and ${b.dtype}`, "cast one of them");
  }
}

export function checkRank(op: string, aval: Aval, rank: number): void {
  if (aval.shape.length !== rank) expected("SHAPE_MISMATCH", op, `rank ${rank}`, showAval(aval));
}

export function checkShape(op: string, aval: Aval, shape: Shape): void {
  if (!sameShape(aval.shape, shape)) expected("SHAPE_MISMATCH", op, `shape ${showShape(shape)}`, showShape(aval.shape));
}

export function checkCount(op: string, attrs: readonly number[], count: number): void {
  if (attrs.length !== count) expected("ATTR_INVALID", op, `${count} attributes`, `${attrs.length}`);
}

export function checkAtLeast(op: string, attrs: readonly number[], count: number): void {
  if (attrs.length < count) expected("ATTR_INVALID", op, `at least ${count} attributes`, `${attrs.length}`);
}

/** An attribute: an integer in [lo, hi]. */
export function checkInt(op: string, name: string, value: number | undefined, lo: number, hi: number = ATTR_MAX): number {
  if (value === undefined || !Number.isInteger(value) || Object.is(value, -0) || value < lo || value > hi) {
    expected("ATTR_INVALID", op, `${name} an integer in ${lo}..${hi}`, `${value}`);
  }
  return value;
}

/** An axis attribute of a value of this rank: non-negative. */
export function checkAxis(op: string, axis: number | undefined, rank: number): number {
  if (axis === undefined || !Number.isInteger(axis) || Object.is(axis, -0) || axis < 0 || axis >= rank) {
    expected("ATTR_INVALID", op, `an axis in 0..${rank - 1}`, `${axis}`);
  }
  return axis;
}

export const checkFlag = (op: string, name: string, value: number | undefined): boolean => checkInt(op, name, value, 0, 1) === 1;

/** Axes: sorted, without repetition, in range. */
export function checkAxes(op: string, axes: readonly number[], rank: number): readonly number[] {
  let last = -1;
  for (const a of axes) {
    checkAxis(op, a, rank);
    if (a <= last) expected("ATTR_INVALID", op, "axes in ascending order without repetition", showShape(axes));
    last = a;
  }
  return axes;
}

/** Sizes of a shape given as attributes. */
export function checkSizes(op: string, sizes: readonly number[]): readonly number[] {
  for (const d of sizes) checkInt(op, "size", d, 0);
  return sizes;
}

/** A dtype given as an attribute. */
export function checkDTypeCode(op: string, code: number | undefined): DType {
  const dtype = code === undefined || !Number.isInteger(code) || Object.is(code, -0) ? undefined : dtypeOf(code);
  if (dtype === undefined) expected("ATTR_INVALID", op, "a dtype code in 0..7", `${code}`);
  return dtype;
}

/** Thrown while running, when an index lies outside. Names the size, not the index: it may come from private data. */
export function indexOutOfRange(op: string, size: number): never {
  throw new TacitError("INDEX_INVALID", `${op}: expected indices in 0..${size - 1}, got one outside`);
}
