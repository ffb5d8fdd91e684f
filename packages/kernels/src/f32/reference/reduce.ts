/** @file References of reductions. */
import type { ElementType, MemoryViews } from "../instruction.ts";
import type { ArgReduceParams, ReduceParams } from "../reduce.ts";

const EMPTY: Readonly<Record<ElementType, { readonly low: number; readonly high: number }>> = {
  f32: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
  i32: { low: -(2 ** 31), high: 2 ** 31 - 1 },
  u32: { low: 0, high: 2 ** 32 - 1 },
  u8: { low: 0, high: 255 },
  bool: { low: 0, high: 1 },
};

function view(
  m: MemoryViews,
  type: ElementType,
): { at: (byte: number) => number; array: Float32Array | Int32Array | Uint32Array | Uint8Array } {
  if (type === "u8" || type === "bool") return { at: (byte) => byte, array: m.u8 };
  return { at: (byte) => byte >> 2, array: m[type] };
}

function combine(op: ReduceParams["op"], a: number, b: number, float: boolean): number {
  if (op === "sum") return float ? a + b : (a + b) | 0;
  if (op === "prod") return float ? a * b : Math.imul(a, b);
  return op === "max" ? Math.max(a, b) : Math.min(a, b);
}

export function reduceReference(p: ReduceParams, memory: MemoryViews): number {
  const { array, at } = view(memory, p.dtype);
  const { low, high } = EMPTY[p.dtype];
  const start = { sum: 0, prod: 1, max: low, min: high }[p.op];
  const tail = p.tail ?? 1;
  for (let o = 0; o < p.outer; o++) {
    for (let i = 0; i < p.inner; i++) {
      let s = start;
      for (let r = 0; r < p.reduced; r++) {
        const row = at(p.x) + ((o * p.reduced + r) * p.inner + i) * tail;
        for (let t = 0; t < tail; t++) s = combine(p.op, s, array[row + t]!, p.dtype === "f32");
      }
      array[at(p.y) + o * p.inner + i] = s;
    }
  }
  return 0;
}

export function argReduceReference(p: ArgReduceParams, memory: MemoryViews): number {
  const { array, at } = view(memory, p.dtype);
  const better = p.op === "argmax" ? (a: number, b: number) => a > b : (a: number, b: number) => a < b;
  for (let o = 0; o < p.outer; o++) {
    for (let i = 0; i < p.inner; i++) {
      const value = (r: number): number => array[at(p.x) + (o * p.reduced + r) * p.inner + i]!;
      let best = 0;
      for (let r = 1; r < p.reduced && !Number.isNaN(value(best)); r++) {
        if (better(value(r), value(best)) || Number.isNaN(value(r))) best = r;
      }
      memory.i32[p.y / 4 + o * p.inner + i] = best;
    }
  }
  return 0;
}
