/** @file Devices: asynchronous ones, several at once, ones that keep secrets; who may go where. */
import { beforeEach, describe, expect, test } from "vitest";
import { gradients, nn, noGrad, ones, realize, setDefaultDevice, step, Tensor, tensor, zeros } from "../../src/index.ts";
import { type Probe, probe } from "./probe.ts";

let host: Probe;
beforeEach(() => {
  host = probe({ name: "host" });
  setDefaultDevice(host);
});

describe("an asynchronous device", () => {
  test("gives the same values as a synchronous one, step after step", async () => {
    const run = async (device: Probe): Promise<unknown> => {
      const w = await tensor([[1, 2]], { requiresGrad: true }).to(device);
      w.requiresGrad_();
      const losses: number[] = [];
      for (let i = 0; i < 4; i++) {
        const loss = w.square().sum();
        const [g] = gradients(loss, [w]);
        await step([loss], [{ tensor: w, next: noGrad(() => w.sub(g!.mul(0.1))) }]);
        losses.push(await loss.item());
      }
      return [losses, await w.tolist()];
    };
    expect(await run(probe({ turns: 3 }))).toEqual(await run(probe()));
  });

  test("never runs two Programs at a time, and computes a shared result once", async () => {
    const slow = probe({ turns: 4 });
    setDefaultDevice(slow);
    const a = tensor([1, 2]).mul(3);
    const [b, c] = [a.add(1), a.add(2)];
    const all = await Promise.all([a.tolist(), a.tolist(), b.tolist(), c.tolist(), a.sum().item()]);
    expect(all).toEqual([[3, 6], [3, 6], [4, 7], [5, 8], 9]);
    expect(slow.peak).toBe(1);
    expect(slow.runs).toBe(4);
  });

  test("goes on after a run that failed", async () => {
    setDefaultDevice(probe({ turns: 2 }));
    const bad = tensor([9], { dtype: "i32" }).oneHot(3);
    const good = tensor([1]).add(1);
    const [failure, value] = await Promise.allSettled([bad.data(), good.tolist()]);
    expect(failure).toMatchObject({ status: "rejected", reason: { code: "LABEL_OUT_OF_RANGE" } });
    expect(value).toEqual({ status: "fulfilled", value: [2] });
  });

  test("reads a parameter after the step in flight, whole", async () => {
    const slow = probe({ turns: 5 });
    setDefaultDevice(slow);
    const w = await tensor([1, 1]).mul(1).realize();
    const done = step([], [{ tensor: w, next: w.add(1) }]);
    const during = w.tolist();
    await done;
    expect(await during).toEqual([2, 2]);
  });

  test("refuses a value built while the step that replaces its input is in flight", async () => {
    setDefaultDevice(probe({ turns: 5 }));
    const w = await tensor([1]).mul(1).realize();
    const done = step([], [{ tensor: w, next: w.add(1) }]);
    const early = w.mul(2);
    const value = early.data();
    await done;
    await expect(value).rejects.toMatchObject({ code: "TENSOR_STALE" });
    expect(await w.mul(2).item()).toBe(4);
  });
});

describe("two devices", () => {
  test("do not meet in one op, unless a value is only the host's", async () => {
    const [a, b] = [probe({ name: "a" }), probe({ name: "b" })];
    const [x, y] = [await tensor([1, 2]).to(a), await tensor([3, 4]).to(b)];
    await expect(x.add(y).data()).rejects.toMatchObject({ code: "DEVICE_MISMATCH" });
    expect(() => x.add(y).device).toThrow(/on one device \(a\), got f32\[2\] on b/);
    expect(await x.add(tensor([10, 10])).tolist()).toEqual([11, 12]);
    expect(await tensor([10, 10]).add(y).tolist()).toEqual([13, 14]);
    expect(await (await x.to(b)).add(y).tolist()).toEqual([4, 6]);
    expect([a.runs, b.runs, host.runs]).toEqual([1, 2, 0]);
  });

  test("keep their own caches; a device named in the options holds its tensor", async () => {
    const a = probe({ name: "a" });
    const x = Tensor.from([1, 2], [2], { device: a });
    const y = await x.mul(2).realize();
    expect(y.device).toBe(a);
    expect(String(x.mul(2))).toBe("Tensor<f32[2] a>");
    await tensor([1, 2]).mul(2).realize();
    expect([a.jobs.length, host.jobs.length]).toEqual([1, 1]);
  });

  test("share a host value that was already used on one of them", async () => {
    const a = probe({ name: "a" });
    const rate = tensor(0.5);
    const batch = tensor([2, 4]);
    expect(await batch.mul(rate).tolist()).toEqual([1, 2]);
    const x = await ones([2]).to(a);
    expect(await x.mul(rate).mul(batch).tolist()).toEqual([1, 2]);
    expect(rate.device).toBe(host);
  });
});

