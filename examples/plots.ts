/** @file Pictures of a training: the loss, the confusion matrix, the kernels, the digits that were missed. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { data, nn, noGrad, optim } from "@tacit/core";
import { plot } from "@tacit/plot";

const { train, test } = data.drawnDigits({ train: 2000, test: 400 });
const model = nn.sequential(nn.conv2d(1, 8, 5), nn.relu(), nn.maxPool2d(4), nn.flatten(), nn.linear(8 * 36, 10));
const opt = optim.adam(model, { lr: 3e-3 });
const history = plot.history();
for (let epoch = 0; epoch < 2; epoch++) {
  for await (const [x, y] of train.shuffle({ seed: 0 }).batch(50)) {
    const loss = nn.crossEntropy(model(x), y);
    await opt.step(loss);
    await history.add({ loss, lr: opt.lr });
  }
  history.epoch();
}
console.log(history.plot({ keys: ["loss"], title: "Cross entropy" })); // a drawing, in colour where the terminal has it
console.log(plot.confusion(await nn.confusionMatrix(model, test), { title: "Test set" }));

const [x, y] = await test.read(Int32Array.from({ length: 16 }, (_, i) => i));
const truth = Array.from(await y.data(), Number);
const taken = await noGrad(() => model(x).argmax(1)).data();
const labels = truth.map((t, i) => `${t} → ${taken[i]}`);

const place = mkdtempSync(join(tmpdir(), "tacit-plots-")); // or a folder of yours
await history.plot({ title: "Loss", y: "cross entropy", log: true }).save(join(place, "loss.svg"));
await (await plot.kernels(model.parameters()[0]!, { title: "Kernels" })).save(join(place, "kernels.svg"));
await (await plot.images(x, { labels, title: "Truth → taken for" })).save(join(place, "digits.svg"));
await (await plot.histogram(model.parameters()[2]!, { x: "weight" })).save(join(place, "weights.svg"));
await plot.model(model, x, { title: "The model" }).save(join(place, "model.svg"));
console.log(readdirSync(place).join(", "));
rmSync(place, { recursive: true });
