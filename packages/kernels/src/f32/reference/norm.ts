/** @file References of layer normalisation, in f64. */
import type { MemoryViews } from "../instruction.ts";
import type { LayerNormGradParams, LayerNormParams } from "../norm.ts";

const meanOf = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0) / row.length;

/** One row less its mean, and 1/sigma. */
function centred(x: Float32Array, centre: boolean, eps: number): { readonly d: number[]; readonly inverse: number } {
  const m = centre ? meanOf([...x]) : 0;
  const d = Array.from(x, (v) => v - m);
  return { d, inverse: 1 / Math.sqrt(meanOf(d.map((v) => v * v)) + eps) };
}

export function layerNormReference(p: LayerNormParams, { f32 }: MemoryViews): number {
  for (let i = 0; i < p.n; i++) {
    const { d, inverse } = centred(f32.slice(p.x / 4 + i * p.c, p.x / 4 + (i + 1) * p.c), p.centre, p.eps);
    f32.set(
      d.map((v) => v * inverse),
      p.y / 4 + i * p.c,
    );
  }
  return 0;
}

export function layerNormGradReference(p: LayerNormGradParams, { f32 }: MemoryViews): number {
  for (let i = 0; i < p.n; i++) {
    const { d, inverse } = centred(f32.slice(p.x / 4 + i * p.c, p.x / 4 + (i + 1) * p.c), p.centre, p.eps);
    const g = Array.from(f32.slice(p.g / 4 + i * p.c, p.g / 4 + (i + 1) * p.c));
    const less = p.centre ? meanOf(g) : 0;
    const along = meanOf(g.map((v, j) => v * d[j]!)) * inverse * inverse;
    f32.set(
      g.map((v, j) => inverse * (v - less - d[j]! * along)),
      p.dx / 4 + i * p.c,
    );
  }
  return 0;
}
