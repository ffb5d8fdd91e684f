/** @file Numbers in all lanes, and polynomials. They are loaded from memory: V8 makes a v128.const anew at each use, in four
 *  instructions (exp: 31 us; so 23). Name them outside of functions: an inlined `memory.data` is stored again at every call. */
import { madd } from "./arguments";

/** The number at `p` in all lanes. */
@inline
export function at(p: usize): v128 {
  return v128.load_splat<f32>(p);
}

/** The polynomial of x whose coefficients lie at `p`, the highest power first; the number is how many they are. */
@inline
export function polynomial4(p: usize, x: v128): v128 {
  return madd(madd(madd(at(p), x, at(p + 4)), x, at(p + 8)), x, at(p + 12));
}
@inline
export function polynomial5(p: usize, x: v128): v128 {
  return madd(polynomial4(p, x), x, at(p + 16));
}
@inline
export function polynomial7(p: usize, x: v128): v128 {
  return madd(madd(polynomial5(p, x), x, at(p + 20)), x, at(p + 24));
}
@inline
export function polynomial8(p: usize, x: v128): v128 {
  return madd(polynomial7(p, x), x, at(p + 28));
}
@inline
export function polynomial9(p: usize, x: v128): v128 {
  return madd(polynomial8(p, x), x, at(p + 32));
}
