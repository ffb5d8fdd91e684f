/** @file Plain JavaScript: what types would refuse is refused at run time too, in words, never by a TypeError from inside. */
import { describe, expect, test } from "vitest";
import * as distributions from "../../src/distributions/index.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import { Random } from "../../src/random.ts";
import { rand, randint, randn, randperm, tensor, zeros } from "../../src/tensor/creation.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

/** A value as plain JavaScript would hand it over. */
const plain = (x: unknown): never => x as never;
const random = new Random(0);
const x = randn([2, 3], random);

describe("a value that is no tensor", () => {
  test.each([
    ["an array", [1, 2]],
    ["a promise", Promise.resolve(1)],
    ["nothing", undefined],
    ["null", null],
    ["text", "1"],
  ])("as operand: %s", (_, value) => {
    expect(codeOf(() => x.add(plain(value)))).toBe("ARGUMENT_INVALID");
  });

  test("as input of a layer or a loss", () => {
    const layers = [nn.linear(2, 1), nn.conv2d(1, 1, 1), nn.embedding(3, 2)];
    for (const layer of layers) expect(codeOf(() => layer(plain([[1, 2]])))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.crossEntropy(x, plain([0, 1])))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.mseLoss(x, plain([[1, 2, 3]])))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => nn.bceWithLogits(plain([1]), x))).toBe("ARGUMENT_INVALID");
  });

  test("as loss of a step", async () => {
    const opt = optim.sgd(nn.linear(2, 1), { lr: 0.1 });
    expect(await codeOfAsync(opt.step(plain(0.5)))).toBe("ARGUMENT_INVALID");
  });
});

test("a tensor in JavaScript's arithmetic is refused, and in text is its shape", () => {
  for (const wrong of [() => plain(x) * 2, () => plain(x) > 1, () => -plain(x), () => Math.sqrt(plain(x))]) {
    expect(codeOf(wrong)).toBe("ARGUMENT_INVALID");
  }
  expect(`${x}`).toBe("Tensor<f32[2,3] cpu>");
  expect(`x: ${String(x)}`).toContain("f32[2,3]");
});

describe("creation", () => {
  test("wants shapes as arrays", () => {
    for (const wrong of [() => zeros(plain(2)), () => randn(plain(2), random), () => rand(plain(undefined), random)])
      expect(codeOf(wrong)).toBe("ARGUMENT_INVALID");
  });

  test("wants a generator for every draw", () => {
    const none = plain(undefined);
    const draws = [
      () => rand([2], none),
      () => randn([2], none),
      () => randint(0, 2, [2], none),
      () => randperm(2, none),
      () => distributions.normal().rsample(none),
      () => distributions.gamma(1).sample(none),
    ];
    for (const draw of draws) expect(codeOf(draw)).toBe("ARGUMENT_INVALID");
  });

  test("names the dtypes that there are", () => {
    for (const wrong of [() => tensor([1], { dtype: plain("float32") }), () => zeros([1], { dtype: plain("float32") })])
      expect(wrong).toThrow(/expected a dtype \(f32, i32/);
  });
});

describe("options of an optimizer", () => {
  const model = nn.linear(2, 1);
  test("that do not exist are refused, where a misspelt rate would be the default", () => {
    for (const options of [{ learningRate: 0.1 }, { weight_decay: 0.1 }])
      expect(codeOf(() => optim.adam(model, plain(options)))).toBe("ARGUMENT_INVALID");
    for (const make of [
      optim.adam,
      optim.adamw,
      optim.rmsprop,
      optim.adagrad,
      optim.lion,
      optim.nadam,
      optim.radam,
      optim.adamax,
    ])
      expect(codeOf(() => make(model, plain({ lerningRate: 1 })))).toBe("ARGUMENT_INVALID");
  });

  test("are an object", () => {
    expect(codeOf(() => optim.adam(model, plain(0.01)))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.sgd(model, plain(undefined)))).toBe("ARGUMENT_INVALID");
    expect(codeOf(() => optim.sgd(model, plain(0.1)))).toBe("ARGUMENT_INVALID");
  });
});

describe("a model", () => {
  test("in sequence takes layers, one argument each, called", () => {
    expect(() => nn.sequential(plain([nn.relu()]))).toThrow(/sequential: expected layers or functions, got an array/);
    expect(() => nn.sequential(nn.flatten(), plain(nn.relu), nn.linear(3, 1))(x)).toThrow(/layer 1.*got Activation/);
  });

  test("without forward says so", () => {
    class Net extends nn.Module {
      override forward: (x: unknown) => unknown = plain(undefined);
    }
    expect(codeOf(() => new Net()(x))).toBe("ARGUMENT_INVALID");
  });

  test("that does not fit its input names the layer and both sizes", () => {
    expect(() => nn.linear(4, 2)(x)).toThrow("linear: expected 4 features in the last dimension, got f32[2,3]");
    expect(() => nn.conv2d(3, 4, 1)(zeros([2, 1, 5, 5]))).toThrow("conv2d: expected an input of 3 channels, got 1, in [2,1,5,5]");
  });
});
