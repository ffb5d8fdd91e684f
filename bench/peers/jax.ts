/** @file jax-js (wasm backend, under jit) as a contender of the engine suite. */
import { defaultDevice, init, type Array as JaxArray, jit, lax, nn, numpy as np, random, valueAndGrad } from "@jax-js/jax";
import { serve, timeCalls } from "../src/serve.ts";

await init("wasm");
defaultDevice("wasm");

const normal = (seed: number, shape: number[], scale: number): JaxArray => random.normal(random.key(seed), shape).mul(scale);
const labels = (): JaxArray => nn.oneHot(np.array(Array.from({ length: 64 }, (_, i) => i % 10)).astype(np.int32), 10);
const crossEntropy = (logits: JaxArray, y: JaxArray): JaxArray =>
  nn
    .logSoftmax(logits)
    .mul(y)
    .sum()
    .mul(-1 / 64);

type Parameters = JaxArray[];
type Loss = (p: Parameters, x: JaxArray, y: JaxArray) => JaxArray;

function mlpLoss([w1, b1, w2, b2]: Parameters, x: JaxArray, y: JaxArray): JaxArray {
  const h = nn.relu(np.matmul(x, w1!).add(b1!));
  return crossEntropy(np.matmul(h, w2!).add(b2!), y);
}

/** 2x2 maximum with stride 2, by a reshape. */
function maxPool(x: JaxArray): JaxArray {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return np.max(np.max(x.reshape([n, c, h / 2, 2, w / 2, 2]), 5), 3);
}

function cnnLoss([k1, b1, k2, b2, w1, d1, w2, d2]: Parameters, x: JaxArray, y: JaxArray): JaxArray {
  const conv = (a: JaxArray, k: JaxArray, b: JaxArray): JaxArray => maxPool(nn.relu(lax.conv(a, k, [1, 1], "SAME").add(b)));
  const flat = conv(conv(x, k1!, b1!), k2!, b2!).reshape([64, 1568]);
  const h = nn.relu(np.matmul(flat, w1!).add(d1!));
  return crossEntropy(np.matmul(h, w2!).add(d2!), y);
}

function trainer(shapes: readonly (readonly number[])[], xShape: number[], loss: Loss, calls: number) {
  return async () => {
    const step = jit((p: Parameters, x: JaxArray, y: JaxArray) => {
      const [value, grads] = valueAndGrad(loss)(
        p.map((a) => a.ref),
        x,
        y,
      ) as [JaxArray, Parameters];
      return [value, ...p.map((a, i) => a.sub(grads[i]!.mul(0.01)))];
    });
    let p: Parameters = shapes.map((s, i) => normal(i + 1, [...s], 0.05));
    const x = normal(99, xShape, 1);
    const y = labels();
    const once = async (): Promise<void> => {
      const [value, ...next] = step(p, x.ref, y.ref) as JaxArray[];
      p = next;
      await value!.data();
    };
    await once();
    return () => timeCalls(calls, once);
  };
}

function gemm(n: number, calls: number) {
  return async () => {
    const f = jit((a: JaxArray, b: JaxArray) => np.matmul(a, b));
    const a = normal(1, [n, n], 1);
    const b = normal(2, [n, n], 1);
    const once = async (): Promise<unknown> => f(a.ref, b.ref).data();
    await once();
    return () => timeCalls(calls, once);
  };
}

await serve({
  "gemm-f32-256": gemm(256, 20),
  "gemm-f32-512": gemm(512, 5),
  "gemm-f32-1024": gemm(1024, 2),
  "mlp-step": trainer([[784, 128], [128], [128, 10], [10]], [64, 784], mlpLoss, 50),
  "cnn-step": trainer(
    [[16, 1, 5, 5], [16, 1, 1], [32, 16, 5, 5], [32, 1, 1], [1568, 128], [128], [128, 10], [10]],
    [64, 1, 28, 28],
    cnnLoss,
    1,
  ),
});
