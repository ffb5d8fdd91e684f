/** @file Shared values as the primitives see them: handles of regions in one party's memory. */

/**
 * Replicated additive shares modulo 2^64, x = x_0 + x_1 + x_2: party i holds x_i at `a` and x_{i+1} at `b` (byte addresses of
 * n u64 words each, n any number). Fixed-point scale is the caller's business. `depth` is the number of rounds that this
 * party's words depend on.
 */
export interface Shares {
  readonly a: number;
  readonly b: number;
  readonly n: number;
  readonly depth: number;
}

/** A range of elements with one assignment of roles: this party plays `role` (0, 1 or 2) for elements lo .. lo+n-1. */
export interface Piece {
  readonly index: number;
  readonly role: Role;
  readonly lo: number;
  readonly n: number;
}

export type Role = 0 | 1 | 2;

/**
 * Bits as the exclusive or of u, known to roles 0 and 1, and v, known to role 2, packed one bit per element at `words`
 * (element e at bit e of the region; pieces begin at multiples of 128). The piece map says who played which role: an op on
 * these bits uses the same map. They may be used any number of times.
 */
export interface SplitBits {
  readonly words: number;
  readonly n: number;
  readonly depth: number;
  readonly pieces: readonly Piece[];
}

/** Bytes of a bit-packed region: whole blocks of 128 bits. */
export function bitBytes(n: number): number {
  return Math.ceil(n / 128) * 16;
}

/** A matrix product of `batch` pairs: [m, k] times [k, n]. A stride (in elements) of 0 uses the same operand for every batch. */
export interface MatmulShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** x is stored [k, m]. */
  readonly transposeA?: boolean;
  /** y is stored [n, k]. */
  readonly transposeB?: boolean;
  readonly batch?: number;
  readonly strideA?: number;
  readonly strideB?: number;
}

/** A 2-D convolution: x [n, c, h, w], weights [o, c / groups, kh, kw], output [n, o, oh, ow]. */
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
  readonly dilH: number;
  readonly dilW: number;
  readonly groups: number;
}

/** Output height and width of a convolution. */
export function convOutput(s: ConvShape): { readonly oh: number; readonly ow: number } {
  return {
    oh: Math.floor((s.h + 2 * s.padH - s.dilH * (s.kh - 1) - 1) / s.strideH) + 1,
    ow: Math.floor((s.w + 2 * s.padW - s.dilW * (s.kw - 1) - 1) / s.strideW) + 1,
  };
}
