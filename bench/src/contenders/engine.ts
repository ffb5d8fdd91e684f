/** @file Tacit as a contender of the engine suite: node engine.ts THREADS. TACIT_BENCH_SCALAR=1 runs the scalar ring loop instead. */
import { cpu, noGrad, Random, randn, setDefaultDevice, type Tensor } from "@tacit/core";
import { loadRing } from "@tacit/kernels/ring";
import { serve, type Timed, timeCalls } from "../serve.ts";
import { dispatchSample } from "./dispatch.ts";
import { cnn, lstm, matrix, mlp, type Trainer, transformer } from "./models.ts";
import { scalarRing64 } from "./scalar-ring.ts";

const threads = Number(process.argv[2] ?? 1);
setDefaultDevice(cpu({ threads }));

function gemm(n: number, calls: number): () => Promise<Timed> {
  return async () => {
    const [a, b] = [matrix(n, 1), matrix(n, 2)];
    const once = (): Promise<unknown> => noGrad(() => a.matmul(b)).data();
    for (let i = 0; i < 5; i++) await once();
    return () => timeCalls(calls, once);
  };
}

function training(make: () => Trainer, calls: number): () => Promise<Timed> {
  return async () => {
    const t = make();
    const once = (): Promise<number> => t.step(...t.batch());
    for (let i = 0; i < 15; i++) await once();
    return () => timeCalls(calls, once);
  };
}

async function transformerStep(): Promise<Timed> {
  const { step } = transformer();
  for (let i = 0; i < 10; i++) await step();
  return () => timeCalls(4, step);
}

async function recurrent(): Promise<Timed> {
  const step = lstm();
  for (let i = 0; i < 5; i++) await step();
  return () => timeCalls(3, step);
}

async function conv(): Promise<Timed> {
  const random = new Random(3);
  const x = randn([8, 32, 28, 28], random);
  const w = randn([64, 32, 3, 3], random);
  const bias = randn([64], random);
  const once = (): Promise<unknown> => noGrad((): Tensor => x.conv2d(w, bias, { padding: 1 })).data();
  for (let i = 0; i < 5; i++) await once();
  return () => timeCalls(20, once);
}

/** 512x512x512 products on ring words; values do not matter, the arithmetic is exact for all of them. */
async function ring(bits: 64 | 32): Promise<Timed> {
  const n = 512;
  if (process.env.TACIT_BENCH_SCALAR === "1" && bits === 64) {
    const scalar = await scalarRing64(n);
    return () => timeCalls(2, scalar);
  }
  const bytes = (bits / 8) * n * n;
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 1024 });
  const kernels = await loadRing(memory);
  const [a, b, c] = [1 << 16, (1 << 16) + bytes, (1 << 16) + 2 * bytes];
  const workspace = (1 << 16) + 3 * bytes;
  new Uint32Array(memory.buffer, a, (2 * bytes) / 4).forEach((_, i, all) => {
    all[i] = Math.imul(i, 2654435761);
  });
  const product = bits === 64 ? kernels.gemm64 : kernels.gemm32;
  const once = (): void => product(n, n, n, a, n, 1, b, n, 1, c, n, 0, workspace);
  for (let i = 0; i < 3; i++) once();
  return () => timeCalls(5, once);
}

await serve({
  "gemm-f32-256": gemm(256, 100),
  "gemm-f32-512": gemm(512, 20),
  "gemm-f32-1024": gemm(1024, 4),
  "conv-3x3": conv,
  "mlp-step": training(mlp, 200),
  "cnn-step": training(cnn, 10),
  "cnn-step-2-threads": training(cnn, 10),
  "transformer-step": transformerStep,
  "lstm-step": recurrent,
  "ring64-gemm-512": () => ring(64),
  "ring32-gemm-512": () => ring(32),
  "dispatch-cnn": async () => dispatchSample,
});
