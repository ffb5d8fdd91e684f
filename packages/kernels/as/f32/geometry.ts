/** @file What the three convolution kernels share: sizes, the padded image, and tables of offsets into it.
 *
 * An image of `cg` channels is copied into planes with zero padding. A stride along w is taken out by storing each padded row as
 * `sw` phases, so that positions of neighbouring outputs are always neighbours in memory. A filter tap k is then one byte offset,
 * an output position one byte offset, and the value that meets both lies at their sum: no im2col, no packing of columns.
 * Output positions are taken in groups of four (see quads.ts). */
import { address, align64, bytes4, ceilDiv, word } from "./arguments";

export let n: i32 = 0, c: i32 = 0, h: i32 = 0, w: i32 = 0, o: i32 = 0, kh: i32 = 0, kw: i32 = 0;
export let sh: i32 = 0, sw: i32 = 0, ph: i32 = 0, pw: i32 = 0, dh: i32 = 0, dw: i32 = 0;
export let groups: i32 = 0, oh: i32 = 0, ow: i32 = 0, flags: i32 = 0, bias: usize = 0;
/** Channels and outputs of one group, filter taps, taps times channels, output positions. */
export let cg: i32 = 0, og: i32 = 0, taps: i32 = 0, K: i32 = 0, P: i32 = 0;
/** Rows of a padded plane, elements of a phase of a row, bytes of a padded image. */
export let hp: i32 = 0, wp: i32 = 0, imageBytes: usize = 0;

/** words: 0-2 buffers, 3 N, 4 C, 5 H, 6 W, 7 O, 8 KH, 9 KW, 10 SH, 11 SW, 12 PH, 13 PW, 14 DH, 15 DW, 16 groups, 17 OH, 18 OW,
 *  19 flags, 20 bias. */
export function readGeometry(a: usize): void {
  n = word(a, 3);
  c = word(a, 4);
  h = word(a, 5);
  w = word(a, 6);
  o = word(a, 7);
  kh = word(a, 8);
  kw = word(a, 9);
  sh = word(a, 10);
  sw = word(a, 11);
  ph = word(a, 12);
  pw = word(a, 13);
  dh = word(a, 14);
  dw = word(a, 15);
  groups = word(a, 16);
  oh = word(a, 17);
  ow = word(a, 18);
  flags = word(a, 19);
  bias = address(a, 20);
  derive();
}
function derive(): void {
  cg = c / groups;
  og = o / groups;
  taps = kh * kw;
  K = cg * taps;
  P = oh * ow;
  hp = h + 2 * ph;
  wp = ceilDiv(w + 2 * pw, sw);
  imageBytes = align64(bytes4(cg * hp * sw * wp + 16));
}

/** For stride 1, where padding leaves x not much larger than y: the input gradient is a convolution of the gradient with turned
 *  weights, at the speed of a forward pass (the general way loses a sixth to adding tiles in memory). */
export function turns(): bool {
  return sh == 1 && sw == 1 && h <= oh + (oh >> 4) && w <= ow + (ow >> 4) && ph <= dh * (kh - 1) && pw <= dw * (kw - 1);
}
/** The sizes of that convolution. */
export function turn(): void {
  const outputs = o, height = h, width = w;
  o = c;
  c = outputs;
  h = oh;
  w = ow;
  oh = height;
  ow = width;
  ph = dh * (kh - 1) - ph;
  pw = dw * (kw - 1) - pw;
  derive();
}

/** Byte offset of tap (channel, r, s) in a padded image. */
@inline
export function tapOffset(channel: i32, r: i32, s: i32): i32 {
  const x = s * dw;
  return (((channel * hp + r * dh) * sw + (x % sw)) * wp + x / sw) << 2;
}

/** Offsets of all taps in the order of the weights (channel, r, s). */
export function tapTable(at: usize): void {
  for (let i = 0; i < cg; ++i) {
    for (let r = 0; r < kh; ++r) {
      for (let s = 0; s < kw; ++s) {
        store<i32>(at, tapOffset(i, r, s));
        at += 4;
      }
    }
  }
}

/** Copies cg planes [h,w] into the padded image; its padding must be zero already (see clearImage). */
export function padImage(x: usize, dst: usize): void {
  for (let i = 0; i < cg; ++i) {
    for (let y = 0; y < h; ++y) {
      const row = dst + bytes4((i * hp + y + ph) * sw * wp);
      if (sw == 1) copyRow(x, row + bytes4(pw));
      else splitRow(x, row);
      x += bytes4(w);
    }
  }
}
function copyRow(x: usize, d: usize): void {
  let i = 0;
  for (; i + 4 <= w; i += 4) v128.store(d + bytes4(i), v128.load(x + bytes4(i)));
  for (; i < w; ++i) f32.store(d + bytes4(i), f32.load(x + bytes4(i)));
}
function splitRow(x: usize, row: usize): void {
  for (let first = 0; first < sw; ++first) {
    // Elements of this phase: padded column first, first + sw, ...
    let column = first - pw, d = row + bytes4(first * wp);
    for (; column < 0; column += sw) d += 4;
    for (; column < w; column += sw) {
      f32.store(d, f32.load(x + bytes4(column)));
      d += 4;
    }
  }
}
/** The reverse of padImage, into planes [h,w]. */
export function cropImage(src: usize, x: usize): void {
  for (let i = 0; i < cg; ++i) {
    for (let y = 0; y < h; ++y) {
      const row = src + bytes4((i * hp + y + ph) * sw * wp);
      if (sw == 1) {
        memory.copy(x, row + bytes4(pw), bytes4(w));
      } else {
        for (let j = 0; j < w; ++j) {
          const column = j + pw;
          f32.store(x + bytes4(j), f32.load(row + bytes4((column % sw) * wp + column / sw)));
        }
      }
      x += bytes4(w);
    }
  }
}
