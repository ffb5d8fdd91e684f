/** @file Forward convolution: weights in packed panels, columns read in place from the padded image (see geometry.ts). */
import { address, align64, bytes4, ceilDiv } from "./arguments";
import * as g from "./geometry";
import { ACC, MR, NR, ROWBIAS, finish, microTaps, microTapsEdge } from "./micro.gen";
import { packPanel } from "./pack";
import { nt, scratch, take } from "./threads";

// Terms of a sum between visits of the output: the columns of a tile (16 KiB) and a panel of weights stay in L1.
const KC: i32 = 512;
// Pairs of groups (8 positions each) that are computed with one panel of weights before the next, where weights exceed L2.
const MANY: i32 = 16;
const LARGE: i32 = 65536;

let tile: usize = 0, offsets: usize = 0, table: usize = 0;

/** One tile: rows i.. of the group's outputs at two groups of four positions. */
function compute(kc: i32, ap: usize, image: usize, k: i32, q: usize, out: usize, mr: i32, f: i32, b: usize): void {
  const ldc = bytes4(g.P), taps = offsets + bytes4(k);
  const q0 = image + <usize>load<i32>(q), q1 = image + <usize>load<i32>(q, g.QUAD);
  const n0 = load<i32>(q, 8), n1 = load<i32>(q, g.QUAD + 8);
  const p0 = out + <usize>load<i32>(q, 4);
  if (mr == MR && n0 + n1 == NR) {
    microTaps(kc, ap, q0, q1, taps, p0, <usize>(load<i32>(q, g.QUAD + 4) - load<i32>(q, 4)), ldc, f, b);
    return;
  }
  microTapsEdge(kc, ap, q0, q1, taps, tile, mr, n1 ? NR : 4);
  finish(tile, mr, n0, p0, ldc, f, b, 0);
  if (n1) finish(tile + 16, mr, n1, out + <usize>load<i32>(q, g.QUAD + 4), ldc, f, b, 0);
}

/** Groups q0..q1 of one image and convolution group. */
function positions(image: usize, weights: usize, out: usize, bias: usize, q0: i32, q1: i32): void {
  const blocks = max(1, ceilDiv(g.K, KC)), kb = ceilDiv(g.K, blocks);
  const step = 2 * (g.og * g.K > LARGE ? MANY : 1);
  for (let block = q0; block < q1; block += step) {
    const end = min(q1, block + step);
    for (let k = 0; k < max(1, g.K); k += max(1, kb)) {
      const kc = min(kb, g.K - k), f = (k > 0 ? ACC : 0) | (k + kc >= g.K ? g.flags : 0);
      for (let i = 0; i < g.og; i += MR) {
        const ap = weights + bytes4(i * g.K + k * MR), mr = min(MR, g.og - i);
        for (let q = block; q < end; q += 2) {
          compute(kc, ap, image, k, table + <usize>q * g.QUAD, out + bytes4(i * g.P), mr, f, bias + bytes4(i));
        }
      }
    }
  }
}

/** words: 0 x, 1 weight, 2 y, then those of readGeometry. Images are handed out; if they are few, parts of their positions. */
export function conv2d(a: usize): void {
  g.readGeometry(a);
  if (g.n * g.o * g.P == 0) return;
  const x = address(a, 0), y = address(a, 2);
  tile = scratch();
  offsets = tile + 1024;
  table = align64(offsets + bytes4(g.K + 8));
  const weights = align64(table + <usize>(g.quads + 2) * g.QUAD), panel = ceilDiv(g.og, MR) * MR * g.K;
  const image = weights + align64(bytes4(g.groups * panel));
  g.tapTable(offsets);
  g.quadTable(table);
  for (let u = 0; u < g.groups; ++u) {
    const source = address(a, 1) + bytes4(u * g.og * g.K), packed = weights + bytes4(u * panel);
    for (let i = 0; i < g.og; i += MR) packPanel(source + bytes4(i * g.K), g.K, 1, MR, g.og - i, g.K, packed + bytes4(i * g.K));
  }
  memory.fill(image, 0, g.imageBytes);
  const units = g.n * g.groups, parts = units >= 2 * nt ? 1 : nt, pairs = ceilDiv(g.quads, 2);
  let padded = -1;
  for (let t = take(); t < units * parts; t = take()) {
    const u = t / parts, part = t % parts, group = u % g.groups;
    const q0 = 2 * ((pairs * part) / parts), q1 = min(g.quads, 2 * ((pairs * (part + 1)) / parts));
    if (u != padded) g.padImage(x + bytes4(u * g.cg * g.h * g.w), image);
    padded = u;
    const bias = g.flags & ROWBIAS ? g.bias + bytes4(group * g.og) : 0;
    positions(image, weights + bytes4(group * panel), y + bytes4(u * g.og * g.P), bias, q0, q1);
  }
}
