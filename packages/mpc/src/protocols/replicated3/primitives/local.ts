/** @file Local operations on shares: no message, no stream. */
import { expected, TacitError } from "@tacit/core/errors";
import { PRIVATE } from "../memory.ts";
import type { Context } from "./context.ts";
import { Raw } from "./raw.ts";
import { bitBytes, type Shares, type SplitBits } from "./values.ts";

/** Public ring integers: one for all elements, or one for each. */
export type PublicValues = bigint | BigInt64Array;

export function sameSize(op: string, x: { readonly n: number }, y: { readonly n: number }): void {
  if (x.n !== y.n) expected("MPC_SHAPE", op, `${x.n} elements`, `${y.n}`);
}

function elements(op: string, x: { readonly n: number }, n: number): void {
  if (x.n !== n) expected("MPC_SHAPE", op, `${n} elements`, `${x.n}`);
}

/** Two fresh zeroed regions of n elements. */
export function fresh(ctx: Context, n: number, depth: number): Shares {
  return { a: ctx.alloc(8 * n), b: ctx.alloc(8 * n), n, depth };
}

/** A sharing of n zeros: (0, 0, 0). */
export function zeros(ctx: Context, n: number): Shares {
  return fresh(ctx, n, 0);
}

/** The sharing (v, 0, 0) of public ring integers, the same at all parties. */
export function fromPublic(ctx: Context, values: BigInt64Array | BigUint64Array): Shares {
  const out = fresh(ctx, values.length, 0);
  if (ctx.me === 0) ctx.memory.write(out.a, values);
  if (ctx.me === 2) ctx.memory.write(out.b, values);
  return out;
}

/** Elements start .. start + n - 1 of x, without a copy: it lives as long as x, and is not freed. */
export function view(x: Shares, start: number, n: number): Shares {
  if (start < 0 || n < 0 || start + n > x.n) expected("MPC_SHAPE", "view", `a range within ${x.n} elements`, `${start} + ${n}`);
  return { a: x.a + 8 * start, b: x.b + 8 * start, n, depth: x.depth };
}

/** Zeroises and frees. */
export function free(ctx: Context, x: Shares | SplitBits | Raw): void {
  if (x instanceof Raw) x.drop(ctx);
  else if ("words" in x) ctx.release(x.words);
  else ctx.release(x.a, x.b);
}

/** Applies a kernel to both components. */
function both(ctx: Context, n: number, depth: number, kernel: (component: "a" | "b", out: number) => void): Shares {
  const out = fresh(ctx, n, depth);
  kernel("a", out.a);
  kernel("b", out.b);
  return out;
}

export function add(ctx: Context, x: Shares, y: Shares): Shares {
  sameSize("add", x, y);
  return both(ctx, x.n, Math.max(x.depth, y.depth), (c, out) => ctx.kernels.add64(x[c], y[c], out, x.n));
}

export function sub(ctx: Context, x: Shares, y: Shares): Shares {
  sameSize("sub", x, y);
  return both(ctx, x.n, Math.max(x.depth, y.depth), (c, out) => ctx.kernels.sub64(x[c], y[c], out, x.n));
}

export function neg(ctx: Context, x: Shares): Shares {
  return both(ctx, x.n, x.depth, (c, out) => ctx.kernels.neg64(x[c], out, x.n));
}

/** A copy with regions of its own (of a view, for instance). */
export function copy(ctx: Context, x: Shares): Shares {
  return both(ctx, x.n, x.depth, (c, out) => ctx.kernels.addScalar64(x[c], 0n, out, x.n));
}

/** Runs `use` with public values in a region of the arena. */
function withValues(ctx: Context, values: BigInt64Array, use: (at: number) => void): void {
  const at = ctx.alloc(8 * values.length);
  ctx.memory.write(at, values);
  use(at);
  ctx.release(at);
}

