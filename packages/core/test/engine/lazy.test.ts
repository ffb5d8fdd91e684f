/** @file Laziness: what is computed, when, and how often. */
import { beforeEach, describe, expect, test } from "vitest";
import { engineStats, noGrad, ones, Random, randn, realize, setDefaultDevice, Tensor, tensor, zeros } from "../../src/index.ts";
import { type Probe, probe } from "./probe.ts";

let device: Probe;
beforeEach(() => {
  device = probe();
  setDefaultDevice(device);
});

describe("a lazy tensor", () => {
  test("is computed when awaited, once", async () => {
    const y = tensor([1, 2, 3]).mul(2).add(1);
    expect(device.runs).toBe(0);
    expect(await y.tolist()).toEqual([3, 5, 7]);
    expect(await y.tolist()).toEqual([3, 5, 7]);
    expect(device.runs).toBe(1);
  });

  test("reports a shape error where the op is written, not where the value is awaited", () => {
    expect(() => zeros([2, 3]).add(zeros([4]))).toThrow(/expected shapes that broadcast, got \[2,3\] and \[4\]/);
    expect(device.runs).toBe(0);
  });

  test("of a realized tensor reads its value instead of computing it again", async () => {
    const a = tensor([1, 2]).exp();
    await a.realize();
    const b = a.log();
    await b.realize();
    expect(device.jobs[1]!.program.nodes.map((n) => n.op)).toEqual(["log"]);
  });

  test("keeps its random values however often it is asked", async () => {
    const key = Tensor.from(Uint32Array.of(7, 9), [2], { public: true });
    const bits = key.randomBits(Tensor.from(Uint32Array.of(0), [1], { public: true }), [5]);
    expect(await bits.data()).toEqual(await bits.data());
    const doubled = Array.from(await bits.data(), Number).map((x) => (2 * x) >>> 0);
    expect(Array.from(await bits.add(bits).data(), Number)).toEqual(doubled);
  });

  test("can be very deep", async () => {
    let y = tensor([1]);
    for (let i = 0; i < 50_000; i++) y = y.add(1);
    expect(await y.item()).toBe(50_001);
  });

  test("shared by two results of one realize is computed once", async () => {
    const base = tensor([1, 2, 3]).exp();
    const [a, b] = [base.sum(), base.mean()];
    await realize(a, b, a);
    expect(device.runs).toBe(1);
    expect(device.jobs[0]!.program.outputs).toHaveLength(2);
    expect(device.jobs[0]!.program.nodes.filter((n) => n.op === "exp")).toHaveLength(1);
    expect(await a.item()).toBeCloseTo(3 * (await b.item()), 5);
  });

  test("of no input runs on the default device", async () => {
    const { Expr } = await import("../../src/expr.ts");
    const { constant } = await import("../../src/ops/emit.ts");
    expect(await new Tensor(constant("f32", 2.5)).item()).toBe(2.5);
    const input = new Tensor(Expr.placeholder({ shape: [], dtype: "f32" }));
    await expect(input.add(1).realize()).rejects.toMatchObject({ code: "TENSOR_NO_VALUE" });
  });
});

describe("a value", () => {
  test("is a copy: writing to what data() or from() used changes nothing", async () => {
    const source = Float32Array.of(1, 2);
    const x = Tensor.from(source);
    source[0] = 9;
    const out = await x.data();
    out[1] = 9;
    expect(await x.tolist()).toEqual([1, 2]);
    const y = x.add(0);
    (await y.data())[0] = 9;
    expect(await y.tolist()).toEqual([1, 2]);
  });

  test("prints its type and device, never its elements", async () => {
    const { inspect } = await import("node:util");
    const x = await tensor([[3.25, 4]])
      .mul(1)
      .realize();
    expect(String(x)).toBe("Tensor<f32[1,2] probe>");
    expect(inspect({ x }, { showHidden: true })).toContain("Tensor<f32[1,2] probe>");
    expect(inspect(x, { depth: 9, showHidden: true })).not.toContain("3.25");
    const asked = (name: string): unknown => (x as unknown as Record<symbol, () => unknown>)[Symbol.for(name)]!();
    expect(asked("Jupyter.display")).toEqual({ "text/plain": "Tensor<f32[1,2] probe>" });
    expect(asked("Deno.customInspect")).toBe("Tensor<f32[1,2] probe>");
  });

  test("of one element is an item; of more is refused", async () => {
    expect(await tensor(true).item()).toBe(1);
    expect(await tensor(5n).item()).toBe(5);
    await expect(tensor([1, 2]).item()).rejects.toMatchObject({ code: "SHAPE_MISMATCH" });
    await expect(tensor(2n ** 60n).item()).rejects.toMatchObject({ code: "VALUE_INVALID" });
  });
});

describe("executables", () => {
  test("are prepared once per Program: other values and other numbers of runs hit the cache", async () => {
    const random = new Random(3);
    for (let i = 0; i < 5; i++)
      await randn([4, 3], random)
        .mul(randn([3], random))
        .sum()
        .realize();
    expect(engineStats(device)).toMatchObject({ prepared: 1, runs: 5, held: 1 });
    await randn([4, 4], random)
      .mul(randn([4], random))
      .sum()
      .realize();
    expect(engineStats(device).prepared).toBe(2);
  });

  test("differ when a literal, an attribute, a dtype, the sharing of arguments or the outputs differ", async () => {
    const x = (): Tensor => ones([2, 2]);
    const programs: (() => Tensor[])[] = [
      () => [x().add(1)],
      () => [x().add(2)],
      () => [x().sum(0)],
      () => [x().sum(1)],
      () => [x().cast("i32").add(1)],
      () => [x().mul(x())],
      () => {
        const a = x();
        return [a.mul(a)];
      },
      () => {
        const a = x().add(1);
        return [a, a.add(1)];
      },
      () => [x().add(1).add(1)],
    ];
    for (let round = 0; round < 2; round++) for (const make of programs) await realize(...make());
    expect(engineStats(device)).toMatchObject({ prepared: programs.length, runs: 2 * programs.length });
    expect(new Set(device.jobs.map((j) => j.program.id)).size).toBe(programs.length);
  });

  test("beyond the limit are dropped, the least recently used first, and released", async () => {
    for (let i = 0; i < 70; i++) {
      await ones([1]).add(0).realize();
      await ones([1])
        .add(i + 1)
        .realize();
    }
    expect(engineStats(device)).toMatchObject({ held: 64, prepared: 71 });
    expect(device.released).toBe(7);
  });

  test("are not kept when preparing fails; every gap is named", async () => {
    const gap = { node: 0, op: "exp", reason: "too large" };
    const unable = probe({ name: "unable", check: () => [gap, { ...gap, node: 3 }] });
    setDefaultDevice(unable);
    const y = ones([2]).exp();
    await expect(y.realize()).rejects.toMatchObject({ code: "DEVICE_UNSUPPORTED" });
    await expect(y.realize()).rejects.toThrow(/exp at node 0 \(too large\); exp at node 3/);
    expect(engineStats(unable)).toMatchObject({ held: 0, prepared: 0 });
  });
});

test("noGrad values and evaluations keep no graph; values that may be differentiated later do", async () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const kept = await w.mul(2).realize();
  const dropped = await noGrad(() => w.mul(2)).realize();
  expect(kept.expr.op).not.toBeNull();
  expect(dropped.expr.op).toBeNull();
  expect(dropped.expr.args).toHaveLength(0);
});
