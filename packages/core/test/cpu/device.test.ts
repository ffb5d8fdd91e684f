/** @file The cpu device at its border: what it refuses, how it starts, what its profile shows. */
import { expect, it } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { tensor, zeros } from "../../src/tensor/creation.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, input, prepare, run } from "./harness.ts";

const program = (() => {
  const [x, w] = [input([2, 3]), input([3, 4])];
  return trace([op.tanh(op.matmul(x, w))], [x, w]).program;
})();
const data = [new Float32Array(6).fill(1), new Float32Array(12).fill(0.5)];

it("starts with the first Program, and is synchronous from then on", async () => {
  const on = device();
  const job = { program, bindings: program.inputs.map(() => ({ kind: "public" }) as const), updates: [] };
  expect(on.usedBytes).toBe(0);
  expect(on.prepare(job)).toBeInstanceOf(Promise);
  await on.prepare(job);
  const executable = on.prepare(job);
  if (executable instanceof Promise) throw new Error("expected an executable, got a promise");
  const out = executable.run(data.map((x, i) => on.put(x, program.inputs[i]!)));
  if (out instanceof Promise) throw new Error("expected results, got a promise");
  expect([...on.read(out[0]!, program.outputAvals[0]!)]).toEqual(
    Array.from({ length: 8 }, () => expect.closeTo(Math.tanh(1.5), 6)),
  );
});

it("refuses f64, secrets, wrong arrays, storages of others and impossible thread counts", async () => {
  const on = device();
  const x = Expr.placeholder({ shape: [2], dtype: "f64" });
  const wide = trace([op.neg(x)], [x]).program;
  expect(on.check(wide, [{ kind: "public" }]).map((g) => g.op)).toEqual(["input 0", "neg"]);
  expect(on.check(program, [{ kind: "secret", owners: ["a"] }, { kind: "public" }]).length).toBe(1);
  expect(() => on.prepare({ program: wide, bindings: [{ kind: "public" }], updates: [] })).toThrow(/f64/);
  expect([on.supports("f64"), on.supports("f32"), on.supports("u64")]).toEqual([false, true, true]);
  for (const make of [(): unknown => tensor([1.5], { dtype: "f64", device: on }), (): unknown => zeros([2], { dtype: "f64" })]) {
    expect(make).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED", message: expect.stringContaining("device cpu") }));
  }
  expect(() => on.put(new Float64Array(2), { shape: [2], dtype: "f64" })).toThrow(
    expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }),
  );
  expect(() => on.put(new Float32Array(3), { shape: [2], dtype: "f32" })).toThrow(
    expect.objectContaining({ code: "SHAPE_MISMATCH" }),
  );
  expect(() => on.put(new Int32Array(2), { shape: [2], dtype: "f32" })).toThrow(/Float32Array of 2/);
  const executable = await prepare(on, program);
  expect(() => executable.run([{}, {}])).toThrow(expect.objectContaining({ code: "DEVICE_MISMATCH" }));
  for (const threads of [0, 1.5, Number.NaN, 1000]) expect(() => cpu({ threads })).toThrow(/threads/);
});

it("profiles each step while asked to, and then no more", async () => {
  const on = device();
  const executable = await prepare(on, program);
  await run(on, program, data, executable);
  const profile = on.profile();
  for (let i = 0; i < 3; i++) await run(on, program, data, executable);
  profile.stop();
  await run(on, program, data, executable);
  const rows = profile.rows();
  expect(rows.map((r) => [r.label, r.result, r.calls])).toEqual([
    ["gemm 2x4x3", "f32[2,4]", 3],
    ["chain(tanh)", "f32[2,4]", 3],
  ]);
  expect(rows[0]!.flops).toBe(2 * 2 * 4 * 3);
  for (const r of rows) expect(r.bestMs).toBeLessThanOrEqual(r.totalMs);
});
