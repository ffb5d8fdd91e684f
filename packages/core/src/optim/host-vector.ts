/** @file Vectors on the host, summed in double precision: what L-BFGS computes with. */

export type Vector = Float32Array | Float64Array;

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Largest absolute value; NaN where there is one. */
export function largest(a: Vector): number {
  let most = 0;
  for (const v of a) most = Math.max(most, Math.abs(v));
  return most;
}

export function absSum(a: Vector): number {
  let sum = 0;
  for (const v of a) sum += Math.abs(v);
  return sum;
}

/** k·a. */
export function times(k: number, a: Vector): Vector {
  const out = a.slice();
  for (let i = 0; i < a.length; i++) out[i] = k * a[i]!;
  return out;
}

/** a + k·b. */
export function plus(a: Vector, k: number, b: Vector): Vector {
  const out = a.slice();
  for (let i = 0; i < a.length; i++) out[i] = a[i]! + k * b[i]!;
  return out;
}
