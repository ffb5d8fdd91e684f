/** @file Output positions of a convolution in groups of four ("quads"), in the order of a plane of y.
 *
 * Most quads lie in one output row: their four values under a filter tap are one vector of the padded image. The others straddle
 * two rows (or hold the last 1 to 3 positions of the plane): their values are gathered by lane. No position is computed twice. */
import { bytes4, ceilDiv } from "./arguments";
import * as g from "./geometry";

/** Quads of a plane, those in one row, and the others. */
export let quads: i32 = 0, direct: i32 = 0, straddling: i32 = 0;
/** Record number of the first straddling quad: records are taken in pairs, so it is even. */
export let firstStraddling: i32 = 0;

/** Bytes of a record: offset in the image (straddling: number of the quad), offset in the output plane, positions (0 to 4). */
export const QUAD: usize = 12;

export function countQuads(): void {
  quads = ceilDiv(g.P, 4);
  straddling = 0;
  for (let p = 0; p < g.P; p += 4) if ((p % g.ow) + 4 > g.ow) ++straddling;
  direct = quads - straddling;
  firstStraddling = (direct + 1) & ~1;
}

/** Records at `at` (room for quads + 4), positions of the lanes of straddling quads at `lanes` (4 words each). */
export function quadTable(at: usize, lanes: usize): void {
  let d = at, s = at + <usize>firstStraddling * QUAD, index = 0;
  for (let p = 0; p < g.P; p += 4) {
    const y = p / g.ow, x = p % g.ow;
    if (x + 4 <= g.ow) {
      d = record(d, position(y, x), p, 4);
      continue;
    }
    s = record(s, index++, p, min(4, g.P - p));
    for (let i = p; i < p + 4; ++i) {
      const q = min(i, g.P - 1);
      store<i32>(lanes, position(q / g.ow, q % g.ow));
      lanes += 4;
    }
  }
  // Partners of odd last quads: nothing of them is written.
  if (direct & 1) record(d, 0, 0, 0);
  record(s, 0, 0, 0);
}
@inline
function position(y: i32, x: i32): i32 {
  return (y * g.sh * g.sw * g.wp + x) << 2;
}
function record(at: usize, first: i32, p: i32, count: i32): usize {
  store<i32>(at, first);
  store<i32>(at, p << 2, 4);
  store<i32>(at, count, 8);
  return at + QUAD;
}

/** Lanes 0, 1 are neighbours, and lanes 2, 3: two loads of 8 bytes serve. */
@inline
export function inHalves(lanes: usize): bool {
  return load<i32>(lanes, 4) - load<i32>(lanes) == 4 && load<i32>(lanes, 12) - load<i32>(lanes, 8) == 4;
}

/** The values of a straddling quad under `n` taps, one vector per tap, `step` bytes apart. */
export function gatherTaps(image: usize, offsets: usize, n: i32, lanes: usize, dst: usize, step: usize): void {
  const a = image + <usize>load<i32>(lanes), b = image + <usize>load<i32>(lanes, 4);
  const c = image + <usize>load<i32>(lanes, 8), d = image + <usize>load<i32>(lanes, 12), e = offsets + bytes4(n);
  if (inHalves(lanes)) {
    for (; offsets < e; offsets += 4) {
      const t = <usize>load<i32>(offsets);
      v128.store(dst, v128.load64_lane(c + t, v128.load64_zero(a + t), 1));
      dst += step;
    }
    return;
  }
  for (; offsets < e; offsets += 4) {
    const t = <usize>load<i32>(offsets);
    let v = v128.load32_zero(a + t);
    v = v128.load32_lane(b + t, v, 1);
    v = v128.load32_lane(c + t, v, 2);
    v128.store(dst, v128.load32_lane(d + t, v, 3));
    dst += step;
  }
}
