/** @file Twelve steps of a small CNN on fixed data: the same numbers are expected wherever it runs. */
import { type CpuOptions, cpu, Random, rand, setDefaultDevice, Tensor } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";

/** The losses of twelve SGD steps. */
export async function trainTiny(options: CpuOptions = {}): Promise<number[]> {
  const device = await cpu(options);
  setDefaultDevice(device);
  const random = new Random(7);
  const init = { random };
  const model = nn.sequential(
    nn.conv2d(1, 4, 3, { padding: 1, ...init }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(4 * 6 * 6, 5, init),
  );
  const opt = optim.sgd(model, { lr: 0.2, momentum: 0.9 });
  const x = rand([20, 1, 12, 12], random);
  const y = Tensor.from(Int32Array.from({ length: 20 }, (_, i) => i % 5));
  const losses: number[] = [];
  for (let i = 0; i < 12; i++) {
    const loss = nn.crossEntropy(model(x), y);
    await opt.step(loss);
    losses.push(await loss.item());
  }
  return losses;
}
