/** @file Tests of the engine: memory, errors, threads, plans of several instructions; and of the loader's choice of build. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { F32_REFERENCES, referenceOf } from "../../src/f32/reference/index.ts";
import { buildName, F32_KERNELS, F32Engine, loadModule, OPCODES, probe, WORDS, writeInstruction } from "../../src/index.ts";

describe("F32Engine", () => {
  it("gives aligned buffers, takes them back, and counts bytes", async () => {
    await using engine = await F32Engine.create();
    const before = engine.usedBytes;
    const a = engine.alloc(1);
    const b = engine.alloc(100);
    expect([a % 64, b % 64, b - a]).toEqual([0, 0, 64]);
    expect(engine.usedBytes - before).toBe(64 + 128);
    engine.release(a, 1);
    expect(engine.alloc(60)).toBe(a);
    engine.release(b, 100);
    engine.release(a, 60);
    expect(engine.usedBytes).toBe(before);
  });

  it.each([1, 2])("keeps contents when the memory grows, %i threads", async (threads) => {
    await using engine = await F32Engine.create({ threads });
    const a = engine.alloc(8);
    engine.f32[a / 4] = 42;
    const old = engine.views;
    const big = engine.alloc(100 << 20);
    expect(engine.views).not.toBe(old);
    expect(engine.f32[a / 4]).toBe(42);
    engine.f32[(big + (100 << 20)) / 4 - 1] = 7;
    const table = engine.alloc(128);
    writeInstruction(engine.views, table, 0, F32_KERNELS.fill.encode({ y: big, n: 25 << 20, dtype: "f32", value: 3 }));
    engine.run(table, 1);
    expect([engine.f32[big / 4], engine.f32[big / 4 + (25 << 20) - 1]]).toEqual([3, 3]);
  });

  it.each([1, 2, 3])("runs a plan of dependent instructions many times on %i threads", async (threads) => {
    await using engine = await F32Engine.create({ threads });
    const n = 3000;
    const x = engine.alloc(4 * n);
    const total = engine.alloc(4);
    const table = engine.alloc(3 * 4 * WORDS);
    const increment = F32_KERNELS.chain.encode({
      shape: [n],
      inputs: [
        { address: x, dtype: "f32" },
        { constant: 1, dtype: "f32" },
      ],
      steps: [{ op: "add", args: [0, 1] }],
      outputs: [{ value: 2, address: x }],
    });
    const side = engine.alloc(increment.side!.byteLength);
    const sum = F32_KERNELS.reduce.encode({ op: "sum", dtype: "f32", x, y: total, outer: 1, reduced: n, inner: 1 });
    engine.f32.fill(0, x / 4, x / 4 + n);
    writeInstruction(engine.views, table, 0, increment, side);
    writeInstruction(engine.views, table, 1, increment, side);
    writeInstruction(engine.views, table, 2, sum);
    for (let i = 1; i <= 500; i++) {
      engine.run(table, 3);
      expect(engine.f32[total / 4]).toBe(2 * i * n);
      // Now and then long enough for the helpers to park.
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  it("does nothing for an empty plan, and refuses to run after stop", async () => {
    const engine = await F32Engine.create({ threads: 2 });
    engine.run(0, 0);
    await engine.stop();
    await engine.stop();
    expect(() => engine.run(0, 0)).toThrow(/engine: expected a running engine/);
  });

  it("lets a process end by itself, with and without stop", () => {
    const source = new URL("../../src/index.ts", import.meta.url).href;
    for (const last of ["await engine.stop()", "engine.run(0, 0)"]) {
      const program = `const { F32Engine } = await import("${source}"); const engine = await F32Engine.create({ threads: 2 }); ${last};`;
      const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
        encoding: "utf8",
        timeout: 20_000,
      });
      expect([status, stderr]).toEqual([0, ""]);
    }
  });

  it("reports bad data once", async () => {
    await using engine = await F32Engine.create();
    const labels = engine.alloc(4);
    const y = engine.alloc(16);
    const table = engine.alloc(128);
    engine.i32[labels / 4] = 4;
    writeInstruction(engine.views, table, 0, F32_KERNELS.oneHot.encode({ labels, y, n: 1, classes: 4 }));
    engine.run(table, 1);
    expect([engine.takeError(), engine.takeError()]).toEqual(["LABEL_OUT_OF_RANGE", undefined]);
  });

  it("says that memory is full, and stays usable", async () => {
    await using engine = await F32Engine.create();
    expect(() => engine.alloc(2 ** 33)).toThrow(/engine: expected \d+ bytes of memory/);
    expect(engine.alloc(64) % 64).toBe(0);
  });

  it("refuses a number of threads below one", async () => {
    await expect(F32Engine.create({ threads: 0 })).rejects.toThrow(/expected at least 1 thread, got 0/);
  });
});

describe("tables and loader", () => {
  it("names every opcode once, in one table", () => {
    expect(Object.keys(F32_KERNELS)).toEqual(Object.keys(OPCODES));
    for (const [name, row] of Object.entries(F32_KERNELS))
      expect([row.name, row.opcode]).toEqual([name, OPCODES[name as "gemm"]]);
  });
  it("has a reference for every kernel, and refuses names that no kernel has", () => {
    expect(Object.keys(F32_REFERENCES)).toEqual(Object.keys(F32_KERNELS));
    expect(referenceOf("gemm")).toBe(F32_REFERENCES.gemm);
    for (const unknown of ["evil", "constructor"]) expect(() => referenceOf(unknown)).toThrow(RangeError);
  });
  it("chooses the build that the machine can run", async () => {
    const { relaxedSimd, threads } = probe();
    expect(buildName("f32")).toBe(relaxedSimd ? "unshared.relaxed" : "unshared.simd");
    expect(buildName("f32", { shared: true, relaxed: false })).toBe("shared.simd");
    expect(buildName("ring", { relaxed: true })).toBe("unshared.simd");
    expect(threads).toBe(true);
    expect(await loadModule("f32")).toBe(await loadModule("f32"));
  });
});
