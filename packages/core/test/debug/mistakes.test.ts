/** @file The classic mistakes, as people write them: each gets its warning or error, once, with the line; right code gets none. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { data, nn, noGrad, optim, Random, randn, Tensor, tensor } from "../../src/index.ts";

let warnings: nn.Warning[] = [];
let former: ((w: nn.Warning) => void) | null = null;
beforeEach(() => {
  warnings = [];
  former = nn.onWarning((w) => warnings.push(w));
});
afterEach(() => void nn.onWarning(former));

const random = new Random(7);
const images = (n: number): Tensor => randn([n, 12], random);
const classes = (n: number): Tensor => Tensor.from(Int32Array.from({ length: n }, (_, i) => i % 3));
const net = (...end: nn.Layer[]): nn.Sequential =>
  nn.sequential(nn.linear(12, 16, { random }), nn.relu(), nn.linear(16, 3, { random }), ...end);
const codes = (): string[] => warnings.map((w) => w.code);
const HERE = /mistakes\.test\.ts:\d+:\d+$/;

describe("an activation that the loss applies itself", () => {
  it("a softmax before crossEntropy is told once, with the user's line", () => {
    const model = net(nn.softmax(1));
    for (let i = 0; i < 3; i++) nn.crossEntropy(model(images(4)), classes(4));
    expect(warnings).toEqual([
      {
        code: "SOFTMAX_BEFORE_LOSS",
        message: "crossEntropy: its input is a softmax",
        hint: expect.stringContaining("leave the softmax out") as string,
        at: expect.stringMatching(HERE) as string,
      },
    ]);
  });

  it("so are a sigmoid, one behind a reshape, and one before bceWithLogits", () => {
    nn.crossEntropy(net(nn.sigmoid())(images(4)), classes(4));
    expect(codes()).toEqual(["SOFTMAX_BEFORE_LOSS"]);
    nn.onWarning((w) => warnings.push(w));
    const yes = net(nn.sigmoid())(images(4)).reshape(12);
    nn.bceWithLogits(yes, tensor(new Array<number>(12).fill(1)));
    expect(warnings.at(-1)!.message).toBe("bceWithLogits: its input is a sigmoid");
  });

  it("nllLoss wants log-probabilities: probabilities and logits are told, log-probabilities are not", () => {
    nn.nllLoss(net(nn.logSoftmax(1))(images(4)), classes(4));
    nn.nllLoss(net(nn.softmax(1))(images(4)).log(), classes(4));
    expect(codes()).toEqual([]);
    nn.nllLoss(net(nn.softmax(1))(images(4)), classes(4));
    expect(warnings[0]).toMatchObject({
      code: "LOG_PROBABILITIES_EXPECTED",
      message: expect.stringContaining("a softmax") as string,
    });
    nn.onWarning((w) => warnings.push(w));
    nn.nllLoss(net()(images(4)), classes(4));
    expect(warnings[1]!.message).toContain("logits");
  });
});

describe("PyTorch's loop", () => {
  it("without zeroGrad is refused at the second step, with what to do", async () => {
    const model = net();
    const opt = optim.sgd(model, { lr: 0.1 });
    const step = async (): Promise<void> => {
      nn.crossEntropy(model(images(4)), classes(4)).backward();
      await opt.step();
    };
    await step();
    await expect(step()).rejects.toMatchObject({ code: "GRAD_NOT_CLEARED", hint: expect.stringContaining("zeroGrad") as string });
  });

  it("tells a loss that is not finite, as step(loss) does", async () => {
    for (const plain of [true, false]) {
      const model = net();
      const opt = optim.sgd(model, { lr: 0.1 });
      const loss = nn.crossEntropy(model(images(4).mul(Number.POSITIVE_INFINITY)), classes(4));
      if (!plain) loss.backward();
      await expect(plain ? opt.step(loss) : opt.step()).rejects.toMatchObject({
        code: "LOSS_NOT_FINITE",
        message: "step 1: expected a finite loss, got NaN",
        at: expect.stringMatching(HERE) as string,
      });
    }
  });
});

describe("evaluation in training mode", () => {
  const model = nn.sequential(nn.linear(12, 16, { random }), nn.dropout(0.5, { random }), nn.linear(16, 3, { random }));

  it("inside noGrad is told at once", async () => {
    const deep = nn.sequential(nn.sequential(nn.sequential(nn.sequential(nn.sequential(model)))));
    await noGrad(() => deep(images(4))).data();
    expect(warnings).toMatchObject([{ code: "EVAL_IN_TRAINING", at: expect.stringMatching(HERE) as string }]);
  });

  it("is not told of a GAN that makes pictures inside noGrad, and learns from them", async () => {
    const judge = net();
    const opt = optim.sgd(judge, { lr: 0.01 });
    const maker = nn.sequential(nn.linear(12, 12, { random }), nn.dropout(0.5, { random }));
    for (let i = 0; i < 3; i++) {
      const made = noGrad(() => maker(images(4)));
      const loss = nn.crossEntropy(judge(made), classes(4));
      await opt.step(loss);
      await loss.item();
    }
    expect(codes()).toEqual([]);
  });

  it("outside noGrad is told when several batches were read and nothing was learned", async () => {
    let right = 0;
    for (let i = 0; i < 8; i++) right += await model(images(4)).argmax(1).eq(classes(4)).int().sum().item();
    expect(right).toBeLessThanOrEqual(32);
    expect(warnings).toMatchObject([{ code: "EVAL_IN_TRAINING", at: expect.stringMatching(HERE) as string }]);
  });

  it("is not told of a training that reads its loss before backward, of gradients over several batches, or of eval()", async () => {
    const opt = optim.sgd(model, { lr: 0.01 });
    for (let i = 0; i < 8; i++) {
      const logits = model(images(4));
      const loss = nn.crossEntropy(logits, classes(4));
      await loss.item();
      await logits.argmax(1).data();
      loss.backward();
      if (i % 4 < 3) continue;
      await opt.step();
      opt.zeroGrad();
    }
    model.eval();
    for (let i = 0; i < 8; i++) await model(images(4)).data();
    model.train();
    await nn.accuracy(model, [[images(4), classes(4)]]);
    expect(codes()).toEqual([]);
  });
});

describe("labels of the wrong type", () => {
  const logits = (): Tensor => net()(images(4));
  const refusal = (labels: Tensor): unknown => {
    try {
      nn.crossEntropy(logits(), labels);
    } catch (error) {
      return error;
    }
    return null;
  };

  it("floats, one-hot rows of integers and a column are refused, each with the way to write it", () => {
    expect(refusal(tensor([0, 1, 2, 0]))).toMatchObject({
      code: "DTYPE_MISMATCH",
      hint: expect.stringContaining("labels.int()") as string,
    });
    expect(refusal(classes(4).oneHot(3).int())).toMatchObject({ hint: expect.stringContaining("target.float()") as string });
    expect(refusal(classes(4).unsqueeze(1))).toMatchObject({
      code: "SHAPE_MISMATCH",
      hint: "labels.squeeze(1)",
      at: expect.stringMatching(HERE) as string,
    });
    expect(refusal(classes(4).oneHot(3))).toBeNull();
  });

  it("accuracy refuses a column and one-hot rows, which would be compared with every output", async () => {
    const column = classes(4).unsqueeze(1);
    await expect(nn.accuracy(net(), [[images(4), column]])).rejects.toMatchObject({
      code: "SHAPE_MISMATCH",
      hint: "labels.squeeze(1)",
    });
    await expect(nn.confusionMatrix(net(), [[images(4), classes(4).oneHot(3)]])).rejects.toMatchObject({
      code: "SHAPE_MISMATCH",
    });
    expect(await nn.accuracy(net(), data.tensorDataset([images(4), classes(4)]))).toBeLessThanOrEqual(1);
  });
});

describe("a column against a row", () => {
  it("in a loss of one's own is told, and in a count of hits", () => {
    const w = tensor([[1], [2]], { requiresGrad: true });
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
      .matmul(w)
      .sub(tensor([1, 2, 3]))
      .square()
      .mean();
    expect(warnings).toMatchObject([
      {
        code: "BROADCAST_IN_LOSS",
        message: expect.stringContaining("[3,3]") as string,
        at: expect.stringMatching(HERE) as string,
      },
    ]);
    nn.onWarning((x) => warnings.push(x));
    classes(3).unsqueeze(1).eq(images(3).argmax(1));
    expect(codes()).toEqual(["BROADCAST_IN_LOSS", "BROADCAST_IN_LOSS"]);
  });

  it("is left alone where pairs are made, or both have one shape; mseLoss refuses it", () => {
    const labels = classes(4);
    labels.unsqueeze(1).eq(labels);
    const x = tensor([1, 2, 3]);
    x.unsqueeze(1).sub(x).abs();
    expect(codes()).toEqual([]);
    expect(() => nn.mseLoss(x.unsqueeze(1), x)).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });
});

describe("what only the course of a training shows", () => {
  const fit = async (lr: number, steps = 30): Promise<void> => {
    const w = tensor([1, 1], { requiresGrad: true });
    const opt = optim.adam([w], { lr });
    for (let i = 0; i < steps; i++) await opt.step(w.square().sum());
  };

  it("a learning rate that diverges is told in a plain loop, one that works is not", async () => {
    await fit(0.1);
    expect(codes()).toEqual([]);
    const w = tensor([1, -1], { requiresGrad: true });
    const opt = optim.sgd([w], { lr: 1.2 });
    for (let i = 0; i < 30; i++) await opt.step(w.square().sum());
    expect(warnings).toMatchObject([{ code: "LOSS_DIVERGES", hint: expect.stringContaining("learning rate") as string }]);
  });

  it("a rate that is wild from the first step on is told too", async () => {
    const x = images(30);
    const model = net();
    const wild = optim.adam(model, { lr: 1e6 });
    for (let i = 0; i < 25; i++) await wild.step(nn.crossEntropy(model(x), classes(30)));
    expect(codes()).toEqual(["LOSS_DIVERGES"]);
  });

  it("noisy losses and one wild batch are not told", async () => {
    const w = tensor([1], { requiresGrad: true });
    const opt = optim.sgd([w], { lr: 0 });
    for (let i = 0; i < 40; i++) await opt.step(w.mul(i === 20 ? 1000 : 1 + (i % 5)).sum());
    expect(codes()).toEqual([]);
  });

  it("losses that rise with rewards, slowly or from almost nothing, are not told", async () => {
    const w = tensor([1], { requiresGrad: true });
    const slow = optim.sgd([w], { lr: 0 });
    for (let i = 0; i < 200; i++) await slow.step(w.mul(5 + i).sum());
    const sparse = optim.sgd([w], { lr: 0 });
    for (let i = 0; i < 40; i++) await sparse.step(w.mul(i < 20 ? 0.004 : 0.7).sum());
    expect(codes()).toEqual([]);
  });

  it("a parameter that no gradient reaches is named after five steps; a frozen one, or one that rests now and then, is not", async () => {
    const [a, b] = [tensor([1], { requiresGrad: true }), tensor([1], { requiresGrad: true })];
    const both = optim.sgd([a, b], { lr: 0.01 });
    for (let i = 0; i < 8; i++) await both.step((i % 2 === 0 ? a : b).square().sum());
    expect(codes()).toEqual([]);
    const model = nn.sequential(nn.linear(12, 3, { random }), nn.linear(3, 3, { random }));
    const opt = optim.sgd(model, { lr: 0.01 });
    const [first, second] = model.layers;
    for (let i = 0; i < 6; i++) {
      const cut = first!(images(4)).detach();
      await opt.step(nn.crossEntropy(second!(cut), classes(4)));
    }
    expect(warnings).toMatchObject([
      { code: "PARAMETER_UNUSED", message: expect.stringMatching(/0\.weight, 0\.bias$/) as string },
    ]);
  });

  it("pixels that nobody divided are told at the first layer, once; divided ones, flags and classes are not", () => {
    const pixels = Uint8Array.from({ length: 48 * 12 }, (_, i) => (i * 37) % 256);
    const raw = Tensor.from(pixels, [48, 12]);
    net()(raw.float().div(255));
    net()(
      Tensor.from(
        Uint8Array.from(pixels, (p) => p & 1),
        [48, 12],
      ).float(),
    );
    net()(images(48));
    expect(codes()).toEqual([]);
    net()(raw.float());
    expect(warnings).toMatchObject([{ code: "INPUT_NOT_SCALED", message: expect.stringMatching(/^linear: /) as string }]);
    nn.onWarning((x) => warnings.push(x));
    nn.sequential(nn.conv2d(1, 2, 3, { random }))(Tensor.from(Float32Array.from(pixels), [4, 1, 12, 12]));
    expect(warnings[1]!.message).toMatch(/^conv2d: /);
  });
});
