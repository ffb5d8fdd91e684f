/** @file References of convolution and its gradients: one loop over all products of an output and a tap. */
import {
  type ConvGeometry,
  type ConvGradInputParams,
  type ConvGradWeightParams,
  type ConvParams,
  convGeometry,
} from "../conv.ts";
import type { MemoryViews } from "../instruction.ts";

/** Calls `visit(y, x, w)` with the flat indices of every product y += x * w of a forward convolution. */
function products(g: ConvGeometry, visit: (y: number, x: number, w: number) => void): void {
  for (let n = 0; n < g.n; n++) for (let o = 0; o < g.o; o++) plane(g, n, o, visit);
}

function plane(g: ConvGeometry, n: number, o: number, visit: (y: number, x: number, w: number) => void): void {
  const cg = g.c / g.groups;
  const first = Math.floor(o / (g.o / g.groups)) * cg;
  for (let y = 0; y < g.oh; y++) {
    for (let x = 0; x < g.ow; x++) {
      const out = ((n * g.o + o) * g.oh + y) * g.ow + x;
      for (let c = 0; c < cg; c++) {
        for (let r = 0; r < g.kh; r++) {
          for (let s = 0; s < g.kw; s++) {
            const iy = y * g.strideH - g.padH + r * g.dilationH;
            const ix = x * g.strideW - g.padW + s * g.dilationW;
            if (iy < 0 || iy >= g.h || ix < 0 || ix >= g.w) continue;
            visit(out, ((n * g.c + first + c) * g.h + iy) * g.w + ix, ((o * cg + c) * g.kh + r) * g.kw + s);
          }
        }
      }
    }
  }
}

export function conv2dReference(p: ConvParams, { f32 }: MemoryViews): number {
  const g = convGeometry(p);
  const sums = new Float64Array(g.n * g.o * g.oh * g.ow);
  products(g, (y, x, w) => {
    sums[y]! += f32[p.x / 4 + x]! * f32[p.weight / 4 + w]!;
  });
  sums.forEach((s, i) => {
    if (p.bias !== undefined) s += f32[p.bias / 4 + (Math.floor(i / (g.oh * g.ow)) % g.o)]!;
    f32[p.y / 4 + i] = p.relu ? Math.max(s, 0) : s;
  });
  return 0;
}

export function conv2dGradInputReference(p: ConvGradInputParams, { f32 }: MemoryViews): number {
  const g = convGeometry(p);
  const sums = new Float64Array(g.n * g.c * g.h * g.w);
  products(g, (y, x, w) => {
    sums[x]! += f32[p.dy / 4 + y]! * f32[p.weight / 4 + w]!;
  });
  f32.set(sums, p.dx / 4);
  return 0;
}

export function conv2dGradWeightReference(p: ConvGradWeightParams, { f32 }: MemoryViews): number {
  const g = convGeometry(p);
  const sums = new Float64Array((g.o * g.c * g.kh * g.kw) / g.groups);
  products(g, (y, x, w) => {
    sums[w]! += f32[p.dy / 4 + y]! * f32[p.x / 4 + x]!;
  });
  f32.set(sums, p.dw / 4);
  return 0;
}
