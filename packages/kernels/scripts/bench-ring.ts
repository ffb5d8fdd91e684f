/** @file Speed of the ring kernels on one thread: node packages/kernels/scripts/bench-ring.ts. Best and median of repeated runs. */
import { type ConvShape, convTable, loadRing, type RingKernels } from "../src/ring/index.ts";
import { SCALAR_TILES, type ScalarKernel, scalarKernels } from "./ring/scalar-baseline.ts";

const A = 1 << 20;
const B = A + (16 << 20);
const C = B + (16 << 20);
const WORKSPACE = C + (16 << 20);

interface Timing {
  readonly best: number;
  readonly median: number;
}

/** Milliseconds per call, after a warm-up that lets V8 compile. */
function time(run: () => void, reps = 12): Timing {
  const once = (calls: number): number => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) run();
    return (performance.now() - start) / calls;
  };
  once(2);
  const calls = Math.max(1, Math.ceil(10 / once(1)));
  const all = Array.from({ length: reps }, () => once(calls)).sort((a, b) => a - b);
  return { best: all[0]!, median: all[reps >> 1]! };
}

/** work: millions of units per call; prints units of 10^9 per second. */
function report(name: string, unit: string, work: number, timing: Timing): void {
  const rate = (ms: number): string => (work / 1000 / (ms / 1000)).toFixed(2);
  console.log(`${name.padEnd(46)} ${rate(timing.best).padStart(7)} best ${rate(timing.median).padStart(7)} median ${unit}`);
}

function gemms(kernels: RingKernels, scalar: Record<string, ScalarKernel>): void {
  const n = 516;
  const run64 = (m: number, q: number, k: number): Timing =>
    time(() => kernels.gemm64(m, q, k, A, k, 1, B, q, 1, C, q, 0, WORKSPACE));
  let best = Infinity;
  let ours = Infinity;
  // Interleaved, so that a noisy neighbour slows both.
  for (let round = 0; round < 3; round++) {
    for (const [r, c] of SCALAR_TILES)
      best = Math.min(best, time(() => scalar[`scalar${r}x${c}`]!(n, A, B, C, WORKSPACE), 4).best);
    ours = Math.min(ours, run64(n, n, n).best);
  }
  report("u64 best scalar loop 516", "GMAC/s", n ** 3 / 1e6, { best, median: best });
  report("u64 gemm 516", "GMAC/s", n ** 3 / 1e6, { best: ours, median: ours });
  console.log(`ratio ${(best / ours).toFixed(2)}`);
  const shapes = [
    [256, 256, 256],
    [510, 510, 510],
    [512, 512, 512],
    [1024, 1024, 1024],
    [6, 784, 25],
    [6, 512, 512],
  ];
  for (const [m, q, k] of [...shapes, [512, 10, 512], [512, 1, 512], [1, 512, 512]] as [number, number, number][]) {
    report(`u64 gemm ${m}x${q}x${k}`, "GMAC/s", (m * q * k) / 1e6, run64(m, q, k));
  }
  for (const s of [256, 512, 1024]) {
    const run = time(() => kernels.gemm32(s, s, s, A, s, 1, B, s, 1, C, s, 0, WORKSPACE));
    report(`u32 gemm ${s}`, "GMAC/s", s ** 3 / 1e6, run);
  }
}

function convolutions(kernels: RingKernels): void {
  const base = { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, groups: 1 };
  const shapes: Record<string, ConvShape> = {
    "5x5 1->6, 28x28, batch 64": { ...base, n: 64, c: 1, h: 28, w: 28, o: 6, kh: 5, kw: 5, padH: 2, padW: 2, oh: 28, ow: 28 },
    "5x5 6->16, 14x14, batch 64": { ...base, n: 64, c: 6, h: 14, w: 14, o: 16, kh: 5, kw: 5, padH: 0, padW: 0, oh: 10, ow: 10 },
    "3x3 32->64, 28x28, batch 8": { ...base, n: 8, c: 32, h: 28, w: 28, o: 64, kh: 3, kw: 3, padH: 1, padW: 1, oh: 28, ow: 28 },
  };
  for (const [name, s] of Object.entries(shapes)) {
    new Int32Array(kernels.memory.buffer, 1024, 16).set(convTable(s));
    const macs = (s.n * s.o * s.oh * s.ow * s.c * s.kh * s.kw) / 1e6;
    for (const [what, kernel] of [
      ["forward", kernels.convForward64],
      ["input gradient", kernels.convInputGradient64],
      ["weight gradient", kernels.convWeightGradient64],
    ] as const) {
      report(
        `u64 conv ${name} ${what}`,
        "GMAC/s",
        macs,
        time(() => kernel(1024, A, B, C, 0, WORKSPACE)),
      );
    }
  }
}

function streams(kernels: RingKernels): void {
  const bytes = 64 * 1024;
  for (const rounds of [8, 12, 20]) {
    const run = time(() => {
      new Uint32Array(kernels.memory.buffer, 1024, 16)[12] = 0;
      kernels.chachaKeystream(1024, A, bytes / 64, rounds);
    });
    report(`chacha${rounds} keystream, 64 KB`, "GB/s", bytes / 1e6, run);
  }
  const n = bytes / 8;
  report(
    "add64, 3 x 64 KB",
    "GB/s",
    (3 * bytes) / 1e6,
    time(() => kernels.add64(A, B, C, n)),
  );
  report(
    "mul64, 3 x 64 KB",
    "GB/s",
    (3 * bytes) / 1e6,
    time(() => kernels.mul64(A, B, C, n)),
  );
  report(
    "mulAdd64, 4 x 64 KB",
    "GB/s",
    (4 * bytes) / 1e6,
    time(() => kernels.mulAdd64(A, B, C, C, n)),
  );
  report(
    "sum64 rows, 64 KB",
    "GB/s",
    bytes / 1e6,
    time(() => kernels.sum64(64, n / 64, 1, A, C)),
  );
  report(
    "slice128, 64 KB read",
    "GB/s",
    bytes / 1e6,
    time(() => kernels.slice128(bytes / 1024, A, C)),
  );
  report(
    "carryTree 64 planes, 2 x 64 KB read",
    "GB/s",
    (2 * bytes) / 1e6,
    time(() => kernels.carryTree(64, 64, A, B, C)),
  );
  report(
    "carryLevelShares, 4 x 64 KB read",
    "GB/s",
    (4 * bytes) / 1e6,
    time(() => {
      kernels.carryLevelShares(32, 1024, A, A + bytes, B, B + bytes, C, C + bytes);
    }),
  );
  const table = [1, 1, 1, 1, 512, 512, 0, 0, 0, 0, 1, 512, 0, 0, 0, 0, 512, 1];
  new Int32Array(kernels.memory.buffer, 1024, 18).set(table);
  report(
    "transpose 512 x 512 u64, read",
    "GB/s",
    (512 * 512 * 8) / 1e6,
    time(() => kernels.stridedCopy(8, 1024, A, C)),
  );
}

const kernels = await loadRing(new WebAssembly.Memory({ initial: 2048, maximum: 65535 }));
const words = new Uint32Array(kernels.memory.buffer, A, (WORKSPACE - A) / 4);
for (let i = 0, x = 1; i < words.length; i++) words[i] = x = (Math.imul(x, 1664525) + 1013904223) | 0;
console.log(`Node ${process.version}, ${process.arch}, one thread`);
gemms(kernels, await scalarKernels(kernels.memory));
convolutions(kernels);
streams(kernels);
