/** @file The ring kernels in plain TypeScript on bigint arrays: slow, obvious, the oracle of the tests. */
import type { ConvShape } from "./kernels.ts";

/** Bits of an element: the ring is the integers mod 2^width. */
export type Width = 64 | 32;
type Op2 = (a: bigint, b: bigint) => bigint;

/** -1n as an unsigned element: the mask of a comparison that holds. */
function mask(width: Width, holds: boolean): bigint {
  return holds ? BigInt.asUintN(width, -1n) : 0n;
}

/** Scalar meaning of each two-operand kernel (for shifts b is the count); operands and results in [0, 2^width). */
export function elementReference(name: string, width: Width, a: bigint, b: bigint, c = 0n): bigint {
  const signed = (x: bigint): bigint => BigInt.asIntN(width, x);
  const table: Record<string, () => bigint> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    and: () => a & b,
    or: () => a | b,
    xor: () => a ^ b,
    neg: () => -a,
    not: () => ~a,
    eq: () => mask(width, a === b),
    ne: () => mask(width, a !== b),
    ltS: () => mask(width, signed(a) < signed(b)),
    leS: () => mask(width, signed(a) <= signed(b)),
    ltU: () => mask(width, a < b),
    leU: () => mask(width, a <= b),
    addScalar: () => a + b,
    subFromScalar: () => b - a,
    mulScalar: () => a * b,
    andScalar: () => a & b,
    xorScalar: () => a ^ b,
    shl: () => a << b,
    shrU: () => a >> b,
    shrS: () => signed(a) >> b,
    select: () => (b & a) | (c & ~a),
    mulAdd: () => c + a * b,
  };
  return BigInt.asUintN(width, table[name]!());
}

/** c[m, n] = a b, element (i, p) of a at i * rsa + p * csa. */
export function gemmReference(
  width: Width,
  [m, n, k]: readonly [number, number, number],
  a: (i: number, p: number) => bigint,
  b: (p: number, j: number) => bigint,
): bigint[] {
  const out: bigint[] = [];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0n;
      for (let p = 0; p < k; p++) sum += a(i, p) * b(p, j);
      out.push(BigInt.asUintN(width, sum));
    }
  }
  return out;
}

/** Visits every (y, x, w) index triple of a convolution that is multiplied. */
function eachTap(s: ConvShape, visit: (y: number, x: number, w: number) => void): void {
  const channels = s.c / s.groups;
  const outs = s.o / s.groups;
  const inside = (r: number, q: number): boolean => r >= 0 && r < s.h && q >= 0 && q < s.w;
  for (let yi = 0; yi < s.n * s.o * s.oh * s.ow; yi++) {
    const q = yi % s.ow;
    const p = Math.floor(yi / s.ow) % s.oh;
    const o = Math.floor(yi / (s.ow * s.oh)) % s.o;
    const image = Math.floor(yi / (s.ow * s.oh * s.o));
    for (let tap = 0; tap < channels * s.kh * s.kw; tap++) {
      const j = tap % s.kw;
      const i = Math.floor(tap / s.kw) % s.kh;
      const c = Math.floor(tap / (s.kw * s.kh)) + Math.floor(o / outs) * channels;
      const row = p * s.strideH - s.padH + i * s.dilationH;
      const column = q * s.strideW - s.padW + j * s.dilationW;
      const x = ((image * s.c + c) * s.h + row) * s.w + column;
      if (inside(row, column)) visit(yi, x, o * channels * s.kh * s.kw + tap);
    }
  }
}

function accumulateTaps(width: Width, s: ConvShape, size: number, at: "y" | "x" | "w", product: Op2, pick: TapPick): bigint[] {
  const out = new Array<bigint>(size).fill(0n);
  eachTap(s, (y, x, w) => {
    const to = at === "y" ? y : at === "x" ? x : w;
    const [f, g] = pick(y, x, w);
    out[to] = BigInt.asUintN(width, out[to]! + product(f, g));
  });
  return out;
}
type TapPick = (y: number, x: number, w: number) => readonly [bigint, bigint];
const times: Op2 = (a, b) => a * b;

/** y[n, o, oh, ow]. */
export function convReference(width: Width, s: ConvShape, x: ArrayLike<bigint>, w: ArrayLike<bigint>): bigint[] {
  return accumulateTaps(width, s, s.n * s.o * s.oh * s.ow, "y", times, (_, xi, wi) => [x[xi]!, w[wi]!]);
}
/** dx[n, c, h, w]. */
export function convInputGradientReference(width: Width, s: ConvShape, dy: ArrayLike<bigint>, w: ArrayLike<bigint>): bigint[] {
  return accumulateTaps(width, s, s.n * s.c * s.h * s.w, "x", times, (yi, _, wi) => [dy[yi]!, w[wi]!]);
}
/** dw[o, c / groups, kh, kw]. */
export function convWeightGradientReference(width: Width, s: ConvShape, x: ArrayLike<bigint>, dy: ArrayLike<bigint>): bigint[] {
  const size = (s.o * s.c * s.kh * s.kw) / s.groups;
  return accumulateTaps(width, s, size, "w", times, (yi, xi) => [x[xi]!, dy[yi]!]);
}
