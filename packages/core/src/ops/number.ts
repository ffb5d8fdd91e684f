/** @file A float setting (an epsilon, a scale) in attributes: the two signed halves of its f64. */

import { DTYPE } from "../program/dtype.ts";
import { constantAttrs, constantValue } from "./constant/value.ts";

/** [high half, low half]. */
export const numberAttrs = (value: number): number[] => constantAttrs("f64", value).slice(1);

/** The number behind two attributes. @throws TacitError ATTR_INVALID when they are no halves of an f64 */
export const numberOf = (high: number | undefined, low: number | undefined): number =>
  Number(constantValue([DTYPE.f64.code, high ?? Number.NaN, low ?? Number.NaN]));
