/** @file Matrix times vector mod 2^64: reads the matrix once, packs nothing. */

/** y += sum x[p] * line[p] over one line of k elements. */
function dot(k: i32, line: usize, step: usize, x: usize, xStep: usize): u64 {
  let s0: u64 = 0, s1: u64 = 0, s2: u64 = 0, s3: u64 = 0;
  for (; k >= 4; k -= 4) {
    s0 += load<u64>(line) * load<u64>(x);
    s1 += load<u64>(line + step) * load<u64>(x + xStep);
    line += 2 * step; x += 2 * xStep;
    s2 += load<u64>(line) * load<u64>(x);
    s3 += load<u64>(line + step) * load<u64>(x + xStep);
    line += 2 * step; x += 2 * xStep;
  }
  for (; k > 0; --k, line += step, x += xStep) s0 += load<u64>(line) * load<u64>(x);
  return s0 + s1 + s2 + s3;
}

/** Eight lines at once, neighbours in memory: one cache line of the matrix per step. */
function dotEight(k: i32, lines: usize, step: usize, x: usize, xStep: usize, y: usize, yStep: usize, accumulate: i32): void {
  let s0: u64 = 0, s1: u64 = 0, s2: u64 = 0, s3: u64 = 0, s4: u64 = 0, s5: u64 = 0, s6: u64 = 0, s7: u64 = 0;
  for (; k > 0; --k, lines += step, x += xStep) {
    const f = load<u64>(x);
    s0 += f * load<u64>(lines);
    s1 += f * load<u64>(lines, 8);
    s2 += f * load<u64>(lines, 16);
    s3 += f * load<u64>(lines, 24);
    s4 += f * load<u64>(lines, 32);
    s5 += f * load<u64>(lines, 40);
    s6 += f * load<u64>(lines, 48);
    s7 += f * load<u64>(lines, 56);
  }
  put(y, s0, accumulate); y += yStep;
  put(y, s1, accumulate); y += yStep;
  put(y, s2, accumulate); y += yStep;
  put(y, s3, accumulate); y += yStep;
  put(y, s4, accumulate); y += yStep;
  put(y, s5, accumulate); y += yStep;
  put(y, s6, accumulate); y += yStep;
  put(y, s7, accumulate);
}

// @ts-ignore: decorator
@inline
function put(y: usize, s: u64, accumulate: i32): void {
  store<u64>(y, accumulate ? load<u64>(y) + s : s);
}

/** y[n] (+)= sum over p of matrix[n, p] x[p]; lines lie `line` bytes apart, elements of a line `step` bytes. */
export function gemv64(
  n: i32, k: i32, matrix: usize, line: usize, step: usize, x: usize, xStep: usize, y: usize, yStep: usize, accumulate: i32,
): void {
  if (line == 8) {
    for (; n >= 8; n -= 8, matrix += 64, y += 8 * yStep) dotEight(k, matrix, step, x, xStep, y, yStep, accumulate);
  }
  for (; n > 0; --n, matrix += line, y += yStep) put(y, dot(k, matrix, step, x, xStep), accumulate);
}
