/** @file The engine suite: GEMM, convolution, training steps, ring products, dispatch, memory, bundle size. */
import { fileURLToPath } from "node:url";
import { bundleAllBuilds, bundleCore, bundleTenLines } from "../bundle.ts";
import type { Contender } from "../harness.ts";
import { memoryGrowth } from "../memory.ts";
import { javascriptPeer, present, torchPeer } from "./peers.ts";
import type { Suite, TimedRow } from "./suite.ts";

const RUNS = 7;

function tacit(threads: number): Contender {
  const file = fileURLToPath(new URL("../contenders/engine.ts", import.meta.url));
  return { name: "tacit", command: [process.execPath, "--no-warnings", "--expose-gc", file, String(threads)] };
}

const gflops =
  (n: number) =>
  (ms: number): number =>
    (2 * n ** 3) / ms / 1e6;
const gmacs =
  (n: number) =>
  (ms: number): number =>
    n ** 3 / ms / 1e6;

function gemmRow(n: number): TimedRow {
  return {
    name: `gemm-f32-${n}`,
    unit: "GFLOP/s",
    better: "higher",
    runs: RUNS,
    convert: gflops(n),
    against: { "tfjs-wasm": 1.7, "onnxruntime-web": 1.7 },
    ours: tacit(1),
    peers: present(
      javascriptPeer("tfjs-wasm", "tfjs.ts", "@tensorflow/tfjs-backend-wasm"),
      javascriptPeer("onnxruntime-web", "onnxruntime.ts", "onnxruntime-web"),
      torchPeer(1),
    ),
  };
}

function stepRows(): readonly TimedRow[] {
  const jax = javascriptPeer("jax-js", "jax.ts", "@jax-js/jax");
  const timed = { unit: "ms", better: "lower", runs: RUNS } as const;
  return [
    { name: "mlp-step", ...timed, against: { pytorch: 0.8, "jax-js": 1 }, ours: tacit(1), peers: present(jax, torchPeer(1)) },
    { name: "cnn-step", ...timed, against: { pytorch: 0.7, "jax-js": 150 }, ours: tacit(1), peers: present(jax, torchPeer(1)) },
    { name: "transformer-step", ...timed, against: { pytorch: 0.4 }, ours: tacit(1), peers: present(torchPeer(1)) },
    { name: "lstm-step", ...timed, against: { pytorch: 0.4 }, ours: tacit(1), peers: present(torchPeer(1)) },
    {
      name: "cnn-step-2-threads",
      ...timed,
      against: { "tacit-1-thread": 1.8 },
      ours: tacit(2),
      peers: present({ ...tacit(1), name: "tacit-1-thread" }, torchPeer(2)),
    },
  ];
}

function ringRow(bits: 64 | 32, target: number): TimedRow {
  return {
    name: `ring${bits}-gemm-512`,
    unit: "GMAC/s",
    better: "higher",
    runs: RUNS,
    convert: gmacs(512),
    target,
    ...(bits === 64 ? { against: { "scalar i64 loop": 1.4 } } : {}),
    ours: tacit(1),
    peers: bits === 64 ? [{ ...tacit(1), name: "scalar i64 loop", env: { TACIT_BENCH_SCALAR: "1" } }] : [],
  };
}

export const engine: Suite = {
  name: "engine",
  rows: async () => [
    gemmRow(256),
    gemmRow(512),
    gemmRow(1024),
    {
      name: "conv-3x3",
      unit: "ms",
      better: "lower",
      runs: RUNS,
      against: { "tfjs-wasm": 1.6 },
      ours: tacit(1),
      peers: present(javascriptPeer("tfjs-wasm", "tfjs.ts", "@tensorflow/tfjs-backend-wasm"), torchPeer(1)),
    },
    ...stepRows(),
    ringRow(64, 4.2),
    ringRow(32, 20),
    { name: "dispatch-cnn", unit: "ms", better: "lower", runs: RUNS, target: 0.03, ours: tacit(1), peers: [] },
    { name: "memory-cnn-growth", compute: memoryGrowth },
    { name: "bundle-core", compute: bundleCore },
    { name: "bundle-ten-lines", compute: bundleTenLines },
    { name: "bundle-core-all-builds", compute: bundleAllBuilds },
  ],
};
