/**
 * @file The core tests that need neither files nor Node, again in Chromium: op table, transformations and cpu device against the
 * reference (kernels of that browser), then layers, losses and optimizers.
 */
import "../ops/values.test.ts";
import "../ops/identities.test.ts";
import "../ops/gradient.test.ts";
import "../ops/gradient-corners.test.ts";
import "../ops/vmap.test.ts";
import "../ops/infer.test.ts";
import "../reference/reference.test.ts";
import "../transform/backward.test.ts";
import "../transform/programs.test.ts";
import "../cpu/arena.test.ts";
import "../cpu/casts.test.ts";
import "../cpu/device.test.ts";
import "../cpu/families.test.ts";
import "../cpu/refusal.test.ts";
import "../nn/losses.test.ts";
import "../nn/dropout.test.ts";
import "../optim/steps.test.ts";
import { expect, it } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

it("several threads are refused where a page cannot have them, with the way out", async () => {
  const device = cpu({ threads: 2 });
  const x = Tensor.from([1, 2], [2], { device });
  await expect(x.mul(2).data()).rejects.toMatchObject({
    code: "KERNEL_NO_THREADS",
    message: expect.stringMatching(/^(cpu|kernels): expected/),
  });
});
