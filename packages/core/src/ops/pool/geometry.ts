/** @file Sizes of 2-D pooling windows and the walk over them. */
import { expected } from "../../errors.ts";
import { type Aval, showAval } from "../../program/aval.ts";
import { checkInt, checkKind, checkRank, FLOAT } from "../check.ts";
import { outputSize } from "../conv/geometry.ts";

export const POOL_ATTRS: readonly string[] = ["kH", "kW", "sH", "sW", "pH", "pW"];

export interface Geometry {
  readonly planes: number;
  readonly h: number;
  readonly w: number;
  readonly oh: number;
  readonly ow: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
}

/** Padding is at most half the kernel, as in PyTorch: every window then covers a part of the image. */
export function geometry(op: string, shape: readonly number[], attrs: readonly number[]): Geometry {
  for (let i = 0; i < 6; i++) checkInt(op, POOL_ATTRS[i]!, attrs[i], i < 4 ? 1 : 0);
  const [kh, kw, sh, sw, ph, pw] = attrs as [number, number, number, number, number, number];
  const [n, c, h, w] = shape as [number, number, number, number];
  if (2 * ph > kh || 2 * pw > kw)
    expected("ATTR_INVALID", op, "a padding of at most half the kernel", `${ph},${pw} with ${kh}x${kw}`);
  const oh = outputSize(op, h, kh, sh, ph, 1);
  const ow = outputSize(op, w, kw, sw, pw, 1);
  return { planes: n * c, h, w, oh, ow, kernel: [kh, kw], stride: [sh, sw], pad: [ph, pw] };
}

export function checkImage(op: string, x: Aval): void {
  checkKind(op, x, FLOAT);
  checkRank(op, x, 4);
}

/** Throws unless `g` is [N,C] of `like` with the spatial size of the result. */
export function checkResult(op: string, g: Aval, n: number, c: number, s: Geometry): void {
  if (g.shape.length !== 4 || g.shape[0] !== n || g.shape[1] !== c || g.shape[2] !== s.oh || g.shape[3] !== s.ow) {
    expected("SHAPE_MISMATCH", op, `shape [${n},${c},${s.oh},${s.ow}]`, showAval(g));
  }
}

/** Calls `tap(y, x)` for every place x of the image in every window y, windows and places in row-major order. */
export function eachTap(s: Geometry, tap: (y: number, x: number) => void): void {
  for (let plane = 0, y = 0; plane < s.planes; plane++) {
    for (let i = 0; i < s.oh; i++) {
      const top = i * s.stride[0] - s.pad[0];
      for (let j = 0; j < s.ow; j++, y++) {
        const left = j * s.stride[1] - s.pad[1];
        for (let row = Math.max(top, 0); row < Math.min(top + s.kernel[0], s.h); row++) {
          for (let column = Math.max(left, 0); column < Math.min(left + s.kernel[1], s.w); column++) {
            tap(y, (plane * s.h + row) * s.w + column);
          }
        }
      }
    }
  }
}

/** What each window's mean divides by: its whole size, or the part of it that lies in the image. Sizes are rounded down: no window ends beyond the padding. */
export function divisors(s: Geometry, countIncludePad: boolean): Float64Array {
  const span = (at: number, k: number, size: number): number => (countIncludePad ? k : Math.min(at + k, size) - Math.max(at, 0));
  const d = new Float64Array(s.oh * s.ow);
  for (let i = 0; i < s.oh; i++) {
    const rows = span(i * s.stride[0] - s.pad[0], s.kernel[0], s.h);
    for (let j = 0; j < s.ow; j++) d[i * s.ow + j] = rows * span(j * s.stride[1] - s.pad[1], s.kernel[1], s.w);
  }
  return d;
}
