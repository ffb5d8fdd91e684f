/** @file Steps of rnn, lstm and gru forward and back, element by element; the products stand beside them in the plan. Rows of `h`-wide
 *  parts, one sequence each, are shared out. The gates of `out` hold the recurrent product before a step, activations after it. */
import { address, bytes4, word } from "./arguments";
import { sigmoid4, tanh4 } from "./math";
import { part, tid } from "./threads";

@inline
function get(p: usize): v128 {
  return v128.load(p);
}
@inline
function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}
@inline
function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}
/** 1 - x. */
@inline
function not(x: v128): v128 {
  return f32x4.sub(f32x4.splat(1), x);
}
/** g through y = sigmoid(·). */
@inline
function throughSigmoid(g: v128, y: v128): v128 {
  return mul(g, mul(y, not(y)));
}
/** g through y = tanh(·). */
@inline
function throughTanh(g: v128, y: v128): v128 {
  return mul(g, not(mul(y, y)));
}
/** Stores the first `left` lanes: the next part of the row begins behind them. */
@inline
function put(d: usize, v: v128, left: i32): void {
  if (left >= 4) v128.store(d, v);
  else putSome(d, v, left);
}
function putSome(d: usize, v: v128, left: i32): void {
  f32.store(d, f32x4.extract_lane(v, 0));
  if (left > 1) f32.store(d, f32x4.extract_lane(v, 1), 4);
  if (left > 2) f32.store(d, f32x4.extract_lane(v, 2), 8);
}
/** The later step's gradient by a state, where there is a later step. */
@inline
function later(p: usize, at: usize): v128 {
  return p ? get(p + at) : f32x4.splat(0);
}

/** words: 0 out [n,h], holds the product, 1 gx [n,h], 2 relu, 3 n, 4 h. */
export function rnnCell(a: usize): void {
  const relu = word(a, 2) != 0, n = word(a, 3), h = word(a, 4), row = bytes4(h);
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const o = address(a, 0) + <usize>i * row, x = address(a, 1) + <usize>i * row;
    for (let j = 0; j < h; j += 4) {
      const b = bytes4(j), z = add(get(x + b), get(o + b));
      put(o + b, relu ? f32x4.pmax(z, f32x4.splat(0)) : tanh4(z), h - j);
    }
  }
}

/** words: 0 g [n,h], 1 out [n,h], 2 d [n,2h]: product, h, 3 d of the later step (0: none), 4 relu, 5 n, 6 h. */
export function rnnCellGrad(a: usize): void {
  const relu = word(a, 4) != 0, n = word(a, 5), h = word(a, 6), row = bytes4(h), next = address(a, 3);
  for (let i = part(n, tid), e = part(n, tid + 1); i < e; ++i) {
    const g = address(a, 0) + <usize>i * row, y = address(a, 1) + <usize>i * row, d = address(a, 2) + <usize>i * (2 * row);
    const l = next ? next + <usize>i * (2 * row) + row : 0;
    for (let j = 0; j < h; j += 4) {
      const b = bytes4(j), dh = add(get(g + b), later(l, b)), v = get(y + b);
      put(d + b, relu ? v128.and(dh, f32x4.gt(v, f32x4.splat(0))) : throughTanh(dh, v), h - j);
    }
  }
}

/** words: 0 out [n,6h]: i f g o c h, 1 gx [n,4h], 2 c before, 3 elements between its rows, 4 n, 5 h. */
export function lstmCell(a: usize): void {
  const n = word(a, 4), h = word(a, 5), row = bytes4(h), stride = bytes4(word(a, 3));
  for (let k = part(n, tid), e = part(n, tid + 1); k < e; ++k) {
    const p = address(a, 0) + <usize>k * (6 * row), x = address(a, 1) + <usize>k * (4 * row), before = address(a, 2) + <usize>k * stride;
    for (let j = 0; j < h; j += 4) {
      const b = bytes4(j), q = p + b, s = x + b, left = h - j;
      const i = sigmoid4(add(get(s), get(q))), f = sigmoid4(add(get(s + row), get(q + row)));
      const g = tanh4(add(get(s + 2 * row), get(q + 2 * row))), o = sigmoid4(add(get(s + 3 * row), get(q + 3 * row)));
      const c = add(mul(f, get(before + b)), mul(i, g));
      put(q, i, left);
      put(q + row, f, left);
      put(q + 2 * row, g, left);
      put(q + 3 * row, o, left);
      put(q + 4 * row, c, left);
      put(q + 5 * row, mul(o, tanh4(c)), left);
    }
  }
}

