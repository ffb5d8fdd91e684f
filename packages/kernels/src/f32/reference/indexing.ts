/** @file References of the kernels that take indices, and of cumsum. */
import type { CumsumParams, GatherParams, IndexSelectParams, OneHotParams, ScatterAddParams } from "../indexing.ts";
import type { MemoryViews } from "../instruction.ts";

const LABEL = 1;
const INDEX = 2;

interface Sizes {
  readonly outer: number;
  readonly m: number;
  readonly inner: number;
}
/** Every element (o, j, i) of [outer, m, inner] in order. */
function* elements(p: Sizes): Generator<{ o: number; j: number; i: number; at: number }> {
  let at = 0;
  for (let o = 0; o < p.outer; o++) for (let j = 0; j < p.m; j++) for (let i = 0; i < p.inner; i++) yield { o, j, i, at: at++ };
}
const inRange = (k: number, n: number): boolean => k >= 0 && k < n;

export function gatherReference(p: GatherParams, { i32 }: MemoryViews): number {
  let error = 0;
  for (const { o, i, at } of elements(p)) {
    const k = i32[p.index / 4 + at]!;
    if (!inRange(k, p.n)) error = INDEX;
    i32[p.y / 4 + at] = inRange(k, p.n) ? i32[p.x / 4 + (o * p.n + k) * p.inner + i]! : 0;
  }
  return error;
}

export function scatterAddReference(p: ScatterAddParams, { i32, f32 }: MemoryViews): number {
  let error = 0;
  for (const { o, i, at } of elements(p)) {
    const k = i32[p.index / 4 + at]!;
    if (inRange(k, p.n)) f32[p.y / 4 + (o * p.n + k) * p.inner + i]! += f32[p.src / 4 + at]!;
    else error = INDEX;
  }
  return error;
}

export function indexSelectReference(p: IndexSelectParams, { i32, u8 }: MemoryViews): number {
  let error = 0;
  const bytes = p.elementBytes ?? 4;
  for (const { o, j, i, at } of elements(p)) {
    const k = i32[p.index / 4 + j]!;
    const to = p.y + at * bytes;
    const from = p.x + ((o * p.n + k) * p.inner + i) * bytes;
    if (inRange(k, p.n)) u8.copyWithin(to, from, from + bytes);
    else {
      u8.fill(0, to, to + bytes);
      error = INDEX;
    }
  }
  return error;
}

export function indexAddReference(p: ScatterAddParams, { i32, f32 }: MemoryViews): number {
  let error = 0;
  for (const { o, j, i, at } of elements(p)) {
    const k = i32[p.index / 4 + j]!;
    if (inRange(k, p.n)) f32[p.y / 4 + (o * p.n + k) * p.inner + i]! += f32[p.src / 4 + at]!;
    else error = INDEX;
  }
  return error;
}

export function oneHotReference(p: OneHotParams, { i32, f32 }: MemoryViews): number {
  let error = 0;
  f32.fill(0, p.y / 4, p.y / 4 + p.n * p.classes);
  for (let i = 0; i < p.n; i++) {
    const k = i32[p.labels / 4 + i]!;
    if (inRange(k, p.classes)) f32[p.y / 4 + i * p.classes + k] = 1;
    else error = LABEL;
  }
  return error;
}

export function cumsumReference(p: CumsumParams, memory: MemoryViews): number {
  const array = memory[p.dtype];
  for (let o = 0; o < p.outer; o++) {
    for (let i = 0; i < p.inner; i++) {
      let s = 0;
      for (let j = 0; j < p.n; j++) {
        const at = (o * p.n + j) * p.inner + i;
        s += array[p.x / 4 + at]!;
        array[p.y / 4 + at] = s;
      }
    }
  }
  return 0;
}
