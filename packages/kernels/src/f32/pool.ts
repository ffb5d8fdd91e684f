/** @file Pooling and its gradients: parameters and words. */
import type { Address, Instruction, Kernel } from "./instruction.ts";
import { OPCODES } from "./opcodes.gen.ts";

/** Windows over x[n,c,h,w]; oh = floor((h + 2 padH - kh) / strideH) + 1. */
export interface PoolSizes {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly kh: number;
  readonly kw: number;
  /** Default: the window's size. */
  readonly strideH?: number;
  readonly strideW?: number;
  readonly padH?: number;
  readonly padW?: number;
}
/** y = max over windows (padding -inf), then + bias[c], then relu. A NaN in a window gives NaN. */
export interface MaxPoolParams extends PoolSizes {
  readonly x: Address;
  readonly y: Address;
  /** i32[n,c,oh,ow]: h*w-index of the first maximum in its plane; -1 where relu cut the value (y = 0). */
  readonly index?: Address;
  readonly bias?: Address;
  readonly relu?: boolean;
}
/** dx[n,c,h,w] = sum of dy[n,c,oh,ow] over the windows whose index it is. */
export interface MaxPoolGradParams extends PoolSizes {
  readonly dy: Address;
  readonly index: Address;
  readonly dx: Address;
}
/** Mean over windows; the divisor counts padding (countIncludePad, default true) or only elements of x. */
export interface AvgPoolParams extends PoolSizes {
  readonly x: Address;
  readonly y: Address;
  readonly countIncludePad?: boolean;
}
export interface AvgPoolGradParams extends PoolSizes {
  readonly dy: Address;
  readonly dx: Address;
  readonly countIncludePad?: boolean;
}

export interface PoolGeometry extends Required<PoolSizes> {
  readonly oh: number;
  readonly ow: number;
}
export function poolGeometry(p: PoolSizes): PoolGeometry {
  const { strideH = p.kh, strideW = p.kw, padH = 0, padW = 0 } = p;
  const oh = Math.max(0, Math.floor((p.h + 2 * padH - p.kh) / strideH) + 1);
  const ow = Math.max(0, Math.floor((p.w + 2 * padW - p.kw) / strideW) + 1);
  return { n: p.n, c: p.c, h: p.h, w: p.w, kh: p.kh, kw: p.kw, strideH, strideW, padH, padW, oh, ow };
}

function words(p: PoolSizes, opcode: number, addresses: readonly number[], rest: readonly number[]): Instruction {
  const g = poolGeometry(p);
  const sizes = [g.n * g.c, g.c, g.h, g.w, g.kh, g.kw, g.strideH, g.strideW, g.padH, g.padW, g.oh, g.ow];
  return { opcode, words: [...addresses, ...sizes, ...rest] };
}

export const maxPool2d: Kernel<MaxPoolParams> = {
  name: "maxPool2d",
  opcode: OPCODES.maxPool2d,
  encode: (p) => words(p, OPCODES.maxPool2d, [p.x, p.y, p.index ?? 0], [p.bias ?? 0, p.relu ? 1 : 0]),
  scratchBytes: () => 0,
};
export const maxPool2dGrad: Kernel<MaxPoolGradParams> = {
  name: "maxPool2dGrad",
  opcode: OPCODES.maxPool2dGrad,
  encode: (p) => words(p, OPCODES.maxPool2dGrad, [p.dy, p.dx, p.index], []),
  scratchBytes: () => 0,
};
export const avgPool2d: Kernel<AvgPoolParams> = {
  name: "avgPool2d",
  opcode: OPCODES.avgPool2d,
  encode: (p) => words(p, OPCODES.avgPool2d, [p.x, p.y, 0], [0, p.countIncludePad === false ? 0 : 1]),
  scratchBytes: () => 0,
};
export const avgPool2dGrad: Kernel<AvgPoolGradParams> = {
  name: "avgPool2dGrad",
  opcode: OPCODES.avgPool2dGrad,
  encode: (p) => words(p, OPCODES.avgPool2dGrad, [p.dy, p.dx, 0], [0, p.countIncludePad === false ? 0 : 1]),
  scratchBytes: () => 0,
};
