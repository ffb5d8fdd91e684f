/** @file The driver of three-machines: joins the parties that session.json names, trains on what the owners share, and says what it cost. */
import { data, nn, optim, stack, type Tensor } from "@tacit/core";
import { mpc, oneHot } from "@tacit/mpc";

const STEPS = 12;
const { images, labels } = data.digits({ count: 256 });
const pixels = Float32Array.from(images.values as Uint8Array, (v) => v / 255);

// The owners' keys are here because this is one script: each owner may as well sign elsewhere (mpc.signGrant).
await using session = await mpc.connect("session.json", {
  identity: "driver.key",
  people: ["model-owner.key", "data-owner.key"],
  owner: "model-owner",
});
const x = session.input("images", { values: pixels, shape: [256, 784] }, { owner: "data-owner" });
const y = session.input("labels", oneHot(Array.from(labels.values, Number), 10), { owner: "data-owner" });
const model = await nn.sequential(nn.linear(784, 16), nn.relu(), nn.linear(16, 10)).to(session);
const opt = optim.sgd(model, { lr: 0.3 });
const losses: Tensor[] = [];
for (let epoch = 0; losses.length < STEPS; epoch++) {
  for (const [a, b] of data.batches([x, y], 64, { shuffle: { seed: epoch } })) {
    const loss = nn.crossEntropy(model(a), b);
    await opt.step(loss);
    losses.push(loss.detach());
  }
}
const mean = await stack(losses.slice(-10)).mean().reveal({ to: "model-owner", why: "progress" });
const { rounds, bytesPerParty } = session.cost();
console.log(
  `mean loss of the last 10 of ${losses.length} steps ${Number(mean[0]).toFixed(3)} (chance ${Math.log(10).toFixed(3)})`,
);
console.log(`${rounds} rounds, ${(Math.max(...bytesPerParty) / 1e6).toFixed(1)} MB sent per party`);
if (!(Number(mean[0]) < 2.25)) throw new Error("expected a loss below chance");
