/** @file Autograd on tensors: backward, accumulation, noGrad, detach, second order, staleness. */
import { beforeEach, describe, expect, test } from "vitest";
import { enableGrad, engineStats, gradients, noGrad, setDefaultDevice, step, type Tensor, tensor } from "../../src/index.ts";
import { type Probe, probe } from "./probe.ts";

let device: Probe;
let w: Tensor;
beforeEach(() => {
  device = probe();
  setDefaultDevice(device);
  w = tensor([1, -2, 3], { requiresGrad: true });
});
const cube = (x: Tensor): Tensor => x.pow(3).sum();

describe("backward", () => {
  test("leaves lazy gradients at the leaves that require them, and nowhere else", async () => {
    const x = tensor([2, 2, 2]);
    const hidden = w.mul(x);
    hidden.sum().backward();
    expect(device.runs).toBe(0);
    expect(await w.grad!.tolist()).toEqual([2, 2, 2]);
    expect(x.grad).toBeNull();
    expect(hidden.grad).toBeNull();
    expect(w.grad!.requiresGrad).toBe(false);
  });

  test("accumulates over calls, and starts anew when grad is null", async () => {
    cube(w).backward();
    cube(w).backward();
    expect(await w.grad!.tolist()).toEqual([6, 24, 54]);
    w.grad = null;
    cube(w).backward();
    expect(await w.grad!.tolist()).toEqual([3, 12, 27]);
    expect(() => {
      w.grad = tensor([1]);
    }).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });

  test("adds up over several uses of a leaf and over broadcasting", async () => {
    const b = tensor([1], { requiresGrad: true });
    w.add(b).mul(w).sum().backward();
    expect(await w.grad!.tolist()).toEqual([3, -3, 7]);
    expect(await b.grad!.tolist()).toEqual([2]);
  });

  test("works after the loss was awaited", async () => {
    const loss = cube(w);
    expect(await loss.item()).toBe(20);
    loss.backward();
    expect(await w.grad!.tolist()).toEqual([3, 12, 27]);
  });

  test("takes a gradient for a tensor of many elements, and demands one", async () => {
    w.mul(2).backward(tensor([1, 10, 100]));
    expect(await w.grad!.tolist()).toEqual([2, 20, 200]);
    expect(() => w.mul(2).backward()).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
    expect(() => w.mul(2).backward(tensor([1]))).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });

  test("refuses a value without graph", async () => {
    expect(() => tensor(1).backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
    expect(() => noGrad(() => cube(w)).backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
    expect(() => cube(w.detach()).backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
    expect(() => tensor([1], { dtype: "i32" }).requiresGrad_()).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
  });

  test("refuses a graph that reads a parameter which was replaced since", async () => {
    const loss = w.mul(w).sum();
    const [reader, sink] = [loss.mul(2), w.mul(3)];
    await step([], [{ tensor: w, next: noGrad(() => w.mul(0)) }]);
    expect(() => loss.backward()).toThrow(expect.objectContaining({ code: "TENSOR_STALE" }));
    expect(() => loss.add(1).backward()).toThrow(expect.objectContaining({ code: "TENSOR_STALE" }));
    for (const value of [reader, sink]) {
      expect(() => value.sum().backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
      // Beside a gradient that exists, the missing one must not pass as zero.
      const mixed = w.sum().add(value.sum().mul(1));
      expect(() => mixed.backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
      expect(() => w.add(value).sum().backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
      expect(() => gradients(w.mul(value).sum(), [w])).toThrow(/^backward: mul: .* got f32\[3?\], whose graph a step released/);
      w.grad = null;
      const factor = value
        .gt(0)
        .float()
        .square()
        .add(1)
        .mul(noGrad(() => value.mul(0).add(1)));
      w.add(value.detach()).mul(factor).sum().backward();
      expect(await w.grad!.tolist()).toEqual(value === reader ? [2, 2, 2] : [2, 1, 2]);
    }
  });

  test("stops at detach, passes through a lazily detached copy's sibling", async () => {
    const h = w.mul(2);
    h.detach().mul(h).sum().backward();
    expect(await w.grad!.tolist()).toEqual([4, -8, 12]);
  });

  test("reaches intermediate results that retain their gradient", async () => {
    const h = w.mul(2).retainGrad();
    cube(h).backward();
    expect(await h.grad!.tolist()).toEqual([12, 48, 108]);
    expect(() => tensor([1]).retainGrad()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
  });

  test("differentiates again with createGraph", async () => {
    cube(w).backward(undefined, { createGraph: true });
    const first = w.grad!;
    expect(first.requiresGrad).toBe(true);
    w.grad = null;
    first.sum().backward();
    expect(await w.grad!.tolist()).toEqual([6, -12, 18]);
  });

  test("does not overflow on a graph 20,000 ops deep", async () => {
    let y = w;
    for (let i = 0; i < 20_000; i++) y = y.add(0.001);
    y.sum().backward();
    expect(await w.grad!.tolist()).toEqual([1, 1, 1]);
  });

  test("does not consume its root: the loss is computed by the step that follows", async () => {
    const loss = w.square().sum().sqrt();
    loss.backward();
    await step([], [{ tensor: w, next: noGrad(() => w.sub(w.grad!)) }]);
    const { runs } = device;
    expect(await loss.item()).toBeCloseTo(Math.sqrt(14), 6);
    expect(device.runs).toBe(runs);
  });

  test("gradients that the step did not consume keep their values; others say what to do", async () => {
    const v = tensor([2], { requiresGrad: true });
    w.mul(v).sum().backward();
    const old = w.grad!;
    await step([], [{ tensor: w, next: noGrad(() => w.sub(old)) }]);
    expect(await v.grad!.tolist()).toEqual([2]);
    w.mul(v).sum().backward();
    const error = await w.grad!.data().catch((e: unknown) => e);
    expect(await v.grad!.data()).toHaveLength(1);
    // d(w·v)/dw is v, which no step replaced: nothing is stale here.
    expect(error).toEqual(Float32Array.of(4, 4, 4));
    w.square().sum().backward();
    const next = noGrad(() => w.sub(w.grad!));
    await step([], [{ tensor: w, next }]);
    await expect(w.grad!.data()).rejects.toMatchObject({ code: "TENSOR_STALE", hint: expect.stringContaining("zeroGrad") });
  });
});

test("requiresGrad_(false) stops recording at a leaf and is refused at a result", () => {
  expect(w.mul(2).requiresGrad).toBe(true);
  expect(() => w.mul(2).requiresGrad_(false)).toThrow(expect.objectContaining({ code: "AUTOGRAD_NOT_LEAF" }));
  w.requiresGrad_(false);
  expect(w.mul(2).requiresGrad).toBe(false);
});

test("noGrad ends when its function throws; enableGrad records inside it", () => {
  expect(() =>
    noGrad(() => {
      throw new Error("x");
    }),
  ).toThrow("x");
  expect(w.mul(1).requiresGrad).toBe(true);
  expect(noGrad(() => w.mul(1)).requiresGrad).toBe(false);
  expect(noGrad(() => enableGrad(() => w.mul(1))).requiresGrad).toBe(true);
});

test("gradients() touches no .grad, gives null where there is no path, and plans a training loop once", async () => {
  const v = tensor([1], { requiresGrad: true });
  for (let i = 0; i < 3; i++) {
    const loss = cube(w);
    const [gw, gv] = gradients(loss, [w, v]);
    expect(gv).toBeNull();
    await step([loss], [{ tensor: w, next: noGrad(() => w.sub(gw!.mul(0.01))) }]);
  }
  expect(w.grad).toBeNull();
  expect(engineStats(device).prepared).toBe(1);
});
