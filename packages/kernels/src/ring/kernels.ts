/** @file The exports of the ring module as TypeScript sees them: one table of names, and their types. */

/** Addresses are byte offsets in the module's memory. */
export type Address = number;

/** o = f(a, b), n elements; o may be an input. */
export type BinaryKernel = (a: Address, b: Address, o: Address, n: number) => void;
/** o = f(a). */
export type UnaryKernel = (a: Address, o: Address, n: number) => void;
/** o = f(a, s), with a ring element s: a bigint for 64 bits, a number for 32. */
export type ScalarKernel<S> = (a: Address, s: S, o: Address, n: number) => void;
/** o = f(c, a, b). */
export type TernaryKernel = (first: Address, second: Address, third: Address, o: Address, n: number) => void;
/** o[m, n] = f(x[m, n], line): line is a row [n] or a column [m]. */
export type BroadcastKernel = (m: number, n: number, x: Address, line: Address, o: Address) => void;
/** c[m, n] (+)= a[m, k] b[k, n]: strides in elements, unit column stride in c, workspace last. */
export type GemmKernel = (
  ...args: [
    ...sizes: [m: number, n: number, k: number],
    ...a: [a: Address, rowStride: number, columnStride: number],
    ...b: [b: Address, rowStride: number, columnStride: number],
    ...c: [c: Address, ldc: number, accumulate: number, workspace: Address],
  ]
) => void;
/** (table of 16 i32, two inputs, output, accumulate, workspace); see as/ring/convolution.ts. */
export type ConvKernel = (
  table: Address,
  first: Address,
  second: Address,
  o: Address,
  accumulate: number,
  workspace: Address,
) => void;

/** Names of the kernels of each shape; each exists with the suffixes 64 and 32. */
export const BINARY = ["add", "sub", "mul", "and", "or", "xor", "eq", "ne", "ltS", "leS", "ltU", "leU"] as const;
export const UNARY = ["neg", "not"] as const;
export const SCALAR = ["addScalar", "subFromScalar", "mulScalar", "andScalar", "xorScalar"] as const;
/** The scalar is a shift count below the width; a larger one traps. */
export const SHIFT = ["shl", "shrU", "shrS"] as const;
/** select(mask, a, b): bits of a where the mask has ones, else of b. mulAdd(a, b, c): c + a b. */
export const TERNARY = ["select", "mulAdd"] as const;
export const BROADCAST = ["addRow", "addColumn", "subRow", "subColumn", "mulRow", "mulColumn"] as const;
export const CONV = ["convForward", "convInputGradient", "convWeightGradient"] as const;

type Both<N extends string, F> = { readonly [K in `${N}${64 | 32}`]: F };

type ScalarKernels = { readonly [K in `${(typeof SCALAR)[number]}64`]: ScalarKernel<bigint> } & {
  readonly [K in `${(typeof SCALAR)[number]}32`]: ScalarKernel<number>;
};

/** What the table does not cover: one of a kind. */
export interface SingleKernels {
  /** Bytes that gemm64 needs at workspace, accumulating or not. */
  gemm64WorkspaceBytes(m: number, n: number, k: number): number;
  gemm32WorkspaceBytes(m: number, n: number, k: number): number;
  /** Bytes that each convolution of this table needs at workspace. */
  convWorkspaceBytes64(table: Address): number;
  convWorkspaceBytes32(table: Address): number;
  /** o[outer, inner] = sum of x[outer, reduced, inner] over the middle. */
  sum64(outer: number, reduced: number, inner: number, x: Address, o: Address): void;
  sum32(outer: number, reduced: number, inner: number, x: Address, o: Address): void;
  /** Elements of 8 or 4 bytes; table of 18 i32: sizes, source strides, destination strides, outermost first. */
  stridedCopy(bytes: number, table: Address, src: Address, dst: Address): void;
  /** 128 u64 <-> 64 planes of 16 bytes, blocks of 1024 bytes; bit i of half h of plane b is bit b of element 2 i + h. */
  slice128(blocks: number, src: Address, dst: Address): void;
  unslice128(blocks: number, src: Address, dst: Address): void;
  /** One level of a (generate, propagate) tree in place; returns the planes left. */
  carryLevel(planes: number, g: Address, p: Address): number;
  /** Carry out of a + b of `planes` bits, per block one vector; overwrites a and b. */
  carryTree(blocks: number, planes: number, a: Address, b: Address, carry: Address): void;
  /** o = x0 y0 xor x0 y1 xor x1 y0 xor mask; bytes a multiple of 16. */
  andShares(bytes: number, x0: Address, x1: Address, y0: Address, y1: Address, mask: Address, o: Address): void;
  /** One tree level over replicated XOR shares: n pairs of planes of width bytes; zg, zp hold masks and get the result. */
  carryLevelShares(
    ...args: [n: number, width: number, g0: Address, g1: Address, p0: Address, p1: Address, zg: Address, zp: Address]
  ): void;
  /** blocks * 64 bytes of keystream; advances word 12 of the state; traps before it wraps. rounds: 8, 12, 20. */
  chachaKeystream(state: Address, out: Address, blocks: number, rounds: number): void;
  /** out = src xor keystream; advances the counter by ceil(bytes / 64). */
  chachaXor(state: Address, src: Address, out: Address, bytes: number, rounds: number): void;
  zeroise(ptr: Address, bytes: number): void;
}

/** Everything the module exports; nothing allocates. Comparisons give masks: all ones or zero. */
export type RingExports = Both<(typeof BINARY)[number], BinaryKernel> &
  Both<(typeof UNARY)[number], UnaryKernel> &
  Both<(typeof SHIFT)[number], ScalarKernel<number>> &
  Both<(typeof TERNARY)[number], TernaryKernel> &
  Both<(typeof BROADCAST)[number], BroadcastKernel> &
  Both<(typeof CONV)[number], ConvKernel> &
  Both<"gemm", GemmKernel> &
  ScalarKernels &
  SingleKernels;

/** The exports and the memory that they work on. */
export type RingKernels = RingExports & { readonly memory: WebAssembly.Memory };

/** Names of the single kernels, for the check at load time. */
export const SINGLE = [
  ...["gemm64WorkspaceBytes", "gemm32WorkspaceBytes", "convWorkspaceBytes64", "convWorkspaceBytes32"],
  ...["sum64", "sum32", "stridedCopy", "slice128", "unslice128", "carryLevel", "carryTree", "andShares"],
  ...["carryLevelShares", "chachaKeystream", "chachaXor", "zeroise"],
] as readonly (keyof SingleKernels)[];

/** Fields of a convolution's table, in order; padding is that at the top and left. */
export const CONV_FIELDS = [
  ...["n", "c", "h", "w", "o", "kh", "kw", "strideH", "strideW", "padH", "padW"],
  ...["dilationH", "dilationW", "groups", "oh", "ow"],
] as readonly (keyof ConvShape)[];

/** Sizes of a convolution: x[n, c, h, w], weights[o, c / groups, kh, kw], y[n, o, oh, ow]. */
export interface ConvShape {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly o: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padH: number;
  readonly padW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly groups: number;
  readonly oh: number;
  readonly ow: number;
}

/** The 16 words that convForward and its gradients read. */
export function convTable(shape: ConvShape): Int32Array {
  return Int32Array.from(CONV_FIELDS, (name) => shape[name]);
}
