/** @file The error function in f64: Maclaurin series up to 3, continued fraction of erfc beyond (DLMF 7.6.1, 7.9.1); and its inverse. */

export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let f = a;
  for (let k = 60; k >= 1; k--) f = a + k / 2 / f;
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * f));
}

/** The inverse of erf by halving: slow and plain. */
export function erfinv(x: number): number {
  if (!(Math.abs(x) < 1)) return Math.abs(x) === 1 ? x * Number.POSITIVE_INFINITY : Number.NaN;
  // Near 0 the slope says all; halving would not see so small a number.
  if (Math.abs(x) < 1e-8) return (x * Math.sqrt(Math.PI)) / 2;
  let [low, high] = [0, 6];
  for (let k = 0; k < 60; k++) {
    const middle = (low + high) / 2;
    if (erf(middle) < Math.abs(x)) low = middle;
    else high = middle;
  }
  return Math.sign(x) * low;
}
