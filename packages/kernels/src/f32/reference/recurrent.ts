/** @file References of the recurrent steps: one element at a time, in f64. */
import type { MemoryViews } from "../instruction.ts";
import type {
  GruCellGradParams,
  GruCellParams,
  LstmCellGradParams,
  LstmCellParams,
  RnnCellGradParams,
  RnnCellParams,
} from "../recurrent.ts";

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const throughSigmoid = (g: number, y: number): number => g * y * (1 - y);
const throughTanh = (g: number, y: number): number => g * (1 - y * y);

/** Calls `fn` for every element of [n, h] with a reader of parts of rows: part k of a row of `width` parts. */
function each(
  p: { readonly n: number; readonly h: number },
  fn: (at: (base: number, width: number, k: number) => number, i: number, j: number) => void,
): number {
  for (let i = 0; i < p.n; i++) {
    for (let j = 0; j < p.h; j++) fn((base, width, k) => base / 4 + (i * width + k) * p.h + j, i, j);
  }
  return 0;
}

export function rnnCellReference(p: RnnCellParams, { f32 }: MemoryViews): number {
  return each(p, (at) => {
    const z = f32[at(p.out, 1, 0)]! + f32[at(p.gx, 1, 0)]!;
    f32[at(p.out, 1, 0)] = p.relu ? Math.max(z, 0) : Math.tanh(z);
  });
}

export function rnnCellGradReference(p: RnnCellGradParams, { f32 }: MemoryViews): number {
  return each(p, (at) => {
    const y = f32[at(p.out, 1, 0)]!;
    const dh = f32[at(p.g, 1, 0)]! + (p.later === 0 ? 0 : f32[at(p.later, 2, 1)]!);
    f32[at(p.d, 2, 0)] = p.relu ? (y > 0 ? dh : 0) : throughTanh(dh, y);
  });
}

export function lstmCellReference(p: LstmCellParams, { f32 }: MemoryViews): number {
  return each(p, (at, row, j) => {
    const z = (k: number): number => f32[at(p.out, 6, k)]! + f32[at(p.gx, 4, k)]!;
    const [i, f, g, o] = [sigmoid(z(0)), sigmoid(z(1)), Math.tanh(z(2)), sigmoid(z(3))];
    const c = f * f32[p.before / 4 + row * p.beforeStride + j]! + i * g;
    [i, f, g, o, c, o * Math.tanh(c)].forEach((v, k) => {
      f32[at(p.out, 6, k)] = v;
    });
  });
}

export function lstmCellGradReference(p: LstmCellGradParams, { f32 }: MemoryViews): number {
  return each(p, (at, row, j) => {
    const [i, f, g, o, c] = [0, 1, 2, 3, 4].map((k) => f32[at(p.out, 6, k)]!) as [number, number, number, number, number];
    const up = (k: number): number => f32[at(p.g, 6, k)]!;
    const after = (k: number): number => (p.later === 0 ? 0 : f32[at(p.later, 6, k)]!);
    const t = Math.tanh(c);
    const dh = up(5) + after(5);
    const dc = up(4) + after(4) + throughTanh(dh * o, t);
    const before = f32[p.before / 4 + row * p.beforeStride + j]!;
    [
      throughSigmoid(up(0) + dc * g, i),
      throughSigmoid(up(1) + dc * before, f),
      throughTanh(up(2) + dc * i, g),
      throughSigmoid(up(3) + dh * t, o),
      dc * f,
    ].forEach((v, k) => {
      f32[at(p.d, 6, k)] = v;
    });
  });
}

export function gruCellReference(p: GruCellParams, { f32 }: MemoryViews): number {
  return each(p, (at, row, j) => {
    const product = (k: number): number => f32[at(p.out, 5, k)]!;
    const x = (k: number): number => f32[at(p.gx, 3, k)]!;
    const [r, z, m] = [sigmoid(x(0) + product(0)), sigmoid(x(1) + product(1)), product(2) + f32[p.bias / 4 + j]!];
    const n = Math.tanh(x(2) + r * m);
    const before = f32[p.before / 4 + row * p.beforeStride + j]!;
    [r, z, m, n, n + z * (before - n)].forEach((v, k) => {
      f32[at(p.out, 5, k)] = v;
    });
  });
}

export function gruCellGradReference(p: GruCellGradParams, { f32 }: MemoryViews): number {
  return each(p, (at, row, j) => {
    const [r, z, m, n] = [0, 1, 2, 3].map((k) => f32[at(p.out, 5, k)]!) as [number, number, number, number];
    const up = (k: number): number => f32[at(p.g, 5, k)]!;
    const dh = up(4) + (p.later === 0 ? 0 : f32[at(p.later, 5, 4)]!);
    const dn = throughTanh(up(3) + dh * (1 - z), n);
    const before = f32[p.before / 4 + row * p.beforeStride + j]!;
    [throughSigmoid(up(0) + dn * m, r), throughSigmoid(up(1) + dh * (before - n), z), up(2) + dn * r, dn, dh * z].forEach(
      (v, k) => {
        f32[at(p.d, 5, k)] = v;
      },
    );
  });
}
