/** @file 2-D convolution, NCHW, and its gradients: parameters, words, scratch. */
import type { Address, Instruction, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

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

/** Quads of a plane that lie in more than one row, or hold fewer than four positions (as/f32/quads.ts). */
function straddlingQuads(g: ConvGeometry): number {
  let count = 0;
  for (let p = 0; p < g.oh * g.ow; p += 4) if ((p % g.ow) + 4 > g.ow) count++;
  return count;
}

/** Bytes of the parts of scratch memory; at least the sums in as/f32/conv*.ts. */
function parts(p: ConvSizes): { common: number; forward: number; gradInput: number; gradWeight: number } {
  const g = convGeometry(p);
  const cg = g.c / g.groups;
  const og = g.o / g.groups;
  const taps = g.kh * g.kw;
  const k = cg * taps;
  const image = align(4 * (cg * (g.h + 2 * g.padH) * g.strideW * Math.ceil((g.w + 2 * g.padW) / g.strideW) + 16));
  const quads = Math.ceil((g.oh * g.ow) / 4);
  const straddling = straddlingQuads(g);
  // The weight gradient takes small images together: sums of up to 1024 terms between visits of memory.
  const together = quads === 0 ? 1 : Math.max(1, Math.min(g.n, Math.floor(1024 / (4 * quads))));
  return {
    common: 4096 + image + 12 * (quads + 4) + 16 * straddling + 8 * k,
    forward: 16 * straddling * k + 4 * g.groups * up(og, 4) * k,
    gradInput: 4 * (og + taps) + 4 * g.groups * taps * up(cg, 4) * og,
    gradWeight: 16 * up(og, 4) * up(k, 2) + together * (16 * og * quads + 16 * straddling * k + 8 * quads + image),
  };
}

export const conv2d: Kernel<ConvParams> = {
  name: "conv2d",
  opcode: OPCODES.conv2d,
  encode(p) {
    const flags = (p.bias !== undefined ? BIAS : 0) | (p.relu ? RELU : 0);
    return words(p, OPCODES.conv2d, p.x, p.weight, p.y, flags, p.bias ?? 0);
  },
  scratchBytes(p) {
    const { common, forward } = parts(p);
    return common + forward;
  },
};

export const conv2dGradInput: Kernel<ConvGradInputParams> = {
  name: "conv2dGradInput",
  opcode: OPCODES.conv2dGradInput,
  encode: (p) => words(p, OPCODES.conv2dGradInput, p.dy, p.weight, p.dx, 0, 0),
  scratchBytes(p) {
    const { common, gradInput } = parts(p);
    const g = convGeometry(p);
    // With stride 1 it may run as a convolution of dy with turned weights.
    const [padH, padW] = [g.dilationH * (g.kh - 1) - g.padH, g.dilationW * (g.kw - 1) - g.padW];
    if (g.strideH * g.strideW !== 1 || padH < 0 || padW < 0) return common + gradInput;
    const turned = parts({ ...g, c: g.o, h: g.oh, w: g.ow, o: g.c, padH, padW });
    return Math.max(common + gradInput, turned.common + turned.forward);
  },
};

export const conv2dGradWeight: Kernel<ConvGradWeightParams> = {
  name: "conv2dGradWeight",
  opcode: OPCODES.conv2dGradWeight,
  encode: (p) => words(p, OPCODES.conv2dGradWeight, p.x, p.dy, p.dw, 0, 0),
  scratchBytes(p) {
    const { common, gradWeight } = parts(p);
    return common + gradWeight;
  },
};
