/** @file Linear equations with errors that are bounded: a solution, and an interval for that of the equations without errors. */

type Matrix = readonly (readonly number[])[];

/** Pivots below this part of the largest entry count as none. */
const SINGULAR = 1e-12;

/** Where errors do not die out within so many rounds they are too large to say much. */
const MOST_ROUNDS = 200;

/** The inverse by Gauss and Jordan with pivots; undefined where there is none. */
export function inverse(a: Matrix): number[][] | undefined {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  const scale = a.reduce((most, row) => Math.max(most, ...row.map(Math.abs)), 0);
  for (let c = 0; c < n; c++) {
    let best = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(rows[r]![c]!) > Math.abs(rows[best]![c]!)) best = r;
    [rows[c], rows[best]] = [rows[best]!, rows[c]!];
    const pivot = rows[c]![c]!;
    if (!(Math.abs(pivot) > scale * SINGULAR)) return undefined;
    rows[c] = rows[c]!.map((x) => x / pivot);
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const by = rows[r]![c]!;
      rows[r] = rows[r]!.map((x, j) => x - by * rows[c]![j]!);
    }
  }
  return rows.map((row) => row.slice(n));
}

export const multiply = (a: Matrix, x: readonly number[]): number[] =>
  a.map((row) => row.reduce((sum, v, j) => sum + v * x[j]!, 0));

/** A symmetric matrix with its eigenvalues raised to at least `floor`: Jacobi's rotations. */
export function raised(a: Matrix, floor: number): number[][] {
  const n = a.length;
  const m = a.map((row) => [...row]);
  const v = a.map((row, i) => row.map((_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(m, v, p, q);
  }
  const values = m.map((row, i) => Math.max(row[i]!, floor));
  return v.map((row) => v.map((other) => row.reduce((sum, x, k) => sum + x * values[k]! * other[k]!, 0)));
}

/** One rotation that makes m[p][q] zero; v collects them. */
function rotate(m: number[][], v: number[][], p: number, q: number): void {
  const off = m[p]![q]!;
  if (off === 0) return;
  const theta = (m[q]![q]! - m[p]![p]!) / (2 * off);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (const row of m) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  const [mp, mq] = [[...m[p]!], [...m[q]!]];
  m[p] = mp.map((x, k) => c * x - s * mq[k]!);
  m[q] = mp.map((x, k) => s * x + c * mq[k]!);
  for (const row of v) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
}

/**
 * How far the solution of the true equations can be from `x`, entry by entry, when the entries of A and b are within Q and q of the true ones;
 * Infinity where that is not bounded.
 *
 * Let A', b' be true, E = A - A', |E| ≤ Q, and R any matrix (the inverse of A, nearly). From A'x' = b':
 * x' - x = R(b' - A'x) + (I - RA')(x' - x), |I - RA'| ≤ |I - RA| + |R| Q = G, |R(b' - A'x)| ≤ |R|(|b - Ax| + q + Q|x|) = g.
 * So d = |x' - x| ≤ g + G d. If G y < y for some y > 0, the powers of G vanish and d ≤ (I - G)^-1 g, which is what iterating d = g + G d
 * rises to (Rump 1983; Oettli and Prager 1964 for the set of solutions). The same G y < y shows that A' has an inverse.
 */
export function enclosure(
  a: Matrix,
  b: readonly number[],
  r: Matrix,
  x: readonly number[],
  most: Matrix,
  q: readonly number[],
): number[] {
  const n = b.length;
  const absolute = r.map((row) => row.map(Math.abs));
  const identity = a.map((_, i) => a.map((__, j) => Number(i === j) - r[i]!.reduce((sum, v, k) => sum + v * a[k]![j]!, 0)));
  const g2 = identity.map((row, i) =>
    row.map((v, j) => Math.abs(v) + absolute[i]!.reduce((sum, w, k) => sum + w * most[k]![j]!, 0)),
  );
  const residual = multiply(a, x).map(
    (v, i) => Math.abs(b[i]! - v) + q[i]! + most[i]!.reduce((sum, w, j) => sum + w * Math.abs(x[j]!), 0),
  );
  const g = multiply(absolute, residual);
  const open = new Array<number>(n).fill(Number.POSITIVE_INFINITY);
  let d = g.map((v) => v + Number.MIN_VALUE);
  for (let i = 0; i < MOST_ROUNDS; i++) {
    const next = multiply(g2, d).map((v, k) => v + g[k]!);
    if (!next.every(Number.isFinite)) return open;
    // Widened a little, d is above g + G d: then it bounds all that follows.
    const wide = next.map((v) => v * (1 + 1e-9) + Number.MIN_VALUE);
    if (multiply(g2, wide).every((v, k) => v + g[k]! <= wide[k]!)) return wide;
    d = next;
  }
  return open;
}
