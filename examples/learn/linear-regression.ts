/** @file First lesson: a model, a loss and an optimizer find the line behind noisy points; the answer is checked against the exact one. */
import { nn, optim, Random, rand, randn, type Tensor } from "@tacit/core";
import { plot } from "@tacit/plot";

// Points along y = 3x + 2, each moved by some noise. Only the points are known to what follows.
const random = new Random(1);
const x = rand([200, 1], random).mul(4).sub(2); // uniform in -2..2
const y = x
  .mul(3)
  .add(2)
  .add(randn([200, 1], random).mul(0.5));

// The model: y = w x + b with unknown w and b. nn.linear makes both, at random at first.
const model = nn.linear(1, 1);

// The loss says how wrong the model is: the mean of the squared differences. Smaller is better.
const loss = (): Tensor => nn.mseLoss(model(x), y);

// Descent: the gradient of the loss says how it changes with w and b, so a small step against it makes the loss smaller.
const opt = optim.sgd(model, { lr: 0.1 });
const steps = Number(process.env.EXAMPLE_STEPS ?? 100);
const losses: number[] = [];
for (let step = 0; step < steps; step++) {
  const now = loss();
  await opt.step(now);
  losses.push(await now.item());
}
console.log(plot.lines(losses, { x: "step", y: "loss", log: true }));
const [w, b] = [await model.weight.item(), await model.bias!.item()];
console.log(`found    y = ${w.toFixed(3)} x + ${b.toFixed(3)}`);

// For a line there is an exact answer (least squares): w = cov(x, y) / var(x), b = mean(y) - w mean(x).
const [dx, dy] = [x.sub(x.mean()), y.sub(y.mean())];
const exact = dx.mul(dy).mean().div(dx.square().mean());
const [ew, eb] = [await exact.item(), await y.mean().sub(exact.mul(x.mean())).item()];
console.log(`exact    y = ${ew.toFixed(3)} x + ${eb.toFixed(3)}   (the points were made with 3 and 2)`);
if (!(Math.abs(w - ew) < 1e-3 && Math.abs(b - eb) < 1e-3)) throw new Error("expected descent to find the line of least squares");
