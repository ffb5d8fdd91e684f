/** @file The README's ten lines: a small network learns digits. EXAMPLE_STEPS limits the steps (CI sets it). */
import { data, nn, optim } from "@tacit/core";

const steps = Number(process.env.EXAMPLE_STEPS ?? Number.POSITIVE_INFINITY);
const { train, test, name } = await data.mnist();
const model = nn.sequential(nn.flatten(), nn.linear(784, 128), nn.relu(), nn.linear(128, 10));
const opt = optim.adam(model, { lr: 1e-3 });
let step = 0;
for await (const [x, y] of train.shuffle({ seed: 0 }).batch(64)) {
  if (step++ >= steps) break;
  await opt.step(nn.crossEntropy(model(x), y)); // backward, update; nothing to dispose
}
console.log(`${name}: accuracy ${(100 * (await nn.accuracy(model, test))).toFixed(1)} % after ${step} steps`);
