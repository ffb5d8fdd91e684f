/** @file Elementwise ring kernels against the references. */
import { describe, expect, test } from "vitest";
import { BINARY, BROADCAST, elementReference, SCALAR, SHIFT, TERNARY, UNARY, type Width } from "../../src/ring/index.ts";
import { Arena, BUILDS, random, ringOf } from "./harness.ts";

const WIDTHS: readonly Width[] = [64, 32];
// Around every unrolled length: a scalar tail, one vector, four vectors.
const LENGTHS = [0, 1, 2, 3, 5, 7, 8, 9, 16, 19, 67, 133];

type AnyKernel = (...args: (number | bigint)[]) => void;

describe.each(BUILDS)("elementwise kernels (%s)", (build) => {
  test.each(WIDTHS)("follow the reference at every length, in place too (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 1);
    for (const name of [...BINARY, ...UNARY, ...SCALAR, ...SHIFT, ...TERNARY]) {
      const arity = (BINARY as readonly string[]).includes(name) ? 2 : (TERNARY as readonly string[]).includes(name) ? 3 : 1;
      const scalar = (SCALAR as readonly string[]).includes(name);
      const shift = (SHIFT as readonly string[]).includes(name);
      for (const n of LENGTHS) {
        const arena = new Arena(kernels, width);
        const inputs = Array.from({ length: arity }, () => Array.from({ length: n }, () => rng.element(width)));
        if (n > 2 && inputs[1]) inputs[1][n - 1] = inputs[0]![n - 1]!;
        const at = inputs.map((v) => arena.put(v));
        const s = shift ? BigInt(rng.below(width)) : rng.element(width);
        const out = rng.below(2) === 0 ? at[0]! : arena.alloc(n);
        const argument = shift || width === 32 ? Number(s) : s;
        const kernel = kernels[`${name}${width}`] as AnyKernel;
        kernel(...at, ...(scalar || shift ? [argument] : []), out, n);
        const want = inputs[0]!.map((a, i) => elementReference(name, width, a, inputs[1]?.[i] ?? s, inputs[2]?.[i]));
        expect(arena.get(out, n), `${name}${width} n=${n}`).toEqual(want);
        expect(arena.intact(out, n)).toBe(true);
      }
    }
  });

  test.each(WIDTHS)("broadcast a row and a column (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 2);
    for (const name of BROADCAST) {
      for (const [m, n] of [
        [1, 1],
        [3, 5],
        [5, 3],
        [4, 17],
        [0, 4],
        [6, 0],
      ] as const) {
        const arena = new Arena(kernels, width);
        const x = Array.from({ length: m * n }, () => rng.element(width));
        const byRow = name.endsWith("Row");
        const line = Array.from({ length: byRow ? n : m }, () => rng.element(width));
        const out = arena.alloc(m * n);
        kernels[`${name}${width}`](m, n, arena.put(x), arena.put(line), out);
        const op = name.replace(/Row|Column/, "");
        const want = x.map((v, i) => elementReference(op, width, v, line[byRow ? i % n : Math.floor(i / n)]!));
        expect(arena.get(out, m * n), `${name}${width} ${m}x${n}`).toEqual(want);
        expect(arena.intact(out, m * n)).toBe(true);
      }
    }
  });

  test("trap a shift count as large as the width", async () => {
    const kernels = await ringOf(build);
    expect(() => kernels.shl64(1024, 64, 1024, 4)).toThrow(WebAssembly.RuntimeError);
    expect(() => kernels.shrS32(1024, 32, 1024, 4)).toThrow(WebAssembly.RuntimeError);
    expect(() => kernels.shrU64(1024, -1, 1024, 4)).toThrow(WebAssembly.RuntimeError);
  });
});
