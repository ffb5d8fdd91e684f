/** @file Shapes and dtypes as they travel. */
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE, type DType, dtypeOf, sizeOf } from "@tacit/core/program";
import type { Fields, Wire } from "./cbor.ts";

export const avalWire = (a: Aval): Wire => [DTYPE[a.dtype].code, [...a.shape]];

/** @throws TacitError ENVELOPE_INVALID; of the fields' code where their form is another */
export function readAval(f: Fields): Aval {
  const dtype: DType | undefined = dtypeOf(f.uint(255));
  const shape = f.uints(8);
  f.end();
  // Empty axes count as one, as in Programs: a policy asks for rows, and rows of nothing are none.
  if (dtype === undefined || sizeOf(shape.map((d) => Math.max(d, 1))) > 2 ** 31)
    throw new TacitError("ENVELOPE_INVALID", "command: expected a dtype and at most 2^31 elements");
  return { dtype, shape };
}
