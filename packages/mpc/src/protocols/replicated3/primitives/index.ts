/**
 * @file The primitives of replicated3, for a run of a Program.
 *
 * Rules. An op never frees or changes its arguments, except a Raw, which it consumes. Results are fresh regions that the
 * caller frees (`free`). `id` is an immutable number from the Program (node * 64 + sub), used once per run: an interactive op with
 * a used id throws. Interactive ops may run concurrently (Promise.all): independent ones share rounds.
 */
import type { BitShares, ConvShape, MatmulShape, Shares, SplitBits } from "./values.ts";

export type { BitShares, ConvShape, MatmulShape, Piece, Role, Shares, SplitBits } from "./values.ts";
export { bitBytes, convOutput } from "./values.ts";

/** One party in one run: { me, links, kernels, memory, run, attempt, streams }. */
export declare class Context {
  readonly me: 0 | 1 | 2;
  /** Rounds so far: the largest depth of anything received or sent. */
  readonly rounds: number;
}

/** A 3-of-3 additive sharing of a product, not yet re-randomised: LINEAR, exactly one consumer (truncate or reshare). */
export declare class Raw {
  readonly n: number;
  readonly depth: number;
}

// ---- making and freeing
/** Fresh zero shares of n elements (a valid sharing of 0). */
export declare function zeros(ctx: Context, n: number): Shares;
/** The sharing (v, 0, 0) of public ring integers, the same at all parties. */
export declare function fromPublic(ctx: Context, values: BigInt64Array | BigUint64Array): Shares;
/** Elements start .. start+n-1 of x, without a copy: do not free it. */
export declare function view(x: Shares, start: number, n: number): Shares;
/** Zeroises and frees. */
export declare function free(ctx: Context, x: Shares | SplitBits | BitShares | Raw): void;

// ---- local ops: no message
export declare function add(ctx: Context, x: Shares, y: Shares): Shares;
export declare function sub(ctx: Context, x: Shares, y: Shares): Shares;
export declare function neg(ctx: Context, x: Shares): Shares;
/** x + values (public ring integers; one scalar for all elements, or n of them). */
export declare function addPublic(ctx: Context, x: Shares, values: bigint | BigInt64Array): Shares;
/** x times public ring integers (one, or n of them); the scale grows by that of the factor: truncateShares afterwards. */
export declare function mulPublicInteger(ctx: Context, x: Shares, values: bigint | BigInt64Array): Shares;
/** x [rows, cols] op row [cols] or column [rows]. */
export declare function addRow(ctx: Context, x: Shares, row: Shares, rows: number, cols: number): Shares;
export declare function subRow(ctx: Context, x: Shares, row: Shares, rows: number, cols: number): Shares;
export declare function addColumn(ctx: Context, x: Shares, column: Shares, rows: number, cols: number): Shares;
export declare function subColumn(ctx: Context, x: Shares, column: Shares, rows: number, cols: number): Shares;
/** Sum of [outer, axis, inner] over the axis: [outer, inner]. */
export declare function sum(ctx: Context, x: Shares, outer: number, axis: number, inner: number): Shares;
/**
 * out[i_0, ..., i_r-1] = x[offset + sum i_j * strides[j]] for i_j < shape[j]; rank <= 8; strides may be 0 (expand) or negative (flip).
 * Permute, slice, expand, flip, broadcast.
 */
export declare function stridedRead(ctx: Context, x: Shares, shape: readonly number[], strides: readonly number[], offset?: number): Shares;
/** Writes contiguous x of `shape` into out at offset + sum i_j * strides[j] (pad, cat). Changes out in place. */
export declare function stridedWrite(
  ctx: Context,
  x: Shares,
  out: Shares,
  shape: readonly number[],
  strides: readonly number[],
  offset?: number,
): Shares;