/** x + values: component x_0 takes them (party 0's first, party 2's second). */
export function addPublic(ctx: Context, x: Shares, values: PublicValues): Shares {
  const out = copy(ctx, x);
  const at = ctx.me === 0 ? out.a : out.b;
  if (typeof values !== "bigint") elements("addPublic", { n: values.length }, x.n);
  if (ctx.me === 1) return out;
  if (typeof values === "bigint") ctx.kernels.addScalar64(at, BigInt.asIntN(64, values), at, x.n);
  else withValues(ctx, values, (v) => ctx.kernels.add64(at, v, at, x.n));
  return out;
}

/** x times public ring integers. A fixed-point factor of scale s makes the scale grow by s: truncateShares afterwards. */
export function mulPublicInteger(ctx: Context, x: Shares, values: PublicValues): Shares {
  if (typeof values === "bigint") {
    const factor = BigInt.asIntN(64, values);
    return both(ctx, x.n, x.depth, (c, out) => ctx.kernels.mulScalar64(x[c], factor, out, x.n));
  }
  elements("mulPublicInteger", { n: values.length }, x.n);
  const out = fresh(ctx, x.n, x.depth);
  withValues(ctx, values, (v) => {
    ctx.kernels.mul64(x.a, v, out.a, x.n);
    ctx.kernels.mul64(x.b, v, out.b, x.n);
  });
  return out;
}

type Broadcast = "addRow64" | "subRow64" | "addColumn64" | "subColumn64";

function broadcast(ctx: Context, kernel: Broadcast, x: Shares, line: Shares, rows: number, cols: number): Shares {
  elements(kernel, x, rows * cols);
  elements(kernel, line, kernel.includes("Row") ? cols : rows);
  const depth = Math.max(x.depth, line.depth);
  return both(ctx, x.n, depth, (c, out) => ctx.kernels[kernel](rows, cols, x[c], line[c], out));
}

/** x [rows, cols] + row [cols]. */
export function addRow(ctx: Context, x: Shares, row: Shares, rows: number, cols: number): Shares {
  return broadcast(ctx, "addRow64", x, row, rows, cols);
}
/** x [rows, cols] - row [cols]. */
export function subRow(ctx: Context, x: Shares, row: Shares, rows: number, cols: number): Shares {
  return broadcast(ctx, "subRow64", x, row, rows, cols);
}
/** x [rows, cols] + column [rows]. */
export function addColumn(ctx: Context, x: Shares, column: Shares, rows: number, cols: number): Shares {
  return broadcast(ctx, "addColumn64", x, column, rows, cols);
}
/** x [rows, cols] - column [rows]. */
export function subColumn(ctx: Context, x: Shares, column: Shares, rows: number, cols: number): Shares {
  return broadcast(ctx, "subColumn64", x, column, rows, cols);
}

/** Sum of [outer, axis, inner] over the axis: [outer, inner]. */
export function sum(ctx: Context, x: Shares, outer: number, axis: number, inner: number): Shares {
  elements("sum", x, outer * axis * inner);
  return both(ctx, outer * inner, x.depth, (c, out) => ctx.kernels.sum64(outer, axis, inner, x[c], out));
}

interface Walk {
  readonly shape: number[];
  readonly strides: number[];
}

const MAX_RANK = 6;

