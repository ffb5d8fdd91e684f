/** @file Aval: the shape and dtype of a value, without the value. */
import { TacitError } from "../errors.ts";
import type { DType } from "./dtype.ts";

export type Shape = readonly number[];

/** An abstract value: what a Program knows about each of its values. */
export interface Aval {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export const showShape = (shape: Shape): string => `[${shape.join(",")}]`;
export const showAval = (a: Aval): string => `${a.dtype}${showShape(a.shape)}`;

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i]!;
  }
  return strides;
}

/** NumPy's broadcasting of two shapes. Throws `SHAPE_MISMATCH` naming `where`. */
export function broadcastShapes(where: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new TacitError(
        "SHAPE_MISMATCH",
        `${where}: expected shapes that broadcast, got ${showShape(a)} and ${showShape(b)}`,
        {
          hint: `sizes ${x} and ${y} differ in dimension ${rank - i} and neither is 1`,
        },
      );
    }
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}
