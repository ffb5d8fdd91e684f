/** @file A CNN with batch norm trained on shares, beside the same steps in the clear: batches whose squares add up beyond 2^16. Long: minutes. */
import { noGrad, Random, type Tensor } from "@tacit/core";
import { drawnDigits } from "@tacit/core/data";
import { type Job, referenceDevice } from "@tacit/core/device";
import * as nn from "@tacit/core/nn";
import { sgd } from "@tacit/core/optim";
import type { TypedArray } from "@tacit/core/program";
import { expect, test } from "vitest";
import { type Captured, captureDevice } from "./capture.ts";
import { Parties, PUBLIC, SECRET, type Spread } from "./parties.ts";

const long = process.env.TACIT_LONG !== undefined;
const STEPS = 60;
const BATCH = 128;

const cnn = (random: Random): nn.Module & { forward(x: Tensor): Tensor } =>
  nn.sequential(
    nn.conv2d(1, 6, 5, { padding: 2, stride: 2, random }),
    nn.batchNorm2d(6),
    nn.relu(),
    nn.conv2d(6, 12, 3, { padding: 1, stride: 2, random }),
    nn.batchNorm2d(12),
    nn.relu(),
    nn.flatten(),
    nn.linear(588, 10, { random }),
  );

const bindingsOf = (job: Job) => job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET));

/** The steps on shares: parameters and running statistics never leave the parties. Their last values, by the output that made them. */
async function onShares(runs: readonly Captured[]): Promise<Map<number, TypedArray>> {
  const parties = await Parties.start();
  const resting = new Map<number, Spread>();
  const { program, updates } = runs[0]!.job;
  for (const { job, inputs } of runs) {
    expect(job.program.id).toBe(program.id);
    const bindings = bindingsOf(job);
    const given = inputs.map((x, i): Spread => {
      const at = resting.get(i);
      if (at) return at;
      return bindings[i] === PUBLIC ? parties.parties.map(() => ({ values: x })) : parties.share(x, program.inputs[i]!);
    });
    const { outputs } = await parties.run(program, bindings, given);
    for (const u of updates) resting.set(u.input, outputs[u.output]!);
    const kept = new Set(updates.map((u) => u.output));
    parties.free(...given, ...outputs.filter((_, k) => !kept.has(k)));
  }
  const last = new Map(
    updates.map((u) => [u.output, parties.reveal(resting.get(u.input)!, program.outputAvals[u.output]!)] as const),
  );
  parties.close();
  return last;
}

/** Rows whose largest logit is at their label. */
function right(logits: TypedArray, labels: readonly number[]): number {
  return labels.filter((label, r) => {
    const row = [...logits.subarray(10 * r, 10 * r + 10)].map(Number);
    return row.indexOf(Math.max(...row)) === label;
  }).length;
}

test.runIf(long)("60 steps with batches of 128 end within 0.3 points of the clear ones", { timeout: 1_200_000 }, async () => {
  const random = new Random(2);
  const { train, test: held } = drawnDigits({ train: STEPS * BATCH, test: 2000 });
  const { device, runs } = captureDevice();
  const model = cnn(random);
  await model.to(device);
  const opt = sgd(model, { lr: 0.05, momentum: 0.9 });
  // Pixels of 0 to 16: the first layer's variance is some tens, times 25,088 places.
  for await (const [x, y] of train.batch(BATCH)) {
    await opt.step(nn.crossEntropy(model.forward(await x.mul(16).to(device)), await y.oneHot(10).float().to(device)));
  }
  const steps = runs.slice(-STEPS);
  const shared = await onShares(steps);
  model.eval();
  const score = { clear: 0, shared: 0 };
  for await (const [x, y] of held.batch(500)) {
    runs.length = 0;
    await noGrad(async () => model.forward(await x.mul(16).to(device))).then((z) => z.data());
    const { job, inputs, outputs } = runs.at(-1)!;
    const labels = [...(await y.data())].map(Number);
    score.clear += right(outputs[0]!, labels);
    // The clear weights among the inputs, replaced by those of the shares.
    const last = steps.at(-1)!;
    const replaced = inputs.map((v) => {
      const at = last.job.updates.find(
        (u) => last.outputs[u.output]!.length === v.length && last.outputs[u.output]!.every((w, i) => w === v[i]),
      );
      return at ? shared.get(at.output)! : v;
    });
    expect(replaced.filter((v, i) => v !== inputs[i]).length).toBeGreaterThanOrEqual(10);
    const inner = referenceDevice("f32");
    const executable = await inner.prepare(job);
    const results = await executable.run(replaced.map((v, i) => inner.put(v, job.program.inputs[i]!)));
    score.shared += right(inner.read(results[0]!, job.program.outputAvals[0]!) as TypedArray, labels);
  }
  console.log(`right of 2,000: ${score.clear} in the clear, ${score.shared} on shares`);
  expect(score.clear).toBeGreaterThan(1500);
  expect(Math.abs(score.clear - score.shared)).toBeLessThanOrEqual(6);
});