/** words: 0 g [n,6h], 1 out [n,6h], 2 d [n,6h]: i f g o, c, h, 3 d of the later step (0: none), 4 c before, 5 elements between its
 *  rows, 6 n, 7 h. */
export function lstmCellGrad(a: usize): void {
  const n = word(a, 6), h = word(a, 7), row = bytes4(h), stride = bytes4(word(a, 5)), next = address(a, 3);
  for (let k = part(n, tid), e = part(n, tid + 1); k < e; ++k) {
    const at = <usize>k * (6 * row), up = address(a, 0) + at, p = address(a, 1) + at, to = address(a, 2) + at;
    const before = address(a, 4) + <usize>k * stride, l = next ? next + at + 4 * row : 0;
    for (let j = 0; j < h; j += 4) {
      const b = bytes4(j), u = up + b, q = p + b, d = to + b, left = h - j;
      const i = get(q), f = get(q + row), g = get(q + 2 * row), o = get(q + 3 * row), t = tanh4(get(q + 4 * row));
      const dh = add(get(u + 5 * row), later(l, b + row));
      const dc = add(add(get(u + 4 * row), later(l, b)), throughTanh(mul(dh, o), t));
      put(d, throughSigmoid(add(get(u), mul(dc, g)), i), left);
      put(d + row, throughSigmoid(add(get(u + row), mul(dc, get(before + b))), f), left);
      put(d + 2 * row, throughTanh(add(get(u + 2 * row), mul(dc, i)), g), left);
      put(d + 3 * row, throughSigmoid(add(get(u + 3 * row), mul(dh, t)), o), left);
      put(d + 4 * row, mul(dc, f), left);
    }
  }
}

/** words: 0 out [n,5h]: r z m n h, 1 gx [n,3h], 2 h before, 3 elements between its rows, 4 bias of m [h], 5 n, 6 h. */
export function gruCell(a: usize): void {
  const n = word(a, 5), h = word(a, 6), row = bytes4(h), stride = bytes4(word(a, 3));
  for (let k = part(n, tid), e = part(n, tid + 1); k < e; ++k) {
    const p = address(a, 0) + <usize>k * (5 * row), x = address(a, 1) + <usize>k * (3 * row), before = address(a, 2) + <usize>k * stride;
    for (let j = 0; j < h; j += 4) {
      const b = bytes4(j), q = p + b, s = x + b, left = h - j;
      const r = sigmoid4(add(get(s), get(q))), z = sigmoid4(add(get(s + row), get(q + row)));
      const m = add(get(q + 2 * row), get(address(a, 4) + b)), c = tanh4(add(get(s + 2 * row), mul(r, m)));
      put(q, r, left);
      put(q + row, z, left);
      put(q + 2 * row, m, left);
      put(q + 3 * row, c, left);
      put(q + 4 * row, add(c, mul(z, f32x4.sub(get(before + b), c))), left);
    }
  }
}

/** words: 0 g [n,5h], 1 out [n,5h], 2 d [n,5h]: r z m, n, h without the product's part, 3 d of the later step (0: none), 4 h before,
 *  5 elements between its rows, 6 n, 7 h. */
export function gruCellGrad(a: usize): void {
  const n = word(a, 6), h = word(a, 7), row = bytes4(h), stride = bytes4(word(a, 5)), next = address(a, 3);
  for (let k = part(n, tid), e = part(n, tid + 1); k < e; ++k) {
    const at = <usize>k * (5 * row), up = address(a, 0) + at, p = address(a, 1) + at, to = address(a, 2) + at;
    const before = address(a, 4) + <usize>k * stride, l = next ? next + at + 4 * row : 0;
    for (let j = 0; j < h; j += 4) {
      const b = bytes4(j), u = up + b, q = p + b, d = to + b, left = h - j;
      const r = get(q), z = get(q + row), m = get(q + 2 * row), c = get(q + 3 * row);
      const dh = add(get(u + 4 * row), later(l, b));
      const dn = throughTanh(add(get(u + 3 * row), mul(dh, not(z))), c);
      put(d, throughSigmoid(add(get(u), mul(dn, m)), r), left);
      put(d + row, throughSigmoid(add(get(u + row), mul(dh, f32x4.sub(get(before + b), c))), z), left);
      put(d + 2 * row, add(get(u + 2 * row), mul(dn, r)), left);
      put(d + 3 * row, dn, left);
      put(d + 4 * row, mul(dh, z), left);
    }
  }
}
