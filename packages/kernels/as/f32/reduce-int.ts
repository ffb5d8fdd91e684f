/** @file Reductions of integers and bytes, and the index of the largest or smallest of any type: one element at a time. */
import { address, bytes4, word } from "./arguments";
import { part, tid } from "./threads";

const SUM: i32 = 0, PROD: i32 = 1, MAX: i32 = 2;
const F32: i32 = 0, I32: i32 = 1, U32: i32 = 2, U8: i32 = 3, BOOL: i32 = 4;

/** Element i as a number that orders like it. */
@inline
function element(x: usize, i: i32, type: i32): i64 {
  if (type >= U8) return <i64>load<u8>(x + <usize>i);
  return type == I32 ? <i64>load<i32>(x + bytes4(i)) : <i64>load<u32>(x + bytes4(i));
}
@inline
function put(y: usize, i: i32, v: i64, type: i32): void {
  if (type >= U8) store<u8>(y + <usize>i, <u8>v);
  else store<i32>(y + bytes4(i), <i32>v);
}
@inline
function neutral(op: i32, type: i32): i64 {
  if (op == SUM) return 0;
  if (op == PROD) return 1;
  if (op == MAX) return type == I32 ? <i64>i32.MIN_VALUE : 0;
  return type == I32 ? <i64>i32.MAX_VALUE : type == U32 ? <i64>u32.MAX_VALUE : type == BOOL ? 1 : 255;
}

/** The words of `reduce`. */
export function reduceInt(a: usize): void {
  const x = address(a, 0), reduced = word(a, 3), inner = word(a, 4), tail = word(a, 5), op = word(a, 6), type = word(a, 7);
  const units = word(a, 2) * inner;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const o = u / inner, i = u % inner;
    let s = neutral(op, type);
    for (let r = 0; r < reduced; ++r) {
      const row = ((o * reduced + r) * inner + i) * tail;
      for (let t = row; t < row + tail; ++t) {
        const v = element(x, t, type);
        s = op == SUM ? s + v : op == PROD ? s * v : op == MAX ? max(s, v) : min(s, v);
      }
    }
    put(address(a, 1), u, s, type);
  }
}

/** words: 0 x, 1 y (i32), 2 outer, 3 reduced, 4 inner, 5 smallest, 6 type. */
export function argReduce(a: usize): void {
  const x = address(a, 0), y = address(a, 1), reduced = word(a, 3), inner = word(a, 4), smallest = word(a, 5) != 0, type = word(a, 6);
  const units = word(a, 2) * inner;
  for (let u = part(units, tid), e = part(units, tid + 1); u < e; ++u) {
    const first = (u / inner) * reduced * inner + (u % inner);
    store<i32>(y + bytes4(u), type == F32 ? bestFloat(x, first, inner, reduced, smallest) : bestInt(x, first, inner, reduced, smallest, type));
  }
}
function bestFloat(x: usize, first: i32, step: i32, n: i32, smallest: bool): i32 {
  let best = f32.load(x + bytes4(first)), at = 0;
  for (let r = 1; r < n && best == best; ++r) {
    const v = f32.load(x + bytes4(first + r * step));
    if ((smallest ? v < best : v > best) || v != v) {
      best = v;
      at = r;
    }
  }
  return at;
}
function bestInt(x: usize, first: i32, step: i32, n: i32, smallest: bool, type: i32): i32 {
  let best = element(x, first, type), at = 0;
  for (let r = 1; r < n; ++r) {
    const v = element(x, first + r * step, type);
    if (smallest ? v < best : v > best) {
      best = v;
      at = r;
    }
  }
  return at;
}
