/** @file Four-lane log1p, expm1, atan and erfinv: exact to a few ulp also near zero, where log(1 + x) and exp(x) - 1 lose all digits. */
import { madd } from "./arguments";
import { at, polynomial5, polynomial9 } from "./constants";
import { copySign, exp4, log4, TANH, TANH_NEAR } from "./math";

@inline
function one(): v128 {
  return f32x4.splat(1);
}

/** log(1 + x): the logarithm of the rounded sum u, and what the rounding lost: ((x - (u - 1)) / u, exact to first order. */
@inline
export function log1p4(v: v128): v128 {
  const u = f32x4.add(v, one());
  const lost = f32x4.div(f32x4.sub(v, f32x4.sub(u, one())), u), y = log4(u);
  // Of 0 and infinity the loss is NaN; below -1 the logarithm is, and stays.
  const finite = v128.and(f32x4.gt(u, f32x4.splat(0)), f32x4.lt(u, f32x4.splat(Infinity)));
  return v128.bitselect(f32x4.add(y, lost), y, finite);
}

/** exp(x) - 1 = tanh(x / 2) (exp(x) + 1) below 1.25, with the polynomial of tanh4; above it nothing cancels. */
@inline
export function expm14(v: v128): v128 {
  const e = exp4(v), h = f32x4.mul(v, f32x4.splat(0.5)), s = f32x4.mul(h, h);
  const p = polynomial5(TANH, s);
  const near = f32x4.mul(madd(f32x4.mul(p, s), h, h), f32x4.add(e, one()));
  return v128.bitselect(near, f32x4.sub(e, one()), f32x4.lt(f32x4.abs(h), at(TANH_NEAR)));
}

const ATAN: usize = memory.data<f32>([-0.060594793, 0.105855145, -0.14242241, 0.1999839, -0.33333313]);

/** atan: by atan a = pi/2 - atan(1/a) and pi/4 + atan((a - 1)/(a + 1)) brought below tan(pi/8), where an odd polynomial holds. */
@inline
export function atan4(v: v128): v128 {
  const a = f32x4.abs(v);
  const far = f32x4.gt(a, at(memory.data<f32>([2.41421366]))), mid = v128.andnot(f32x4.gt(a, at(memory.data<f32>([0.414213568]))), far);
  const top = v128.bitselect(f32x4.splat(-1), v128.bitselect(f32x4.sub(a, one()), a, mid), far);
  const bottom = v128.bitselect(a, v128.bitselect(f32x4.add(a, one()), one(), mid), far);
  const z = f32x4.div(top, bottom), s = f32x4.mul(z, z);
  const p = polynomial5(ATAN, s);
  const turn = v128.bitselect(at(memory.data<f32>([1.57079637])), v128.and(mid, at(memory.data<f32>([0.785398185]))), far);
  // What f32 lost of pi/2 and pi/4.
  const lost = v128.bitselect(at(memory.data<f32>([-4.37113883e-8])), v128.and(mid, at(memory.data<f32>([-2.18556941e-8]))), far);
  return copySign(f32x4.add(turn, f32x4.add(madd(f32x4.mul(p, s), z, z), lost)), v);
}

const ERFINV_NEAR: usize = memory.data<f32>([2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941]);
const ERFINV_FAR: usize = memory.data<f32>([-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682]);

/**
 * erfinv: the single-precision polynomials of Giles ("Approximating the erfinv function", GPU Computing Gems 2, 2011) in
 * w = -log(1 - x^2). Infinite at 1 and -1, NaN beyond.
 */
export function erfinv4(v: v128): v128 {
  const w = f32x4.neg(log4(f32x4.mul(f32x4.sub(one(), v), f32x4.add(one(), v))));
  const c = f32x4.sub(w, f32x4.splat(2.5)), t = f32x4.sub(f32x4.sqrt(w), f32x4.splat(3));
  const p = polynomial9(ERFINV_NEAR, c);
  const q = polynomial9(ERFINV_FAR, t);
  const r = v128.bitselect(p, q, f32x4.lt(w, at(memory.data<f32>([5]))));
  return f32x4.mul(v128.bitselect(f32x4.splat(Infinity), r, f32x4.eq(f32x4.abs(v), one())), v);
}
