/** @file Input gradient of a convolution: weights^T x gradient, each tile added to the padded image where its taps lie (col2im in
 *  the epilogue). It costs the products of the forward pass, whatever the padding, and no column buffer. */
import { address, align64, bytes4, ceilDiv } from "./arguments";
import * as g from "./geometry";
import { MR, NR, microScatter, microTapsEdge } from "./micro.gen";
import { packPanel } from "./pack";
import { scratch, take } from "./threads";

// Pairs of groups of positions that are computed with one panel of weights before the next.
const PAIRS: i32 = 8;

let tile: usize = 0, offsets: usize = 0, table: usize = 0, tapAt: usize = 0;

/** Adds the first `count` elements of each row of the tile. Rows are channels i.. of one tap. */
function addTile(from: usize, mr: i32, rows: usize, at: usize, count: i32): void {
  for (let i = 0; i < mr; ++i) {
    const d = rows + bytes4(i * g.hp * g.sw * g.wp) + at;
    if (count == 4) {
      v128.store(d, f32x4.add(v128.load(from), v128.load(d)));
    } else {
      for (let j = 0; j < count; ++j) f32.store(d + bytes4(j), f32.load(d + bytes4(j)) + f32.load(from + bytes4(j)));
    }
    from += 4 * NR;
  }
}

/** Channels i.. of one tap at two groups of positions. */
function compute(ap: usize, dy: usize, q: usize, rows: usize, mr: i32): void {
  const q0 = dy + <usize>load<i32>(q, 4), q1 = dy + <usize>load<i32>(q, g.QUAD + 4);
  const d0 = <usize>load<i32>(q), d1 = <usize>load<i32>(q, g.QUAD);
  const n0 = load<i32>(q, 8), n1 = load<i32>(q, g.QUAD + 8);
  if (mr == MR && n0 + n1 == NR) {
    const s = bytes4(g.hp * g.sw * g.wp);
    microScatter(g.og, ap, q0, q1, offsets, rows, rows + s, rows + 2 * s, rows + 3 * s, d0, d1);
    return;
  }
  microTapsEdge(g.og, ap, q0, q1, offsets, tile, mr, n1 ? NR : 4);
  addTile(tile, mr, rows, d0, n0);
  if (n1) addTile(tile + 16, mr, rows, d1, n1);
}

/** All taps of one image and group. Rows of a tile are channels of one tap: they never overlap in the image. */
function scatterImage(weights: usize, dy: usize, image: usize): void {
  const panels = ceilDiv(g.cg, MR);
  for (let block = 0; block < g.quads; block += 2 * PAIRS) {
    const end = min(g.quads, block + 2 * PAIRS);
    for (let t = 0; t < g.taps; ++t) {
      for (let i = 0; i < panels; ++i) {
        const ap = weights + bytes4((t * panels + i) * MR * g.og), mr = min(MR, g.cg - i * MR);
        const rows = image + <usize>load<i32>(tapAt + bytes4(t)) + bytes4(i * MR * g.hp * g.sw * g.wp);
        for (let q = block; q < end; q += 2) compute(ap, dy, table + <usize>q * g.QUAD, rows, mr);
      }
    }
  }
}

/** words: 0 dy, 1 weight, 2 dx, then those of readGeometry. Images are handed out. */
export function conv2dGradInput(a: usize): void {
  g.readGeometry(a);
  if (g.n * g.c * g.h * g.w == 0) return;
  const dy = address(a, 0), dx = address(a, 2);
  tile = scratch();
  offsets = tile + 1024;
  tapAt = align64(offsets + bytes4(g.og));
  table = align64(tapAt + bytes4(g.taps));
  const weights = align64(table + <usize>(g.quads + 2) * g.QUAD), panel = g.taps * ceilDiv(g.cg, MR) * MR * g.og;
  const image = weights + align64(bytes4(g.groups * panel));
  for (let i = 0; i < g.og; ++i) store<i32>(offsets + bytes4(i), (i * g.P) << 2);
  for (let t = 0; t < g.taps; ++t) store<i32>(tapAt + bytes4(t), g.tapOffset(0, t / g.kw, t % g.kw));
  g.quadTable(table);
  for (let u = 0; u < g.groups; ++u) packTransposed(address(a, 1) + bytes4(u * g.og * g.K), weights + bytes4(u * panel));
  for (let u = take(); u < g.n * g.groups; u = take()) {
    const group = u % g.groups;
    memory.fill(image, 0, g.imageBytes);
    scatterImage(weights + bytes4(group * panel), dy + bytes4(u * g.og * g.P), image);
    g.cropImage(image, dx + bytes4(u * g.cg * g.h * g.w));
  }
}

/** weight[og, cg, taps] -> panels [taps, cg / 4] of [og, 4 channels]. */
function packTransposed(w: usize, dst: usize): void {
  for (let t = 0; t < g.taps; ++t) {
    for (let i = 0; i < g.cg; i += MR) {
      packPanel(w + bytes4(i * g.taps + t), g.taps, g.K, MR, g.cg - i, g.og, dst);
      dst += bytes4(MR * g.og);
    }
  }
}
