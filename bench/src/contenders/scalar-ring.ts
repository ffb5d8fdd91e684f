/** @file The scalar yardstick of the ring product: the best of several register-blocked loops of i64.mul, compiled on the spot. */
import { main as asc } from "assemblyscript/asc";
import { scalarBaselineText } from "../../../packages/kernels/scripts/ring/scalar-baseline.ts";

const TILES = [
  [2, 3],
  [2, 4],
  [3, 3],
  [3, 2],
] as const;

type Kernel = (n: number, a: number, b: number, c: number, workspace: number) => void;

async function compile(memory: WebAssembly.Memory): Promise<Record<string, Kernel>> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const flags = ["--runtime", "stub", "--importMemory", "--maximumMemory", "65535", "--enable", "simd", "-O3", "--noAssert"];
  const text = scalarBaselineText(TILES);
  const { error } = await asc(["baseline.ts", ...flags, "-o", "out.wasm"], {
    readFile: (name) => (name === "baseline.ts" ? text : null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") wasm = Uint8Array.from(contents);
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw error ?? new Error("scalar-ring: the baseline did not compile");
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory, abort: () => {} } });
  return instance.exports as Record<string, Kernel>;
}

/** One call of the fastest loop on n×n×n, n rounded up to a multiple of 12 (so that every tile fits). */
export async function scalarRing64(n: number): Promise<() => void> {
  const size = Math.ceil(n / 12) * 12;
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65535 });
  const kernels = await compile(memory);
  const bytes = 8 * size * size;
  const base = 1 << 16;
  const run = (k: Kernel): void => k(size, base, base + bytes, base + 2 * bytes, base + 3 * bytes);
  let best: Kernel | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [r, c] of TILES) {
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
