/** @file Training on a device that cannot be read and that is asynchronous: what the driver adds must be public scalars, nothing else. */
import { expect, test } from "vitest";
import { batches } from "../../src/data/tensors.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { probe } from "../engine/probe.ts";
import { codeOfAsync } from "../errors.ts";

const features = Float32Array.from({ length: 6 * 8 }, (_, i) => Math.cos(i));
const targets = Float32Array.from({ length: 6 * 3 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0));

function build(): nn.Sequential {
  const random = new Random(3);
  return nn.sequential(
    ...[nn.linear(8, 12, { random }), nn.relu(), nn.dropout(0.2, { random }), nn.linear(12, 4, { random })],
    ...[nn.linear(4, 3, { random })],
  );
}

test("the same model trains on a secret, asynchronous device as in the clear", async () => {
  const secret = probe({ secret: true, turns: 1, name: "secret" });
  const clear = probe({ name: "clear" });
  const results: Float32Array[][] = [];
  for (const device of [clear, secret]) {
    const model = await build().to(device);
    const x = await Tensor.from(features, [6, 8]).to(device);
    const y = await Tensor.from(targets, [6, 3]).to(device);
    const opt = optim.adam(model, { lr: 0.05 });
    const schedule = optim.stepLR(opt, { stepSize: 2 });
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const [a, b] of batches([x, y], 3, { shuffle: { seed: 1, epoch } })) {
        const loss = nn.crossEntropy(model(a), b);
        await opt.step(loss);
        if (device === secret) {
          expect(String(loss)).toBe("Tensor<f32[] secret>");
          expect(await codeOfAsync(loss.item())).toBe("DEVICE_SECRET");
        }
      }
      schedule.step();
    }
    // Only this test may look: the reference device under the probe stores plain values.
    results.push(model.parameters().map((p) => device.read(p.expr.leaf!.storage!, p) as Float32Array));
  }
  expect(results[1]).toEqual(results[0]);
  expect(secret.jobs.length).toBe(1); // one Program for all steps, whatever learning rate, step count, mask and batch
});

test("batch norm's statistics follow the model to such a device, the counter does not", async () => {
  const secret = probe({ secret: true, turns: 1, name: "secret" });
  const model = await nn.sequential(nn.batchNorm2d(2), nn.flatten(), nn.linear(8, 3)).to(secret);
  const x = await Tensor.from(features, [6, 2, 2, 2]).to(secret);
  const y = await Tensor.from(targets, [6, 3]).to(secret);
  await optim.sgd(model, { lr: 0.1, momentum: 0.9 }).step(nn.crossEntropy(model(x), y));
  const [mean, , count] = model.buffers() as [nn.Buffer, nn.Buffer, nn.Buffer];
  expect([mean.device, mean.expr.leaf === null]).toEqual([secret, false]);
  expect(await count.item()).toBe(1);
});

test("groups, clipping and averages work on such a device, with nothing public but scalars", async () => {
  const secret = probe({ secret: true, turns: 1, name: "secret" });
  const clear = probe({ name: "clear" });
  const results: Float32Array[][] = [];
  for (const device of [clear, secret]) {
    const model = await build().to(device);
    const x = await Tensor.from(features, [6, 8]).to(device);
    const y = await Tensor.from(targets, [6, 3]).to(device);
    const [first, ...rest] = model.parameters();
    const opt = optim.rmsprop([{ params: [first!], lr: 0.1 }, { params: rest }], {
      momentum: 0.9,
      clipNorm: 0.5,
      clipValue: 0.2,
    });
    const schedule = optim.oneCycle(opt, { maxLr: [0.1, 0.02], totalSteps: 4 });
    const average = optim.ema(model, { warmup: true });
    for (let i = 0; i < 4; i++) {
      await opt.step(nn.crossEntropy(model(x), y));
      await average.update();
      schedule.step();
    }
    average.swapIn();
    results.push(model.parameters().map((p) => device.read(p.expr.leaf!.storage!, p) as Float32Array));
  }
  expect(results[1]).toEqual(results[0]);
  // A step, the first copy of the parameters, an update.
  expect(secret.jobs.length).toBeLessThanOrEqual(3);
});