describe("a device that keeps secrets", () => {
  const secret = (): Probe => probe({ name: "replicated3", secret: true });

  test("shows neither values nor items, and says how to disclose", async () => {
    const device = secret();
    const x = await tensor([[1, 2]]).to(device);
    for (const t of [x, x.mul(2), await x.add(1).realize()]) {
      expect(String(t)).toBe("Tensor<f32[1,2] replicated3>");
      const why = { code: "DEVICE_SECRET", hint: expect.stringContaining("reveal({ to, why })") };
      await expect(t.data()).rejects.toMatchObject(why);
      await expect(t.tolist()).rejects.toMatchObject(why);
      await expect(t.sum().item()).rejects.toMatchObject(why);
      await expect(t.to(host)).rejects.toMatchObject({ code: "DEVICE_SECRET" });
    }
    expect(device.runs).toBe(1);
    await expect(x.reveal({ to: "owner", why: "test" })).rejects.toMatchObject({ code: "DEVICE_SECRET" });
  });

  test("takes public host values but no data in the clear", async () => {
    const device = secret();
    const x = await tensor([1, 2]).to(device);
    await x
      .mul(tensor(0.5, { public: true }))
      .add(zeros([2]))
      .mul(ones([2]))
      .realize();
    await x.mul(Tensor.from([1, 2], [2], { public: true })).realize();
    await expect(x.mul(Tensor.from([1, 2])).realize()).rejects.toMatchObject({ code: "DEVICE_MISMATCH" });
    // A single number may be a secret, too.
    await expect(x.mul(tensor(0.5)).realize()).rejects.toMatchObject({ code: "DEVICE_MISMATCH" });
  });

  test("is told that a public value is public, also where a secret replaces it", async () => {
    const open = new WeakSet<object>();
    const device = probe({
      name: "mpc",
      secret: true,
      binding: (s) => (open.has(s) ? { kind: "public" } : { kind: "secret", owners: ["ann"] }),
    });
    const { put } = device;
    const mpc: Probe = Object.assign(device, {
      put: (...args: Parameters<typeof put>) => {
        const storage = put(...args);
        open.add(storage);
        return storage;
      },
      share: put,
    });
    const x = await tensor([1, 2]).to(mpc);
    const momentum = zeros([2]);
    for (let i = 0; i < 3; i++) await step([], [{ tensor: momentum, next: momentum.mul(0.9).add(x) }]);
    const kinds = mpc.jobs.map((j) => j.bindings.map((b) => b.kind));
    expect(kinds).toEqual([
      ["public", "secret"],
      ["secret", "secret"],
    ]);
    expect(mpc.jobs[0]!.program.id).toBe(mpc.jobs[1]!.program.id);
    expect(mpc.runs).toBe(3);
  });

  test("shares what comes to it, where it can, and reveals by its own rule", async () => {
    const shared: unknown[] = [];
    const device: Probe = {
      ...secret(),
      share: async (values, aval) => {
        shared.push(aval.shape);
        return device.put(values, aval);
      },
      reveal: async (storage, aval, { to, why }) => {
        if (to !== "owner") throw new Error(`not for ${to}: ${why}`);
        return device.read(storage, aval);
      },
    };
    const x = await tensor([1, 2]).mul(2).to(device);
    expect(shared).toEqual([[2]]);
    expect(await x.add(1).reveal({ to: "owner", why: "progress" })).toEqual(Float32Array.of(3, 5));
    await expect(x.reveal({ to: "eve", why: "curious" })).rejects.toThrow("not for eve");
  });

  test("plans anew when other owners' data flow in, not when the order of owners differs", async () => {
    const owners = new WeakMap<object, readonly string[]>();
    const device: Probe = probe({
      name: "mpc",
      secret: true,
      binding: (s) => ({ kind: "secret", owners: owners.get(s) ?? [] }),
    });
    const use = async (...who: string[]): Promise<void> => {
      const x = await tensor([1, 2]).to(device);
      owners.set(x.expr.leaf!.storage!, who);
      await x.mul(2).realize();
    };
    await use("ann", "bob");
    await use("bob", "ann");
    await use("ann");
    expect(device.jobs.map((j) => j.bindings[0])).toEqual([
      { kind: "secret", owners: ["ann", "bob"] },
      { kind: "secret", owners: ["ann"] },
    ]);
    expect(device.runs).toBe(3);
  });

  test("refuses a dtype that it does not have, when a tensor is made or brought there", async () => {
    const device: Probe = { ...probe({ name: "small" }), supports: (d) => d !== "f64" };
    expect(() => Tensor.from(Float64Array.of(1), [1], { device })).toThrow(
      expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }),
    );
    await expect(tensor([1], { dtype: "f64" }).to(device)).rejects.toMatchObject({ code: "DTYPE_UNSUPPORTED" });
    await realize(Tensor.from(Float64Array.of(1), [1], { device, dtype: "f32" }));
  });
});

describe("a device without a kernel for a composite", () => {
  const lacking = (...ops: string[]): Probe =>
    probe({
      check: ({ nodes }) => nodes.flatMap(({ op }, node) => (ops.includes(op) ? [{ node, op, reason: "no kernel" }] : [])),
    });

  test("gets it written out, also where what comes out is a composite again", async () => {
    const x = [0.5, -1, 2, 0.25];
    const device = lacking("softmaxCrossEntropy", "softmaxCrossEntropyGrad", "logSoftmax", "softmax");
    const run = async (): Promise<unknown> => {
      const logits = tensor([x], { requiresGrad: true });
      const loss = nn.crossEntropy(logits, tensor([[0, 1, 0, 0]]));
      loss.backward();
      return [await loss.item(), await logits.grad!.data()];
    };
    const plain = await run();
    setDefaultDevice(device);
    const [loss, grad] = (await run()) as [number, Float32Array];
    const [wantLoss, wantGrad] = plain as [number, Float32Array];
    expect(loss).toBeCloseTo(wantLoss, 6);
    grad.forEach((g, i) => void expect(g).toBeCloseTo(wantGrad[i]!, 6));
    const ops = device.jobs.flatMap((job) => job.program.nodes.map((n) => n.op));
    expect(ops.filter((op) => op.includes("oftmax"))).toEqual([]);
    expect(ops).toContain("exp");
  });

  test("says what it lacks of the parts", async () => {
    setDefaultDevice(lacking("softmax", "exp"));
    await expect(
      tensor([[1, 2]])
        .softmax(1)
        .realize(),
    ).rejects.toMatchObject({
      code: "DEVICE_UNSUPPORTED",
      message: expect.stringMatching(/got exp at node/),
    });
  });
});
