/** @file How a literal stands in attributes: [dtype code, high 32 bits, low 32 bits], both halves signed. */
import { expected } from "../../errors.ts";
import { DTYPE, type DType } from "../../program/dtype.ts";
import { checkCount, checkDTypeCode, checkInt } from "../check.ts";

const RANGE: Readonly<Partial<Record<DType, readonly [bigint, bigint]>>> = {
  i32: [-(2n ** 31n), 2n ** 31n - 1n],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u8: [0n, 255n],
  bool: [0n, 1n],
  u32: [0n, 2n ** 32n - 1n],
  u64: [0n, 2n ** 64n - 1n],
};

const scratch = new DataView(new ArrayBuffer(8));

const halves = (code: number): number[] => [code, scratch.getInt32(0), scratch.getInt32(4)];

/**
 * Attributes of a `constant`. Floats are the bits of the f64 (also where the dtype is f32: a device rounds), with one NaN;
 * integers and bool the value itself in 64-bit two's complement.
 * @throws TacitError ATTR_INVALID when the dtype cannot hold the value.
 */
export function constantAttrs(dtype: DType, value: number | bigint | boolean): number[] {
  const { code, float } = DTYPE[dtype];
  if (float) {
    const x = Number(value);
    scratch.setFloat64(0, Number.isNaN(x) ? Number.NaN : x);
    if (Number.isNaN(x)) scratch.setBigUint64(0, 0x7ff8000000000000n);
    return halves(code);
  }
  const range = RANGE[dtype]!;
  const integral = typeof value !== "number" || Number.isInteger(value);
  const x = integral ? BigInt(value) : 0n;
  if (!integral || x < range[0] || x > range[1]) {
    expected("ATTR_INVALID", "constant", `an integer in ${range[0]}..${range[1]} for ${dtype}`, `${value}`);
  }
  scratch.setBigUint64(0, BigInt.asUintN(64, x));
  return halves(code);
}

/** The literal behind the attributes: a bigint for i64 and u64, else a number. Throws ATTR_INVALID on non-canonical ones. */
export function constantValue(attrs: readonly number[]): number | bigint {
  checkCount("constant", attrs, 3);
  const dtype = checkDTypeCode("constant", attrs[0]);
  scratch.setInt32(0, checkInt("constant", "high half", attrs[1], -(2 ** 31)));
  scratch.setInt32(4, checkInt("constant", "low half", attrs[2], -(2 ** 31)));
  if (DTYPE[dtype].float) {
    const x = scratch.getFloat64(0);
    if (Number.isNaN(x) && (attrs[1] !== 0x7ff80000 || attrs[2] !== 0)) {
      expected("ATTR_INVALID", "constant", "the one NaN 0x7ff8000000000000", "another NaN");
    }
    return x;
  }
  const range = RANGE[dtype]!;
  const x = dtype === "u64" ? scratch.getBigUint64(0) : scratch.getBigInt64(0);
  if (x < range[0] || x > range[1])
    expected("ATTR_INVALID", "constant", `an integer in ${range[0]}..${range[1]} for ${dtype}`, `${x}`);
  return DTYPE[dtype].big ? x : Number(x);
}
