/** @file Four-lane elementary functions. Polynomials are own weighted fits on Chebyshev nodes (error of the polynomial below
 *  0.1 ulp); what each function reaches against f64 is measured in test/f32/math.test.ts and stated in README.md. */
import { madd } from "./arguments";
import { at, polynomial4, polynomial5, polynomial7, polynomial8, polynomial9 } from "./constants";

const TWO: usize = memory.data<f32>([2]);
const ERF_ONE: usize = memory.data<f32>([4]);
const MINUS_HALF: usize = memory.data<f32>([-0.5]);
// ln 2 in two parts, the first with so few bits that a whole number times it is exact.
const LN2: usize = memory.data<f32>([0.693359375]);
const MINUS_LN2: usize = memory.data<f32>([-0.693359375]);
const LN2_REST: usize = memory.data<f32>([2.12194442e-4]);
const MINUS_LN2_REST: usize = memory.data<f32>([-2.12194442e-4]);

@inline
function c(x: f32): v128 {
  return f32x4.splat(x);
}

const EXP_MOST: usize = memory.data<f32>([89]);
const EXP_LEAST: usize = memory.data<f32>([-104]);
const LOG2_E: usize = memory.data<f32>([1.44269502]);
const ROUNDER: usize = memory.data<f32>([12582912]);
const EXP: usize = memory.data<f32>([0.0013821024, 0.008368669, 0.041668262, 0.16666521, 0.49999994]);

/** exp: x = n ln 2 + r, 2^n in two factors so that subnormal results are right. Overflow inf, underflow 0, NaN stays. */
@inline
export function exp4(v: v128): v128 {
  // pmin and pmax are one instruction each (min and max seven) and keep a NaN of their first operand.
  const x = f32x4.pmax(f32x4.pmin(v, at(EXP_MOST)), at(EXP_LEAST));
  // Adding 1.5 * 2^23 rounds to a whole number, which then stands in the low bits.
  const t = madd(x, at(LOG2_E), at(ROUNDER)), n = f32x4.sub(t, at(ROUNDER));
  const r = madd(n, at(LN2_REST), madd(n, at(MINUS_LN2), x));
  let p = polynomial5(EXP, r);
  p = f32x4.add(madd(f32x4.mul(r, r), p, r), c(1));
  const k = i32x4.sub(t, i32x4.splat(0x4b400000)), h = i32x4.shr_s(k, 1);
  return f32x4.mul(f32x4.mul(p, power2(h)), power2(i32x4.sub(k, h)));
}
@inline
function power2(k: v128): v128 {
  return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
}

const LEAST_NORMAL: usize = memory.data<f32>([1.17549435e-38]);
const TWO_23: usize = memory.data<f32>([8388608]);
const TWENTY_THREE: usize = memory.data<f32>([23]);
const LOG: usize = memory.data<f32>([0.06750956, -0.11671449, 0.11883568, -0.12406032, 0.14220327, -0.16667996, 0.20002073, -0.2500001, 0.33333313]);

/** log: x = 2^e m with m in [sqrt(1/2), sqrt 2). log 0 = -inf, log of a negative number = NaN, log inf = inf. */
@inline
export function log4(v: v128): v128 {
  const small = f32x4.lt(v, at(LEAST_NORMAL));
  const x = v128.bitselect(f32x4.mul(v, at(TWO_23)), v, small);
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3)); // bits of sqrt(1/2)
  let e = f32x4.convert_i32x4_s(i32x4.shr_s(shifted, 23));
  e = f32x4.sub(e, v128.and(small, at(TWENTY_THREE)));
  const m = i32x4.add(v128.and(shifted, i32x4.splat(0x7fffff)), i32x4.splat(0x3f3504f3));
  const f = f32x4.sub(m, c(1)), ff = f32x4.mul(f, f);
  let p = polynomial9(LOG, f);
  p = f32x4.mul(f32x4.mul(p, f), ff);
  p = madd(e, at(MINUS_LN2_REST), p);
  p = madd(ff, at(MINUS_HALF), p);
  let r = madd(e, at(LN2), f32x4.add(f, p));
  // Outside (0, inf): 0 gives -inf, inf and NaN themselves, negative numbers NaN.
  r = v128.bitselect(c(-Infinity), r, f32x4.eq(v, c(0)));
  r = v128.bitselect(c(NaN), r, f32x4.lt(v, c(0)));
  return v128.bitselect(r, v, f32x4.lt(v, c(Infinity)));
}

/** 1 / (1 + exp(-x)), by exp of a negative number on both sides, so that nothing overflows. */
@inline
export function sigmoid4(v: v128): v128 {
  const e = exp4(f32x4.neg(f32x4.abs(v))), d = f32x4.add(e, c(1));
  return f32x4.div(v128.bitselect(e, c(1), f32x4.lt(v, c(0))), d);
}

