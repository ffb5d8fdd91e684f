/** @file Strided copies and sums against plain loops. */
import { describe, expect, test } from "vitest";
import type { Width } from "../../src/ring/index.ts";
import { Arena, BUILDS, random, ringOf } from "./harness.ts";

const WIDTHS: readonly Width[] = [64, 32];

describe.each(BUILDS)("moving and summing (%s)", (build) => {
  test.each(WIDTHS)("copies permuted, flipped and expanded arrays of six dimensions (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 21);
    for (let t = 0; t < 60; t++) {
      const big = t % 4 === 0;
      const sizes = Array.from({ length: 6 }, (_, d) => (big ? (d < 4 ? 1 : 9 + rng.below(12)) : 1 + rng.below(4)));
      const total = sizes.reduce((a, b) => a * b, 1);
      const order = [0, 1, 2, 3, 4, 5].sort(() => rng.below(3) - 1);
      const strides = new Array<number>(6).fill(0);
      let step = 1;
      for (const d of order) {
        strides[d] = step;
        step *= sizes[d]!;
      }
      let first = 0;
      for (let d = 0; d < 6; d++) {
        if (rng.below(5) === 0) strides[d] = 0;
        else if (rng.below(4) === 0) {
          first += strides[d]! * (sizes[d]! - 1);
          strides[d] = -strides[d]!;
        }
      }
      const out = sizes.map((_, d) => sizes.slice(d + 1).reduce((a, b) => a * b, 1));
      const arena = new Arena(kernels, width);
      const source = Array.from({ length: total }, () => rng.element(width));
      const src = arena.put(source);
      const dst = arena.alloc(total);
      kernels.stridedCopy(width / 8, arena.putWords([...sizes, ...strides, ...out]), src + (first * width) / 8, dst);
      const want = Array.from({ length: total }, (_, flat) => {
        const from = sizes.reduce((sum, size, d) => sum + (Math.floor(flat / out[d]!) % size) * strides[d]!, first);
        return source[from]!;
      });
      expect(arena.get(dst, total), `${sizes} ${strides}`).toEqual(want);
      expect(arena.intact(dst, total)).toBe(true);
    }
  });

  test.each(WIDTHS)("writes a strided piece and leaves the rest (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const arena = new Arena(kernels, width);
    const dst = arena.put([9n, 9n, 9n, 9n, 9n, 9n, 9n, 9n]);
    kernels.stridedCopy(
      width / 8,
      arena.putWords([1, 1, 1, 1, 2, 2, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 4, 2]),
      arena.put([1n, 2n, 3n, 4n]),
      dst,
    );
    expect(arena.get(dst, 8)).toEqual([1n, 9n, 2n, 9n, 3n, 9n, 4n, 9n]);
  });

  test.each(WIDTHS)("sums along any axis (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 22);
    for (const [outer, reduced, inner] of [
      [1, 7, 1],
      [3, 5, 4],
      [4, 9, 1],
      [2, 3, 17],
      [2, 0, 3],
      [2, 0, 1],
      [0, 3, 3],
      [1, 1, 5],
    ] as const) {
      const arena = new Arena(kernels, width);
      const x = Array.from({ length: outer * reduced * inner }, () => rng.element(width));
      const out = arena.alloc(outer * inner);
      kernels[`sum${width}`](outer, reduced, inner, arena.put(x), out);
      const want = Array.from({ length: outer * inner }, (_, at) => {
        let sum = 0n;
        for (let r = 0; r < reduced; r++) sum += x[(Math.floor(at / inner) * reduced + r) * inner + (at % inner)]!;
        return BigInt.asUintN(width, sum);
      });
      expect(arena.get(out, outer * inner), `${outer} ${reduced} ${inner}`).toEqual(want);
      expect(arena.intact(out, outer * inner)).toBe(true);
    }
  });
});
