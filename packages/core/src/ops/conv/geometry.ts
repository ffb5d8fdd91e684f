/** @file Sizes of a 2-D convolution and the one loop nest that the three convolution ops share. */
import { expected } from "../../errors.ts";
import { type Aval, showAval, showShape } from "../../program/aval.ts";
import { checkCount, checkInt, checkKind, checkRank, checkSameDType, FLOAT } from "../check.ts";

export const CONV_ATTRS: readonly string[] = ["strideH", "strideW", "padH", "padW", "dilH", "dilW", "groups"];

export interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly o: number;
  readonly kh: number;
  readonly kw: number;
  readonly oh: number;
  readonly ow: number;
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
  readonly dil: readonly [number, number];
  readonly groups: number;
}

/** floor((size + 2·pad - dil·(k - 1) - 1) / stride) + 1, and at least 1. */
export function outputSize(op: string, size: number, k: number, stride: number, pad: number, dil: number): number {
  const span = dil * (k - 1) + 1;
  if (size + 2 * pad < span) {
    expected(
      "SHAPE_MISMATCH",
      op,
      `a padded size of at least ${span}`,
      `${size} + 2*${pad}`,
      "the window is larger than the image",
    );
  }
  return Math.floor((size + 2 * pad - span) / stride) + 1;
}

/** Checks the seven attributes and sizes of image [N,C,H,W] and weight [O,C/groups,KH,KW]. */
export function geometry(op: string, x: readonly number[], w: readonly number[], attrs: readonly number[]): Geometry {
  for (let i = 0; i < 7; i++) checkInt(op, CONV_ATTRS[i]!, attrs[i], i === 2 || i === 3 ? 0 : 1);
  const [sh, sw, ph, pw, dh, dw, groups] = attrs as [number, number, number, number, number, number, number];
  const [n, c, h, width] = x as [number, number, number, number];
  const [o, cg, kh, kw] = w as [number, number, number, number];
  if (kh < 1 || kw < 1) expected("SHAPE_MISMATCH", op, "a kernel of at least 1x1", `${kh}x${kw}`);
  if (cg * groups !== c && groups === 1) expected("SHAPE_MISMATCH", op, `an input of ${cg} channels`, `${c}, in ${showShape(x)}`);
  if (cg * groups !== c || o % groups !== 0) {
    expected("SHAPE_MISMATCH", op, `channels that fit ${groups} groups`, `${c} in, ${cg} per group, ${o} out`);
  }
  const oh = outputSize(op, h, kh, sh, ph, dh);
  const ow = outputSize(op, width, kw, sw, pw, dw);
  return { n, c, h, w: width, o, kh, kw, oh, ow, stride: [sh, sw], pad: [ph, pw], dil: [dh, dw], groups };
}

/** The checks that all three ops share: two float images of rank 4 and one dtype. */
export function checkPair(op: string, a: Aval, b: Aval, attrs: readonly number[], count: number): void {
  checkCount(op, attrs, count);
  checkSameDType(op, a, b);
  checkKind(op, a, FLOAT);
  checkRank(op, a, 4);
  checkRank(op, b, 4);
}

/** Throws unless `g` has the shape of the convolution's result. */
export function checkResult(op: string, g: Aval, s: Geometry): void {
  const [n, o, oh, ow] = g.shape;
  if (n !== s.n || o !== s.o || oh !== s.oh || ow !== s.ow) {
    expected("SHAPE_MISMATCH", op, `a gradient of shape [${s.n},${s.o},${s.oh},${s.ow}]`, showAval(g));
  }
}

/** Products along one row of the result: y + t, x + t·step for t < count, all with the weight at w. */
export type Row = (y: number, x: number, w: number, count: number, step: number) => void;

/** Calls `row` until it has met every product of the convolution once, in a fixed order; padding is left out. */
export function eachRow(s: Geometry, row: Row): void {
  const cg = s.c / s.groups;
  const og = s.o / s.groups;
  for (let n = 0; n < s.n; n++) {
    for (let o = 0; o < s.o; o++) {
      const c0 = Math.floor(o / og) * cg;
      for (let c = 0; c < cg; c++) {
        const plane = (n * s.c + c0 + c) * s.h;
        eachTap(s, (k, i, line, j, count, column) => {
          row(
            ((n * s.o + o) * s.oh + i) * s.ow + j,
            (plane + line) * s.w + column,
            (o * cg + c) * s.kh * s.kw + k,
            count,
            s.stride[1],
          );
        });
      }
    }
  }
}

/** For every place k of the kernel and row i of the result: the columns j.. of the result whose window place lies in the image. */
function eachTap(
  s: Geometry,
  visit: (k: number, i: number, line: number, j: number, count: number, column: number) => void,
): void {
  for (let p = 0; p < s.kh; p++) {
    for (let q = 0; q < s.kw; q++) {
      // Column of the image at j = 0; negative in the padding.
      const left = q * s.dil[1] - s.pad[1];
      const first = left < 0 ? Math.ceil(-left / s.stride[1]) : 0;
      const count = Math.min(s.ow, Math.floor((s.w - 1 - left) / s.stride[1]) + 1) - first;
      if (count <= 0) continue;
      for (let i = 0; i < s.oh; i++) {
        const line = i * s.stride[0] - s.pad[0] + p * s.dil[0];
        if (line >= 0 && line < s.h) visit(p * s.kw + q, i, line, first, count, first * s.stride[1] + left);
      }
    }
  }
}
