/** @file View: a value seen through strides over another value's buffer. Permuting, expanding and slicing cost nothing this way. */
import { type Shape, sizeOf, stridesOf } from "../../program/aval.ts";

/** Offset and strides in elements of the base, one stride per axis of the view's shape; strides may be 0 or negative. */
export interface View {
  readonly base: number;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
}

export const whole = (base: number, shape: Shape): View => ({ base, offset: 0, shape, strides: stridesOf(shape) });

/** Whether the elements lie in row-major order without gaps (axes of size 1 do not matter). */
export function contiguous(v: View): boolean {
  let n = 1;
  for (let d = v.shape.length - 1; d >= 0; d--) {
    if (v.shape[d]! === 1) continue;
    if (v.strides[d] !== n) return false;
    n *= v.shape[d]!;
  }
  return true;
}

/** Every stride is 0 or its axis has one element: the same element everywhere. */
export const isSplat = (v: View): boolean => v.shape.every((d, i) => d <= 1 || v.strides[i] === 0);

export function permuteView(v: View, axes: readonly number[]): View {
  return { ...v, shape: axes.map((a) => v.shape[a]!), strides: axes.map((a) => v.strides[a]!) };
}

/** NumPy broadcasting of the view to `shape`. */
export function expandView(v: View, shape: Shape): View {
  const lead = shape.length - v.shape.length;
  const strides = shape.map((n, d) => (d < lead || (v.shape[d - lead] === 1 && n !== 1) ? 0 : v.strides[d - lead]!));
  return { ...v, shape, strides };
}

export function sliceView(v: View, start: readonly number[], step: readonly number[], shape: Shape): View {
  let offset = v.offset;
  for (let d = 0; d < start.length; d++) offset += start[d]! * v.strides[d]!;
  return { base: v.base, offset, shape, strides: v.strides.map((s, d) => s * step[d]!) };
}

export function flipView(v: View, axes: readonly number[]): View {
  let offset = v.offset;
  const strides = [...v.strides];
  for (const d of axes) {
    if (v.shape[d] === 0) continue;
    offset += (v.shape[d]! - 1) * strides[d]!;
    strides[d] = -strides[d]!;
  }
  return { ...v, offset, strides };
}

/** The view with another shape of the same size, or undefined where that needs a copy. Groups axes whose products agree. */
export function reshapeView(v: View, shape: Shape): View | undefined {
  if (sizeOf(shape) === 0) return { ...v, shape, strides: stridesOf(shape) };
  const from: { n: number; s: number }[] = [];
  for (let d = 0; d < v.shape.length; d++) if (v.shape[d] !== 1) from.push({ n: v.shape[d]!, s: v.strides[d]! });
  const strides = new Array<number>(shape.length).fill(0);
  let i = 0;
  let d = 0;
  while (i < from.length) {
    const first = i;
    let n = from[i++]!.n;
    let m = 1;
    const axes: number[] = [];
    const takeAxis = (): void => {
      m *= shape[d]!;
      axes.push(d++);
    };
    takeAxis();
    while (n !== m) {
      if (n < m) n *= from[i++]!.n;
      else takeAxis();
    }
    for (let k = first; k + 1 < i; k++) if (from[k]!.s !== from[k + 1]!.s * from[k + 1]!.n) return undefined;
    let stride = from[i - 1]!.s;
    for (const axis of axes.reverse()) {
      strides[axis] = stride;
      stride *= shape[axis]!;
    }
  }
  return { ...v, shape, strides };
}

/** The same elements in the same order with neighbouring axes merged where strides allow: kernels take few axes. */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): { shape: number[]; strides: number[][] } {
  const out: number[] = [];
  const kept: number[][] = strides.map(() => []);
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const last = out.length - 1;
    const merges = last >= 0 && strides.every((s, k) => kept[k]![last] === s[d]! * shape[d]!);
    if (merges) {
      out[last]! *= shape[d]!;
      for (let k = 0; k < strides.length; k++) kept[k]![last] = strides[k]![d]!;
    } else {
      out.push(shape[d]!);
      for (let k = 0; k < strides.length; k++) kept[k]!.push(strides[k]![d]!);
    }
  }
  return { shape: out, strides: kept };
}
