/** @file A private run that is saved and taken up by another process, as docs/privacy.md prints it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { io } from "@tacit/core";
import * as nn from "@tacit/core/nn";
import * as optim from "@tacit/core/optim";
import { makePrivate, type PrivateTrainer, type TrainerState } from "@tacit/privacy/training";
import { afterAll, expect, it } from "vitest";
import { mlp, type Pair, points } from "./models.ts";

const folder = mkdtempSync(join(tmpdir(), "tacit-resume-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a process makes anew: model and optimizer as new as in the first. */
async function start(seed: number): Promise<{ model: nn.Layer; optimizer: optim.SGD; trainer: PrivateTrainer<Pair> }> {
  const model = mlp(4, seed);
  const optimizer = optim.sgd(model, { lr: 0.5, momentum: 0.9 });
  const loss = (x: Parameters<typeof model>[0], y: typeof x): typeof x => nn.crossEntropy(model(x), y);
  const plan = { epsilon: 8, delta: 1e-5, epochs: 2, batch: 10, maxGradNorm: 1 };
  return { model, optimizer, trainer: await makePrivate({ model, optimizer, data: points(60), loss, ...plan }) };
}

it("goes on with weights, momentum and account, to the end of the plan and no further", async () => {
  const file = join(folder, "run.safetensors");
  const first = await start(1);
  for (let i = 0; i < 5; i++) await first.trainer.step();
  await io.checkpoint.save(file, { ...first, extra: { dp: first.trainer.state() } });

  const { model, optimizer, trainer } = await start(2);
  const { dp } = (await io.checkpoint.load(file, { model, optimizer })) as { dp: TrainerState };
  trainer.loadState(dp);
  expect(trainer.steps).toBe(5);
  expect(trainer.epsilon()).toBe(first.trainer.epsilon());
  const weights = async (m: nn.Layer): Promise<number[][]> =>
    Promise.all(m.parameters().map(async (p) => [...(await p.data())].map(Number)));
  expect(await weights(model)).toEqual(await weights(first.model));
  const momentum = async (o: optim.SGD): Promise<Record<string, number[]>> =>
    Object.fromEntries(
      await Promise.all([...o.stateDict().tensors].map(async ([name, t]) => [name, [...(await t.data())].map(Number)] as const)),
    );
  expect(
    Object.values(await momentum(optimizer))
      .flat()
      .some((v) => v !== 0),
  ).toBe(true);
  expect(await momentum(optimizer)).toEqual(await momentum(first.optimizer));
  await trainer.train();
  expect(trainer.steps).toBe(12);
  expect(trainer.epsilon()).toBeLessThanOrEqual(8);
  await expect(trainer.step()).rejects.toMatchObject({ code: "PRIVACY_BUDGET" });
}, 60_000);

it("stands so in docs/privacy.md", () => {
  const page = readFileSync(fileURLToPath(new URL("../../../../docs/privacy.md", import.meta.url)), "utf8");
  for (const line of [
    "await io.checkpoint.save(file, { model, optimizer, extra: { dp: trainer.state() } });",
    "const { dp } = (await io.checkpoint.load(file, { model, optimizer })) as { dp: TrainerState };",
    "trainer.loadState(dp);",
  ])
    expect(page).toContain(line);
});