export const TANH_NEAR: usize = memory.data<f32>([0.625]);
export const TANH: usize = memory.data<f32>([-0.0056985435, 0.020632805, -0.053737585, 0.13331413, -0.3333328]);

/** tanh: odd polynomial below 0.625, 1 - 2 / (exp(2x) + 1) above. */
@inline
export function tanh4(v: v128): v128 {
  const a = f32x4.abs(v), s = f32x4.mul(v, v);
  const p = polynomial5(TANH, s);
  const near = madd(f32x4.mul(p, s), v, v);
  const far = f32x4.sub(c(1), f32x4.div(at(TWO), f32x4.add(exp4(f32x4.add(a, a)), c(1))));
  return v128.bitselect(near, copySign(far, v), f32x4.lt(a, at(TANH_NEAR)));
}
@inline
export function copySign(magnitude: v128, sign: v128): v128 {
  return v128.bitselect(sign, magnitude, i32x4.splat(0x80000000));
}

const ERF_NEAR: usize = memory.data<f32>([7.806903e-5, -0.0007997853, 0.005187162, -0.026853347, 0.11283579, -0.37612626, 0.12837917]);
const ERF_FAR: usize = memory.data<f32>([-2.1699618e-5, 0.00044149315, -0.004205373, 0.025210544, -0.10842237, -0.6332162, -1.1295804, 0.00018847462]);

/** erf: x + x P(x^2) up to 1, 1 - exp(Q(|x|)) with Q fitted to log erfc up to 4, where f32 erf is 1. */
@inline
export function erf4(v: v128): v128 {
  const a = f32x4.abs(v), s = f32x4.mul(v, v), t = f32x4.min(a, at(ERF_ONE));
  const p = polynomial7(ERF_NEAR, s);
  const near = madd(p, v, v);
  const q = polynomial8(ERF_FAR, t);
  const far = copySign(f32x4.sub(c(1), exp4(q)), v);
  return v128.bitselect(near, far, f32x4.lt(a, c(1)));
}

/** x modulo pi/2 in f64 (exact products up to 2^20 quadrants), for |x| < 1e6. */
@inline
function reduce2(x: v128, q: v128): v128 {
  const r = f64x2.sub(x, f64x2.mul(q, f64x2.splat(1.57079632673412561417)));
  return f64x2.sub(r, f64x2.mul(q, f64x2.splat(6.07710050650619224932e-11)));
}

const SIN_MOST: usize = memory.data<f32>([1e6]);
const TWO_OVER_PI: usize = memory.data<f32>([0.636619747]);
const SIN: usize = memory.data<f32>([2.833073e-6, -0.00019853092, 0.008333379, -0.16666667]);
const COS: usize = memory.data<f32>([-2.8881246e-7, 2.4822022e-5, -0.001388898, 0.041666668]);

/** sin (quadrant 0) or cos (quadrant 1). Lanes of 1e6 and more, inf and NaN go through f64 one by one. */
@inline
export function sinCos4(v: v128, quadrant: i32): v128 {
  if (v128.any_true(v128.not(f32x4.lt(f32x4.abs(v), at(SIN_MOST))))) return sinCosLarge(v, quadrant);
  const n = f32x4.nearest(f32x4.mul(v, at(TWO_OVER_PI)));
  const high = v128.shuffle<i32>(v, v, 2, 3, 0, 1), nHigh = v128.shuffle<i32>(n, n, 2, 3, 0, 1);
  const r0 = f32x4.demote_f64x2_zero(reduce2(f64x2.promote_low_f32x4(v), f64x2.promote_low_f32x4(n)));
  const r1 = f32x4.demote_f64x2_zero(reduce2(f64x2.promote_low_f32x4(high), f64x2.promote_low_f32x4(nHigh)));
  const r = v128.shuffle<i32>(r0, r1, 0, 1, 4, 5), s = f32x4.mul(r, r);
  const p = polynomial4(SIN, s);
  const sine = madd(f32x4.mul(p, s), r, r);
  const q = polynomial4(COS, s);
  const cosine = f32x4.add(madd(f32x4.mul(q, s), s, f32x4.mul(s, at(MINUS_HALF))), c(1));
  const k = i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(quadrant));
  const odd = i32x4.ne(v128.and(k, i32x4.splat(1)), i32x4.splat(0));
  const sign = i32x4.shl(v128.and(k, i32x4.splat(2)), 30);
  return v128.xor(v128.bitselect(cosine, sine, odd), sign);
}
function sinCosLarge(v: v128, quadrant: i32): v128 {
  let r = v;
  r = f32x4.replace_lane(r, 0, sinCos1(f32x4.extract_lane(v, 0), quadrant));
  r = f32x4.replace_lane(r, 1, sinCos1(f32x4.extract_lane(v, 1), quadrant));
  r = f32x4.replace_lane(r, 2, sinCos1(f32x4.extract_lane(v, 2), quadrant));
  return f32x4.replace_lane(r, 3, sinCos1(f32x4.extract_lane(v, 3), quadrant));
}
function sinCos1(x: f32, quadrant: i32): f32 {
  return quadrant ? <f32>NativeMath.cos(x) : <f32>NativeMath.sin(x);
}

