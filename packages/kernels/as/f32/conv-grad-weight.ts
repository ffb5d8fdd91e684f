/** @file Weight gradient of a convolution: dot products of rows of the gradient with the padded image seen through a tap.
 *  Both are read as vectors of four positions; the four lanes are added at the end. Nothing is transposed or packed. */
import { address, align64, bytes4, ceilDiv, sumLanes } from "./arguments";
import * as g from "./geometry";
import { microDots } from "./micro.gen";
import { part, scratch, tid } from "./threads";

const ROWS: i32 = 4;
const TAPS: i32 = 2;
// Bytes of the accumulators of a tile: 4 x 2 vectors.
const TILE: usize = 128;
// Positions that are summed between visits of the accumulators: several small images are taken together.
const TOGETHER: i32 = 256;

/** Byte offsets of groups of four positions, for `images` padded images in a row. */
function positionTable(at: usize, images: i32): void {
  for (let m = 0; m < images; ++m) {
    for (let y = 0; y < g.oh; ++y) {
      for (let x = 0; x < g.ow; x += 4) {
        store<i32>(at, m * <i32>g.imageBytes + ((y * g.sh * g.sw * g.wp + x) << 2));
        at += 4;
      }
    }
  }
}

/** Gradient rows [oh,ow] of `images` images -> [og, images, oh, ow up to a multiple of 4], zeros behind each row. */
function padRows(dy: usize, images: i32, dst: usize): void {
  const wide = (g.ow + 3) & ~3, imageStride = bytes4(g.o * g.P);
  for (let i = 0; i < g.og; ++i) {
    for (let m = 0; m < images; ++m) {
      let s = dy + <usize>m * imageStride + bytes4(i * g.P);
      if (wide == g.ow) {
        memory.copy(dst, s, bytes4(g.P));
        dst += bytes4(g.P);
        continue;
      }
      for (let y = 0; y < g.oh; ++y) {
        for (let x = 0; x < wide; ++x) f32.store(dst + bytes4(x), x < g.ow ? f32.load(s + bytes4(x)) : 0);
        s += bytes4(g.ow);
        dst += bytes4(wide);
      }
    }
  }
}

/** words: 0 x, 1 dy, 2 dw, then those of readGeometry. Shared out by tiles of dw: the same sums on any number of threads. */
export function conv2dGradWeight(a: usize): void {
  g.readGeometry(a);
  const outPanels = ceilDiv(g.og, ROWS), tapPanels = ceilDiv(g.K, TAPS), units = g.groups * outPanels * tapPanels;
  const u0 = part(units, tid), u1 = part(units, tid + 1);
  if (u0 >= u1) return;
  const offsets = scratch(), padded = g.oh * ((g.ow + 3) & ~3);
  const together = padded == 0 ? 1 : max(1, min(g.n, TOGETHER / padded));
  const table = align64(offsets + bytes4(g.K + TAPS)), acc = align64(table + bytes4(g.quads * together));
  // Units of one group at a time: the accumulators of a thread are those of its units in the group.
  const perGroup = outPanels * tapPanels, rows = align64(acc + <usize>perGroup * TILE);
  const image = align64(rows + bytes4(g.og * padded * together + 16));
  g.tapTable(offsets);
  store<i32>(offsets + bytes4(g.K), g.K > 0 ? load<i32>(offsets) : 0);
  positionTable(table, together);
  memory.fill(image, 0, <usize>together * g.imageBytes);
  for (let group = u0 / perGroup; group * perGroup < u1; ++group) {
    const first = max(u0 - group * perGroup, 0), last = min(u1 - group * perGroup, perGroup);
    memory.fill(acc + <usize>first * TILE, 0, <usize>(last - first) * TILE);
    for (let m = 0; m < g.n; m += together) {
      const images = min(together, g.n - m);
      for (let j = 0; j < images; ++j) g.padImage(address(a, 0) + bytes4(((m + j) * g.c + group * g.cg) * g.h * g.w), image + <usize>j * g.imageBytes);
      const dy = address(a, 1) + bytes4((m * g.o + group * g.og) * g.P);
      accumulate(dy, images, rows, offsets, image, table, acc, first, last, tapPanels);
    }
    writeGroup(address(a, 2) + bytes4(group * g.og * g.K), acc, first, last, tapPanels);
  }
}

/** Adds the images' part to tiles first..last. Several images, or rows that are no multiple of four, go through a padded copy. */
function accumulate(dy: usize, images: i32, rows: usize, offsets: usize, image: usize, table: usize, acc: usize, first: i32, last: i32, tapPanels: i32): void {
  let source = dy, stride = bytes4(g.P);
  const groups4 = g.quads * images;
  if (images > 1 || g.ow % 4 != 0) {
    padRows(dy, images, rows);
    source = rows;
    stride = <usize>groups4 << 4;
  }
  for (let u = first; u < last; ++u) {
    const i = (u / tapPanels) * ROWS, k = (u % tapPanels) * TAPS;
    const x0 = image + <usize>load<i32>(offsets + bytes4(k)), x1 = image + <usize>load<i32>(offsets + bytes4(k + 1));
    microDots(groups4, source + <usize>i * stride, stride, x0, x1, table, acc + <usize>u * TILE, min(ROWS, g.og - i), min(TAPS, g.K - k));
  }
}

function writeGroup(dw: usize, acc: usize, first: i32, last: i32, tapPanels: i32): void {
  for (let u = first; u < last; ++u) {
    const i0 = (u / tapPanels) * ROWS, k0 = (u % tapPanels) * TAPS, mr = min(ROWS, g.og - i0), nr = min(TAPS, g.K - k0);
    for (let i = 0; i < mr; ++i) {
      for (let j = 0; j < nr; ++j) {
        f32.store(dw + bytes4((i0 + i) * g.K + k0 + j), sumLanes(v128.load(acc + <usize>u * TILE + <usize>(32 * i + 16 * j))));
      }
    }
  }
}
