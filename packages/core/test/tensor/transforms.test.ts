/** @file grad, valueAndGrad and vmap of functions of tensors, and their compositions. */
import { beforeAll, describe, expect, test } from "vitest";
import { referenceDevice } from "../../src/device/reference/index.ts";
import {
  grad,
  noGrad,
  Random,
  randn,
  setDefaultDevice,
  stack,
  Tensor,
  tensor,
  valueAndGrad,
  vmap,
  zeros,
} from "../../src/index.ts";

beforeAll(() => {
  setDefaultDevice(referenceDevice("f64"));
});
const close = async (a: Tensor, b: Tensor): Promise<void> => {
  expect(a.shape).toEqual(b.shape);
  expect(await a.sub(b).abs().add(0).sum().item()).toBeLessThan(1e-9);
};
const cube = (x: Tensor): Tensor => x.pow(3).sum();

describe("grad", () => {
  test("is the derivative, to any order, of leaves and of results alike", async () => {
    expect(await grad(cube)(tensor([1, 2])).tolist()).toEqual([3, 12]);
    expect(await grad(cube)(tensor([1, 2]).mul(1)).tolist()).toEqual([3, 12]);
    const second = grad((x) => grad(cube)(x).sum());
    const third = grad((x) => second(x).sum());
    expect(await second(tensor([1, 2])).tolist()).toEqual([6, 12]);
    expect(await third(tensor([1, 2])).tolist()).toEqual([6, 6]);
  });

  test("takes argument numbers, gives zeros where nothing depends, works under noGrad", async () => {
    const f = (a: Tensor, b: Tensor, _c: Tensor): Tensor => a.mul(b).sum();
    const args = [tensor([1, 2]), tensor([3, 4]), tensor([5])] as const;
    const all = noGrad(() => grad(f, [1, 0, -1])(...args));
    expect(await Promise.all(all.map((g) => g.tolist()))).toEqual([[1, 2], [3, 4], [0]]);
    expect(all[0]!.requiresGrad).toBe(false);
    expect(await grad(() => tensor(1))(tensor([1, 2])).tolist()).toEqual([0, 0]);
  });

  test("leaves .grad alone and results without graph, unless parameters are behind them", async () => {
    const w = tensor([2, 3], { requiresGrad: true });
    const g = grad((x) => x.square().mul(w).sum())(tensor([1, 1]));
    expect(w.grad).toBeNull();
    g.sum().backward();
    expect(await w.grad!.tolist()).toEqual([2, 2]);
    expect(grad(cube)(tensor([1])).requiresGrad).toBe(false);
    expect(() => grad(cube)(tensor([1], { dtype: "i32" }))).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
    expect(() => grad((x) => x.mul(2))(tensor([1, 2]))).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });

  test("with the value beside it", async () => {
    const [value, [g]] = valueAndGrad(cube)(tensor([1, 2]));
    expect(await value.item()).toBe(9);
    expect(await g!.tolist()).toEqual([3, 12]);
  });
});

describe("vmap", () => {
  const random = new Random(4);

  test("equals a loop, for a model with shared parameters", async () => {
    const [w, b] = [randn([4, 3], random), randn([4], random)];
    const f = (x: Tensor): Tensor => x.linear(w, b).relu().softmax(-1).matmul(w);
    const x = randn([5, 3], random);
    await close(vmap(f)(x), stack(x.unbind().map(f)));
    await close(vmap(f, { inDims: 1, outDim: -1 })(x.T), stack(x.unbind().map(f), 1));
  });

  test("maps some arguments and shares others, returns lists, nests", async () => {
    const [a, b] = [randn([3, 2], random), randn([2], random)];
    const [sum, product] = vmap((x, y) => [x.add(y), x.mul(y).sum()], { inDims: [0, null] })(a, b) as [Tensor, Tensor];
    await close(sum, a.add(b));
    await close(product, a.mul(b).sum(1));
    const outer = vmap((x) => vmap((y) => x.mul(y).sum())(a))(a);
    await close(outer, a.matmul(a.T));
  });

  test("of grad gives per-example gradients: a convolutional model with batch size one inside", async () => {
    const w = randn([2, 1, 3, 3], random);
    const loss = (weight: Tensor, image: Tensor): Tensor =>
      image.unsqueeze(0).conv2d(weight, null, { padding: 1 }).relu().maxPool2d(2).square().sum();
    const images = randn([3, 1, 6, 5], random);
    const perExample = vmap((image) => grad(loss)(w, image))(images);
    await close(perExample, stack(images.unbind().map((image) => grad(loss)(w, image))));
  });

  test("is differentiable", async () => {
    const x = randn([4, 2], random);
    const f = (row: Tensor): Tensor => row.exp().sum().log();
    await close(grad((m) => vmap(f)(m).sum())(x), x.softmax(1));
    const p = tensor([2], { requiresGrad: true });
    vmap((row) => row.mul(p).sum())(x)
      .sum()
      .backward();
    await close(p.grad!, x.sum().reshape(1));
  });

  test("refuses arguments that do not map", () => {
    expect(() => vmap(cube)(tensor(1))).toThrow(expect.objectContaining({ code: "AXIS_OUT_OF_RANGE" }));
    expect(() => vmap((a, b) => a.add(b))(zeros([2]), zeros([3]))).toThrow(/mapped dimensions of one size, got 2 and 3/);
    expect(() => vmap(cube, { inDims: [null] })(zeros([2]))).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(() => vmap(cube, { inDims: [0, 0] })(zeros([2]))).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(new Tensor(zeros([2]).expr).ndim).toBe(1);
  });
});
