/** @file A class of one's own, with batch normalisation and dropout, PyTorch's loop, a schedule and a checkpoint. */
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { data, io, nn, optim, type Tensor } from "@tacit/core";

class Net extends nn.Module {
  conv = nn.conv2d(1, 8, 5, { stride: 2 });
  norm = nn.batchNorm2d(8);
  drop = nn.dropout(0.2);
  fc = nn.linear(8 * 12 * 12, 10);

  forward(x: Tensor): Tensor {
    return this.fc(this.drop(this.norm(this.conv(x)).relu()).flatten(1));
  }
}

const model = new Net();
const opt = optim.sgd(model, { lr: 0.05, momentum: 0.9, weightDecay: 1e-4 });
const schedule = optim.stepLR(opt, { stepSize: 1 });
const { train, test } = data.drawnDigits({ train: 2000, test: 500 });
for (let epoch = 0; epoch < 2; epoch++) {
  for await (const [x, y] of train.shuffle({ seed: 1 }).batch(50)) {
    opt.zeroGrad();
    const loss = nn.crossEntropy(model.forward(x), y);
    loss.backward();
    await opt.step();
  }
  schedule.step();
}
model.eval();
let right = 0;
for await (const [x, y] of test.batch(250)) right += await model.forward(x).argmax(1).eq(y).float().sum().item();
console.log(`drawn digits: accuracy ${((100 * right) / test.length).toFixed(1)} % after 2 epochs`);

const file = join(tmpdir(), `tacit-example-${process.pid}.safetensors`);
await io.checkpoint.save(file, { model, optimizer: opt, scheduler: schedule });
await io.checkpoint.load(file, { model: new Net(), optimizer: opt, scheduler: schedule });
rmSync(file);
