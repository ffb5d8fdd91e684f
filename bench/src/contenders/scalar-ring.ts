/** @file The scalar yardstick of the ring product: the best of several register-blocked loops of i64.mul. */
import { SCALAR_TILES, type ScalarKernel, scalarKernels } from "../../../packages/kernels/scripts/ring/scalar-baseline.ts";

/** One call of the fastest loop on n×n×n, n rounded up to a multiple of 12 (so that every tile fits). */
export async function scalarRing64(n: number): Promise<() => void> {
  const size = Math.ceil(n / 12) * 12;
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65535 });
  const kernels = await scalarKernels(memory);
  const bytes = 8 * size * size;
  const base = 1 << 16;
  const run = (k: ScalarKernel): void => k(size, base, base + bytes, base + 2 * bytes, base + 3 * bytes);
  let best: ScalarKernel | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [r, c] of SCALAR_TILES) {
    const kernel = kernels[`scalar${r}x${c}`]!;
    for (let i = 0; i < 3; i++) {
      const t = performance.now();
      run(kernel);
      const ms = performance.now() - t;
      if (ms < least) [least, best] = [ms, kernel];
    }
  }
  return () => run(best!);
}
