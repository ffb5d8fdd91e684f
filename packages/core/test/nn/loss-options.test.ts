/** @file Losses with options: what they refuse, impossible CTC alignments, Programs that do not depend on lengths, criteria as modules. */
import { describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import * as nn from "../../src/nn/index.ts";
import { Random } from "../../src/random.ts";
import { randn, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const labels = (...l: number[]): Tensor => Tensor.from(Int32Array.from(l));

test("losses refuse what PyTorch refuses", () => {
  const x = zeros([2, 3]);
  const y = labels(0, 1);
  const bad: [string, () => unknown][] = [
    ["SHAPE_MISMATCH", () => nn.crossEntropy(x, y, { weight: zeros([2]) })],
    ["SHAPE_MISMATCH", () => nn.nllLoss(x, y, { weight: zeros([3, 1]) })],
    ["LABEL_OUT_OF_RANGE", () => nn.crossEntropy(x, labels(-100, 1))],
    ["LABEL_OUT_OF_RANGE", () => nn.crossEntropy(x, labels(-1, 1), { ignoreIndex: -100 })],
    ["ARGUMENT_INVALID", () => nn.crossEntropy(x, zeros([2, 3]), { ignoreIndex: 0 })],
    ["ARGUMENT_INVALID", () => nn.mseLoss(x, x, { reduction: "average" as "mean" })],
    ["ARGUMENT_INVALID", () => nn.smoothL1Loss(x, x, { beta: -1 })],
    ["ARGUMENT_INVALID", () => nn.huberLoss(x, x, { delta: 0 })],
    ["SHAPE_MISMATCH", () => nn.huberLoss(x, zeros([3]))],
    ["SHAPE_MISMATCH", () => nn.gaussianNllLoss(x, x, zeros([3]))],
    ["VALUE_INVALID", () => nn.gaussianNllLoss(x, x, Tensor.from([1, -1]))],
    ["ARGUMENT_INVALID", () => nn.multiMarginLoss(x, y, { p: 3 as 2 })],
    ["LABEL_OUT_OF_RANGE", () => nn.multiMarginLoss(x, labels(0, 3))],
    ["SHAPE_MISMATCH", () => nn.multilabelMarginLoss(x, y)],
    ["SHAPE_MISMATCH", () => nn.cosineEmbeddingLoss(x, x, zeros([3]))],
    ["SHAPE_MISMATCH", () => nn.tripletMarginLoss(x, x, zeros([3]))],
    ["DTYPE_UNSUPPORTED", () => nn.mseLoss(y, y)],
    ["SHAPE_MISMATCH", () => nn.functional.glu(x, 1)],
    ["SHAPE_MISMATCH", () => nn.functional.prelu(x, zeros([2]))],
    ["ARGUMENT_INVALID", () => nn.functional.celu(x, 0)],
    ["ARGUMENT_INVALID", () => nn.functional.softshrink(x, -1)],
    ["ARGUMENT_INVALID", () => nn.functional.hardtanh(x, 1, 1)],
    ["SHAPE_MISMATCH", () => nn.softmax2d()(x)],
  ];
  for (const [code, run] of bad) expect(codeOf(run), String(run)).toBe(code);
});

test("a mean over labels that are all ignored is NaN, a sum is 0, and neither moves anything", async () => {
  const x = zeros([2, 3], { requiresGrad: true });
  const y = labels(-100, -100);
  expect(await nn.crossEntropy(x, y, { ignoreIndex: -100 }).item()).toBeNaN();
  const sum = nn.crossEntropy(x, y, { ignoreIndex: -100, reduction: "sum" });
  sum.backward();
  expect([await sum.item(), ...(await x.grad!.data())]).toEqual([0, 0, 0, 0, 0, 0, 0]);
});

test("activations of an empty batch are empty, and large inputs have finite gradients", async () => {
  const layers = [
    nn.elu(),
    nn.selu(),
    nn.celu(),
    nn.mish(),
    nn.softplus(),
    nn.hardswish(),
    nn.softsign(),
    nn.silu(),
    nn.logSigmoid(),
  ];
  for (const layer of [...layers, nn.prelu()]) {
    expect(layer(zeros([0, 3])).shape).toEqual([0, 3]);
    const x = Tensor.from([1e4, -1e4, 0], [3], { requiresGrad: true });
    layer(x).sum().backward();
    for (const g of await x.grad!.data()) expect(Number.isFinite(g), String(layer)).toBe(true);
  }
});

test("tails keep their digits in f32", async () => {
  const close = async (y: Tensor, wanted: number): Promise<void> => expect((await y.item()) / wanted).toBeCloseTo(1, 5);
  await close(Tensor.from([-30]).softplus(), Math.exp(-30));
  await close(nn.functional.elu(Tensor.from([-1e-6])), -1e-6);
  await close(nn.functional.celu(Tensor.from([-1e-6]), 3), -1e-6);
  for (const [x, y] of [
    [40, 1],
    [-40, 0],
  ] as const) {
    await close(nn.bceWithLogits(Tensor.from([x]), Tensor.from([y])), Math.exp(-40));
  }
});

describe("CTC", () => {
  const sample = (n: number): Tensor => randn([6, n, 4], new Random(n));

  test("costs Infinity where no alignment fits, and gives the others their gradients", async () => {
    const x = sample(2).requiresGrad_();
    const targets = Tensor.from(Int32Array.of(1, 1, 1, 2), [2, 2]);
    const losses = nn.ctcLoss(x.logSoftmax(2), targets, [2, 3], [2, 2], { reduction: "none" });
    losses.backward(Tensor.from([1, 1]));
    const alone = nn.ctcLoss(x.logSoftmax(2).select(1, 1), labels(1, 2), [3], [2], { reduction: "sum" });
    const values = await losses.data();
    expect(values[0]).toBe(Number.POSITIVE_INFINITY);
    expect(values[1]).toBeCloseTo(await alone.item(), 5);
    const grads = (await x.grad!.select(1, 0).data()) as Float32Array;
    expect(grads.every((g) => g === 0)).toBe(true);
    for (const g of await x.grad!.data()) expect(Number.isFinite(g)).toBe(true);
    expect(
      await nn.ctcLoss(x.logSoftmax(2), targets, [2, 2], [2, 2], { zeroInfinity: true, reduction: "none" }).data(),
    ).toHaveProperty("0", 0);
  });

  test("takes impossible classes and targets one after another", async () => {
    const x = sample(2).logSoftmax(2);
    const rows = nn.ctcLoss(x, Tensor.from(Int32Array.of(1, 2, 3, 9), [2, 2]), [6, 5], [2, 1]);
    expect(await nn.ctcLoss(x, labels(1, 2, 3), [6, 5], [2, 1]).item()).toBe(await rows.item());
    const barred = x.maskedFill(Tensor.from([false, false, false, true]), Number.NEGATIVE_INFINITY).requiresGrad_();
    const loss = nn.ctcLoss(barred, labels(1, 2), [6, 6], [1, 1]);
    loss.backward();
    expect(await loss.item()).toBeLessThan(100);
    for (const g of await barred.grad!.data()) expect(Number.isFinite(g)).toBe(true);
  });

  test("lengths are inputs: batches of other lengths run the same Program", async () => {
    const x = sample(2).narrow(0, 0, 5).logSoftmax(2);
    const targets = Tensor.from(Int32Array.of(1, 2, 3, 1), [2, 2]);
    const before = engineStats(defaultDevice()).prepared;
    const values = new Set<number>();
    for (const [inputs, sizes] of [
      [
        [5, 5],
        [2, 2],
      ],
      [
        [5, 5],
        [1, 2],
      ],
      [
        [3, 4],
        [0, 1],
      ],
    ] as const) {
      values.add(await nn.ctcLoss(x, targets, inputs, sizes).item());
    }
    expect([engineStats(defaultDevice()).prepared - before, values.size]).toEqual([1, 3]);
  });

  test("refuses lengths and labels that do not fit", async () => {
    const x = zeros([3, 2, 4]);
    const t = Tensor.from(Int32Array.of(1, 2, 3, 1), [2, 2]);
    expect(codeOf(() => nn.ctcLoss(x, t, [3, 4], [2, 2]))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.ctcLoss(x, t, [3, 3], [2, 3]))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.ctcLoss(x, t, [3], [2, 2]))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.ctcLoss(x, t, [3, 3], [2, 2], { blank: 4 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.ctcLoss(x, labels(1, 2, 3), [3, 3], [2, 2]))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.ctcLoss(x, labels(1, 2, 4), [3, 3], [2, 1]))).toBe("LABEL_OUT_OF_RANGE");
    expect(codeOf(() => nn.ctcLoss(x, zeros([2, 2]), [3, 3], [2, 2]))).toBe("DTYPE_MISMATCH");
    expect(codeOf(() => nn.ctcLoss(zeros([3]), t, [3, 3], [2, 2]))).toBe("SHAPE_MISMATCH");
    expect(await codeOfAsync(nn.ctcLoss(x, t.add(3), [3, 3], [2, 2]).item())).not.toBe("no error");
  });
});

test("a criterion is a loss with its options", async () => {
  const x = Tensor.from([1, 2, 3, -1, 0, 4], [2, 3]);
  const criterion = nn.criterion(nn.crossEntropy, { labelSmoothing: 0.1 });
  expect(await criterion(x, labels(0, 1)).item()).toBe(await nn.crossEntropy(x, labels(0, 1), { labelSmoothing: 0.1 }).item());
  expect(String(criterion)).toBe("Criterion(crossEntropy)");
});
