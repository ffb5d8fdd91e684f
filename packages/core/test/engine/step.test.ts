/** @file Steps: in-place updates, what is computed with them, and what is stale after them. */
import { beforeEach, describe, expect, test } from "vitest";
import { engineStats, gradients, noGrad, Random, randn, setDefaultDevice, step, type Tensor, tensor } from "../../src/index.ts";
import { type Probe, probe } from "./probe.ts";

let device: Probe;
let w: Tensor;
beforeEach(() => {
  device = probe();
  setDefaultDevice(device);
  w = tensor([1, -2, 3], { requiresGrad: true });
});

/** One step of gradient descent, as an optimizer does it. */
function descend(loss: Tensor, parameters: readonly Tensor[], lr: number, also: readonly Tensor[] = []): Promise<void> {
  const rate = tensor(lr);
  const grads = gradients(loss, parameters);
  const next = (p: Tensor, g: Tensor | null): Tensor => noGrad(() => p.sub(g!.mul(rate)));
  return step(
    [loss, ...also],
    parameters.map((p, i) => ({ tensor: p, next: next(p, grads[i]!) })),
  );
}
const square = (x: Tensor): Tensor => x.square().sum();

describe("a step", () => {
  test("updates in place after computing the loss with the old value", async () => {
    const loss = square(w);
    const handle = w;
    await descend(loss, [w], 0.25);
    expect(await loss.item()).toBe(14);
    expect(handle).toBe(w);
    expect(await w.tolist()).toEqual([0.5, -1, 1.5]);
    expect(w.requiresGrad).toBe(true);
    expect(device.runs).toBe(1);
  });

  test("repeated is one Program, whatever the learning rate and the data", async () => {
    const random = new Random(1);
    for (let i = 0; i < 6; i++) await descend(square(w.mul(randn([3], random))), [w], 0.1 / (i + 1));
    expect(engineStats(device)).toMatchObject({ prepared: 1, runs: 6 });
  });

  test("donates the replaced input, and names it in the job", async () => {
    await descend(square(w), [w], 0.1);
    const { program, bindings, updates } = device.jobs[0]!;
    expect(updates).toHaveLength(1);
    const { input, output } = updates[0]!;
    expect(bindings[input]).toEqual({ kind: "resident", donate: true });
    expect(bindings.filter((b) => b.kind === "resident" && b.donate)).toHaveLength(1);
    expect(program.aval(program.outputs[output]!)).toEqual(program.inputs[input]);
  });

  test("computes live results that nobody read, with the old value", async () => {
    const loss = square(w);
    const prediction = w.mul(10);
    const unrelated = tensor([5]).mul(2);
    await descend(loss, [w], 0.25);
    const { runs } = device;
    expect(await prediction.tolist()).toEqual([10, -20, 30]);
    expect(device.runs).toBe(runs);
    expect(device.jobs[0]!.program.outputs).toHaveLength(3);
    expect(unrelated.expr.leaf).toBeNull();
    expect(await unrelated.item()).toBe(10);
  });

  test("computes results made in an earlier job, and under noGrad", async () => {
    const prediction = noGrad(() => w.mul(10));
    await new Promise((resolve) => setTimeout(resolve, 1));
    await descend(square(w), [w], 0.25);
    expect(await prediction.tolist()).toEqual([10, -20, 30]);
  });

  test("makes stale what another op consumed, unless it is asked for", async () => {
    const run = async (also: boolean): Promise<Tensor> => {
      const hidden = w.mul(10);
      await descend(square(hidden), [w], 0, also ? [hidden] : []);
      return hidden;
    };
    expect(await (await run(true)).tolist()).toEqual([10, -20, 30]);
    const stale = await run(false);
    await expect(stale.data()).rejects.toMatchObject({ code: "TENSOR_STALE" });
    await expect(stale.data()).rejects.toMatchObject({ hint: expect.stringContaining("opt.step(loss, logits)") });
    await expect(stale.add(1).data()).rejects.toMatchObject({ code: "TENSOR_STALE" });
    expect(await w.mul(10).tolist()).toEqual([10, -20, 30]);
  });

  test("leaves values alone that were awaited before it", async () => {
    const hidden = await w.mul(10).realize();
    await descend(square(hidden), [w], 0.1);
    expect(await hidden.tolist()).toEqual([10, -20, 30]);
  });

  test("gives each of two updates the old value of the other", async () => {
    const [a, b] = [tensor([1]), tensor([2])];
    await step(
      [],
      [
        { tensor: a, next: b },
        { tensor: b, next: a },
      ],
    );
    expect([await a.item(), await b.item()]).toEqual([2, 1]);
    const shared = a.add(b);
    await step(
      [],
      [
        { tensor: a, next: shared },
        { tensor: b, next: shared },
      ],
    );
    await step([], [{ tensor: a, next: a.add(1) }]);
    expect([await a.item(), await b.item()]).toEqual([4, 3]);
  });

  test("takes a parameter that is itself lazy", async () => {
    const lazy = tensor([2, 4]).mul(0.5).requiresGrad_();
    await descend(square(lazy), [lazy], 0.5);
    expect(await lazy.tolist()).toEqual([0, 0]);
  });

  test("may replace what no value of it reads", async () => {
    await step([], [{ tensor: w, next: tensor([7, 8, 9]).mul(1) }]);
    expect(await w.tolist()).toEqual([7, 8, 9]);
  });

  test("refuses an update of another shape, and two of one tensor", async () => {
    await expect(step([], [{ tensor: w, next: tensor([1]) }])).rejects.toMatchObject({ code: "SHAPE_MISMATCH" });
    const twice = [
      { tensor: w, next: w.mul(2) },
      { tensor: w.detach(), next: w.mul(3) },
    ];
    await expect(step([], twice)).rejects.toMatchObject({ code: "UPDATE_CONFLICT" });
    expect(await w.tolist()).toEqual([1, -2, 3]);
  });

  test("that fails changes nothing", async () => {
    const label = tensor([5], { dtype: "i32" });
    const loss = label.oneHot(3).mul(w).sum();
    await expect(descend(loss, [w], 0.1)).rejects.toMatchObject({ code: "LABEL_OUT_OF_RANGE" });
    expect(await w.tolist()).toEqual([1, -2, 3]);
    await descend(square(w), [w], 0.25);
    expect(await w.tolist()).toEqual([0.5, -1, 1.5]);
  });

  test("costs no graph afterwards: a list of losses holds values only", async () => {
    const losses: Tensor[] = [];
    for (let i = 0; i < 3; i++) {
      const loss = square(w);
      await loss.item();
      losses.push(loss);
      await descend(loss, [w], 0.1);
    }
    for (const loss of losses) expect(loss.expr.args).toHaveLength(0);
  });

  test("drops graphs kept for a backward that could only be wrong now", async () => {
    const other = await square(w).realize();
    expect(other.expr.op).not.toBeNull();
    await descend(square(w), [w], 0.1);
    expect(other.expr.op).toBeNull();
    expect(() => other.backward()).toThrow(expect.objectContaining({ code: "AUTOGRAD_NO_GRAPH" }));
    expect(await other.item()).toBe(14);
  });
});

