import { Random } from "@tacit/core";
import { adam, sgd } from "@tacit/core/optim";
import { lenet5, mlp, trainingRuns } from "./models.ts";

const random = new Random(1);
for (const [name, model, x] of [
  ["mlp", mlp(random), [4, 784]],
  ["lenet", lenet5(random), [4, 1, 28, 28]],
] as const) {
  const runs = await trainingRuns({
    model,
    x,
    classes: 10,
    random,
    optimizer: (m) => sgd(m, { lr: 0.1, momentum: name === "mlp" ? 0 : 0.9 }),
    steps: 1,
  });
  for (const r of runs) {
    console.log(name, r.job.bindings.map((b) => b.kind).join(" "), JSON.stringify(r.job.updates));
    console.log(r.job.program.toString());
  }
}
{
  const runs = await trainingRuns({
    model: mlp(random, [4, 3, 2]),
    x: [4, 4],
    classes: 2,
    random,
    optimizer: (m) => adam(m, { lr: 0.1 }),
    steps: 1,
  });
  for (const r of runs) {
    console.log(r.job.bindings.map((b) => b.kind).join(" "), JSON.stringify(r.job.updates));
    console.log(r.job.program.toString());
  }
}