// ---- products: local, 3-of-3 result
/** Elementwise products. */
export declare function mulRaw(ctx: Context, x: Shares, y: Shares): Raw;
/** x [rows, cols] times row [cols] or column [rows], elementwise. */
export declare function mulRowRaw(ctx: Context, x: Shares, row: Shares, rows: number, cols: number): Raw;
export declare function mulColumnRaw(ctx: Context, x: Shares, column: Shares, rows: number, cols: number): Raw;
/** 5 ring products for the three parties; `id` only chooses the rotation of roles. */
export declare function matmulRaw(ctx: Context, id: number, x: Shares, y: Shares, shape: MatmulShape): Raw;
export declare function convRaw(ctx: Context, id: number, x: Shares, w: Shares, shape: ConvShape): Raw;
/** Gradient of a convolution for its input: g [n, o, oh, ow], w -> [n, c, h, w]. */
export declare function convGradInputRaw(ctx: Context, id: number, g: Shares, w: Shares, shape: ConvShape): Raw;
/** Gradient for the weights: x, g -> [o, c / groups, kh, kw]. */
export declare function convGradWeightRaw(ctx: Context, id: number, x: Shares, g: Shares, shape: ConvShape): Raw;
/** raw times a public integer (consumes raw, returns it as a new Raw). */
export declare function scaleRaw(ctx: Context, raw: Raw, factor: bigint): Raw;
/** raw + x * factor, both at the raw product's scale (bias: factor = 2^f). x.n = raw.n. */
export declare function addToRaw(ctx: Context, raw: Raw, x: Shares, factor: bigint): Raw;
/** Sum of two raws (consumes both). */
export declare function addRaw(ctx: Context, x: Raw, y: Raw): Raw;
/** Sum of raw [outer, axis, inner] over the axis (consumes raw): one truncation for a whole dot product. */
export declare function sumRaw(ctx: Context, raw: Raw, outer: number, axis: number, inner: number): Raw;
/** Public ring matrix times shares, local: result is Shares at the product's scale. Which operand is public is said by its type. */
export declare function matmulPublic(ctx: Context, x: Shares | BigInt64Array, y: Shares | BigInt64Array, shape: MatmulShape): Shares;
export declare function convPublic(ctx: Context, x: Shares | BigInt64Array, w: Shares | BigInt64Array, shape: ConvShape): Shares;
export declare function convGradInputPublic(ctx: Context, g: Shares | BigInt64Array, w: Shares | BigInt64Array, shape: ConvShape): Shares;
export declare function convGradWeightPublic(ctx: Context, x: Shares | BigInt64Array, g: Shares | BigInt64Array, shape: ConvShape): Shares;

// ---- interactive
/** floor((x + rho) / 2^shift), rho uniform in [0, 2^shift); |x| < 2^62, 0 <= shift <= 31. Consumes raw. 2 rounds. */
export declare function truncate(ctx: Context, id: number, raw: Raw, shift: number): Promise<Shares>;
/** The same for an existing sharing. 2 rounds. */
export declare function truncateShares(ctx: Context, id: number, x: Shares, shift: number): Promise<Shares>;
/** Replicated shares of a raw product, scale unchanged. Consumes raw. 1 round, 8 B. */
export declare function reshare(ctx: Context, id: number, raw: Raw): Promise<Shares>;
export interface SignOptions {
  /** The bit is [x >= threshold]; 0n (default): non-negative, 1n: positive. Exact unless x - threshold leaves the ring. */
  readonly threshold?: bigint;
  /** Also give the carry out of the low `carryBits` bits (a multiple of 4, 4..60) of A + B, A = x_1 (roles 0, 1), B = x_2 + x_0. */
  readonly carryBits?: number;
}
/** Bits [x >= threshold], exact on 64 bits. 6 rounds. */
export declare function signBits(ctx: Context, id: number, x: Shares, options?: SignOptions): Promise<{ bits: SplitBits; carry?: SplitBits }>;
/** bit * x. 1 round. */
export declare function inject(ctx: Context, id: number, bits: SplitBits, x: Shares): Promise<Shares>;
/** max(x, 0) and the bits [x > 0]. 7 rounds. */
export declare function relu(ctx: Context, id: number, x: Shares): Promise<{ y: Shares; bits: SplitBits }>;
/** The bits as ring integers 0 or 1 (scale 0). 1 round. */
export declare function bitsToArithmetic(ctx: Context, id: number, bits: SplitBits): Promise<Shares>;
/** bit ? x : y. 1 round. */
export declare function select(ctx: Context, id: number, bits: SplitBits, x: Shares, y: Shares): Promise<Shares>;
/** Every word to every party. 1 round, 8 B, exactly n words. */
export declare function open(ctx: Context, id: number, x: Shares): Promise<BigInt64Array>;
/** What goes to a recipient who is not a party: own component x_i plus a fresh zero-share, 8 n bytes. Local. */
export declare function exportComponent(ctx: Context, id: number, x: Shares): Uint8Array;

// ---- bits
/** not bit. Local. */
export declare function notBits(ctx: Context, bits: SplitBits): SplitBits;
/** Exclusive or of two sets of bits with the same pieces. Local. */
export declare function xorBits(ctx: Context, x: SplitBits, y: SplitBits): SplitBits;
/** Replicated bit shares; role 2's message overlaps the round that made the bits. 1 round, 1/24 B. */
export declare function toBitShares(ctx: Context, id: number, bits: SplitBits): Promise<BitShares>;
/** x and y. 1 round, 1 bit. */
export declare function and(ctx: Context, id: number, x: BitShares, y: BitShares): Promise<BitShares>;
/** The conjunction of all, elementwise: ceil(log2 k) rounds. */
export declare function andTree(ctx: Context, id: number, xs: readonly BitShares[]): Promise<BitShares>;
export declare function notBitShares(ctx: Context, x: BitShares): BitShares;
export declare function xorBitShares(ctx: Context, x: BitShares, y: BitShares): BitShares;
/** Back to u xor v, without a message: u = x_1, v = x_2 ^ x_0 (for inject, bitsToArithmetic). */
export declare function toSplitBits(ctx: Context, id: number, x: BitShares): SplitBits;
