/** @file A private trainer learns, counts what it costs, and ends where it was planned. */

import * as nn from "@tacit/core/nn";
import { epsilonOf } from "@tacit/privacy";
import { makePrivate } from "@tacit/privacy/training";
import { expect, test } from "vitest";
import { classifier, mlp, points } from "./models.ts";

test("a planned run learns two classes within its ε", async () => {
  const set = points(400);
  const parts = classifier(mlp());
  const trainer = await makePrivate({
    ...parts,
    data: set,
    epsilon: 4,
    delta: 1e-3,
    epochs: 4,
    batch: 40,
    physicalBatch: 16,
    maxGradNorm: 1,
  });
  expect(trainer.plannedSteps).toBe(40);
  expect(trainer.epsilon()).toBe(0);
  await trainer.train();
  expect(trainer.epsilon()).toBeLessThanOrEqual(4);
  expect(trainer.epsilon()).toBeGreaterThan(3.9);
  expect(trainer.epsilon()).toBe(epsilonOf(trainer.events, { delta: 1e-3 }));
  expect(await nn.accuracy(parts.model, set)).toBeGreaterThan(0.9);
  await expect(trainer.step()).rejects.toMatchObject({ code: "PRIVACY_BUDGET" });
});
