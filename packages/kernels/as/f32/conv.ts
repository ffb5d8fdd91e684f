/** @file Forward convolution: weights in packed panels, columns read in place from the padded image (see geometry.ts). */
import { address, align64, bytes4, ceilDiv } from "./arguments";
import * as g from "./geometry";
import { ACC, MR, NR, ROWBIAS, finish, microTaps, microTapsEdge } from "./micro.gen";
import { packPanel } from "./pack";
import * as q4 from "./quads";
import { nt, scratch, take } from "./threads";

// Terms of a sum between visits of the output: the columns of a tile (16 KiB) and a panel of weights stay in L1.
const KC: i32 = 512;
// Pairs of groups (8 positions each) that are computed with one panel of weights before the next, where weights exceed L2.
const MANY: i32 = 16;
const LARGE: i32 = 65536;

let tile: usize = 0, table: usize = 0;

/** One tile: rows i.. of the group's outputs at two quads. */
function compute(kc: i32, ap: usize, q0: usize, q1: usize, taps: usize, q: usize, out: usize, mr: i32, f: i32, b: usize): void {
  const ldc = bytes4(g.P), n0 = load<i32>(q, 8), n1 = load<i32>(q, q4.QUAD + 8);
  const p0 = out + <usize>load<i32>(q, 4), p1 = out + <usize>load<i32>(q, q4.QUAD + 4);
  if (mr == MR && n0 + n1 == NR) {
    microTaps(kc, ap, q0, q1, taps, p0, p1 - p0, ldc, f, b);
    return;
  }
  microTapsEdge(kc, ap, q0, q1, taps, tile, mr, n1 ? NR : 4);
  finish(tile, mr, n0, p0, ldc, f, b, 0);
  if (n1) finish(tile + 16, mr, n1, p1, ldc, f, b, 0);
}

/** Quads q0..q1 of one image and group; the vector of tap k at a quad is at base + first * scale + offsets[k]. */
function positions(base: usize, scale: i32, offsets: usize, weights: usize, out: usize, bias: usize, q0: i32, q1: i32): void {
  const blocks = max(1, ceilDiv(g.K, KC)), kb = ceilDiv(g.K, blocks);
  const step = 2 * (g.og * g.K > LARGE ? MANY : 1);
  for (let block = q0; block < q1; block += step) {
    const end = min(q1, block + step);
    for (let k = 0; k < max(1, g.K); k += max(1, kb)) {
      const kc = min(kb, g.K - k), f = (k > 0 ? ACC : 0) | (k + kc >= g.K ? g.flags : 0), taps = offsets + bytes4(k);
      for (let i = 0; i < g.og; i += MR) {
        const ap = weights + bytes4(i * g.K + k * MR), mr = min(MR, g.og - i);
        for (let q = block; q < end; q += 2) {
          const r = table + <usize>q * q4.QUAD, v0 = base + <usize>(load<i32>(r) * scale), v1 = base + <usize>(load<i32>(r, q4.QUAD) * scale);
          compute(kc, ap, v0, v1, taps, r, out + bytes4(i * g.P), mr, f, bias + bytes4(i));
        }
      }
    }
  }
}

/** words: 0 x, 1 weight, 2 y, then those of readGeometry. */
export function conv2d(a: usize): void {
  g.readGeometry(a);
  convolve(address(a, 0), address(a, 1), address(a, 2), false);
}

/** Weights [og, K] of a group -> panels. Turned: from [K's outputs, og, taps], taps in reverse (an input gradient's weights). */
function packWeights(w: usize, dst: usize, turned: bool): void {
  for (let i = 0; i < g.og; i += MR) {
    const panel = dst + bytes4(i * g.K);
    if (!turned) packPanel(w + bytes4(i * g.K), g.K, 1, MR, g.og - i, g.K, panel);
    else {
      for (let j = 0; j < g.cg; ++j) {
        const from = w + bytes4((j * g.og + i + 1) * g.taps - 1);
        packPanel(from, g.taps, -1, MR, g.og - i, g.taps, panel + bytes4(j * g.taps * MR));
      }
    }
  }
}

/** y = x * weights for the sizes in geometry.ts. Images are handed out; if they are few, parts of their positions. */
export function convolve(x: usize, source: usize, y: usize, turned: bool): void {
  if (g.n * g.o * g.P == 0) return;
  q4.countQuads();
  tile = scratch();
  table = tile + 1024;
  const offsets = align64(table + <usize>(q4.quads + 4) * q4.QUAD), inOrder = align64(offsets + bytes4(g.K));
  const lanes = align64(inOrder + bytes4(g.K)), gathered = lanes + <usize>q4.straddling * 16;
  const weights = align64(gathered + <usize>(q4.straddling * g.K) * 16), panel = ceilDiv(g.og, MR) * MR * g.K;
  const image = weights + align64(bytes4(g.groups * panel));
  g.tapTable(offsets);
  for (let k = 0; k < g.K; ++k) store<i32>(inOrder + bytes4(k), k << 4);
  q4.quadTable(table, lanes);
  for (let u = 0; u < g.groups; ++u) packWeights(source + bytes4(u * g.og * g.K), weights + bytes4(u * panel), turned);
  memory.fill(image, 0, g.imageBytes);
  const units = g.n * g.groups, parts = units >= 2 * nt ? 1 : nt, pairs = ceilDiv(q4.direct, 2), pairs2 = ceilDiv(q4.straddling, 2);
  let padded = -1;
  for (let t = take(); t < units * parts; t = take()) {
    const u = t / parts, part = t % parts, group = u % g.groups;
    if (u != padded) g.padImage(x + bytes4(u * g.cg * g.h * g.w), image);
    padded = u;
    const bias = g.flags & ROWBIAS ? g.bias + bytes4(group * g.og) : 0;
    const w = weights + bytes4(group * panel), out = y + bytes4(u * g.og * g.P);
    positions(image, 1, offsets, w, out, bias, 2 * ((pairs * part) / parts), 2 * ((pairs * (part + 1)) / parts));
    const s0 = 2 * ((pairs2 * part) / parts), s1 = 2 * ((pairs2 * (part + 1)) / parts);
    for (let s = s0; s < min(s1, q4.straddling); ++s) {
      q4.gatherTaps(image, offsets, g.K, lanes + bytes4(4 * s), gathered + <usize>(s * g.K) * 16, 16);
    }
    positions(gathered, 16 * g.K, inOrder, w, out, bias, q4.firstStraddling + s0, q4.firstStraddling + s1);
  }
}
