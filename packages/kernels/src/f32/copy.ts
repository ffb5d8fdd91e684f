/** @file Moving data: strided copies, fill, iota: parameters and words. */
import { KernelError } from "../errors.ts";
import { type Address, bitsOf, type ElementType, type Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/**
 * dst[i] = src[i] for every index i of `shape`; strides in elements, any sign, 0 in src repeats. src and dst may not overlap.
 * Covers permute, slice, flip, expand and the pieces of cat and pad (addresses point at the first element).
 */
export interface StridedCopyParams {
  readonly src: Address;
  readonly dst: Address;
  readonly shape: readonly number[];
  readonly srcStrides: readonly number[];
  /** Default: in order (row-major). */
  readonly dstStrides?: readonly number[];
  readonly elementBytes: 1 | 4 | 8;
}

const MAX_DIMS = 6;

export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * shape[d + 1]!;
  return strides;
}

interface Dim {
  size: number;
  src: number;
  dst: number;
}

/** Sizes 1 dropped, ordered by destination stride, neighbours merged. Copying has no order, so any order of dimensions serves. */
function mergeDims(p: StridedCopyParams): Dim[] {
  const dstStrides = p.dstStrides ?? contiguousStrides(p.shape);
  const dims = p.shape
    .map((size, d): Dim => ({ size, src: p.srcStrides[d]!, dst: dstStrides[d]! }))
    .filter((d) => d.size !== 1)
    .sort((a, b) => Math.abs(b.dst) - Math.abs(a.dst));
  const merged: Dim[] = [];
  for (const d of dims) {
    const last = merged.at(-1);
    if (last && last.src === d.src * d.size && last.dst === d.dst * d.size) {
      last.size *= d.size;
      last.src = d.src;
      last.dst = d.dst;
    } else merged.push({ ...d });
  }
  return merged;
}

/** A dimension along which src is contiguous becomes the last but one, beside the one along which dst is: a 2-D transpose. */
function pairForTranspose(dims: Dim[]): Dim[] {
  const last = dims.at(-1);
  if (last?.dst !== 1 || last.src === 1 || last.src === 0) return dims;
  const i = dims.findIndex((d) => d.src === 1);
  return i < 0 ? dims : [...dims.filter((_, j) => j !== i && j !== dims.length - 1), dims[i]!, last];
}

export const stridedCopy: Kernel<StridedCopyParams> = {
  name: "stridedCopy",
  opcode: OPCODES.stridedCopy,
  encode(p) {
    const dims = pairForTranspose(mergeDims(p));
    if (dims.length > MAX_DIMS) {
      const message = `stridedCopy: expected at most ${MAX_DIMS} dimensions after merging, got ${dims.length}`;
      throw new KernelError("KERNEL_TOO_MANY_DIMENSIONS", message, "copy in two steps");
    }
    // Leading dimensions of size 1 make it always six.
    while (dims.length < MAX_DIMS) dims.unshift({ size: 1, src: 0, dst: 0 });
    const words = [
      p.src,
      p.dst,
      p.elementBytes,
      ...dims.map((d) => d.size),
      ...dims.map((d) => d.src),
      ...dims.map((d) => d.dst),
    ];
    return { opcode: OPCODES.stridedCopy, words };
  },
  scratchBytes: () => 0,
};

/** n elements of one value. */
export interface FillParams {
  readonly y: Address;
  readonly n: number;
  readonly dtype: ElementType;
  readonly value: number;
}
export const fill: Kernel<FillParams> = {
  name: "fill",
  opcode: OPCODES.fill,
  encode(p) {
    const small = p.dtype === "u8" || p.dtype === "bool";
    const bits = p.dtype === "f32" ? bitsOf(p.value) : small ? (p.value & 255) * 0x01010101 : p.value;
    return { opcode: OPCODES.fill, words: [p.y, small ? p.n : 4 * p.n, bits] };
  },
  scratchBytes: () => 0,
};

/** y[outer, size, inner] = index along `size`, as f32, i32 or u32. */
export interface IotaParams {
  readonly y: Address;
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
  readonly dtype: "f32" | "i32" | "u32";
}
export const iota: Kernel<IotaParams> = {
  name: "iota",
  opcode: OPCODES.iota,
  encode: (p) => ({ opcode: OPCODES.iota, words: [p.y, p.outer, p.size, p.inner, p.dtype === "f32" ? 1 : 0] }),
  scratchBytes: () => 0,
};
