/**
 * @file Micro-bench: what the engine costs per training step when kernels cost nothing. A device with stubbed kernels runs the CNN
 * step of the benchmarks (batch 64, conv 5x5x16, pool, conv 5x5x32, pool, fc 128, fc 10, cross-entropy, SGD).
 * `node packages/core/scripts/bench-dispatch.ts [steps]` prints medians in microseconds.
 */
import type { Device, Storage } from "../src/device/device.ts";
import { setDefaultDevice } from "../src/engine/default-device.ts";
import { engineStats, realizeExprs, step } from "../src/engine/engine.ts";
import { Random } from "../src/random.ts";
import { randn, tensor, zeros } from "../src/tensor/creation.ts";
import type { Tensor } from "../src/tensor/tensor.ts";
import { gradients } from "../src/tensor/transforms.ts";

const RESIDENT = { kind: "resident", donate: false } as const;

/** A device whose kernels do nothing. */
function stubDevice(): Device {
  return {
    name: "stub",
    readable: true,
    binding: () => RESIDENT,
    put: (values) => ({ values }),
    read: () => Float32Array.of(0),
    check: () => [],
    prepare: ({ program }) => {
      const outputs: readonly Storage[] = program.outputs.map(() => ({}));
      return { run: () => outputs };
    },
  };
}

const device = stubDevice();
setDefaultDevice(device);
const random = new Random(0);
const parameter = (...shape: number[]): Tensor => randn(shape, random, { requiresGrad: true });
const [w1, b1, w2, b2] = [parameter(16, 1, 5, 5), parameter(16), parameter(32, 16, 5, 5), parameter(32)];
const [w3, b3, w4, b4] = [parameter(128, 512), parameter(128), parameter(10, 128), parameter(10)];
const parameters = [w1, b1, w2, b2, w3, b3, w4, b4] as const;

function forward(x: Tensor, target: Tensor): Tensor {
  const c1 = x.conv2d(w1, b1).relu().maxPool2d(2);
  const c2 = c1.conv2d(w2, b2).relu().maxPool2d(2);
  return c2.flatten(1).linear(w3, b3).relu().linear(w4, b4).softmaxCrossEntropy(target).mean();
}

const lr = tensor(0.1);
const x = randn([64, 1, 28, 28], random);
const target = zeros([64, 10]);
const times: Record<"forward" | "backward" | "engine" | "evaluate", number[]> = {
  forward: [],
  backward: [],
  engine: [],
  evaluate: [],
};

const steps = Number(process.argv[2] ?? 3000);
for (let i = 0; i < steps; i++) {
  const t0 = performance.now();
  const loss = forward(x, target);
  const t1 = performance.now();
  const grads = gradients(loss, parameters);
  const updates = parameters.map((p, k) => ({ tensor: p, next: p.detach().sub(grads[k]!.mul(lr)) }));
  const t2 = performance.now();
  // The part of `step` up to its first await is all of it, for this device is synchronous.
  const done = step([loss], updates);
  const t3 = performance.now();
  await done;
  const value = forward(x, target).expr;
  const t4 = performance.now();
  realizeExprs([value]);
  const t5 = performance.now();
  times.forward.push(t1 - t0);
  times.backward.push(t2 - t1);
  times.engine.push(t3 - t2);
  times.evaluate.push(t5 - t4);
}

const median = (list: number[]): string => (list.toSorted((a, b) => a - b)[list.length >> 1]! * 1000).toFixed(1).padStart(7);
console.log(`steps ${steps}, programs prepared ${engineStats(device).prepared}`);
console.log(`build forward            ${median(times.forward)} us`);
console.log(`build backward + update  ${median(times.backward)} us`);
console.log(`trace, key, dispatch     ${median(times.engine)} us   (target 20)`);
console.log(`same, forward only       ${median(times.evaluate)} us`);
