/**
 * @file Products and truncation. x = z_0 + z_1 + z_2; c = z_0 + z_1 + 2^62 becomes known to roles 0 and 1, r = -z_2 to role 2.
 * X = x + 2^62 < 2^63 and X + (r mod 2^63) = (c mod 2^63) + o 2^63 with o = msb c xor msb r, so that
 * (c mod 2^63 >> f) - (r mod 2^63 >> f) + 2^(63-f) o - 2^(62-f) = floor((x + rho) / 2^f), rho = r mod 2^f.
 * o is needed modulo 2^(f+1): its shares travel packed, f + 1 bits each.
 */
import { draw, ld, TILE, tile } from "./common";
import { pack, unpack } from "./pack";

const LOW63: u64 = 0x7fffffffffffffff;

/** o = a_i (b_i + b_{i+1}) + a_{i+1} b_i: this party's part of the nine terms (Araki et al. 2016). */
export function mulTerms(n: i32, a0: usize, a1: usize, b0: usize, b1: usize, o: usize): void {
  for (let i: usize = 0, e = <usize>n * 8; i < e; i += 8) {
    const y0 = load<u64>(b0 + i);
    store<u64>(o + i, load<u64>(a0 + i) * (y0 + load<u64>(b1 + i)) + load<u64>(a1 + i) * y0);
  }
}

/** z += F(low) - F(high): this party's part of a zero-share. A state 0 leaves its stream out. */
export function zeroShare(n: i32, z: usize, low: usize, high: usize): void {
  const p = tile(0), q = tile(8 * TILE);
  for (let t = 0; t < n; t += TILE) {
    const bytes = <usize>min(TILE, n - t) * 8;
    draw(low, p, bytes);
    draw(high, q, bytes);
    let i: usize = 0;
    for (; i + 16 <= bytes; i += 16) v128.store(z + i, i64x2.add(ld(z + i), i64x2.sub(ld(p + i), ld(q + i))));
    if (i < bytes) store<u64>(z + i, load<u64>(z + i) + load<u64>(p + i) - load<u64>(q + i));
    z += 8 * TILE;
  }
}

/**
 * Role 2. Message: w = -(r' + rho0) as u64 at `w`, msb r - mu0 packed at `mu`; output shares y_2 = w + nu2 2^(63-f) and
 * y_0 = rho0 + nu0 2^(63-f). z is this party's part, its zero-share (low - high) is added here.
 */
export function truncateDeal(
  n: i32, f: i32, z: usize, w: usize, mu: usize, y2: usize, y0: usize,
  low: usize, high: usize, rho0: usize, mu0: usize, nu0: usize, nu2: usize,
): void {
  const k = <u64>(63 - f), shift = <u64>f;
  const zl = tile(0), zh = tile(4096), rho = tile(8192), m0 = tile(12288), n0 = tile(14336), n2 = tile(16384), bits = tile(18432);
  const masked = low != 0 || high != 0;
  if (!masked) memory.fill(zl, 0, 8192);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    if (masked) {
      draw(low, zl, 8 * m);
      draw(high, zh, 8 * m);
    }
    draw(rho0, rho, 8 * m);
    draw(mu0, m0, 4 * m);
    draw(nu0, n0, 4 * m);
    draw(nu2, n2, 4 * m);
    for (let i: usize = 0; i < m; ++i) {
      const r: u64 = load<u64>(zh + 8 * i) - load<u64>(zl + 8 * i) - load<u64>(z + 8 * i), p = load<u64>(rho + 8 * i);
      const v: u64 = 0 - ((r & LOW63) >> shift) - p;
      store<u64>(w + 8 * i, v);
      store<u32>(bits + 4 * i, <u32>(r >> 63) - load<u32>(m0 + 4 * i));
      store<u64>(y0 + 8 * i, p + (<u64>load<u32>(n0 + 4 * i) << k));
      store<u64>(y2 + 8 * i, v + (<u64>load<u32>(n2 + 4 * i) << k));
    }
    mu += pack(bits, <i32>m, f + 1, mu);
    z += 4096; w += 4096; y2 += 4096; y0 += 4096;
  }
}

/**
 * Role 0 (w = 0: rho0 and mu0 are streams) and role 1 (rho0 and mu0 arrived as w and packed mu; the state `own` is nu2).
 * d = mu_own (1 - 2 msb c) - nu, packed; y1 = c' - 2^(62-f) + 2^(63-f) (msb c + d); yOwn = rho + nu 2^(63-f).
 */
export function truncateCombine(
  n: i32, f: i32, za: usize, zb: usize, w: usize, mu: usize, rho0: usize, mu0: usize, nu: usize, d: usize, y1: usize, own: usize,
): void {
  const k = <u64>(63 - f), shift = <u64>f, low: u64 = (<u64>1) << (62 - shift);
  const rho = tile(0), m0 = tile(4096), nn = tile(6144), bits = tile(8192);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    let part = w;
    if (w) {
      mu += unpack(mu, <i32>m, f + 1, m0);
      w += 4096;
    } else {
      part = rho;
      draw(rho0, rho, 8 * m);
      draw(mu0, m0, 4 * m);
    }
    draw(nu, nn, 4 * m);
    for (let i: usize = 0; i < m; ++i) {
      const c = load<u64>(za + 8 * i) + load<u64>(zb + 8 * i) + 0x4000000000000000;
      const mc = <u32>(c >> 63), v = load<u32>(nn + 4 * i);
      const dd = load<u32>(m0 + 4 * i) * (1 - 2 * mc) - v;
      store<u32>(bits + 4 * i, dd);
      store<u64>(y1 + 8 * i, ((c & LOW63) >> shift) - low + (<u64>(mc + dd) << k));
      store<u64>(own + 8 * i, load<u64>(part + 8 * i) + (<u64>v << k));
    }
    d += pack(bits, <i32>m, f + 1, d);
    za += 4096; zb += 4096; y1 += 4096; own += 4096;
  }
}

/** y1 += 2^(63-f) d, d packed f + 1 bits each. */
export function truncateFinish(n: i32, f: i32, y1: usize, d: usize): void {
  const k = <u64>(63 - f), bits = tile(0);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    d += unpack(d, <i32>m, f + 1, bits);
    for (let i: usize = 0; i < m; ++i) store<u64>(y1 + 8 * i, load<u64>(y1 + 8 * i) + (<u64>load<u32>(bits + 4 * i) << k));
    y1 += 4096;
  }
}
