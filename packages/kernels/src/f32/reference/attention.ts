/** @file References of attention and its gradient, in f64. */
import type { AttentionGradParams, AttentionParams, Rows } from "../attention.ts";
import type { MemoryViews } from "../instruction.ts";

type Matrix = number[][];

/** n rows of `width` elements of batch entry (i0, i1). */
function matrix({ f32 }: MemoryViews, x: Rows, [i0, i1]: readonly [number, number], n: number, width: number): Matrix {
  const [s0, s1, row] = x.strides;
  const from = x.address / 4 + i0 * s0 + i1 * s1;
  return Array.from({ length: n }, (_, i) => Array.from(f32.slice(from + i * row, from + i * row + width)));
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((s, x, i) => s + x * b[i]!, 0);
const transposed = (a: Matrix): Matrix => (a[0] ?? []).map((_, j) => a.map((row) => row[j]!));
const times = (a: Matrix, b: Matrix): Matrix => {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => dot(row, column)));
};

/** What is added to score i, j of an entry. */
function bias(p: AttentionParams, memory: MemoryViews, [i0, i1]: readonly [number, number], i: number, j: number): number {
  if (p.causal && j > i) return Number.NEGATIVE_INFINITY;
  if (p.mask === undefined) return 0;
  const { address, kind, strides } = p.mask;
  const offset = i0 * strides[0] + i1 * strides[1] + i * strides[2] + j * strides[3];
  if (kind === "f32") return memory.f32[address / 4 + offset]!;
  return memory.u8[address + offset] === 0 ? Number.NEGATIVE_INFINITY : 0;
}

function softmax(row: readonly number[]): number[] {
  const high = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const e = row.map((x) => Math.exp(x - high));
  const total = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / total);
}

function weights(p: AttentionParams, memory: MemoryViews, at: readonly [number, number]): Matrix {
  const scores = times(matrix(memory, p.q, at, p.l, p.e), transposed(matrix(memory, p.k, at, p.s, p.e)));
  return scores.map((row, i) => softmax(row.map((x, j) => p.scale * x + bias(p, memory, at, i, j))));
}

/** Writes rows from row `first` of the output on, filled up with zeros to `width`. */
function put(
  { f32 }: MemoryViews,
  out: Rows,
  [i0, i1]: readonly [number, number],
  first: number,
  a: Matrix,
  width: number,
): void {
  const [s0, s1, row] = out.strides;
  a.forEach((values, i) => {
    const from = out.address / 4 + i0 * s0 + i1 * s1 + (first + i) * row;
    for (let j = 0; j < width; j++) f32[from + j] = values[j] ?? 0;
  });
}

function eachEntry(p: AttentionParams, f: (at: readonly [number, number]) => void): number {
  for (let i0 = 0; i0 < p.n0; i0++) for (let i1 = 0; i1 < p.n1; i1++) f([i0, i1]);
  return 0;
}

export function attentionReference(p: AttentionParams, memory: MemoryViews): number {
  return eachEntry(p, (at) => {
    put(memory, p.out, at, 0, times(weights(p, memory, at), matrix(memory, p.v, at, p.s, p.d)), p.d);
  });
}

export function attentionGradReference(p: AttentionGradParams, memory: MemoryViews): number {
  const width = Math.max(p.e, p.d);
  return eachEntry(p, (at) => {
    const [q, k] = [matrix(memory, p.q, at, p.l, p.e), matrix(memory, p.k, at, p.s, p.e)];
    const g = matrix(memory, p.g, at, p.l, p.d);
    const w = weights(p, memory, at);
    const dw = times(g, transposed(matrix(memory, p.v, at, p.s, p.d)));
    const along = w.map((row, i) => dot(row, dw[i]!));
    const ds = w.map((row, i) => row.map((x, j) => p.scale * x * (dw[i]![j]! - along[i]!)));
    put(memory, p.out, at, 0, times(ds, k), width);
    put(memory, p.out, at, p.l, times(transposed(ds), q), width);
    put(memory, p.out, at, p.l + p.s, times(transposed(w), g), width);
  });
}