/**
 * x^y, one lane at a time (through f64: below 1 ulp). IEEE 754 and PyTorch give 1 for 1^y, also of NaN, and for (-1)^±inf, where
 * JavaScript's rules, which NativeMathf follows, give NaN.
 */
export function pow4(x: v128, y: v128): v128 {
  const infinite = f32x4.eq(f32x4.abs(y), c(Infinity)), one = c(1);
  const ones = v128.or(f32x4.eq(x, one), v128.and(f32x4.eq(f32x4.abs(x), one), infinite));
  let r = f32x4.splat(NativeMathf.pow(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
  r = f32x4.replace_lane(r, 1, NativeMathf.pow(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
  r = f32x4.replace_lane(r, 2, NativeMathf.pow(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
  r = f32x4.replace_lane(r, 3, NativeMathf.pow(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
  return v128.bitselect(one, r, ones);
}
/** C fmod, one lane at a time. */
export function rem4(x: v128, y: v128): v128 {
  let r = f32x4.splat(NativeMathf.mod(f32x4.extract_lane(x, 0), f32x4.extract_lane(y, 0)));
  r = f32x4.replace_lane(r, 1, NativeMathf.mod(f32x4.extract_lane(x, 1), f32x4.extract_lane(y, 1)));
  r = f32x4.replace_lane(r, 2, NativeMathf.mod(f32x4.extract_lane(x, 2), f32x4.extract_lane(y, 2)));
  return f32x4.replace_lane(r, 3, NativeMathf.mod(f32x4.extract_lane(x, 3), f32x4.extract_lane(y, 3)));
}

/** -1, 0 or 1; 0 for NaN and +0 for both zeros, as PyTorch. */
@inline
export function sign4(v: v128): v128 {
  const one = c(1), zero = c(0);
  return f32x4.sub(v128.and(f32x4.gt(v, zero), one), v128.and(f32x4.lt(v, zero), one));
}

/** Remainder of C on signed lanes; 0 where the divisor is 0. */
export function remI32(x: v128, y: v128): v128 {
  let r = i32x4.splat(rem1(i32x4.extract_lane(x, 0), i32x4.extract_lane(y, 0)));
  r = i32x4.replace_lane(r, 1, rem1(i32x4.extract_lane(x, 1), i32x4.extract_lane(y, 1)));
  r = i32x4.replace_lane(r, 2, rem1(i32x4.extract_lane(x, 2), i32x4.extract_lane(y, 2)));
  return i32x4.replace_lane(r, 3, rem1(i32x4.extract_lane(x, 3), i32x4.extract_lane(y, 3)));
}
@inline
function rem1(x: i32, y: i32): i32 {
  return y == 0 || y == -1 ? 0 : x % y;
}
/** The same on unsigned lanes. */
export function remU32(x: v128, y: v128): v128 {
  let r = i32x4.splat(<i32>remU1(i32x4.extract_lane(x, 0), i32x4.extract_lane(y, 0)));
  r = i32x4.replace_lane(r, 1, <i32>remU1(i32x4.extract_lane(x, 1), i32x4.extract_lane(y, 1)));
  r = i32x4.replace_lane(r, 2, <i32>remU1(i32x4.extract_lane(x, 2), i32x4.extract_lane(y, 2)));
  return i32x4.replace_lane(r, 3, <i32>remU1(i32x4.extract_lane(x, 3), i32x4.extract_lane(y, 3)));
}
@inline
function remU1(x: u32, y: u32): u32 {
  return y == 0 ? 0 : x % y;
}

/** Shifts by lane: amounts outside 0..31 give 0 (or the sign, shifting right with sign). kind: 0 left, 1 right, 2 right with sign. */
export function shift4(x: v128, y: v128, kind: i32): v128 {
  let r = i32x4.splat(shift1(i32x4.extract_lane(x, 0), i32x4.extract_lane(y, 0), kind));
  r = i32x4.replace_lane(r, 1, shift1(i32x4.extract_lane(x, 1), i32x4.extract_lane(y, 1), kind));
  r = i32x4.replace_lane(r, 2, shift1(i32x4.extract_lane(x, 2), i32x4.extract_lane(y, 2), kind));
  return i32x4.replace_lane(r, 3, shift1(i32x4.extract_lane(x, 3), i32x4.extract_lane(y, 3), kind));
}
@inline
function shift1(x: i32, y: i32, kind: i32): i32 {
  if (<u32>y > 31) return kind == 2 ? x >> 31 : 0;
  return kind == 0 ? x << y : kind == 1 ? <i32>((<u32>x) >> y) : x >> y;
}
