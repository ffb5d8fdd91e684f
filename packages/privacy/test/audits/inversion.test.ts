/** @file Gradient inversion: exact where it is analytic, near where it is a search, nothing where clipping and noise stand between. */
import { gradients, nn, realize, type Tensor, tensor } from "@tacit/core";
import { drawnDigits } from "@tacit/core/data";
import { Random } from "@tacit/core/random";
import { blankPsnr, classOfGradient, defended, invertGradient, invertLinear, psnr, ssim } from "@tacit/privacy/audits";
import { beforeAll, describe, expect, test } from "vitest";
import { GOLDEN, near } from "./golden.ts";

const SIZE = { height: 28, width: 28 };

describe("PSNR and SSIM", () => {
  test("agree with NumPy and with SciPy's Gaussian filter", () => {
    for (const { a, b, height, width, ssim: s, psnr: p } of GOLDEN.pictures) {
      near(psnr(a, b), p, 1e-12);
      near(ssim(a, b, { height, width }), s, 1e-9);
    }
  });

  test("of equal pictures are infinite and 1; of a blank one, by the picture's variance", () => {
    const { a, height, width } = GOLDEN.pictures[1]!;
    expect(psnr(a, a)).toBe(Number.POSITIVE_INFINITY);
    near(ssim(a, a, { height, width }), 1, 1e-12);
    const mean = a.reduce((x, y) => x + y, 0) / a.length;
    near(blankPsnr(a), -10 * Math.log10(a.reduce((s, v) => s + (v - mean) ** 2, 0) / a.length), 1e-12);
  });

  test("refuse pictures of different or too small sizes", () => {
    expect(() => psnr([1, 2], [1])).toThrow("expected 2 values of both pictures, got 1");
    expect(() => ssim(new Float64Array(100), new Float64Array(100), { height: 10, width: 10 })).toThrow("at least 11x11");
  });
});

/** A model, one picture with its class, and the gradient that a training would send for it. */
interface Case {
  readonly parameters: readonly Tensor[];
  readonly original: Float32Array;
  readonly label: number;
  readonly gradient: readonly Float32Array[];
  loss(x: Tensor): Tensor;
}

async function caseOf(model: nn.Layer): Promise<Case> {
  const [x, y] = await drawnDigits({ train: 12, test: 2 }).train.read(Int32Array.of(7));
  const loss = (input: Tensor): Tensor => nn.crossEntropy(model(input), y);
  const parameters = model.parameters();
  const found = gradients(loss(x), parameters).map((g) => g!);
  await realize(...found);
  const gradient = await Promise.all(found.map(async (g) => Float32Array.from(await g.data(), Number)));
  return { parameters, original: Float32Array.from(await x.data(), Number), label: await y.item(), gradient, loss };
}

describe("a first linear layer", () => {
  let mlp: Case;
  beforeAll(async () => {
    const random = new Random(1);
    mlp = await caseOf(nn.sequential(nn.flatten(), nn.linear(784, 64, { random }), nn.relu(), nn.linear(64, 10, { random })));
  });

  test("gives its input away to more than 100 dB, and the last layer the class", () => {
    const [weight, bias] = mlp.gradient;
    expect(psnr(mlp.original, invertLinear(weight!, bias!))).toBeGreaterThan(100);
    expect(classOfGradient(mlp.gradient.at(-1)!)).toBe(mlp.label);
  });

  test("gives it away when it is clipped only: a direction survives its length", () => {
    const [weight, bias] = defended(mlp.gradient, { clip: 0.01, noiseMultiplier: 0 });
    expect(psnr(mlp.original, invertLinear(weight!, bias!))).toBeGreaterThan(60);
  });

  test("gives nothing away under clipping and noise: less than a blank picture", () => {
    const [weight, bias] = defended(mlp.gradient, { clip: 1, noiseMultiplier: 1 });
    const found = invertLinear(weight!, bias!).map((v) => Math.max(0, Math.min(1, v)));
    expect(psnr(mlp.original, found)).toBeLessThan(blankPsnr(mlp.original));
    expect(ssim(mlp.original, found, SIZE)).toBeLessThan(0.3);
  });

  test("refuses gradients of zeros and of sizes that do not fit", () => {
    expect(() => invertLinear([1, 2], [0, 0])).toThrow("a bias gradient that is not 0 everywhere");
    expect(() => invertLinear([1, 2, 3], [1, 1])).toThrow("got 3 for 2");
  });
});

describe("the defence", () => {
  test("clips the whole gradient to C, and leaves what is shorter", () => {
    const [a, b] = defended([[3], [4]], { clip: 1, noiseMultiplier: 0 });
    near(a![0]!, 0.6, 1e-6);
    near(b![0]!, 0.8, 1e-6);
    expect(defended([[0.3]], { clip: 1, noiseMultiplier: 0 })[0]![0]).toBeCloseTo(0.3, 6);
  });

  test("adds noise of standard deviation z C", () => {
    // 20000 draws: the relative error of the deviation is 0.005; seven of them.
    const [noise] = defended([new Float32Array(20_000)], { clip: 3, noiseMultiplier: 0.7 });
    const deviation = Math.sqrt(noise!.reduce((s, v) => s + v * v, 0) / noise!.length);
    near(deviation, 2.1, 0.035);
  });

  test("refuses a noise that is none", () => {
    expect(() => defended([[1]], { clip: 0, noiseMultiplier: 1 })).toThrow("a clipping norm above 0");
    expect(() => defended([[1]], { clip: 1, noiseMultiplier: Number.NaN })).toThrow("a noise multiplier above 0");
  });
});

describe("a search through gradients of gradients", () => {
  let cnn: Case;
  const start = Float32Array.from(new Random(2).uniform(784));
  const attack = async (observed: readonly Float32Array[]): Promise<Float32Array> => {
    const tensors = observed.map((g, k) => tensor(g).reshape(cnn.parameters[k]!.shape));
    const found = await invertGradient(cnn.loss, cnn.parameters, tensors, { start, shape: [1, 1, 28, 28], steps: 250 });
    return found.input;
  };
  beforeAll(async () => {
    const random = new Random(3);
    cnn = await caseOf(
      nn.sequential(
        nn.conv2d(1, 8, 5, { stride: 2, padding: 2, random }),
        nn.sigmoid(),
        nn.conv2d(8, 8, 5, { stride: 2, padding: 2, random }),
        nn.sigmoid(),
        nn.flatten(),
        nn.linear(392, 10, { random }),
      ),
    );
  });

  test("finds the picture of a convolutional network's update; with clipping and noise it does not", async () => {
    const blank = blankPsnr(cnn.original);
    const open = await attack(cnn.gradient);
    expect(psnr(cnn.original, open)).toBeGreaterThan(blank + 6);
    expect(ssim(cnn.original, open, SIZE)).toBeGreaterThan(0.6);
    const closed = await attack(defended(cnn.gradient, { clip: 1, noiseMultiplier: 1 }));
    expect(psnr(cnn.original, closed)).toBeLessThan(blank);
    expect(ssim(cnn.original, closed, SIZE)).toBeLessThan(0.3);
  });

  test("refuses gradients of other shapes, and of zeros", async () => {
    await expect(attack(cnn.gradient.map((g) => g.map(() => 0)))).rejects.toThrow("a gradient that is not 0");
    const other = invertGradient(cnn.loss, cnn.parameters, [tensor([1])], { start, shape: [1, 1, 28, 28], steps: 1 });
    await expect(other).rejects.toThrow("a gradient for each parameter");
  });
});
