/** @file Weight gradient of a convolution: dot products of rows of the gradient with the padded image seen through a tap.
 *  Both are read as vectors of four positions; the four lanes are added at the end. Nothing is transposed or packed. */
import { address, align64, bytes4, ceilDiv, sumLanes } from "./arguments";
import * as g from "./geometry";
import { microDots } from "./micro.gen";
import * as q4 from "./quads";
import { part, scratch, tid } from "./threads";

const ROWS: i32 = 4;
const TAPS: i32 = 2;
// Bytes of the accumulators of a tile: 4 x 2 vectors.
const TILE: usize = 128;
// Positions that are summed between visits of the accumulators: several small images are taken together. Four rows of
// 1024 are 16 KiB, half of an L1 cache; against 512, 5x5 16->32 at 14x14 is 4 % faster.
const TOGETHER: i32 = 1024;

let images: i32 = 0, source: usize = 0, stride: usize = 0;
let offsets: usize = 0, table: usize = 0, lanes: usize = 0, positions: usize = 0, inOrder: usize = 0;
let acc: usize = 0, rows: usize = 0, gathered: usize = 0, image: usize = 0;

/** Byte offsets of the direct quads of `count` padded images in a row. */
function positionTable(count: i32): void {
  let at = positions;
  for (let m = 0; m < count; ++m) {
    for (let q = 0; q < q4.direct; ++q) {
      store<i32>(at, m * <i32>g.imageBytes + load<i32>(table + <usize>q * q4.QUAD));
      at += 4;
    }
  }
}

/** Gradient planes -> rows [og] of vectors: direct quads of all images, then straddling ones (zeros behind the last position). */
function reorder(dy: usize): void {
  const imageStride = bytes4(g.o * g.P);
  let d = rows;
  for (let i = 0; i < g.og; ++i) {
    const plane = dy + bytes4(i * g.P);
    for (let m = 0; m < images; ++m) d = copyQuads(plane + <usize>m * imageStride, 0, q4.direct, d);
    for (let m = 0; m < images; ++m) d = copyQuads(plane + <usize>m * imageStride, q4.firstStraddling, q4.straddling, d);
  }
}
function copyQuads(plane: usize, first: i32, n: i32, d: usize): usize {
  let r = table + <usize>first * q4.QUAD;
  for (let q = 0; q < n; ++q) {
    const keep = i32x4.gt_s(i32x4.splat(load<i32>(r, 8)), i32x4(0, 1, 2, 3));
    v128.store(d, v128.and(v128.load(plane + <usize>load<i32>(r, 4)), keep));
    d += 16;
    r += q4.QUAD;
  }
  return d;
}
/** Straddling quads of all images under every tap: gathered[K][images][straddling]. */
function gatherAll(): void {
  const n = q4.straddling * images;
  for (let s = 0; s < n; ++s) {
    const from = image + <usize>(s / q4.straddling) * g.imageBytes, lane = lanes + <usize>(s % q4.straddling) * 16;
    q4.gatherTaps(from, offsets, g.K, lane, gathered + <usize>s * 16, <usize>n * 16);
  }
}

/** Where everything lies in scratch memory (the same sums as in src/f32/conv.ts); the tables. */
function prepare(perGroup: i32): i32 {
  q4.countQuads();
  const together = g.P == 0 ? 1 : max(1, min(g.n, TOGETHER / (4 * q4.quads))), straddling = q4.straddling * together;
  offsets = scratch();
  table = align64(offsets + bytes4(g.K));
  lanes = align64(table + <usize>(q4.quads + 4) * q4.QUAD);
  positions = align64(lanes + <usize>q4.straddling * 16);
  inOrder = align64(positions + bytes4(q4.direct * together));
  acc = align64(inOrder + bytes4(straddling));
  rows = acc + <usize>perGroup * TILE;
  gathered = rows + <usize>(g.og * q4.quads * together) * 16;
  image = align64(gathered + <usize>(g.K * straddling) * 16);
  g.tapTable(offsets);
  q4.quadTable(table, lanes);
  positionTable(together);
  for (let s = 0; s < straddling; ++s) store<i32>(inOrder + bytes4(s), s << 4);
  memory.fill(image, 0, <usize>together * g.imageBytes);
  return together;
}

/** words: 0 x, 1 dy, 2 dw, then those of readGeometry. Shared out by tiles of dw: the same sums on any number of threads. */
export function conv2dGradWeight(a: usize): void {
  g.readGeometry(a);
  const tapPanels = ceilDiv(g.K, TAPS), perGroup = ceilDiv(g.og, ROWS) * tapPanels, units = g.groups * perGroup;
  const u0 = part(units, tid), u1 = part(units, tid + 1);
  if (u0 >= u1) return;
  const together = prepare(perGroup);
  // Units of one group at a time: the accumulators of a thread are those of its units in the group.
  for (let group = u0 / perGroup; group * perGroup < u1; ++group) {
    const first = max(u0 - group * perGroup, 0), last = min(u1 - group * perGroup, perGroup);
    memory.fill(acc + <usize>first * TILE, 0, <usize>(last - first) * TILE);
    for (let m = 0; m < g.n; m += together) {
      images = min(together, g.n - m);
      for (let j = 0; j < images; ++j) {
        g.padImage(address(a, 0) + bytes4(((m + j) * g.c + group * g.cg) * g.h * g.w), image + <usize>j * g.imageBytes);
      }
      load4(address(a, 1) + bytes4((m * g.o + group * g.og) * g.P));
      for (let u = first; u < last; ++u) accumulate(u, tapPanels);
    }
    writeGroup(address(a, 2) + bytes4(group * g.og * g.K), first, last, tapPanels);
  }
}

/** Rows of the gradient as vectors in the order of the quads: in place if there is one image without straddling quads. */
function load4(dy: usize): void {
  source = dy;
  stride = bytes4(g.P);
  if (images == 1 && q4.straddling == 0) return;
  reorder(dy);
  gatherAll();
  source = rows;
  stride = <usize>(q4.quads * images) << 4;
}
function accumulate(u: i32, tapPanels: i32): void {
  const i = (u / tapPanels) * ROWS, k = (u % tapPanels) * TAPS, mr = min(ROWS, g.og - i), nr = min(TAPS, g.K - k);
  const x0 = image + <usize>load<i32>(offsets + bytes4(k)), x1 = image + <usize>load<i32>(offsets + bytes4(k + nr - 1));
  const from = source + <usize>i * stride, at = acc + <usize>u * TILE, n = q4.direct * images, s = q4.straddling * images;
  microDots(n, from, stride, x0, x1, positions, at, mr, nr);
  if (s) {
    const t0 = gathered + <usize>(k * s) * 16, t1 = gathered + <usize>((k + nr - 1) * s) * 16;
    microDots(s, from + <usize>n * 16, stride, t0, t1, inOrder, at, mr, nr);
  }
}

function writeGroup(dw: usize, first: i32, last: i32, tapPanels: i32): void {
  for (let u = first; u < last; ++u) {
    const i0 = (u / tapPanels) * ROWS, k0 = (u % tapPanels) * TAPS, mr = min(ROWS, g.og - i0), nr = min(TAPS, g.K - k0);
    for (let i = 0; i < mr; ++i) {
      for (let j = 0; j < nr; ++j) {
        f32.store(dw + bytes4((i0 + i) * g.K + k0 + j), sumLanes(v128.load(acc + <usize>u * TILE + <usize>(32 * i + 16 * j))));
      }
    }
  }
}
