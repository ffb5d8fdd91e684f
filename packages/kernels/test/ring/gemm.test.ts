/** @file Ring matrix products against the reference, and large ones by Freivalds' check. */
import { describe, expect, test } from "vitest";
import { gemmReference, type RingKernels, type Width } from "../../src/ring/index.ts";
import { Arena, BUILDS, random, ringOf } from "./harness.ts";

type Rng = ReturnType<typeof random>;

/** A product of random layout: either operand transposed, spare columns everywhere, accumulating or not. */
function checkRandom(kernels: RingKernels, width: Width, [m, n, k]: readonly [number, number, number], rng: Rng): void {
  const arena = new Arena(kernels, width);
  const layout = (rows: number, columns: number): { rs: number; cs: number; size: number } => {
    const line = (rng.below(2) ? columns : rows) + rng.below(3);
    const transposed = line < columns || (line < columns + 3 && rng.below(2) === 1 && line >= rows);
    if (transposed) return { rs: 1, cs: Math.max(line, rows), size: columns * Math.max(line, rows) };
    return { rs: Math.max(line, columns), cs: 1, size: rows * Math.max(line, columns) };
  };
  const la = layout(m, k);
  const lb = layout(k, n);
  const ldc = n + rng.below(3);
  const fill = (size: number): bigint[] => Array.from({ length: size }, () => rng.element(width));
  const [a, b, c] = [fill(la.size), fill(lb.size), fill(m * ldc)];
  const at = arena.put(c);
  const workspaceBytes = kernels[`gemm${width}WorkspaceBytes`](m, n, k);
  const [pa, pb, workspace] = [arena.put(a), arena.put(b), arena.alloc(workspaceBytes, 1)];
  const accumulate = rng.below(2);
  kernels[`gemm${width}`](m, n, k, pa, la.rs, la.cs, pb, lb.rs, lb.cs, at, ldc, accumulate, workspace);
  const product = gemmReference(
    width,
    [m, n, k],
    (i, p) => a[i * la.rs + p * la.cs]!,
    (p, j) => b[p * lb.rs + j * lb.cs]!,
  );
  const want = c.map((old, at) => {
    const [i, j] = [Math.floor(at / ldc), at % ldc];
    return j < n ? BigInt.asUintN(width, product[i * n + j]! + (accumulate ? old : 0n)) : old;
  });
  const what = `u${width} ${m}x${n}x${k} a ${la.rs},${la.cs} b ${lb.rs},${lb.cs} ldc ${ldc} accumulate ${accumulate}`;
  expect(arena.get(at, m * ldc), what).toEqual(want);
  expect(arena.intact(at, m * ldc) && arena.intact(workspace, workspaceBytes, 1), what).toBe(true);
}

describe.each(BUILDS)("ring matrix product (%s)", (build) => {
  test.each([64, 32] as const)("equals the reference for random shapes and layouts (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width);
    for (let t = 0; t < 150; t++) checkRandom(kernels, width, [1 + rng.below(14), 1 + rng.below(23), 1 + rng.below(30)], rng);
  });

  test.each([64, 32] as const)("equals the reference where blocks end: deep, tall, wide, empty (u%i)", async (width) => {
    const kernels = await ringOf(build);
    const rng = random(width + 7);
    const shapes = [
      [3, 5, 513],
      [5, 7, 257],
      [247, 4, 3],
      [4, 1031, 3],
      [1, 9, 300],
      [9, 1, 300],
      [2, 9, 5],
      [9, 2, 5],
      [6, 10, 25],
    ];
    for (const shape of [...shapes, [0, 3, 4], [3, 0, 4], [3, 4, 0]] as [number, number, number][]) {
      checkRandom(kernels, width, shape, rng);
    }
  });
});

/** C x = A (B x) + C0 x for random x. A wrong row passes one x with probability at most 1/2 (an error of 2^63), so three. */
function freivalds(kernels: RingKernels, sizes: readonly [number, number, number], transposed: boolean, accumulate: 0 | 1): void {
  const [m, n, k] = sizes;
  const rng = random(m + n + k);
  const arena = new Arena(kernels, 64);
  const [a, b, c] = [arena.alloc(m * k), arena.alloc(k * n), arena.alloc(m * n)];
  const bytes = kernels.gemm64WorkspaceBytes(m, n, k);
  const workspace = arena.alloc(bytes, 1);
  const words = new Uint32Array(kernels.memory.buffer);
  for (let i = a / 4; i < (c + 8 * m * n) / 4; i++) words[i] = rng.word();
  const view = new BigUint64Array(kernels.memory.buffer);
  const [A, B] = [view.slice(a / 8, a / 8 + m * k), view.slice(b / 8, b / 8 + k * n)];
  const C0 = view.slice(c / 8, c / 8 + m * n);
  const [rsa, csa, rsb, csb] = transposed ? [1, m, 1, k] : [k, 1, n, 1];
  kernels.gemm64(m, n, k, a, rsa, csa, b, rsb, csb, c, n, accumulate, workspace);
  const C = view.subarray(c / 8, c / 8 + m * n);
  for (let trial = 0; trial < 3; trial++) {
    const x = BigUint64Array.from({ length: n }, () => rng.element(64));
    const bx = new BigUint64Array(k);
    for (let p = 0; p < k; p++) for (let j = 0; j < n; j++) bx[p]! += B[p * rsb + j * csb]! * x[j]!;
    for (let i = 0; i < m; i++) {
      let [got, want] = [0n, 0n];
      for (let j = 0; j < n; j++) got += (C[i * n + j]! - (accumulate ? C0[i * n + j]! : 0n)) * x[j]!;
      for (let p = 0; p < k; p++) want += A[i * rsa + p * csa]! * bx[p]!;
      expect(BigInt.asUintN(64, got), `row ${i}`).toBe(BigInt.asUintN(64, want));
    }
  }
  expect(arena.intact(c, m * n) && arena.intact(workspace, bytes, 1)).toBe(true);
}

describe("Strassen-Winograd", () => {
  test("equals the reference with spare columns and odd sizes", async () => {
    const kernels = await ringOf("shared");
    const rng = random(77);
    for (const shape of [
      [128, 129, 130],
      [131, 128, 129],
      [129, 135, 131],
    ] as const)
      checkRandom(kernels, 64, shape, rng);
  });

  // 128 is the smallest size that is halved; 256 and more halve twice.
  test.each([
    [[128, 128, 128], false, 0],
    [[131, 129, 133], false, 0],
    [[129, 132, 131], true, 0],
    [[257, 259, 262], false, 1],
    [[263, 256, 261], true, 1],
    [[515, 513, 517], true, 0],
    [[514, 515, 513], false, 1],
  ] as const)("is exact for %j transposed %s accumulate %i", async (sizes, transposed, accumulate) => {
    freivalds(await ringOf("unshared"), sizes, transposed, accumulate);
  });
});
