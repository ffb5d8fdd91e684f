/** @file The reference device: precision, storages, errors, memory. */
import { describe, expect, it } from "vitest";
import { interpret, referenceDevice } from "../../src/device/reference/index.ts";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import type { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/index.ts";
import { type Arg, f, placeholders, typed } from "../ops/harness.ts";

function programOf(args: readonly Arg[], build: (...x: Expr[]) => Expr[]): Program {
  const leaves = placeholders(args);
  return trace(build(...leaves), leaves).program;
}

async function runOn(precision: "f32" | "f64", program: Program, inputs: readonly TypedArray[]): Promise<TypedArray[]> {
  const device = referenceDevice(precision);
  const executable = await device.prepare({ program, bindings: [], updates: [] });
  const out = await executable.run(inputs.map((x, i) => device.put(x, program.inputs[i]!)));
  return Promise.all(out.map((s, i) => device.read(s, program.outputAvals[i]!)));
}

const third = programOf([f(1)], (x) => [op.mul(x!, op.constant("f32", 1 / 3)), op.cast(x!, "f64")]);

describe("the reference device", () => {
  it("keeps f64 all the way at precision f64, literals included", async () => {
    const [y] = await runOn("f64", third, [Float64Array.of(0.1)]);
    expect(y).toEqual(Float64Array.of(0.1 * (1 / 3)));
  });

  it("rounds every result at precision f32", async () => {
    const [y, wide] = await runOn("f32", third, [Float32Array.of(0.1)]);
    expect(y).toBeInstanceOf(Float32Array);
    expect(y![0]).toBe(Math.fround(Math.fround(0.1) * Math.fround(1 / 3)));
    expect(wide).toEqual(Float64Array.of(Math.fround(0.1)));
  });

  it("neither shares memory with the host nor gives it away", async () => {
    const device = referenceDevice("f32");
    const aval = { shape: [2], dtype: "i32" } as const;
    const host = Int32Array.of(1, 2);
    const s = device.put(host, aval);
    host[0] = 9;
    const first = await device.read(s, aval);
    expect([...first]).toEqual([1, 2]);
    first[1] = 9;
    expect([...(await device.read(s, aval))]).toEqual([1, 2]);
  });

  it("returns inputs as outputs, and one value twice", async () => {
    const leaves = placeholders([f(2)]);
    const [x] = leaves as [Expr];
    const y = op.neg(x);
    const out = await runOn("f64", trace([x, y, y], leaves).program, [Float64Array.of(1, 2)]);
    expect(out).toEqual([Float64Array.of(1, 2), Float64Array.of(-1, -2), Float64Array.of(-1, -2)]);
  });

  it("runs every dtype through movement", async () => {
    const dtypes = ["f32", "i32", "i64", "u8", "bool", "u32", "u64", "f64"] as const;
    const args = dtypes.map((d) => typed(d, "bool", 2, 3));
    const program = programOf(args, (...x) => x.map((v) => op.permute(v, [1, 0])));
    const given = dtypes.map((d) => {
      const six = [0, 1, 0, 1, 1, 0];
      if (d === "i64") return BigInt64Array.from(six.map(BigInt));
      if (d === "u64") return BigUint64Array.from(six.map(BigInt));
      return { f32: Float64Array, i32: Int32Array, u8: Uint8Array, bool: Uint8Array, u32: Uint32Array, f64: Float64Array }[
        d
      ].from(six);
    });
    for (const y of await runOn("f64", program, given)) expect([...y].map(Number)).toEqual([0, 1, 1, 1, 0, 0]);
  });

  it("refuses values of the wrong length or type, and storages of others", async () => {
    const device = referenceDevice("f32");
    expect(() => device.put(new Float32Array(3), { shape: [2], dtype: "f32" })).toThrow(
      /values for f32\[2\], got a Float32Array of 3/,
    );
    expect(() => device.put(new Int32Array(2), { shape: [2], dtype: "f32" })).toThrow(/Int32Array/);
    expect(() => device.put(new BigInt64Array(2), { shape: [2], dtype: "u64" })).toThrow(/BigInt64Array/);
    expect(() => device.read({}, { shape: [2], dtype: "f32" })).toThrow(expect.objectContaining({ code: "DEVICE_MISMATCH" }));
    expect(() => interpret(third, [], "f64")).toThrow(/expected 1 inputs, got 0/);
  });

  it("gives the error of the op on bad data", async () => {
    const program = programOf([typed("i32", 3, 2)], (x) => [op.oneHot(x!, 3, "f32")]);
    await expect(runOn("f32", program, [Int32Array.of(0, 3)])).rejects.toThrow(
      expect.objectContaining({ code: "LABEL_OUT_OF_RANGE" }),
    );
  });
});
