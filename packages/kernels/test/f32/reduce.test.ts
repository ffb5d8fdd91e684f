/** @file Tests of reductions. */
import { describe, expect, it } from "vitest";
import { type ElementType, F32_KERNELS, F32Engine, writeInstruction } from "../../src/f32/index.ts";
import { engines, Numbers } from "./harness.ts";

const all = engines();

type Sizes = readonly [outer: number, reduced: number, inner: number, tail: number];
const SIZES: readonly Sizes[] = [
  [1, 1, 1, 1],
  [1, 20000, 1, 1],
  [1, 100003, 1, 1],
  [3, 777, 1, 1],
  [40, 17, 1, 1],
  [1, 64, 10, 1],
  [1, 600, 37, 1],
  [1, 600, 70, 1],
  [2, 259, 530, 1],
  [5, 9, 130, 1],
  [2, 3, 3, 1],
  [1, 8, 16, 36],
  [2, 5, 3, 7],
  [4, 1, 6, 25],
  [2, 0, 3, 1],
  [0, 4, 3, 1],
];
const bytes = (t: ElementType): number => (t === "u8" || t === "bool" ? 1 : 4);

function check(op: "sum" | "prod" | "max" | "min", dtype: ElementType, [outer, reduced, inner, tail]: Sizes, nan = false): void {
  all.check((buffers) => {
    const random = new Numbers(3);
    const n = outer * reduced * inner * tail;
    const data =
      dtype === "f32"
        ? Array.from(random.floats(n), (v) => (op === "prod" ? 1 + v / 50 : v))
        : random.ints(n, 0, dtype === "bool" ? 1 : 255);
    if (nan && n > 0) data[n >> 1] = Number.NaN;
    const x =
      bytes(dtype) === 1 ? buffers.u8(data) : dtype === "f32" ? buffers.f32(data) : buffers.i32(data.map((v) => v * 9876543));
    const y = buffers.room(outer * inner, bytes(dtype));
    const terms = reduced * tail;
    const tolerance =
      dtype !== "f32" || op === "max" || op === "min" ? {} : { absolute: 1e-6 + 1e-7 * Math.sqrt(terms), relative: 1e-7 * terms };
    const type = bytes(dtype) === 1 ? "u8" : (dtype as "f32" | "i32" | "u32");
    const params = { op, dtype, x, y, outer, reduced, inner, tail };
    return { kernel: F32_KERNELS.reduce, params, outputs: [{ address: y, n: outer * inner, type, ...tolerance }] };
  });
}

describe("reduce", () => {
  it.each(SIZES)("agrees with the reference for f32 [%i, %i, %i, %i]", (...sizes) => {
    for (const op of ["sum", "prod", "max", "min"] as const) check(op, "f32", sizes);
  });
  it.each(["i32", "u32", "u8", "bool"] as const)("agrees with the reference for %s", (dtype) => {
    for (const sizes of SIZES.slice(2)) for (const op of ["sum", "prod", "max", "min"] as const) check(op, dtype, sizes);
  });
  it("lets a NaN through max and min", () => {
    for (const sizes of SIZES) for (const op of ["max", "min"] as const) check(op, "f32", sizes, true);
  });
  it("sums ten million tenths to six digits", async () => {
    await using engine = await F32Engine.create();
    const n = 1e7;
    const x = engine.alloc(4 * n);
    const y = engine.alloc(4);
    const table = engine.alloc(128);
    engine.f32.fill(0.1, x / 4, x / 4 + n);
    const params = { op: "sum", dtype: "f32", x, y, outer: 1, reduced: n, inner: 1 } as const;
    engine.reserveScratch(F32_KERNELS.reduce.scratchBytes(params));
    writeInstruction(engine.views, table, 0, F32_KERNELS.reduce.encode(params));
    engine.run(table, 1);
    expect(Math.abs(engine.f32[y / 4]! / (n * Math.fround(0.1)) - 1)).toBeLessThan(3e-7);
  });
});

describe("argReduce", () => {
  it.each(["f32", "i32", "u32", "u8"] as const)("finds the first of equals, %s", (dtype) => {
    for (const [outer, reduced, inner] of [...SIZES.filter((s) => s[1] > 0 && s[3] === 1), [3, 10, 4, 1] as const]) {
      for (const op of ["argmax", "argmin"] as const) {
        all.check((buffers) => {
          const data = new Numbers(4).ints(outer * reduced * inner, 0, 9);
          if (dtype === "f32" && data.length > 8) data[data.length >> 1] = Number.NaN;
          const x = dtype === "u8" ? buffers.u8(data) : dtype === "f32" ? buffers.f32(data) : buffers.i32(data.map((v) => v - 5));
          const y = buffers.room(outer * inner);
          const params = { op, dtype, x, y, outer, reduced, inner };
          return { kernel: F32_KERNELS.argReduce, params, outputs: [{ address: y, n: outer * inner, type: "i32" }] };
        });
      }
    }
  });
  it("refuses an empty axis", () => {
    const params = { op: "argmax", dtype: "f32", x: 65536, y: 65536, outer: 1, reduced: 0, inner: 2 } as const;
    expect(() => F32_KERNELS.argReduce.encode(params)).toThrow(/argmax: expected at least 1 element, got 0/);
  });
});
