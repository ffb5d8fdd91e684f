/**
 * @file Bit times value, y = (u xor v)(A + B) = u A + u B + (1 - 2u)(v A + v B): u and A known to roles 0 and 1, v and B to role 2,
 * who shares v and v B; u B is a local 2-of-2 sharing at roles 0 and 1. And bits to integers: the same with A + B = 1.
 */
import { draw, drawExact, TILE, tile } from "./common";

// @ts-ignore: decorator
@inline
function bit(words: usize, i: usize): u64 {
  return (load<u64>(words + ((i >> 6) << 3)) >> (i & 63)) & 1;
}

/** Role 2: (v, v B) - F(pairs) -> msg, 16 bytes per element. */
export function injectDeal(n: i32, v: usize, xa: usize, xb: usize, msg: usize, pairs: usize): void {
  const s = tile(0);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    draw(pairs, s, 16 * m);
    for (let i: usize = 0; i < m; ++i) {
      const b = bit(v, i);
      store<u64>(msg + 16 * i, b - load<u64>(s + 16 * i));
      store<u64>(msg + 16 * i + 8, ((0 - b) & (load<u64>(xa + 8 * i) + load<u64>(xb + 8 * i))) - load<u64>(s + 16 * i + 8));
    }
    v += 64; xa += 4096; xb += 4096; msg += 8192;
  }
}

/** Roles 0, 1: e = (1 - 2u)(m1 A + m2) + u X - y, y = F(out) -> own output share. (m1, m2) at `got`, or got = 0: F(pairs). */
export function injectCombine(n: i32, u: usize, a: usize, x: usize, got: usize, pairs: usize, out: usize, e: usize, y: usize): void {
  const s = tile(0);
  drawExact(out, y, <usize>n * 8);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    let p = got;
    if (got) got += 8192;
    else {
      p = s;
      draw(pairs, s, 16 * m);
    }
    for (let i: usize = 0; i < m; ++i) {
      const nb: u64 = 0 - bit(u, i), q = load<u64>(p + 16 * i) * load<u64>(a + 8 * i) + load<u64>(p + 16 * i + 8);
      store<u64>(e + 8 * i, ((q ^ nb) - nb) + (nb & load<u64>(x + 8 * i)) - load<u64>(y + 8 * i));
    }
    u += 64; a += 4096; x += 4096; e += 4096; y += 4096;
  }
}

/** y1 = u A + e + e'. */
export function injectFinish(n: i32, u: usize, a: usize, e: usize, other: usize, o: usize): void {
  for (let i: usize = 0; i < <usize>n; ++i)
    store<u64>(o + 8 * i, ((0 - bit(u, i)) & load<u64>(a + 8 * i)) + load<u64>(e + 8 * i) + load<u64>(other + 8 * i));
}

/** Role 2: v - F(pairs) -> msg, 8 bytes per element. */
export function integerDeal(n: i32, v: usize, msg: usize, pairs: usize): void {
  const s = tile(0);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t);
    draw(pairs, s, 8 * m);
    for (let i: usize = 0; i < m; ++i) store<u64>(msg + 8 * i, bit(v, i) - load<u64>(s + 8 * i));
    v += 64; msg += 4096;
  }
}

/** Roles 0, 1: e = (1 - 2u) m [+ u at role 1] - y, y = F(out) -> own output share. m at `got`, or got = 0: F(pairs). */
export function integerCombine(n: i32, u: usize, got: usize, pairs: usize, out: usize, e: usize, y: usize): void {
  const s = tile(0);
  drawExact(out, y, <usize>n * 8);
  for (let t = 0; t < n; t += TILE) {
    const m = <usize>min(TILE, n - t), role1: u64 = got ? 1 : 0;
    let p = got;
    if (got) got += 4096;
    else {
      p = s;
      draw(pairs, s, 8 * m);
    }
    for (let i: usize = 0; i < m; ++i) {
      const b = bit(u, i), nb: u64 = 0 - b;
      store<u64>(e + 8 * i, ((load<u64>(p + 8 * i) ^ nb) - nb) + role1 * b - load<u64>(y + 8 * i));
    }
    u += 64; e += 4096; y += 4096;
  }
}
