/** @file The simplex search of Nelder and Mead (Computer Journal 7, 1965), for likelihoods of a few parameters. */

export interface SimplexOptions {
  /** The first simplex: `start` and, for each coordinate, `start` moved by this much. */
  readonly spread: readonly number[];
  /** Ends when the values at the corners differ by no more. */
  readonly tolerance: number;
  readonly most: number;
}

interface Corner {
  readonly at: readonly number[];
  readonly value: number;
}

/** The lowest corner after the search for a minimum of `f`. */
export function minimise(f: (x: readonly number[]) => number, start: readonly number[], options: SimplexOptions): Corner {
  const corner = (at: readonly number[]): Corner => ({ at, value: f(at) });
  const corners = [corner(start), ...start.map((_, k) => corner(start.map((x, i) => (i === k ? x + options.spread[k]! : x))))];
  const n = start.length;
  for (let step = 0; step < options.most; step++) {
    corners.sort((a, b) => a.value - b.value);
    const [best, worst] = [corners[0]!, corners[n]!];
    if (worst.value - best.value <= options.tolerance) break;
    const centre = start.map((_, i) => corners.slice(0, n).reduce((sum, c) => sum + c.at[i]!, 0) / n);
    const along = (t: number): Corner => corner(centre.map((c, i) => c + t * (worst.at[i]! - c)));
    const next = replacement(along, corners, n);
    if (next !== null) corners[n] = next;
    else for (let i = 1; i <= n; i++) corners[i] = corner(corners[i]!.at.map((x, k) => (x + best.at[k]!) / 2));
  }
  return corners.reduce((a, b) => (b.value < a.value ? b : a));
}

/** Reflected, stretched or drawn in, by the usual factors; null where the whole simplex has to shrink. */
function replacement(along: (t: number) => Corner, corners: readonly Corner[], n: number): Corner | null {
  const [best, second, worst] = [corners[0]!, corners[n - 1]!, corners[n]!];
  const mirrored = along(-1);
  if (mirrored.value < best.value) {
    const stretched = along(-2);
    return stretched.value < mirrored.value ? stretched : mirrored;
  }
  if (mirrored.value < second.value) return mirrored;
  const inner = along(mirrored.value < worst.value ? -0.5 : 0.5);
  return inner.value < Math.min(mirrored.value, worst.value) ? inner : null;
}
