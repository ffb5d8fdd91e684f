/** @file The README's private training: ten digits by a linear model, ε 3 for each person's row. About 11 s of processor time. */
import { data, nn, optim } from "@tacit/core";
import { makePrivate } from "@tacit/privacy/training";

const { train, test } = await data.mnist(); // as above
const model = nn.sequential(nn.flatten(), nn.linear(784, 10));
const trainer = await makePrivate({
  model,
  optimizer: optim.sgd(model, { lr: 1 }),
  data: train, // its rows, each another person's: every step draws a Poisson sample of them
  loss: (x, y) => nn.crossEntropy(model(x), y), // of one row
  epsilon: 3,
  delta: 1e-5,
  epochs: 4,
  batch: 1024, // expected rows of a step
  physicalBatch: 256, // rows at once: memory and speed alone
  maxGradNorm: 1,
});
await trainer.train();
console.log(trainer.statement()); // ε, δ, noise, sampling, neighbours
console.log(`accuracy ${await nn.accuracy(model, test)}`);
