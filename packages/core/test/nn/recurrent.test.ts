/** @file Recurrent layers: sequences packed and padded, what is refused, dropout between layers, training on one Program, batching. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultDevice } from "../../src/engine/default-device.ts";
import { engineStats } from "../../src/engine/engine.ts";
import * as nn from "../../src/nn/index.ts";
import { adam } from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { ones, randn, zeros } from "../../src/tensor/creation.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { grad, vmap } from "../../src/tensor/transforms.ts";
import { codeOf } from "../errors.ts";

const numbers = async (t: Tensor): Promise<number[]> => Array.from(await t.data(), Number);
/** 100 * sequence + step, in every element of [T, N, 2]. */
function marked(steps: number, count: number): Tensor {
  const values = Array.from(
    { length: steps * count * 2 },
    (_, i) => 100 * (Math.floor(i / 2) % count) + Math.floor(i / 2 / count),
  );
  return Tensor.from(values, [steps, count, 2]);
}

describe("sequences", () => {
  test("are packed step by step, longest first, and padded again in the order given", async () => {
    const x = marked(4, 3);
    const packed = nn.packPaddedSequence(x, [2, 4, 1], { enforceSorted: false });
    expect(packed.batchSizes).toEqual([3, 2, 1, 1]);
    expect(packed.sortedIndices).toEqual([1, 0, 2]);
    expect(packed.unsortedIndices).toEqual([1, 0, 2]);
    expect(packed.lengths).toEqual([2, 4, 1]);
    const rows = await numbers(packed.data.select(1, 0));
    expect(rows).toEqual([100, 0, 200, 101, 1, 102, 103]);
    const [padded, lengths] = nn.padPackedSequence(packed, { batchFirst: true, paddingValue: -1, totalLength: 5 });
    expect(lengths).toEqual([2, 4, 1]);
    expect(await padded.select(2, 1).tolist()).toEqual([
      [0, 1, -1, -1, -1],
      [100, 101, 102, 103, -1],
      [200, -1, -1, -1, -1],
    ]);
  });

  test("of different lengths are padded to the longest, and packed at once", async () => {
    const list = [ones([2, 3]), zeros([1, 3]), ones([4, 3])];
    expect(nn.padSequence(list).shape).toEqual([4, 3, 3]);
    const padded = nn.padSequence(list, { batchFirst: true, paddingValue: 7 });
    expect(await padded.select(2, 0).tolist()).toEqual([
      [1, 1, 7, 7],
      [0, 7, 7, 7],
      [1, 1, 1, 1],
    ]);
    const packed = nn.packSequence(list, { enforceSorted: false });
    expect(packed.batchSizes).toEqual([3, 2, 1, 1]);
    expect(packed.lengths).toEqual([2, 1, 4]);
  });

  test("in another order are the same Program", async () => {
    const layer = nn.gru(2, 3);
    const run = async (lengths: number[]): Promise<void> => {
      const [y] = layer(nn.packPaddedSequence(marked(3, 3), lengths, { enforceSorted: false }));
      await y.data.data();
    };
    await run([1, 3, 2]);
    const { prepared } = engineStats(defaultDevice());
    await run([3, 2, 1]);
    expect(engineStats(defaultDevice()).prepared).toBe(prepared);
  });
});

