/** @file Training on pictures that nobody sees: three party processes hold a model owner's weights and a data owner's pictures as shares. */
import { data, nn, optim, stack, type Tensor } from "@tacit/core";
import { mpc, oneHot } from "@tacit/mpc";

const steps = Number(process.env.EXAMPLE_STEPS ?? 60);
const { images, labels } = data.digits({ count: 2000 });
const pixels = Float32Array.from(images.values as Uint8Array, (v) => v / 255);

await using session = await mpc.local(3); // real processes on this machine; mpc.connect("session.json") joins others
const x = session.input("images", { values: pixels, shape: [2000, 784] }, { owner: "data-owner" });
const y = session.input("labels", oneHot(Array.from(labels.values, Number), 10), { owner: "data-owner" });
const model = await nn.sequential(nn.linear(784, 64), nn.relu(), nn.linear(64, 10)).to(session); // weights become shares
const opt = optim.sgd(model, { lr: 0.2 });
const losses: Tensor[] = [];
for (const [a, b] of data.batches([x, y], 32, { shuffle: { seed: 0 } })) {
  const loss = nn.crossEntropy(model(a), b);
  await opt.step(loss); // forward, backward and update on shares
  if (losses.push(loss.detach()) === steps) break;
}
const mean = await stack(losses.slice(-10)).mean().reveal({ to: "model-owner", why: "progress" });

const { rounds, bytesPerParty } = session.cost();
const megabytes = (Math.max(...bytesPerParty) / 1e6).toFixed(1);
console.log(
  `${x}: mean loss of the last 10 of ${losses.length} steps ${Number(mean[0]).toFixed(3)} (chance ${Math.log(10).toFixed(3)})`,
);
console.log(`${rounds} rounds, ${megabytes} MB sent per party`);
if (!(Number(mean[0]) < 1.8)) throw new Error("expected a loss far below chance");
