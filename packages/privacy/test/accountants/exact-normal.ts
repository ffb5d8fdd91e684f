/** @file δ(ε) of a Gaussian release in fixed point of 1400 bits, by its definition: slow, and independent of the doubles that it judges. */

const BITS = 1400n;
const ONE = 1n << BITS;

/** A double, exactly. */
export function fixed(x: number): bigint {
  let [m, e] = [x, 0n];
  while (!Number.isInteger(m)) {
    m *= 2;
    e++;
  }
  return (BigInt(m) << BITS) >> e;
}

const mul = (a: bigint, b: bigint): bigint => (a * b) >> BITS;
const div = (a: bigint, b: bigint): bigint => (a << BITS) / b;

function root(x: bigint): bigint {
  const target = x << BITS;
  let r = 1n << BigInt(Math.ceil(target.toString(2).length / 2));
  for (;;) {
    const next = (r + target / r) >> 1n;
    if (next >= r) return r;
    r = next;
  }
}

/** e^x: Taylor's series of x / 2^20, squared 20 times. */
function exp(x: bigint): bigint {
  const y = x >> 20n;
  let [sum, term] = [ONE, ONE];
  for (let i = 1n; term !== 0n && term !== -1n; i++) {
    term = mul(term, y) / i;
    sum += term;
  }
  for (let i = 0; i < 20; i++) sum = mul(sum, sum);
  return sum;
}

/** atan(1 / n). */
function atanOver(n: bigint): bigint {
  let [sum, power] = [0n, ONE / n];
  for (let k = 1n; power > 0n; k += 2n) {
    sum += k % 4n === 1n ? power / k : -power / k;
    power /= n * n;
  }
  return sum;
}

/** √(2π), π by Machin's formula. */
const ROOT_2PI = root(2n * 4n * (4n * atanOver(5n) - atanOver(239n)));

/** Pr[N(0, 1) ≤ x]: 1/2 + φ(x) (x + x³/3 + x⁵/15 + ...). */
function cdf(x: bigint): bigint {
  const square = mul(x, x);
  let [sum, term] = [0n, x];
  for (let k = 3n; term !== 0n && term !== -1n; k += 2n) {
    sum += term;
    term = mul(term, square) / k;
  }
  return ONE / 2n + div(sum, mul(exp(square / 2n), ROOT_2PI)); // e^(-x²/2) would have lost its digits
}

/** Φ(μ/2 - ε/μ) - e^ε Φ(-μ/2 - ε/μ) for μ = numerator / denominator, all doubles; good to 1e-20 of itself while δ is above 1e-300 and ε below 100. */
export function exactDelta(numerator: number, denominator: number, epsilon: number): number {
  const mu = div(fixed(numerator), fixed(denominator));
  const [e, half] = [fixed(epsilon), mu / 2n];
  const over = div(e, mu);
  const delta = cdf(half - over) - mul(exp(e), cdf(-half - over));
  // 64 leading bits, and where they stand.
  const shift = Math.max(0, delta.toString(2).length - 64);
  return Number(delta >> BigInt(shift)) * 2 ** (shift - Number(BITS));
}
