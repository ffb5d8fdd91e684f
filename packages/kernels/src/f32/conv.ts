/** @file 2-D convolution, NCHW, and its gradients: parameters, words, scratch. */
import type { Address, Instruction, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";
import { conv2dGradInputReference, conv2dGradWeightReference, conv2dReference } from "./reference/conv.ts";

/** Sizes of a forward convolution x[n,c,h,w] * w[o,c/groups,kh,kw] -> y[n,o,oh,ow], oh = floor((h + 2 ph - dh (kh - 1) - 1) / sh) + 1. */
export interface ConvSizes {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly o: number;
  readonly kh: number;
  readonly kw: number;
  readonly strideH?: number;
  readonly strideW?: number;
  readonly padH?: number;
  readonly padW?: number;
  readonly dilationH?: number;
  readonly dilationW?: number;
  readonly groups?: number;
}
/** y = epilogue(x * weight): bias[o], then relu. */
export interface ConvParams extends ConvSizes {
  readonly x: Address;
  readonly weight: Address;
  readonly y: Address;
  readonly bias?: Address;
  readonly relu?: boolean;
}
/** dx[n,c,h,w] from dy[n,o,oh,ow]. */
export interface ConvGradInputParams extends ConvSizes {
  readonly dy: Address;
  readonly weight: Address;
  readonly dx: Address;
}
/** dw[o,c/groups,kh,kw] from x and dy. */
export interface ConvGradWeightParams extends ConvSizes {
  readonly x: Address;
  readonly dy: Address;
  readonly dw: Address;
}

/** All sizes of a convolution, defaults filled in. */
export interface ConvGeometry extends Required<ConvSizes> {
  readonly oh: number;
  readonly ow: number;
}
export function convGeometry(p: ConvSizes): ConvGeometry {
  const { strideH = 1, strideW = 1, padH = 0, padW = 0, dilationH = 1, dilationW = 1, groups = 1 } = p;
  const oh = Math.max(0, Math.floor((p.h + 2 * padH - dilationH * (p.kh - 1) - 1) / strideH) + 1);
  const ow = Math.max(0, Math.floor((p.w + 2 * padW - dilationW * (p.kw - 1) - 1) / strideW) + 1);
  return {
    n: p.n,
    c: p.c,
    h: p.h,
    w: p.w,
    o: p.o,
    kh: p.kh,
    kw: p.kw,
    strideH,
    strideW,
    padH,
    padW,
    dilationH,
    dilationW,
    groups,
    oh,
    ow,
  };
}

const BIAS = 2;
const RELU = 8;

function words(p: ConvSizes, opcode: number, a: Address, b: Address, out: Address, flags: number, bias: Address): Instruction {
  const g = convGeometry(p);
  const sizes = [
    g.n,
    g.c,
    g.h,
    g.w,
    g.o,
    g.kh,
    g.kw,
    g.strideH,
    g.strideW,
    g.padH,
    g.padW,
    g.dilationH,
    g.dilationW,
    g.groups,
    g.oh,
    g.ow,
  ];
  return { opcode, words: [a, b, out, ...sizes, flags, bias] };
}

const align = (bytes: number): number => (bytes + 63) & ~63;
const up = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Images whose positions the weight gradient takes together: sums of at least 256 terms between visits of memory. */
function imagesTogether(g: ConvGeometry): number {
  const padded = g.oh * up(g.ow, 4);
  return padded === 0 ? 1 : Math.max(1, Math.min(g.n, Math.floor(256 / padded)));
}

/** Bytes of the parts of scratch memory; the same sums as in as/f32/conv.ts. */
function parts(p: ConvSizes): { image: number; tables: number; weights: number; accumulators: number; gradient: number } {
  const g = convGeometry(p);
  const cg = g.c / g.groups;
  const og = g.o / g.groups;
  const taps = g.kh * g.kw;
  const columns = Math.ceil((g.w + 2 * g.padW) / g.strideW) + 4;
  const image = align(4 * (cg * (g.h + 2 * g.padH) * g.strideW * columns + 16));
  const groups4 = g.oh * Math.ceil(g.ow / 4) + 2;
  const together = imagesTogether(g);
  const tables = align(4 * (cg * taps + 8)) + align(4 * (g.o + 8)) + align(12 * groups4) + align(4 * groups4 * together) + 4096;
  const weights = align(4 * g.groups * Math.max(up(og, 4) * cg * taps, taps * up(cg, 4) * og));
  const accumulators = align(16 * up(og, 4) * up(cg * taps, 2));
  return { image, tables, weights, accumulators, gradient: align(16 * og * (groups4 + 4) * together) + together * image };
}

export const conv2d: Kernel<ConvParams> = {
  name: "conv2d",
  opcode: OPCODES.conv2d,
  encode(p) {
    const flags = (p.bias !== undefined ? BIAS : 0) | (p.relu ? RELU : 0);
    return words(p, OPCODES.conv2d, p.x, p.weight, p.y, flags, p.bias ?? 0);
  },
  scratchBytes(p) {
    const { image, tables, weights } = parts(p);
    return image + tables + weights;
  },
  reference: conv2dReference,
};

export const conv2dGradInput: Kernel<ConvGradInputParams> = {
  name: "conv2dGradInput",
  opcode: OPCODES.conv2dGradInput,
  encode: (p) => words(p, OPCODES.conv2dGradInput, p.dy, p.weight, p.dx, 0, 0),
  scratchBytes(p) {
    const { image, tables, weights } = parts(p);
    return image + tables + weights;
  },
  reference: conv2dGradInputReference,
};

export const conv2dGradWeight: Kernel<ConvGradWeightParams> = {
  name: "conv2dGradWeight",
  opcode: OPCODES.conv2dGradWeight,
  encode: (p) => words(p, OPCODES.conv2dGradWeight, p.x, p.dy, p.dw, 0, 0),
  scratchBytes(p) {
    const { tables, accumulators, gradient } = parts(p);
    return tables + accumulators + gradient;
  },
  reference: conv2dGradWeightReference,
};