/** Drops axes of size 1 and merges axes that lie one behind the other, so that inner lines are long. */
function walk(op: string, shape: readonly number[], strides: readonly number[]): Walk {
  if (shape.length !== strides.length) expected("MPC_SHAPE", op, `${shape.length} strides`, `${strides.length}`);
  const out: Walk = { shape: [], strides: [] };
  shape.forEach((size, i) => {
    if (size === 1) return;
    const stride = strides[i]!;
    const last = out.shape.length - 1;
    if (last >= 0 && out.strides[last] === stride * size) {
      out.shape[last]! *= size;
      out.strides[last] = stride;
    } else {
      out.shape.push(size);
      out.strides.push(stride);
    }
  });
  if (out.shape.length === 0) return { shape: [1], strides: [1] };
  if (out.shape.length > MAX_RANK) expected("MPC_SHAPE", op, `at most ${MAX_RANK} axes after merging`, `${out.shape.length}`);
  return out;
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Throws unless every element of the walk lies within n elements. */
function inside(op: string, shape: readonly number[], strides: readonly number[], offset: number, n: number): void {
  if (product(shape) === 0) return;
  let lo = offset;
  let hi = offset;
  shape.forEach((size, i) => {
    const reach = (size - 1) * strides[i]!;
    if (reach < 0) lo += reach;
    else hi += reach;
  });
  if (lo < 0 || hi >= n) {
    throw new TacitError("MPC_SHAPE", `${op}: expected elements within ${n}, got ${lo} to ${hi}`, {});
  }
}

/** Strides of a contiguous tensor. */
function contiguous(shape: readonly number[]): number[] {
  const strides: number[] = [];
  for (let i = shape.length - 1, stride = 1; i >= 0; stride *= shape[i--]!) strides[i] = stride;
  return strides;
}

/** Copies both components between a strided and a contiguous tensor. */
function copyStrided(ctx: Context, w: Walk, toContiguous: boolean, from: readonly number[], to: readonly number[]): void {
  const pad = (list: readonly number[], fill: number): number[] => [...new Array<number>(6 - list.length).fill(fill), ...list];
  const [strided, plain] = [pad(w.strides, 0), pad(contiguous(w.shape), 0)];
  const [source, target] = toContiguous ? [strided, plain] : [plain, strided];
  ctx.memory.writePrivate(PRIVATE.descriptor, [...pad(w.shape, 1), ...source, ...target]);
  from.forEach((src, i) => {
    ctx.kernels.stridedCopy(8, PRIVATE.descriptor, src, to[i]!);
  });
}

/**
 * out[i_0, ..., i_r-1] = x[offset + sum i_j strides[j]], i_j < shape[j]: permute, slice, expand (stride 0), flip (negative).
 * Throws MPC_SHAPE when an element lies outside x, or more than 6 axes remain after merging.
 */
export function stridedRead(ctx: Context, x: Shares, shape: readonly number[], strides: readonly number[], offset = 0): Shares {
  inside("stridedRead", shape, strides, offset, x.n);
  const w = walk("stridedRead", shape, strides);
  const out = fresh(ctx, product(shape), x.depth);
  if (out.n > 0) copyStrided(ctx, w, true, [x.a + 8 * offset, x.b + 8 * offset], [out.a, out.b]);
  return out;
}

/**
 * Writes contiguous x of `shape` into `out` at offset + sum i_j * strides[j] (pad, cat: into zeros). Changes out's regions; the
 * handle returned replaces it (its depth covers both).
 */
export function stridedWrite(
  ctx: Context,
  x: Shares,
  out: Shares,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Shares {
  elements("stridedWrite", x, product(shape));
  inside("stridedWrite", shape, strides, offset, out.n);
  const w = walk("stridedWrite", shape, strides);
  if (x.n > 0) copyStrided(ctx, w, false, [x.a, x.b], [out.a + 8 * offset, out.b + 8 * offset]);
  return { ...out, depth: Math.max(out.depth, x.depth) };
}

/** not bit: roles 0 and 1 flip u. Local. */
export function notBits(ctx: Context, bits: SplitBits): SplitBits {
  const words = ctx.alloc(bitBytes(bits.n));
  for (const p of bits.pieces) {
    const at = p.lo / 8;
    ctx.kernels.xorBytes(bitBytes(p.n), bits.words + at, 0, words + at, p.role === 2 ? 0 : -1);
  }
  return { ...bits, words };
}

/** Exclusive or of bits with the same pieces. Local. Throws MPC_SHAPE when the pieces differ. */
export function xorBits(ctx: Context, x: SplitBits, y: SplitBits): SplitBits {
  const alike = x.n === y.n && x.pieces.every((p, i) => p.lo === y.pieces[i]?.lo && p.role === y.pieces[i]?.role);
  if (!alike) expected("MPC_SHAPE", "xorBits", "bits with the same pieces", "different ones");
  const words = ctx.alloc(bitBytes(x.n));
  ctx.kernels.xorBytes(bitBytes(x.n), x.words, y.words, words, 0);
  return { ...x, words, depth: Math.max(x.depth, y.depth) };
}
