/** @file A table of one's own, as CSV: which of two kinds a flower is, from two lengths in centimetres. */
import { data, nn, optim } from "@tacit/core";

const text = `petal,sepal,kind
1.4,5.1,lily\n1.3,4.7,lily\n1.5,5.0,lily\n1.7,5.4,lily
4.7,7.0,rose\n4.5,6.4,rose\n4.9,6.9,rose\n4.0,5.5,rose`; // or readFileSync("my.csv", "utf8")
const { features, labels, classes } = data.parseCsv(text, { label: "kind" });
if (labels === null) throw new Error("no label column");
const samples = data.tensorDataset([features, labels]);
const model = nn.sequential(nn.linear(2, 8), nn.relu(), nn.linear(8, classes.length));
const opt = optim.adam(model, { lr: 0.05 });
for (let epoch = 0; epoch < 50; epoch++) {
  for await (const [x, y] of samples.shuffle({ seed: epoch }).batch(4)) await opt.step(nn.crossEntropy(model(x), y));
}
console.log(`${classes.join(" or ")}: accuracy ${(100 * (await nn.accuracy(model, samples))).toFixed(1)} % on what it learned`);