describe("two models", () => {
  test("in PyTorch's loop of a GAN: the gradient that one step made stale does not stop the other's step", async () => {
    const v = tensor([2, 1, -1], { requiresGrad: true });
    const loop = async (): Promise<void> => {
      const fake = v.mul(tensor([1, 2, 3]));
      w.grad = null;
      square(w.mul(fake.detach())).backward();
      const [judge, maker] = [w.grad as Tensor | null, tensor(0.125)];
      await step([], [{ tensor: w, next: noGrad(() => w.sub(judge!.mul(maker))) }]);
      v.grad = null;
      square(w.mul(fake)).backward(); // also adds to w.grad, which nobody cleared
      const grad = v.grad as Tensor | null;
      await step([], [{ tensor: v, next: noGrad(() => v.sub(grad!.mul(maker))) }]);
      const mixed = w.grad as Tensor | null;
      await expect(mixed!.data()).rejects.toMatchObject({ code: "TENSOR_STALE" });
    };
    await loop();
    expect(await w.tolist()).toEqual([0, 0, -3.75]);
    await loop();
    expect(engineStats(device).prepared).toBe(2);
  });
});

describe("aliases", () => {
  test("detach sees updates, clone and data do not", async () => {
    const [alias, copy] = [w.detach(), await w.clone().realize()];
    await descend(square(w), [w], 0.25);
    expect(await alias.tolist()).toEqual([0.5, -1, 1.5]);
    expect(await copy.tolist()).toEqual([1, -2, 3]);
  });

  test("copy_ shares no updates with its source", async () => {
    const target = tensor([0, 0, 0], { requiresGrad: true });
    target.copy_(w);
    expect(await target.tolist()).toEqual([1, -2, 3]);
    await descend(square(target), [target], 0.25);
    expect(await w.tolist()).toEqual([1, -2, 3]);
    expect(await target.tolist()).toEqual([0.5, -1, 1.5]);
    await descend(square(w), [w], 0.5);
    expect(await target.tolist()).toEqual([0.5, -1, 1.5]);
    expect(device.jobs[0]!.bindings).not.toContainEqual({ kind: "resident", donate: true });
    expect(device.jobs[0]!.updates).toEqual([]);
    expect(engineStats(device).runs).toBe(2);
    await descend(square(target), [target], 0.25);
    expect(device.jobs.at(-1)!.updates).toHaveLength(1);
    expect(() => target.copy_(tensor([1]))).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
  });

  test("a Program reads an aliased leaf as one input", async () => {
    await w.mul(w.detach()).sum().realize();
    expect(device.jobs[0]!.program.inputs).toHaveLength(1);
  });
});
