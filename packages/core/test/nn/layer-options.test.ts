/** @file Layers beyond their vectors: what they refuse, random ones, empty batches, sizes chosen by the caller. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import * as nn from "../../src/nn/index.ts";
import { Random } from "../../src/random.ts";
import { ones, randn, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const ids = (...list: number[]): Tensor => Tensor.from(Int32Array.from(list));

test("layers refuse what PyTorch refuses", () => {
  const bad: [string, () => unknown][] = [
    ["ARGUMENT_INVALID", () => nn.conv1d(3, 4, 2, { groups: 2 })],
    ["ARGUMENT_INVALID", () => nn.conv2d(1, 1, 3, { padding: "same", stride: 2 })],
    ["ARGUMENT_INVALID", () => nn.conv1d(1, 1, 3, { paddingMode: "mirror" as "reflect" })],
    ["ARGUMENT_INVALID", () => nn.conv1d(1, 1, 3, { padding: "full" as "same" })],
    ["ARGUMENT_INVALID", () => nn.conv1d(1, 1, 3, { padding: 3, paddingMode: "reflect" })(zeros([1, 1, 3]))],
    ["ARGUMENT_INVALID", () => nn.convTranspose1d(1, 1, 3, { stride: 2 })(zeros([1, 1, 3]), [9])],
    ["ARGUMENT_INVALID", () => nn.convTranspose2d(1, 1, 3, { stride: 2, outputPadding: 2 })(zeros([1, 1, 3, 3]))],
    ["SHAPE_MISMATCH", () => nn.conv1d(2, 1, 3)(zeros([1, 3, 5]))],
    ["SHAPE_MISMATCH", () => nn.batchNorm1d(2)(zeros([1, 2]))],
    ["SHAPE_MISMATCH", () => nn.batchNorm1d(2)(zeros([3, 2, 2, 2]))],
    ["ARGUMENT_INVALID", () => nn.groupNorm(2, 3)],
    ["SHAPE_MISMATCH", () => nn.groupNorm(2, 4)(zeros([1, 2, 4]))],
    ["SHAPE_MISMATCH", () => nn.instanceNorm1d(2)(zeros([1, 2, 1]))],
    ["SHAPE_MISMATCH", () => nn.instanceNorm2d(2)(zeros([2, 2]))],
    ["SHAPE_MISMATCH", () => nn.localResponseNorm(2)(zeros([2, 2]))],
    ["ARGUMENT_INVALID", () => nn.embedding(3, 2, { paddingIdx: 3 })],
    ["ARGUMENT_INVALID", () => nn.embedding(3, 2, { maxNorm: 1 } as object)],
    ["INDEX_INVALID", () => nn.embedding(3, 2)(ids(0, 3))],
    ["DTYPE_MISMATCH", () => nn.embedding(3, 2)(zeros([2]))],
    ["INDEX_INVALID", () => nn.embeddingBag(3, 2)(ids(0, -1), [0])],
    ["ARGUMENT_INVALID", () => nn.embeddingBag(3, 2)(ids(0, 1), [1])],
    ["ARGUMENT_INVALID", () => nn.embeddingBag(3, 2)(ids(0, 1), [0, 3])],
    ["ARGUMENT_INVALID", () => nn.embeddingBag(3, 2)(ids(0, 1), [0], ones([2]))],
    ["SHAPE_MISMATCH", () => nn.embeddingBag(3, 2)(ids(0, 1))],
    ["SHAPE_MISMATCH", () => nn.dropout2d()(zeros([2, 3]))],
    ["SHAPE_MISMATCH", () => nn.dropout1d()(zeros([3]))],
    ["ARGUMENT_INVALID", () => nn.rrelu(0.5, 0.1)],
    ["ARGUMENT_INVALID", () => nn.maxPool2d(2, { ceilMode: true } as object)],
    ["SHAPE_MISMATCH", () => nn.pixelShuffle(2)(zeros([1, 3, 2, 2]))],
    ["SHAPE_MISMATCH", () => nn.pixelUnshuffle(2)(zeros([1, 3, 2, 3]))],
    ["SHAPE_MISMATCH", () => nn.unflatten(1, [2, 2])(zeros([1, 6]))],
    ["ARGUMENT_INVALID", () => nn.upsample({})(zeros([1, 1, 2]))],
    ["SHAPE_MISMATCH", () => nn.upsample({ size: 3, mode: "bilinear" })(zeros([1, 1, 2]))],
    ["ARGUMENT_INVALID", () => nn.upsample({ size: 3, alignCorners: true })(zeros([1, 1, 2]))],
    ["ARGUMENT_INVALID", () => nn.zeroPad2d([1, 2])],
    ["SHAPE_MISMATCH", () => nn.reflectionPad1d(1)(zeros([3]))],
    ["ARGUMENT_INVALID", () => nn.reflectionPad1d(3)(zeros([1, 3]))],
  ];
  for (const [code, run] of bad) expect(codeOf(run), String(run)).toBe(code);
});

test("an index that only the device sees is refused when it is used", async () => {
  expect(await codeOfAsync(nn.embedding(3, 2)(ids(0, 2).add(1)).data())).toMatch(/^INDEX_/);
});

test("an empty batch goes through", async () => {
  const x = zeros([0, 4, 6]);
  const layers = [nn.conv1d(4, 2, 3), nn.groupNorm(2, 4), nn.upsample({ scaleFactor: 2 }), nn.reflectionPad1d(1), nn.dropout1d()];
  for (const layer of layers) {
    const y = layer(x);
    expect([y.shape[0], (await y.data()).length], String(layer)).toEqual([0, 0]);
  }
  expect(nn.embedding(3, 2)(ids()).shape).toEqual([0, 2]);
  expect(await nn.embeddingBag(3, 2)(ids(), [0, 0]).tolist()).toEqual([
    [0, 0],
    [0, 0],
  ]);
});

describe("an embedding", () => {
  test("starts with zeros at the padding, and no step moves that row", async () => {
    const layer = nn.embedding(4, 2, { paddingIdx: -1, random: new Random(3) });
    layer(ids(3, 0, 3))
      .sum()
      .backward();
    expect(await layer.weight.select(0, 3).tolist()).toEqual([0, 0]);
    expect(await layer.weight.grad!.tolist()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });

  test("of given rows is frozen unless said, and a value of its own", async () => {
    const rows = Tensor.from([1, 2, 3, 4], [2, 2]);
    const frozen = nn.Embedding.fromPretrained(rows);
    expect([frozen.weight.requiresGrad, nn.Embedding.fromPretrained(rows, { freeze: false }).weight.requiresGrad]).toEqual([
      false,
      true,
    ]);
    nn.init.zeros_(frozen.weight);
    expect(await rows.tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    const bag = nn.EmbeddingBag.fromPretrained(rows, { mode: "sum" });
    expect(await bag(ids(0, 1, 1), [0, 1], Tensor.from([2, 1, 10])).tolist()).toEqual([
      [2, 4],
      [33, 44],
    ]);
  });

  test("takes offsets as inputs: bags that end elsewhere run the same Program", async () => {
    const bag = nn.embeddingBag(7, 5, { mode: "sum" });
    const before = engineStats(defaultDevice()).prepared;
    for (const offsets of [
      [0, 2],
      [0, 3],
    ])
      await bag(ids(0, 1, 2, 3, 4), offsets).data();
    expect(engineStats(defaultDevice()).prepared - before).toBe(1);
  });
});

describe("random layers", () => {
  test("drop whole channels, each by itself", async () => {
    const y = await nn
      .dropout2d(0.5, { random: new Random(1) })(ones([64, 3, 2, 2]))
      .reshape(192, 4)
      .tolist();
    const rows = (y as number[][]).map((r) => r.join());
    expect(new Set(rows)).toEqual(new Set(["0,0,0,0", "2,2,2,2"]));
    expect(nn.dropout1d(0.5, { random: new Random(1) })(ones([3, 4])).shape).toEqual([3, 4]);
    const single = await nn
      .dropout1d(0.5, { random: new Random(1) })(ones([64, 4]))
      .tolist();
    expect(new Set((single as number[][]).map((r) => r.join()))).toEqual(new Set(["0,0,0,0", "2,2,2,2"]));
  });

  test("alpha dropout keeps mean 0 and variance 1, and shifts what it drops to one value", async () => {
    for (const layer of [
      nn.alphaDropout(0.3, { random: new Random(5) }),
      nn.featureAlphaDropout(0.3, { random: new Random(5) }),
    ]) {
      const y = layer(randn([40_000, 1], new Random(2)));
      // Six standard errors of mean and variance of 40,000 numbers.
      expect(Math.abs(await y.mean().item())).toBeLessThan(6 / 200);
      expect(Math.abs((await y.var().item()) - 1)).toBeLessThan(12 / 200);
      expect(layer.eval()(y)).toBe(y);
    }
    const zero = await nn
      .alphaDropout(0.3, { random: new Random(5) })(zeros([100]))
      .data();
    const scale = 1 / Math.sqrt((1.7580993408473766 ** 2 * 0.3 + 1) * 0.7);
    const wanted = new Set([-0.7, 0.3].map((v) => Math.fround(v * 1.7580993408473766 * scale).toFixed(5)));
    expect(new Set(Array.from(zero as Float32Array, (v) => v.toFixed(5)))).toEqual(wanted);
  });

  test("rrelu draws slopes in its range while training and takes their mean afterwards", async () => {
    const layer = nn.rrelu(0.1, 0.4, { random: new Random(4) });
    const x = Tensor.from(new Float32Array(10_000).fill(-1)).requiresGrad_();
    const y = layer(x);
    y.sum().backward();
    const slopes = await y.neg().data();
    expect(await x.grad!.data()).toEqual(slopes);
    expect(Math.min(...(slopes as Float32Array))).toBeGreaterThanOrEqual(Math.fround(0.1));
    expect(Math.max(...(slopes as Float32Array))).toBeLessThanOrEqual(Math.fround(0.4));
    expect(Math.abs((await y.neg().mean().item()) - 0.25)).toBeLessThan((6 * 0.3) / Math.sqrt(12 * 10_000));
    expect(
      await layer
        .eval()(Tensor.from([-2, 3]))
        .tolist(),
    ).toEqual([-0.5, 3]);
  });
});
