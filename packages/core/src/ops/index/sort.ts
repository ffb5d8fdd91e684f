/** @file Stable sorting of lines without an array per line: radix sort of 32-bit types, merge sort of 64-bit ones. NaN comes last. */
import type { Shape } from "../../program/aval.ts";
import type { TypedArray } from "../../program/dtype.ts";
import { split } from "../walk.ts";

/** A line of n places: `order` gets the places in the order of their elements; x[at + k·step] is the element at place k. */
type Sorter = (x: TypedArray, at: number, step: number, order: Int32Array) => void;

/** Up to here insertion is faster than counting 4 x 256 buckets. */
const SHORT = 48;

/** Unsigned keys that order as the elements do; both zeros are equal, and so are all NaN, after infinity. */
function keyWriter(x: TypedArray, keys: Uint32Array): (at: number, step: number) => void {
  if (x instanceof Float32Array) {
    const bits = new Uint32Array(x.buffer, x.byteOffset, x.length);
    return (at, step) => {
      for (let k = 0; k < keys.length; k++) {
        const b = bits[at + k * step]!;
        // Sign set: all bits turned, but -0 is 0. Above infinity: NaN.
        if ((b & 0x7fffffff) > 0x7f800000) keys[k] = 0xffffffff;
        else keys[k] = b < 0x80000000 ? b + 0x80000000 : b === 0x80000000 ? b : ~b;
      }
    };
  }
  const flip = x instanceof Int32Array ? 0x80000000 : 0;
  return (at, step) => {
    for (let k = 0; k < keys.length; k++) keys[k] = Number(x[at + k * step]!) ^ flip;
  };
}

function insert(keys: Uint32Array, order: Int32Array): void {
  for (let k = 0; k < keys.length; k++) {
    const key = keys[k]!;
    let p = k;
    for (; p > 0 && keys[order[p - 1]!]! > key; p--) order[p] = order[p - 1]!;
    order[p] = k;
  }
}

/** Least significant byte first; a byte that all keys share moves nothing. */
function radixPasses(keys: Uint32Array, order: Int32Array, spare: Int32Array, counts: Uint32Array): void {
  const n = keys.length;
  counts.fill(0);
  for (let k = 0; k < n; k++) {
    const key = keys[k]!;
    counts[key & 255]!++;
    counts[256 + ((key >>> 8) & 255)]!++;
    counts[512 + ((key >>> 16) & 255)]!++;
    counts[768 + (key >>> 24)]!++;
    order[k] = k;
  }
  let [from, to]: [Int32Array, Int32Array] = [order, spare];
  for (let pass = 0; pass < 4; pass++) {
    const shift = 8 * pass;
    const base = 256 * pass;
    if (counts[base + ((keys[0]! >>> shift) & 255)] === n) continue;
    let total = 0;
    for (let b = base; b < base + 256; b++) {
      const c = counts[b]!;
      counts[b] = total;
      total += c;
    }
    for (let k = 0; k < n; k++) {
      const place = from[k]!;
      to[counts[base + ((keys[place]! >>> shift) & 255)]!++] = place;
    }
    [from, to] = [to, from];
  }
  if (from !== order) order.set(from);
}

function radixSorter(x: TypedArray, n: number, descending: boolean): Sorter {
  const keys = new Uint32Array(n);
  const write = keyWriter(x, keys);
  const spare = new Int32Array(n);
  const counts = new Uint32Array(1024);
  return (_x, at, step, order) => {
    write(at, step);
    if (descending) for (let k = 0; k < n; k++) keys[k] = ~keys[k]!;
    if (n <= SHORT) insert(keys, order);
    else radixPasses(keys, order, spare, counts);
  };
}

/** Whether b must stand before a, which is now before it. */
type Before = (b: number | bigint, a: number | bigint) => boolean;
const ASCENDING: Before = (b, a) => b < a || (Number.isNaN(a) && !Number.isNaN(b));
const DESCENDING: Before = (b, a) => b > a || (Number.isNaN(b) && !Number.isNaN(a));

/** Bottom-up merge sort on places. */
function mergeSorter(n: number, descending: boolean): Sorter {
  const before = descending ? DESCENDING : ASCENDING;
  const spare = new Int32Array(n);
  return (x, at, step, order) => {
    for (let k = 0; k < n; k++) order[k] = k;
    let [from, to]: [Int32Array, Int32Array] = [order, spare];
    for (let width = 1; width < n; width *= 2) {
      for (let low = 0; low < n; low += 2 * width) {
        const [middle, high] = [Math.min(low + width, n), Math.min(low + 2 * width, n)];
        let [i, j] = [low, middle];
        for (let k = low; k < high; k++) {
          const right = j < high && (i >= middle || before(x[at + from[j]! * step]!, x[at + from[i]! * step]!));
          to[k] = right ? from[j++]! : from[i++]!;
        }
      }
      [from, to] = [to, from];
    }
    if (from !== order) order.set(from);
  };
}

/** For every element, the place along the axis that comes there, in the order of the elements. Equal elements keep their order. */
export function ranking(x: TypedArray, shape: Shape, axis: number, descending: boolean): Int32Array {
  const { outer, n, inner } = split(shape, axis);
  const out = new Int32Array(x.length);
  const wide = x instanceof Float64Array || x instanceof BigInt64Array || x instanceof BigUint64Array;
  const sort = wide ? mergeSorter(n, descending) : radixSorter(x, n, descending);
  const line = new Int32Array(n);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const base = o * n * inner + i;
      if (inner === 1) sort(x, base, 1, out.subarray(base, base + n));
      else {
        sort(x, base, inner, line);
        for (let k = 0; k < n; k++) out[base + k * inner] = line[k]!;
      }
    }
  }
  return out;
}
