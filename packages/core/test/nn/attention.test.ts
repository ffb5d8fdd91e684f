/** @file Attention, transformers and positions beyond PyTorch's numbers: refusals, copies, dropout, corners, training. */
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { randn, tensor, zeros } from "../../src/tensor/creation.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { vmap } from "../../src/tensor/transforms.ts";

/** An error of this code whose message says this. */
const refuses = (run: () => unknown, code: string, message: RegExp): void => {
  expect(run).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
};
const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data(), Number);
const near = (a: readonly number[], b: readonly number[], digits = 5): void => {
  expect(a.length).toBe(b.length);
  a.forEach((x, i) => void expect(x).toBeCloseTo(b[i]!, digits));
};

describe("attention", () => {
  test("refuses what does not fit, and says what would", () => {
    const x = zeros([2, 3, 4]);
    refuses(() => nn.multiheadAttention(6, 4), "ARGUMENT_INVALID", /embedDim a multiple of numHeads 4, got 6/);
    const layer = nn.multiheadAttention(4, 2, { batchFirst: true });
    refuses(() => layer(zeros([2, 3, 5])), "SHAPE_MISMATCH", /query \[\.\.\.,4\], got \[2,3,5\]/);
    refuses(() => layer(x, zeros([3, 4])), "SHAPE_MISMATCH", /all of 3 dimensions/);
    refuses(() => layer(x, zeros([1, 3, 4])), "SHAPE_MISMATCH", /keys for 2 batch entries, got 1/);
    refuses(() => layer(x, x, zeros([2, 2, 4])), "SHAPE_MISMATCH", /value \[2,3,4\]/);
    refuses(() => layer(x, x, x, { attnMask: zeros([3, 2]) }), "SHAPE_MISMATCH", /attnMask \[3,3\] or \[4,3,3\], got \[3,2\]/);
    refuses(() => layer(x, x, x, { attnMask: zeros([3, 3], { dtype: "i32" }) }), "DTYPE_MISMATCH", /attnMask of bool or a float/);
    refuses(() => layer(x, x, x, { keyPaddingMask: zeros([3, 2]) }), "SHAPE_MISMATCH", /keyPaddingMask \[2,3\]/);
    const both = { attnMask: nn.causalMask(3), isCausal: true };
    refuses(() => nn.scaledDotProductAttention(x, x, x, both), "ARGUMENT_INVALID", /attnMask or isCausal, got both/);
    refuses(() => nn.scaledDotProductAttention(x, zeros([2, 3, 5]), x), "SHAPE_MISMATCH", /k of shape/);
    const odd = { activation: "tanh" } as unknown as nn.TransformerLayerOptions;
    refuses(() => nn.transformerEncoderLayer(4, 2, odd), "ARGUMENT_INVALID", /activation relu, gelu or a function/);
    refuses(() => nn.layerNorm(5)(x), "SHAPE_MISMATCH", /\[\.\.\.,5\], got \[2,3,4\]/);
    refuses(() => nn.rotary(zeros([3, 5])), "SHAPE_MISMATCH", /an even E/);
    refuses(() => nn.sinusoidalEncoding(4, { maxLen: 2, batchFirst: true })(x), "SHAPE_MISMATCH", /L at most 2/);
  });

  test("says the same by isCausal, by a mask of bools and by an additive one", async () => {
    const random = new Random(1);
    const [q, k, v] = [randn([2, 4, 3], random), randn([2, 4, 3], random), randn([2, 4, 5], random)];
    const causal = await values(nn.scaledDotProductAttention(q, k, v, { isCausal: true }));
    near(await values(nn.scaledDotProductAttention(q, k, v, { attnMask: nn.causalMask(4) })), causal);
    near(await values(nn.scaledDotProductAttention(q, k, v, { attnMask: nn.causalMask(4).eq(0) })), causal);
    const layer = nn.multiheadAttention(6, 2, { random, addBiasKv: true });
    const x = randn([4, 2, 6], random);
    const [a] = layer(x, x, x, { isCausal: true });
    near(await values(layer(x, x, x, { attnMask: nn.causalMask(4) })[0]), await values(a));
    const padding = tensor([
      [false, true, false, false],
      [false, false, false, true],
    ]);
    const [b] = layer(x, x, x, { isCausal: true, keyPaddingMask: padding });
    near(await values(layer(x, x, x, { attnMask: nn.causalMask(4).ne(0), keyPaddingMask: padding })[0]), await values(b));
  });

  test("broadcasts leading dimensions, and gives NaN to a query that sees no key", async () => {
    const random = new Random(2);
    const [q, k] = [randn([2, 1, 3, 4], random), randn([5, 4], random)];
    const y = nn.scaledDotProductAttention(q, k, k);
    expect(y.shape).toEqual([2, 1, 3, 4]);
    const shut = tensor([[true], [false], [true]]);
    const masked = await values(nn.scaledDotProductAttention(q, k, k, { attnMask: shut }));
    expect(masked.map(Number.isNaN)).toEqual(masked.map((_, i) => Math.floor(i / 4) % 3 === 1));
  });

  test("averages weights over heads, and fused and explicit paths agree", async () => {
    const random = new Random(3);
    const layer = nn.multiheadAttention(8, 4, { random, batchFirst: true });
    const x = randn([2, 5, 8], random);
    const [y, weights] = layer(x);
    const [same, none] = layer(x, x, x, { needWeights: false });
    expect(none).toBeNull();
    near(await values(same), await values(y));
    expect(weights!.shape).toEqual([2, 5, 5]);
    near(await values(weights!.sum(-1)), new Array<number>(10).fill(1));
    expect(layer(x, x, x, { averageAttnWeights: false })[1]!.shape).toEqual([2, 4, 5, 5]);
  });

  test("drops weights while training only, differently from call to call", async () => {
    const random = new Random(4);
    const layer = nn.multiheadAttention(4, 2, { random, dropout: 0.5 });
    const x = randn([6, 1, 4], random);
    const of = (): Promise<number[]> => values(layer(x)[1]!);
    expect(await of()).not.toEqual(await of());
    layer.eval();
    expect(await of()).toEqual(await of());
    near(await values(layer(x)[1]!.sum(-1)), new Array<number>(6).fill(1));
    const dropped = nn.scaledDotProductAttention(x, x, x, { dropoutP: 1, random });
    expect((await values(dropped)).every((v) => v === 0)).toBe(true);
  });

  test("has no batch, no queries, and runs under vmap", async () => {
    const random = new Random(5);
    const layer = nn.multiheadAttention(4, 2, { random, batchFirst: true });
    expect((await values(layer(zeros([0, 3, 4]), zeros([0, 2, 4]))[0])).length).toBe(0);
    expect((await values(layer(zeros([2, 0, 4]), zeros([2, 2, 4]))[0])).length).toBe(0);
    const x = randn([3, 5, 4], random);
    const single = vmap((row: Tensor) => layer(row, row, row, { needWeights: false })[0]);
    near(await values(single(x)), await values(layer(x)[0]));
  });
});

