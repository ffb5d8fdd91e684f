/**
 * @file Truncation by up to 46 bits: as truncate.ts, with words of 48 bits for the corrections whatever the shift, so that message
 * sizes do not depend on it (a shift may follow from a public learning rate). o is needed modulo 2^(f+1), f + 1 <= 47.
 */
import { draw, TILE, tile } from "./common";

const LOW63: u64 = 0x7fffffffffffffff;
/** Bytes of a packed correction. */
const PACKED: usize = 6;

// @ts-ignore: decorator
@inline
function store48(p: usize, v: u64): void {
  store<u32>(p, <u32>v);
  store<u16>(p, <u16>(v >> 32), 4);
}

// @ts-ignore: decorator
@inline
function load48(p: usize): u64 {
  return <u64>load<u32>(p) | (<u64>load<u16>(p, 4) << 32);
}

/** Role 2; see truncateDeal. `mu` holds 6 bytes per element. */
export function truncateWideDeal(
  n: i32, f: i32, z: usize, w: usize, mu: usize, y2: usize, y0: usize,
  low: usize, high: usize, rho0: usize, mu0: usize, nu0: usize, nu2: usize,
): void {
  const k = <u64>(63 - f), shift = <u64>f;
  const zl = tile(0), zh = tile(4096), rho = tile(8192), m0 = tile(12288), n0 = tile(16384), n2 = tile(20480);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    draw(low, zl, 8 * m);
    draw(high, zh, 8 * m);
    draw(rho0, rho, 8 * m);
    draw(mu0, m0, 8 * m);
    draw(nu0, n0, 8 * m);
    draw(nu2, n2, 8 * m);
    for (let i: usize = 0; i < m; ++i) {
      const r: u64 = load<u64>(zh + 8 * i) - load<u64>(zl + 8 * i) - load<u64>(z + 8 * i), p = load<u64>(rho + 8 * i);
      const v: u64 = 0 - ((r & LOW63) >> shift) - p;
      store<u64>(w + 8 * i, v);
      store48(mu + PACKED * i, (r >> 63) - load<u64>(m0 + 8 * i));
      store<u64>(y0 + 8 * i, p + (load<u64>(n0 + 8 * i) << k));
      store<u64>(y2 + 8 * i, v + (load<u64>(n2 + 8 * i) << k));
    }
    mu += PACKED * m; z += 4096; w += 4096; y2 += 4096; y0 += 4096;
  }
}

/** Roles 0 and 1; see truncateCombine. */
export function truncateWideCombine(
  n: i32, f: i32, za: usize, zb: usize, w: usize, mu: usize, rho0: usize, mu0: usize, nu: usize, d: usize, y1: usize, own: usize,
): void {
  const k = <u64>(63 - f), shift = <u64>f, low: u64 = (<u64>1) << (62 - shift);
  const rho = tile(0), m0 = tile(4096), nn = tile(8192);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    let part = w;
    if (w) {
      for (let i: usize = 0; i < m; ++i) store<u64>(m0 + 8 * i, load48(mu + PACKED * i));
      mu += PACKED * m;
      w += 4096;
    } else {
      part = rho;
      draw(rho0, rho, 8 * m);
      draw(mu0, m0, 8 * m);
    }
    draw(nu, nn, 8 * m);
    for (let i: usize = 0; i < m; ++i) {
      const c = load<u64>(za + 8 * i) + load<u64>(zb + 8 * i) + 0x4000000000000000;
      const mc = c >> 63, v = load<u64>(nn + 8 * i);
      const dd = load<u64>(m0 + 8 * i) * (1 - 2 * mc) - v;
      store48(d + PACKED * i, dd);
      store<u64>(y1 + 8 * i, ((c & LOW63) >> shift) - low + ((mc + dd) << k));
      store<u64>(own + 8 * i, load<u64>(part + 8 * i) + (v << k));
    }
    d += PACKED * m; za += 4096; zb += 4096; y1 += 4096; own += 4096;
  }
}

/** y1 += 2^(63-f) d. */
export function truncateWideFinish(n: i32, f: i32, y1: usize, d: usize): void {
  const k = <u64>(63 - f);
  for (let i: usize = 0; i < <usize>n; ++i) store<u64>(y1 + 8 * i, load<u64>(y1 + 8 * i) + (load48(d + PACKED * i) << k));
}
