/** @file The Worker: trains a small CNN on digits that it draws. */
import { data, nn, optim } from "@tacit/core";

/** What the page hears after every step; the accuracy comes with the last. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly accuracy?: number;
}

const STEPS = 120;
const { train, test } = data.drawnDigits({ train: 3840, test: 500 });
const model = nn.sequential(nn.conv2d(1, 8, 5, { padding: 2 }), nn.relu(), nn.maxPool2d(4), nn.flatten(), nn.linear(392, 10));
const opt = optim.adam(model, { lr: 3e-3 });
let step = 0;
while (step < STEPS) {
  for await (const [x, y] of train.shuffle({ seed: step }).batch(32)) {
    const loss = nn.crossEntropy(model(x), y);
    await opt.step(loss);
    step++;
    const report: Progress = { step, steps: STEPS, loss: await loss.item() };
    postMessage(step < STEPS ? report : { ...report, accuracy: await nn.accuracy(model, test) });
    if (step === STEPS) break;
  }
}
