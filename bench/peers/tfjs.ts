/** @file TensorFlow.js (wasm backend) as a contender of the engine suite. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { serve, timeCalls } from "../src/serve.ts";

setWasmPaths(join(dirname(fileURLToPath(import.meta.resolve("@tensorflow/tfjs-backend-wasm"))), "/"));
await tf.setBackend("wasm");
await tf.ready();

const run = (f: () => tf.Tensor): Promise<void> =>
  (async (): Promise<void> => {
    const y = f();
    await y.data();
    y.dispose();
  })();

function gemm(n: number, calls: number) {
  return async () => {
    const a = tf.randomNormal([n, n]) as tf.Tensor2D;
    const b = tf.randomNormal([n, n]) as tf.Tensor2D;
    const once = (): Promise<void> => run(() => tf.matMul(a, b));
    for (let i = 0; i < 3; i++) await once();
    return () => timeCalls(calls, once);
  };
}

await serve({
  "gemm-f32-256": gemm(256, 40),
  "gemm-f32-512": gemm(512, 10),
  "gemm-f32-1024": gemm(1024, 3),
  "conv-3x3": async () => {
    const x = tf.randomNormal([8, 28, 28, 32]) as tf.Tensor4D;
    const w = tf.randomNormal([3, 3, 32, 64]) as tf.Tensor4D;
    const once = (): Promise<void> => run(() => tf.conv2d(x, w, 1, "same"));
    for (let i = 0; i < 3; i++) await once();
    return () => timeCalls(20, once);
  },
});
