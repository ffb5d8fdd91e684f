/** @file Rows without arguments: constant and iota. */
import { checkAtLeast, checkAxis, checkDTypeCode, checkKind, checkSizes, NUMBER } from "../check.ts";
import type { OpRow } from "../row.ts";
import { allocate, isBig, split } from "../walk.ts";
import { constantValue } from "./value.ts";

const constant: OpRow = {
  name: "constant",
  arity: 0,
  attrs: ["dtype", "hi", "lo"],
  infer(_args, attrs) {
    constantValue(attrs);
    return { shape: [], dtype: checkDTypeCode("constant", attrs[0]) };
  },
  reference(_args, _avals, attrs, out) {
    const y = allocate(out);
    const value = constantValue(attrs);
    if (isBig(y)) y[0] = BigInt(value);
    else y[0] = Number(value);
    return y;
  },
};

const iota: OpRow = {
  name: "iota",
  arity: 0,
  attrs: ["dtype", "axis", "shape..."],
  infer(_args, attrs) {
    checkAtLeast("iota", attrs, 3);
    const dtype = checkDTypeCode("iota", attrs[0]);
    const shape = checkSizes("iota", attrs.slice(2));
    checkAxis("iota", attrs[1], shape.length);
    checkKind("iota", { shape, dtype }, NUMBER);
    return { shape, dtype };
  },
  reference(_args, _avals, attrs, out) {
    const y = allocate(out);
    const { n, inner } = split(out.shape, attrs[1]!);
    for (let i = 0; i < y.length; i++) {
      const k = Math.floor(i / inner) % n;
      if (isBig(y)) y[i] = BigInt(k);
      else y[i] = k;
    }
    return y;
  },
};

export const CONSTANT_ROWS: readonly OpRow[] = [constant, iota];
