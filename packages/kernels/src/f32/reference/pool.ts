/** @file References of pooling and its gradients. */
import type { MemoryViews } from "../instruction.ts";
import {
  type AvgPoolGradParams,
  type AvgPoolParams,
  type MaxPoolGradParams,
  type MaxPoolParams,
  type PoolGeometry,
  poolGeometry,
} from "../pool.ts";

/** The elements of window (y, x) that lie inside a plane, as indices into the plane, in order. */
function inside(g: PoolGeometry, y: number, x: number): number[] {
  const found: number[] = [];
  for (let r = 0; r < g.kh; r++) {
    for (let s = 0; s < g.kw; s++) {
      const iy = y * g.strideH - g.padH + r;
      const ix = x * g.strideW - g.padW + s;
      if (iy >= 0 && iy < g.h && ix >= 0 && ix < g.w) found.push(iy * g.w + ix);
    }
  }
  return found;
}

function windows(g: PoolGeometry, visit: (out: number, plane: number, cells: readonly number[]) => void): void {
  let out = 0;
  for (let plane = 0; plane < g.n * g.c; plane++) {
    for (let y = 0; y < g.oh; y++) for (let x = 0; x < g.ow; x++) visit(out++, plane, inside(g, y, x));
  }
}

export function maxPool2dReference(p: MaxPoolParams, { f32, i32 }: MemoryViews): number {
  const g = poolGeometry(p);
  windows(g, (out, plane, cells) => {
    let best = Number.NEGATIVE_INFINITY;
    let index = cells[0] ?? -1;
    for (const cell of cells) {
      const v = f32[p.x / 4 + plane * g.h * g.w + cell]!;
      if (v > best || (Number.isNaN(v) && !Number.isNaN(best))) {
        best = v;
        index = cell;
      }
    }
    if (p.bias !== undefined) best = Math.fround(best + f32[p.bias / 4 + (plane % g.c)]!);
    if (p.relu && !(best > 0) && !Number.isNaN(best)) {
      best = 0;
      index = -1;
    }
    f32[p.y / 4 + out] = best;
    if (p.index !== undefined) i32[p.index / 4 + out] = index;
  });
  return 0;
}

export function maxPool2dGradReference(p: MaxPoolGradParams, { f32, i32 }: MemoryViews): number {
  const g = poolGeometry(p);
  const sums = new Float64Array(g.n * g.c * g.h * g.w);
  windows(g, (out, plane) => {
    const index = i32[p.index / 4 + out]!;
    if (index >= 0) sums[plane * g.h * g.w + index]! += f32[p.dy / 4 + out]!;
  });
  f32.set(sums, p.dx / 4);
  return 0;
}

/** What a window's sum is divided by: its elements, those in the padding included or not. */
function divisor(g: PoolGeometry, countIncludePad: boolean | undefined, cells: readonly number[]): number {
  return countIncludePad === false ? cells.length : g.kh * g.kw;
}

export function avgPool2dReference(p: AvgPoolParams, { f32 }: MemoryViews): number {
  const g = poolGeometry(p);
  windows(g, (out, plane, cells) => {
    let s = 0;
    for (const cell of cells) s += f32[p.x / 4 + plane * g.h * g.w + cell]!;
    f32[p.y / 4 + out] = s / divisor(g, p.countIncludePad, cells);
  });
  return 0;
}

export function avgPool2dGradReference(p: AvgPoolGradParams, { f32 }: MemoryViews): number {
  const g = poolGeometry(p);
  const sums = new Float64Array(g.n * g.c * g.h * g.w);
  windows(g, (out, plane, cells) => {
    const share = f32[p.dy / 4 + out]! / divisor(g, p.countIncludePad, cells);
    for (const cell of cells) sums[plane * g.h * g.w + cell]! += share;
  });
  f32.set(sums, p.dx / 4);
  return 0;
}
