/** @file Convolutions, pools and padding: what they refuse, and that they map and differentiate twice. */
import { beforeAll, describe, expect, test } from "vitest";
import { referenceDevice } from "../../src/device/reference/index.ts";
import { grad, Random, randn, setDefaultDevice, stack, type Tensor, vmap, zeros } from "../../src/index.ts";

beforeAll(() => {
  setDefaultDevice(referenceDevice("f64"));
});
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe("refused", () => {
  test.each<readonly [string, () => Tensor, string]>([
    ["a weight of another rank", () => zeros([1, 2, 5]).conv1d(zeros([2, 2, 3, 1])), "SHAPE_MISMATCH"],
    ["an image of another rank", () => zeros([5]).conv1d(zeros([2, 2, 3])), "SHAPE_MISMATCH"],
    ["a bias of another size", () => zeros([1, 2, 5]).conv1d(zeros([2, 2, 3]), zeros([1])), "SHAPE_MISMATCH"],
    [
      "same padding with a stride",
      () => zeros([1, 2, 5]).conv1d(zeros([2, 2, 3]), null, { stride: 2, padding: "same" }),
      "ARGUMENT_INVALID",
    ],
    [
      "output padding of a whole stride",
      () => zeros([1, 2, 5]).convTranspose1d(zeros([2, 2, 3]), null, { outputPadding: 1 }),
      "ARGUMENT_INVALID",
    ],
    [
      "a transposed result of no size",
      () => zeros([1, 2, 1]).convTranspose1d(zeros([2, 2, 1]), null, { padding: 1 }),
      "SHAPE_MISMATCH",
    ],
    ["channels that do not fit", () => zeros([1, 3, 5]).convTranspose1d(zeros([2, 2, 3])), "SHAPE_MISMATCH"],
    ["a pooling window larger than the signal", () => zeros([1, 2, 3]).maxPool1d(4), "SHAPE_MISMATCH"],
    ["adaptive sizes below 1", () => zeros([1, 2, 3]).adaptiveAvgPool1d(0), "ARGUMENT_INVALID"],
    ["adaptive pooling of an empty image", () => zeros([1, 2, 0, 3]).adaptiveMaxPool2d(2), "SHAPE_MISMATCH"],
    ["a reflection as wide as the tensor", () => zeros([1, 3]).pad([3, 0], { mode: "reflect" }), "ARGUMENT_INVALID"],
    ["a cycle wider than the tensor", () => zeros([1, 3]).pad([0, 4], { mode: "circular" }), "ARGUMENT_INVALID"],
    ["an edge of nothing", () => zeros([1, 0]).pad([0, 1], { mode: "replicate" }), "ARGUMENT_INVALID"],
    ["half a pair", () => zeros([1, 3]).pad([1]), "ARGUMENT_INVALID"],
    ["more cut off than there is", () => zeros([1, 3]).pad([-2, -2]), "SHAPE_MISMATCH"],
  ])("%s", (_, f, want) => {
    expect(f).toThrow(code(want));
  });
});

describe("mapped over examples", () => {
  const random = new Random(3);
  const [w1, w2, t2] = [randn([2, 2, 3], random), randn([2, 2, 3, 2], random), randn([2, 3, 2, 2], random)];
  const signals: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
    ["conv1d", (x) => x.conv1d(w1, null, { padding: "same" })],
    ["convTranspose1d", (x) => x.convTranspose1d(w1, null, { stride: 2, outputPadding: 1 })],
    ["adaptiveAvgPool1d", (x) => x.adaptiveAvgPool1d(3)],
    ["adaptiveMaxPool1d", (x) => x.adaptiveMaxPool1d(3)],
    ["avgPool1d", (x) => x.avgPool1d(3, { stride: 1, padding: 1 })],
    ["maxPool1d", (x) => x.maxPool1d(2)],
    ["reflect", (x) => x.pad([2, 1], { mode: "reflect" })],
  ];
  const images: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
    ["conv2d", (x) => x.conv2d(w2, null, { padding: 1 })],
    ["convTranspose2d", (x) => x.convTranspose2d(t2, null, { stride: 2 })],
    ["adaptiveMaxPool2d", (x) => x.adaptiveMaxPool2d([2, 3])],
  ];
  test.each([
    ...signals.map(([name, f]) => [name, f, [3, 2, 5]] as const),
    ...images.map(([name, f]) => [name, f, [3, 2, 4, 5]] as const),
  ])("%s equals a loop, value and gradient", async (_, f, shape) => {
    const x = randn(shape, random);
    const loss = (v: Tensor): Tensor => f(v).pow(3).sum();
    const [got, slope] = [vmap(f)(x), vmap(grad(loss))(x)];
    const [want, slopes] = [stack(x.unbind().map(f)), stack(x.unbind().map((v) => grad(loss)(v)))];
    expect(await got.sub(want).abs().amax().item()).toBeLessThan(1e-12);
    expect(await slope.sub(slopes).abs().amax().item()).toBeLessThan(1e-10);
  });
});
