/** @file The running mean that a noisy loss is read by. */

/**
 * Exponential moving average: each point is the weighted mean of those up to it, the weight falling by `weight` per step, and the sum
 * of weights divided out (as Adam corrects its bias; Kingma and Ba 2015, section 3), so that the first points are not drawn to zero.
 * Gaps stay gaps and are left out of the mean.
 */
export function smooth(values: ArrayLike<number | null>, weight: number): (number | null)[] {
  let [sum, total] = [0, 0];
  return Array.from(values, (v) => {
    if (v === null || !Number.isFinite(v)) return null;
    sum = weight * sum + (1 - weight) * v;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}
