/** @file nn.utils and the summary of a model. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import * as nn from "../../src/nn/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { ones, randn, zeros } from "../../src/tensor/creation.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf } from "../errors.ts";

test("parameters go into one vector and back", async () => {
  const [a, b] = [nn.linear(3, 2), nn.linear(3, 2)];
  const vector = nn.utils.parametersToVector(a.parameters());
  expect(vector.shape).toEqual([8]);
  nn.utils.vectorToParameters(vector, b.parameters());
  expect(await b(ones([1, 3])).data()).toEqual(await a(ones([1, 3])).data());
  expect(b.weight.requiresGrad).toBe(true);
  expect(codeOf(() => nn.utils.vectorToParameters(zeros([7]), b.parameters()))).toBe("SHAPE_MISMATCH");
  expect(codeOf(() => nn.utils.parametersToVector([]))).toBe("ARGUMENT_INVALID");
});

describe("a weight with a norm of its own", () => {
  test("learns, and is a plain parameter again when the norm is removed", async () => {
    const layer = nn.linear(3, 2, { random: new Random(1) });
    const x = ones([4, 3]);
    const before = await layer(x).data();
    const handle = nn.utils.weightNorm(layer);
    expect(layer.namedParameters().map(([name]) => name)).toEqual(["bias", "weightG", "weightV"]);
    const same = await layer(x).data();
    for (const [i, v] of before.entries()) expect(same[i]).toBeCloseTo(Number(v), 5);
    await sgd(layer, { lr: 0.1 }).step(layer(x).square().sum());
    const learned = await layer(x).data();
    expect(learned).not.toEqual(same);
    handle.remove();
    expect(layer.namedParameters().map(([name]) => name)).toEqual(["bias", "weight"]);
    expect(await layer(x).data()).toEqual(learned);
    expect(codeOf(() => nn.utils.weightNorm(layer, { name: "scale" }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.utils.weightNorm(layer, { dim: 2 }))).toBe("ARGUMENT_INVALID");
  });

  test("has a largest singular value of 1 after some passes", async () => {
    const layer = nn.linear(6, 4, { random: new Random(2), bias: false });
    nn.utils.spectralNorm(layer, { random: new Random(3) });
    const x = randn([2, 6], new Random(4));
    for (let i = 0; i < 40; i++) await layer(x).data();
    layer.eval()(x);
    const w: Tensor = layer.weight;
    let v = ones([6, 1]);
    for (let i = 0; i < 100; i++) v = nn.functional.normalize(await w.mT.matmul(w.matmul(v)).realize(), { dim: 0 });
    expect(await w.matmul(v).norm().item()).toBeCloseTo(1, 3);
    expect(codeOf(() => nn.utils.spectralNorm(nn.linear(2, 2), { powerIterations: 0 }))).toBe("ARGUMENT_INVALID");
  });
});

describe("a summary", () => {
  test("lists layers, shapes, parameters and products, and computes nothing", () => {
    const model = nn.sequential(nn.conv2d(1, 4, 3), nn.batchNorm2d(4), nn.relu(), nn.flatten(), nn.linear(4 * 4 * 5, 10));
    model.layers[0]!.requiresGrad_(false);
    const before = engineStats(defaultDevice()).runs;
    expect(nn.summary(model, [2, 1, 6, 7])).toBe(
      [
        "layer            output     parameters   MACs",
        "---------------------------------------------",
        "0 (Conv2d)       [2,4,4,5]          40  1,440",
        "1 (BatchNorm2d)  [2,4,4,5]           8      0",
        "2 (Activation)   [2,4,4,5]           0      0",
        "3 (Flatten)      [2,80]              0      0",
        "4 (Linear)       [2,10]            810  1,600",
        "---------------------------------------------",
        "total                              858  3,040",
        "818 parameters are trained, 40 are frozen",
      ].join("\n"),
    );
    expect(engineStats(defaultDevice()).runs).toBe(before);
    expect(model.training).toBe(true);
  });

  test("counts shared layers once, ops between layers, and products inside composites", () => {
    class Shared extends nn.Module {
      readonly fc: nn.Linear = nn.linear(4, 4);
      forward(x: Tensor): Tensor {
        const y = this.fc(this.fc(x));
        return y.matmul(y.mT);
      }
    }
    const rows = nn.summaryRows(new Shared(), [3, 4]);
    expect(rows.map((r) => [r.name, r.parameters, r.macs])).toEqual([
      ["fc", 20, 96],
      ["", 0, 36],
    ]);
    const attention = nn.summaryRows(nn.multiheadAttention(8, 2, { batchFirst: true }), [
      [2, 5, 8],
      [2, 5, 8],
      [2, 5, 8],
    ]);
    // Three projections and one behind, scores and their sums: 4·(2·5·8·8) + 2·(2·2·5·5·4).
    expect(attention.reduce((n, r) => n + r.macs, 0)).toBe(4 * 640 + 2 * 400);
    expect(nn.summary(nn.embedding(5, 3), [2, 4], { dtype: "i32" })).toContain("[2,4,3]");
  });
});
