/** @file Losses on bad input and at extremes; accuracy and confusion matrix. */
import { describe, expect, test } from "vitest";
import { tensorDataset } from "../../src/data/tensors.ts";
import * as nn from "../../src/nn/index.ts";
import { ones, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const labels = (...l: number[]): Tensor => Tensor.from(Int32Array.from(l));

describe("cross-entropy", () => {
  test("refuses labels out of range at once where they are known, else when it runs", async () => {
    const logits = zeros([2, 3]);
    for (const bad of [labels(0, 3), labels(-1, 0)]) {
      expect(codeOf(() => nn.crossEntropy(logits, bad))).toBe("LABEL_OUT_OF_RANGE");
      expect(codeOf(() => nn.nllLoss(logits, bad))).toBe("LABEL_OUT_OF_RANGE");
    }
    expect(await codeOfAsync(nn.crossEntropy(logits, labels(0, 1).add(2)).item())).toBe("LABEL_OUT_OF_RANGE");
    expect(codeOf(() => nn.crossEntropy(logits, Tensor.from(BigInt64Array.of(0n, 5n))))).toBe("LABEL_OUT_OF_RANGE");
  });

  test("takes i32, i64 and u8 labels and equal probabilities alike", async () => {
    const logits = Tensor.from([1, 2, 3, -1, 0, 4], [2, 3]);
    const wanted = await nn.crossEntropy(logits, labels(2, 0)).item();
    expect(await nn.crossEntropy(logits, Tensor.from(BigInt64Array.of(2n, 0n))).item()).toBe(wanted);
    expect(await nn.crossEntropy(logits, Tensor.from(Uint8Array.of(2, 0))).item()).toBe(wanted);
    expect(await nn.crossEntropy(logits, Tensor.from([0, 0, 1, 1, 0, 0], [2, 3])).item()).toBeCloseTo(wanted, 6);
  });

  test("says what is wrong with shapes and dtypes", () => {
    const logits = zeros([2, 3]);
    expect(codeOf(() => nn.crossEntropy(logits, labels(0, 1, 2)))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.crossEntropy(logits, Tensor.from([0, 1])))).toBe("DTYPE_MISMATCH");
    expect(codeOf(() => nn.crossEntropy(labels(1, 2), labels(0, 1)))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.crossEntropy(logits, labels(0, 1), { labelSmoothing: 2 }))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.nllLoss(logits, zeros([2, 3])))).toBe("DTYPE_MISMATCH");
    expect(codeOf(() => nn.mseLoss(zeros([2, 3]), zeros([3])))).toBe("SHAPE_MISMATCH");
    expect(codeOf(() => nn.bceWithLogits(zeros([2]), zeros([2, 1])))).toBe("SHAPE_MISMATCH");
  });

  test("stays finite at large logits", async () => {
    const logits = Tensor.from([1e4, -1e4, 0, 1e4], [2, 2]).requiresGrad_();
    const loss = nn.crossEntropy(logits, labels(1, 1), { reduction: "sum" });
    loss.backward();
    expect(await loss.item()).toBe(20_000);
    expect(await logits.grad?.tolist()).toEqual([
      [1, -1],
      [0, 0],
    ]);
    const x = Tensor.from([1e4, -1e4]).requiresGrad_();
    const bce = nn.bceWithLogits(x, Tensor.from([0, 1]), { reduction: "sum" });
    bce.backward();
    expect(await bce.item()).toBe(20_000);
    expect(await x.grad?.tolist()).toEqual([1, -1]);
  });

  test("warns, once, of a softmax in front of it", () => {
    const seen: string[] = [];
    const former = nn.onWarning((w) => seen.push(w.code));
    try {
      nn.crossEntropy(zeros([1, 2]), labels(0));
      expect(seen).toEqual([]);
      for (let i = 0; i < 2; i++) nn.crossEntropy(zeros([1, 2]).softmax(1), labels(0));
      expect(seen).toEqual(["SOFTMAX_BEFORE_LOSS"]);
    } finally {
      nn.onWarning(former);
    }
  });
});

describe("negative log likelihood", () => {
  test("of a certain answer is finite where other classes are impossible, and so is its gradient", async () => {
    const minus = Number.NEGATIVE_INFINITY;
    const x = Tensor.from([0, minus, minus, Math.log(0.25), Math.log(0.75), minus], [2, 3], { requiresGrad: true });
    const loss = nn.nllLoss(x, labels(0, 1), { reduction: "none" });
    const values = await loss.data();
    expect(values[0]).toBeCloseTo(0, 12);
    expect(values[1]).toBeCloseTo(-Math.log(0.75), 6);
    loss.sum().backward();
    expect(await x.grad!.tolist()).toEqual([
      [-1, 0, 0],
      [0, -1, 0],
    ]);
    expect(await nn.nllLoss(x, labels(1, 1)).item()).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("metrics", () => {
  /** Predicts the class that the input says. */
  const model = nn.sequential(nn.flatten(), nn.dropout(0.9));
  const data = tensorDataset([
    { values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0), shape: [5, 3], dtype: "f32" },
    { values: Int32Array.of(0, 1, 2, 2, 0), shape: [5], dtype: "i32" },
  ]);

  test("count right answers, in evaluation mode, whatever the batch", async () => {
    expect(await nn.accuracy(model, data)).toBe(0.8);
    expect(await nn.accuracy(model, data.batch(2))).toBe(0.8);
    expect(await nn.accuracy(model, [[zeros([1, 2]), labels(0)]])).toBe(1);
    expect(await nn.accuracy(model, data.take(0))).toBeNaN();
    expect(model.training && model.layers[1]!.training).toBe(true);
  });

  test("say what they take when given a pair of tensors, a tensor or nothing", async () => {
    const [x, y] = [zeros([1, 2]), labels(0)];
    const given: readonly unknown[] = [[x, y], x, null, [[x]], [[x, 3]]];
    for (const bad of given) {
      const wrong = bad as Parameters<typeof nn.accuracy>[1];
      expect(await codeOfAsync(nn.accuracy(model, wrong))).toBe("ARGUMENT_INVALID");
      expect(await codeOfAsync(nn.confusionMatrix(model, wrong))).toBe("ARGUMENT_INVALID");
      expect(model.training).toBe(true);
    }
  });

  test("count actual against predicted", async () => {
    expect(await nn.confusionMatrix(model, data.batch(2))).toEqual([
      [2, 0, 0],
      [0, 1, 0],
      [0, 1, 1],
    ]);
    expect(await codeOfAsync(nn.confusionMatrix(model, [[ones([1, 2]), labels(5)]]))).toBe("LABEL_OUT_OF_RANGE");
  });
});
