/** @file Input gradient of a convolution: weights^T x gradient, each tile added to the padded image where its taps lie (col2im in
 *  the epilogue). It costs the products of the forward pass, whatever the padding, and no column buffer. */
import { address, align64, bytes4, ceilDiv } from "./arguments";
import { convolve } from "./conv";
import * as g from "./geometry";
import { MR, NR, microScatter, microTapsEdge } from "./micro.gen";
import { packPanel } from "./pack";
import * as q4 from "./quads";
import { scratch, take } from "./threads";

// Pairs of groups of positions that are computed with one panel of weights before the next.
const PAIRS: i32 = 8;

let tile: usize = 0, offsets: usize = 0, table: usize = 0, lanes: usize = 0, tapAt: usize = 0;

/** Adds vectors of the tile, one per channel, to a quad in one row. */
function addVectors(from: usize, mr: i32, rows: usize, at: usize): void {
  for (let i = 0; i < mr; ++i) {
    const d = rows + bytes4(i * g.hp * g.sw * g.wp) + at;
    v128.store(d, f32x4.add(v128.load(from), v128.load(d)));
    from += 4 * NR;
  }
}
/** The same for a straddling quad of `count` positions. */
function addLanes(from: usize, mr: i32, rows: usize, at: usize, count: i32): void {
  const halves = count == 4 && q4.inHalves(at);
  for (let i = 0; i < mr; ++i) {
    const d = rows + bytes4(i * g.hp * g.sw * g.wp);
    if (halves) {
      const a = d + <usize>load<i32>(at), b = d + <usize>load<i32>(at, 8);
      const v = f32x4.add(v128.load(from), v128.load64_lane(b, v128.load64_zero(a), 1));
      v128.store64_lane(a, v, 0);
      v128.store64_lane(b, v, 1);
    } else {
      for (let j = 0; j < count; ++j) {
        const p = d + <usize>load<i32>(at + bytes4(j));
        f32.store(p, f32.load(p) + f32.load(from + bytes4(j)));
      }
    }
    from += 4 * NR;
  }
}

/** Channels i.. of one tap at two quads. */
function compute(ap: usize, dy: usize, q: usize, rows: usize, mr: i32, straddling: bool): void {
  const q0 = dy + <usize>load<i32>(q, 4), q1 = dy + <usize>load<i32>(q, q4.QUAD + 4);
  const d0 = load<i32>(q), d1 = load<i32>(q, q4.QUAD), n0 = load<i32>(q, 8), n1 = load<i32>(q, q4.QUAD + 8);
  if (!straddling && mr == MR && n1) {
    const s = bytes4(g.hp * g.sw * g.wp);
    microScatter(g.og, ap, q0, q1, offsets, rows, rows + s, rows + 2 * s, rows + 3 * s, d0, d1);
    return;
  }
  microTapsEdge(g.og, ap, q0, q1, offsets, tile, mr, n1 ? NR : 4);
  if (straddling) {
    addLanes(tile, mr, rows, lanes + bytes4(4 * d0), n0);
    addLanes(tile + 16, mr, rows, lanes + bytes4(4 * d1), n1);
  } else {
    addVectors(tile, mr, rows, d0);
    if (n1) addVectors(tile + 16, mr, rows, d1);
  }
}

/** All taps of one image and group at quads q0..q1. Rows of a tile are channels of one tap: they never overlap in the image. */
function scatterImage(weights: usize, dy: usize, image: usize, q0: i32, q1: i32, straddling: bool): void {
  const panels = ceilDiv(g.cg, MR);
  for (let block = q0; block < q1; block += 2 * PAIRS) {
    const end = min(q1, block + 2 * PAIRS);
    for (let t = 0; t < g.taps; ++t) {
      for (let i = 0; i < panels; ++i) {
        const ap = weights + bytes4((t * panels + i) * MR * g.og), mr = min(MR, g.cg - i * MR);
        const rows = image + <usize>load<i32>(tapAt + bytes4(t)) + bytes4(i * MR * g.hp * g.sw * g.wp);
        for (let q = block; q < end; q += 2) compute(ap, dy, table + <usize>q * q4.QUAD, rows, mr, straddling);
      }
    }
  }
}

/** words: 0 dy, 1 weight, 2 dx, then those of readGeometry. Images are handed out. */
export function conv2dGradInput(a: usize): void {
  g.readGeometry(a);
  if (g.turns()) {
    g.turn();
    convolve(address(a, 0), address(a, 1), address(a, 2), true);
    return;
  }
  if (g.n * g.c * g.h * g.w == 0) return;
  const dy = address(a, 0), dx = address(a, 2);
  q4.countQuads();
  tile = scratch();
  offsets = tile + 1024;
  tapAt = align64(offsets + bytes4(g.og));
  table = align64(tapAt + bytes4(g.taps));
  lanes = align64(table + <usize>(q4.quads + 4) * q4.QUAD);
  const weights = align64(lanes + <usize>q4.straddling * 16), panel = g.taps * ceilDiv(g.cg, MR) * MR * g.og;
  const image = weights + align64(bytes4(g.groups * panel));
  for (let i = 0; i < g.og; ++i) store<i32>(offsets + bytes4(i), (i * g.P) << 2);
  for (let t = 0; t < g.taps; ++t) store<i32>(tapAt + bytes4(t), g.tapOffset(0, t / g.kw, t % g.kw));
  q4.quadTable(table, lanes);
  for (let u = 0; u < g.groups; ++u) packTransposed(address(a, 1) + bytes4(u * g.og * g.K), weights + bytes4(u * panel));
  for (let u = take(); u < g.n * g.groups; u = take()) {
    const group = u % g.groups;
    memory.fill(image, 0, g.imageBytes);
    const w = weights + bytes4(group * panel), from = dy + bytes4(u * g.og * g.P);
    scatterImage(w, from, image, 0, q4.direct, false);
    scatterImage(w, from, image, q4.firstStraddling, q4.firstStraddling + q4.straddling, true);
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
