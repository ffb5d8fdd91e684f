/** @file A positive bound or deviation as attributes [numerator, shift]: numerator / 2^shift, exactly. */
import { expected } from "../../errors.ts";
import { ATTR_MAX, checkCount, checkInt } from "../check.ts";

const MOST_SHIFT = 62;

/** The attributes of the largest such fraction that is at most x: 31 significant bits. @throws TacitError ATTR_INVALID */
export function fractionBelow(op: string, x: number): readonly [number, number] {
  return rounded(op, x, Math.floor);
}

/** The attributes of the least such fraction that is at least x. @throws TacitError ATTR_INVALID */
export function fractionAbove(op: string, x: number): readonly [number, number] {
  return rounded(op, x, Math.ceil);
}

function rounded(op: string, x: number, round: (v: number) => number): readonly [number, number] {
  if (!(x > 0 && x <= ATTR_MAX)) expected("ATTR_INVALID", op, `a number above 0, at most ${ATTR_MAX}`, `${x}`);
  let shift = 0;
  while (shift < MOST_SHIFT && x * 2 ** (shift + 1) <= ATTR_MAX && !Number.isInteger(x * 2 ** shift)) shift++;
  const numerator = round(x * 2 ** shift);
  if (numerator < 1) expected("ATTR_INVALID", op, `a number of 2^-${MOST_SHIFT} or more`, `${x}`);
  return [numerator, shift];
}

/** The fraction as a double, which holds it exactly. @throws TacitError ATTR_INVALID */
export function fractionOf(op: string, attrs: readonly number[]): number {
  checkCount(op, attrs, 2);
  const numerator = checkInt(op, "a numerator", attrs[0], 1);
  return numerator / 2 ** checkInt(op, "a shift", attrs[1], 0, MOST_SHIFT);
}
