/** @file Pooling over planes [h,w] and its gradients. Planes are shared out evenly; windows are visited in order. */
import { address, bytes4, word } from "./arguments";
import { part, tid } from "./threads";

let planes: i32 = 0, channels: i32 = 0, h: i32 = 0, w: i32 = 0, kh: i32 = 0, kw: i32 = 0;
let sh: i32 = 0, sw: i32 = 0, ph: i32 = 0, pw: i32 = 0, oh: i32 = 0, ow: i32 = 0, bias: usize = 0, option: i32 = 0;
// The window that `clip` found: rows r0..r1 and columns s0..s1 of the plane.
let r0: i32 = 0, r1: i32 = 0, s0: i32 = 0, s1: i32 = 0;

/** words: 0-2 buffers, 3 planes, 4 channels, 5 h, 6 w, 7 kh, 8 kw, 9 sh, 10 sw, 11 ph, 12 pw, 13 oh, 14 ow, 15 bias, 16 option. */
function read(a: usize): void {
  planes = word(a, 3);
  channels = word(a, 4);
  h = word(a, 5);
  w = word(a, 6);
  kh = word(a, 7);
  kw = word(a, 8);
  sh = word(a, 9);
  sw = word(a, 10);
  ph = word(a, 11);
  pw = word(a, 12);
  oh = word(a, 13);
  ow = word(a, 14);
  bias = address(a, 15);
  option = word(a, 16);
}
@inline
function clip(y: i32, x: i32): void {
  const top = y * sh - ph, left = x * sw - pw;
  r0 = max(top, 0);
  r1 = min(top + kh, h);
  s0 = max(left, 0);
  s1 = min(left + kw, w);
}
/** 2x2 windows side by side, no padding: four outputs at a time. */
@inline
function isHalving(): bool {
  return kh == 2 && kw == 2 && sh == 2 && sw == 2 && ph == 0 && pw == 0 && ow >= 4;
}

/** words: 0 x, 1 y, 2 index or 0, ..., 15 bias or 0, 16 relu. */
export function maxPool2d(a: usize): void {
  read(a);
  const halving = isHalving(), relu = option != 0;
  for (let p = part(planes, tid), e = part(planes, tid + 1); p < e; ++p) {
    const x = address(a, 0) + bytes4(p * h * w), y = address(a, 1) + bytes4(p * oh * ow);
    const index = address(a, 2) ? address(a, 2) + bytes4(p * oh * ow) : 0;
    const b: f32 = bias ? f32.load(bias + bytes4(p % channels)) : 0;
    if (halving) for (let r = 0; r < oh; ++r) halveRow(x, y, index, r, b, relu);
    else maxPlane(x, y, index, b, relu);
  }
}

/** Output row r. The last four outputs may overlap those before: they are computed twice. */
function halveRow(x: usize, y: usize, index: usize, r: i32, b: f32, relu: bool): void {
  const row = bytes4(w), source = x + 2 * <usize>r * row, zero = f32x4.splat(0);
  const even = i32x4(0, 2, 4, 6), one = i32x4.splat(1), down = i32x4.splat(w), diagonal = i32x4.splat(w + 1);
  for (let i = 0; i < ow; i += 4) {
    if (i + 4 > ow) i = ow - 4;
    const p = source + bytes4(2 * i), q = p + row;
    const a0 = v128.load(p), a1 = v128.load(p, 16), b0 = v128.load(q), b1 = v128.load(q, 16);
    const e0 = v128.shuffle<f32>(a0, a1, 0, 2, 4, 6), o0 = v128.shuffle<f32>(a0, a1, 1, 3, 5, 7);
    const e1 = v128.shuffle<f32>(b0, b1, 0, 2, 4, 6), o1 = v128.shuffle<f32>(b0, b1, 1, 3, 5, 7);
    const best = f32x4.max(f32x4.max(e0, o0), f32x4.max(e1, o1));
    let m = f32x4.add(best, f32x4.splat(b));
    const at = bytes4(r * ow + i);
    if (index) {
      let id = v128.bitselect(down, diagonal, f32x4.eq(e1, best));
      id = v128.bitselect(one, id, f32x4.eq(o0, best));
      id = v128.andnot(id, f32x4.eq(e0, best));
      id = i32x4.add(id, i32x4.add(i32x4.splat(2 * (r * w + i)), even));
      if (relu) id = v128.or(id, f32x4.le(m, zero));
      v128.store(index + at, id);
    }
    if (relu) m = f32x4.max(m, zero);
    v128.store(y + at, m);
  }
}