describe("what does not fit is refused", () => {
  const x = marked(4, 3);
  test.each<[string, () => unknown, string, RegExp]>([
    ["lengths that rise", () => nn.packPaddedSequence(x, [2, 4, 1]), "ARGUMENT_INVALID", /never rise, got 2 then 4/],
    ["a length of 0", () => nn.packPaddedSequence(x, [2, 1, 0]), "ARGUMENT_INVALID", /length 2 to be a positive integer/],
    ["a length beyond the padding", () => nn.packPaddedSequence(x, [5, 1, 1]), "ARGUMENT_INVALID", /at most 4/],
    ["too few lengths", () => nn.packPaddedSequence(x, [2, 1]), "SHAPE_MISMATCH", /3 lengths/],
    ["no sequences", () => nn.padSequence([]), "ARGUMENT_INVALID", /at least one/],
    ["sequences of other widths", () => nn.padSequence([ones([2, 3]), ones([2, 4])]), "SHAPE_MISMATCH", /\[T,3\]/],
    [
      "a total length below the longest",
      () => nn.padPackedSequence(nn.packPaddedSequence(x, [4, 1, 1]), { totalLength: 3 }),
      "ARGUMENT_INVALID",
      /at least 4/,
    ],
    ["an input of another size", () => nn.lstm(3, 4)(x), "SHAPE_MISMATCH", /lstm: expected 3 features/],
    ["an input of rank 4", () => nn.gru(2, 4)(ones([1, 2, 3, 2])), "SHAPE_MISMATCH", /\[time, batch, features\]/],
    ["no steps", () => nn.rnn(2, 4)(ones([0, 3, 2])), "SHAPE_MISMATCH", /at least one step/],
    [
      "a state of another batch",
      () => nn.gru(2, 4)(x, zeros([1, 2, 4])),
      "SHAPE_MISMATCH",
      /initial h: expected \[1,3,4\], got \[1,2,4\]/,
    ],
    ["a batched state of one sequence", () => nn.gru(2, 4)(ones([4, 2]), zeros([1, 1, 4])), "SHAPE_MISMATCH", /expected \[1,4\]/],
    [
      "a cell state of another size",
      () => nn.lstm(2, 4, { projSize: 3 })(x, [zeros([1, 3, 3]), zeros([1, 3, 3])]),
      "SHAPE_MISMATCH",
      /initial c/,
    ],
    [
      "h alone as an LSTM's state",
      () => nn.lstm(2, 4)(x, zeros([1, 3, 4]) as never),
      "ARGUMENT_INVALID",
      /a state \[h, c\], got one tensor/,
    ],
    [
      "a list as a GRU's state",
      () => nn.gru(2, 4)(x, [zeros([1, 3, 4])] as never),
      "ARGUMENT_INVALID",
      /one tensor, got a list of 1/,
    ],
    ["a projection that widens", () => nn.lstm(2, 4, { projSize: 4 }), "ARGUMENT_INVALID", /below hiddenSize/],
    ["no layers", () => nn.lstm(2, 4, { numLayers: 0 }), "ARGUMENT_INVALID", /numLayers/],
    ["a nonlinearity that is none", () => nn.rnn(2, 4, { nonlinearity: "gelu" as never }), "ARGUMENT_INVALID", /tanh/],
    [
      "a cell's input of another size",
      () => nn.lstmCell(3, 4)(ones([5, 2])),
      "SHAPE_MISMATCH",
      /lstmCell: expected \[batch, 3\]/,
    ],
    ["a cell's state of another size", () => nn.rnnCell(2, 4)(ones([5, 2]), zeros([5, 3])), "SHAPE_MISMATCH", /initial h/],
  ])("%s", (_, run, code, message) => {
    expect(codeOf(run)).toBe(code);
    expect(run).toThrow(message);
  });
});