describe("transformers", () => {
  test("copy their layer's values into parameters of their own", async () => {
    const layer = nn.transformerEncoderLayer(4, 2, { dimFeedforward: 3, dropout: 0, batchFirst: true, random: new Random(6) });
    const encoder = nn.transformerEncoder(layer, 2);
    expect(encoder.parameters().length).toBe(2 * layer.parameters().length);
    const [first, second] = encoder.layers as readonly [nn.TransformerEncoderLayer, nn.TransformerEncoderLayer];
    expect(await values(first.linear1.weight)).toEqual(await values(second.linear1.weight));
    const before = await values(layer.linear1.weight);
    const opt = optim.sgd(encoder, { lr: 0.1 });
    for (let i = 0; i < 2; i++)
      await opt.step(
        encoder(randn([2, 3, 4], new Random(7)))
          .square()
          .mean(),
      );
    expect(await values(layer.linear1.weight)).toEqual(before);
    expect(await values(first.linear1.weight)).not.toEqual(await values(second.linear1.weight));
    const made = nn.transformerEncoder((i: number) => nn.transformerEncoderLayer(4, 2, { dimFeedforward: 3 + i }), 2);
    expect(made.layers.map((l) => l.linear1.outFeatures)).toEqual([3, 4]);
  });

  test("initialise matrices as Xavier's and biases of attention as zeros", async () => {
    const layer = nn.multiheadAttention(32, 4, { random: new Random(8) });
    expect((await values(layer.inProjBias!)).every((v) => v === 0)).toBe(true);
    expect((await values(layer.outProj.bias!)).every((v) => v === 0)).toBe(true);
    const bound = Math.sqrt(6 / (4 * 32));
    const largest = Math.max(...(await values(layer.inProjWeight!)).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.98 * bound);
  });

  test("learn to reverse a sequence in either norm order", async () => {
    for (const normFirst of [false, true]) {
      const random = new Random(9);
      const x = randn([8, 4, 8], random);
      const layer = nn.transformerEncoderLayer(8, 2, { dimFeedforward: 16, dropout: 0, batchFirst: true, normFirst, random });
      const position = nn.learnedEncoding(8, { maxLen: 4, batchFirst: true, random });
      const model = nn.sequential(position, layer, nn.linear(8, 8, { random }));
      const opt = optim.adam(model, { lr: 0.02 });
      const loss = (): Tensor => nn.mseLoss(model(x), x.flip(1));
      const start = await loss().item();
      for (let i = 0; i < 60; i++) await opt.step(loss());
      expect(await loss().item()).toBeLessThan(0.3 * start);
    }
  });
});