function maxPlane(x: usize, y: usize, index: usize, b: f32, relu: bool): void {
  for (let r = 0; r < oh; ++r) {
    for (let s = 0; s < ow; ++s) {
      clip(r, s);
      let best = -f32.MAX_VALUE * 2, at = r0 < r1 && s0 < s1 ? r0 * w + s0 : -1;
      for (let i = r0; i < r1; ++i) {
        for (let j = s0; j < s1; ++j) {
          const v = f32.load(x + bytes4(i * w + j));
          if (v > best || (v != v && best == best)) {
            best = v;
            at = i * w + j;
          }
        }
      }
      let v = best + b;
      if (relu && v <= 0) {
        v = 0;
        at = -1;
      }
      f32.store(y, v);
      y += 4;
      if (index) {
        store<i32>(index, at);
        index += 4;
      }
    }
  }
}

/** words: 0 dy, 1 dx, 2 index, ... */
export function maxPool2dGrad(a: usize): void {
  read(a);
  const halving = isHalving();
  for (let p = part(planes, tid), e = part(planes, tid + 1); p < e; ++p) {
    const dy = address(a, 0) + bytes4(p * oh * ow), dx = address(a, 1) + bytes4(p * h * w), index = address(a, 2) + bytes4(p * oh * ow);
    if (halving) {
      if (h & 1) memory.fill(dx + bytes4((h - 1) * w), 0, bytes4(w));
      for (let r = 0; r < oh; ++r) spreadRow(dy, index, dx, r);
    } else {
      memory.fill(dx, 0, bytes4(h * w));
      for (let i = 0; i < oh * ow; ++i) {
        const at = load<i32>(index + bytes4(i)), d = dx + bytes4(at);
        if (at >= 0) f32.store(d, f32.load(d) + f32.load(dy + bytes4(i)));
      }
    }
  }
}
function spreadRow(dy: usize, index: usize, dx: usize, r: i32): void {
  const even = i32x4(0, 2, 4, 6), row = bytes4(w), d = dx + 2 * <usize>r * row;
  for (let i = 0; i < ow; i += 4) {
    if (i + 4 > ow) i = ow - 4;
    const at = bytes4(r * ow + i), v = v128.load(dy + at), p = d + bytes4(2 * i);
    const id = i32x4.sub(v128.load(index + at), i32x4.add(i32x4.splat(2 * (r * w + i)), even));
    const v0 = v128.and(v, i32x4.eq(id, i32x4.splat(0))), v1 = v128.and(v, i32x4.eq(id, i32x4.splat(1)));
    const v2 = v128.and(v, i32x4.eq(id, i32x4.splat(w))), v3 = v128.and(v, i32x4.eq(id, i32x4.splat(w + 1)));
    v128.store(p, v128.shuffle<f32>(v0, v1, 0, 4, 1, 5));
    v128.store(p, v128.shuffle<f32>(v0, v1, 2, 6, 3, 7), 16);
    v128.store(p + row, v128.shuffle<f32>(v2, v3, 0, 4, 1, 5));
    v128.store(p + row, v128.shuffle<f32>(v2, v3, 2, 6, 3, 7), 16);
  }
  if (w & 1) {
    f32.store(d + row - 4, 0);
    f32.store(d + 2 * row - 4, 0);
  }
}

/** 1 / divisor of the window that `clip` found. */
@inline
function share(): f32 {
  return <f32>1 / <f32>(option ? kh * kw : (r1 - r0) * (s1 - s0));
}

/** words: 0 x, 1 y, ..., 16 count padding. */
export function avgPool2d(a: usize): void {
  read(a);
  for (let p = part(planes, tid), e = part(planes, tid + 1); p < e; ++p) {
    const x = address(a, 0) + bytes4(p * h * w);
    let y = address(a, 1) + bytes4(p * oh * ow);
    for (let r = 0; r < oh; ++r) {
      for (let s = 0; s < ow; ++s) {
        clip(r, s);
        f32.store(y, sumWindow(x) * share());
        y += 4;
      }
    }
  }
}
function sumWindow(x: usize): f32 {
  let total: f32 = 0;
  for (let i = r0; i < r1; ++i) {
    let p = x + bytes4(i * w + s0), j = s0, v = f32x4.splat(0);
    for (; j + 4 <= s1; j += 4) {
      v = f32x4.add(v, v128.load(p));
      p += 16;
    }
    for (; j < s1; ++j) {
      total += f32.load(p);
      p += 4;
    }
    total += f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
  }
  return total;
}

/** words: 0 dy, 1 dx, ..., 16 count padding. */
export function avgPool2dGrad(a: usize): void {
  read(a);
  for (let p = part(planes, tid), e = part(planes, tid + 1); p < e; ++p) {
    const dx = address(a, 1) + bytes4(p * h * w);
    let dy = address(a, 0) + bytes4(p * oh * ow);
    memory.fill(dx, 0, bytes4(h * w));
    for (let r = 0; r < oh; ++r) {
      for (let s = 0; s < ow; ++s) {
        clip(r, s);
        const v = f32.load(dy) * share();
        for (let i = r0; i < r1; ++i) {
          for (let j = s0; j < s1; ++j) {
            const d = dx + bytes4(i * w + j);
            f32.store(d, f32.load(d) + v);
          }
        }
        dy += 4;
      }
    }
  }
}