describe("dropout between layers", () => {
  let former: (w: nn.Warning) => void;
  const warnings: string[] = [];
  beforeEach(() => {
    warnings.length = 0;
    former = nn.onWarning((w) => void warnings.push(w.code));
  });
  afterEach(() => void nn.onWarning(former));

  test("drops the stated share of the lower layer's output, alike from the same seed, and nothing in evaluation", async () => {
    // The upper layer passes its input on, nearly: h = relu(x), so that what was dropped shows as zero.
    const make = (): nn.RNN => {
      const net = nn.rnn(1, 50, { numLayers: 2, dropout: 0.3, nonlinearity: "relu", bias: false, random: new Random(5) });
      const state = Object.fromEntries([...net.stateDict()].map(([name, t]) => [name, zeros(t.shape)]));
      state.weightIhL0 = ones([50, 1]);
      state.weightIhL1 = Tensor.from(
        Array.from({ length: 2500 }, (_, i) => (i % 51 === 0 ? 1 : 0)),
        [50, 50],
      );
      net.loadStateDict(state);
      return net;
    };
    const [a, b] = [make(), make()];
    const x = ones([20, 10, 1]);
    const y = await numbers(a(x)[0]);
    const kept = y.filter((v) => v !== 0).length;
    expect(Math.abs(kept - 7000)).toBeLessThan(6 * Math.sqrt(10_000 * 0.3 * 0.7));
    for (const v of y) expect(v === 0 || Math.abs(v - 1 / 0.7) < 1e-6).toBe(true);
    expect(await numbers(b(x)[0])).toEqual(y);
    expect(await numbers(a(x)[0])).not.toEqual(y);
    expect(new Set(await numbers(a.eval()(x)[0]))).toEqual(new Set([1]));
  });

  test("of a single layer drops nothing, and says so", async () => {
    const net = nn.gru(2, 3, { dropout: 0.5 });
    expect(warnings).toEqual(["DROPOUT_UNUSED"]);
    const x = randn([3, 2, 2], new Random(1));
    expect(await numbers(net(x)[0])).toEqual(await numbers(net(x)[0]));
  });
});

/** Whether the first of five bits was set: the answer stands at the end of the sequence. */
function recall(random: Random, count: number): [Tensor, Tensor] {
  const bits = Array.from({ length: 5 * count }, () => random.integer(0, 2));
  return [
    Tensor.from(
      bits.map((b) => 2 * b - 1),
      [5, count, 1],
    ),
    Tensor.from(bits.slice(0, count), [count], { dtype: "i32" }),
  ];
}

describe("training", () => {
  test("an LSTM learns to recall its first input, and its step is planned once", async () => {
    const random = new Random(2);
    const net = nn.lstm(1, 8, { random });
    const head = nn.linear(8, 2, { random });
    const opt = adam([...net.parameters(), ...head.parameters()], { lr: 0.02 });
    let loss = Tensor.from([0]);
    let prepared = 0;
    for (let i = 0; i < 120; i++) {
      const [x, y] = recall(random, 32);
      loss = nn.crossEntropy(head(net(x)[1][0].squeeze(0)), y);
      await opt.step(loss);
      if (i === 1) prepared = engineStats(defaultDevice()).prepared;
    }
    expect(engineStats(defaultDevice()).prepared).toBe(prepared);
    expect(await loss.item()).toBeLessThan(0.05);
  });

  test("an empty batch gives empty results and gradients of zero", async () => {
    const net = nn.lstm(2, 3, { bidirectional: true });
    const [y, [h]] = net(zeros([4, 0, 2]));
    expect(y.shape).toEqual([4, 0, 6]);
    expect(h.shape).toEqual([2, 0, 3]);
    y.sum().backward();
    expect(await numbers(net.weightHhL0.grad!)).toEqual(new Array(36).fill(0));
  });
});

describe("transformations", () => {
  test.each(["lstm", "gru", "rnn"] as const)(
    "%s: vmap over sequences is a batch, per-example gradients add up to the batch's",
    async (kind) => {
      const net = { lstm: nn.lstm, gru: nn.gru, rnn: nn.rnn }[kind](2, 3, { random: new Random(3) });
      const x = randn([5, 4, 2], new Random(4));
      const one = (s: Tensor): Tensor => (net as nn.GRU)(s)[0];
      const mapped = vmap(one, { inDims: 1, outDim: 1 })(x);
      const whole = one(x);
      const close = (a: number[], b: number[]): void => a.forEach((v, i) => void expect(v).toBeCloseTo(b[i]!, 5));
      close(await numbers(mapped), await numbers(whole));
      const w = net.weightHhL0;
      const loss = (weight: Tensor, s: Tensor): Tensor => {
        const { expr } = w;
        w.expr = weight.expr;
        const out = one(s).square().sum();
        w.expr = expr;
        return out;
      };
      const each = vmap(grad(loss), { inDims: [null, 1] })(w.detach(), x);
      expect(each.shape).toEqual([4, ...w.shape]);
      whole.square().sum().backward();
      close(await numbers(each.sum(0)), await numbers(w.grad!));
    },
  );
});