describe("norms", () => {
  test("rmsNorm divides by the root of the mean square, and has no bias", async () => {
    const layer = nn.rmsNorm(2, { eps: 0 });
    near(await values(layer(tensor([[3, 4]]))), [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)]);
    expect([...layer.stateDict().keys()]).toEqual(["weight"]);
    expect([...nn.layerNorm([2, 3], { bias: false }).stateDict().keys()]).toEqual(["weight"]);
    near(await values(nn.rmsNorm(2)(tensor([[0, 0]]))), [0, 0]);
  });
});

describe("positions", () => {
  test("sinusoids are the paper's", async () => {
    const rows = await values(nn.sinusoidalTable(3, 4));
    near(rows.slice(4, 8), [Math.sin(1), Math.cos(1), Math.sin(0.01), Math.cos(0.01)]);
    const x = zeros([3, 2, 4]);
    near((await values(nn.sinusoidalEncoding(4)(x))).slice(8, 16), [...rows.slice(4, 8), ...rows.slice(4, 8)]);
    const batchFirst = nn.sinusoidalEncoding(4, { batchFirst: true });
    near((await values(batchFirst(zeros([2, 3, 4])))).slice(12), rows);
    expect(batchFirst.stateDict().size).toBe(0);
  });

  test("rotary products depend on the distance alone, in both layouts", async () => {
    const random = new Random(10);
    const [q, k] = [randn([1, 6], random), randn([1, 6], random)];
    for (const interleaved of [true, false]) {
      const product = async (p: number, r: number): Promise<number> => {
        const a = nn.rotary(q, { offset: p, interleaved });
        return a
          .mul(nn.rotary(k, { offset: r, interleaved }))
          .sum()
          .item();
      };
      expect(await product(7, 4)).toBeCloseTo(await product(12, 9), 4);
      expect(await product(0, 0)).toBeCloseTo(await q.mul(k).sum().item(), 5);
    }
    const turned = await values(
      nn.rotary(
        tensor([
          [0, 0],
          [1, 0],
        ]),
      ),
    );
    near(turned, [0, 0, Math.cos(1), Math.sin(1)]);
  });

  test("ALiBi's slopes are the paper's, and its bias is theirs times the distance", async () => {
    near(
      nn.alibiSlopes(8),
      [1, 2, 3, 4, 5, 6, 7, 8].map((i) => 2 ** -i),
    );
    near(nn.alibiSlopes(3), [1 / 16, 1 / 256, 1 / 4]);
    near(
      await values(nn.alibiBias(2, 2, 3)),
      [-1, 0, -1, -2, -1, 0].flatMap((d) => d / 16).concat([-1, 0, -1, -2, -1, 0].map((d) => d / 256)),
    );
  });
});
