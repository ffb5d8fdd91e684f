/** @file Gradients at the corners where finite differences say nothing: ties, zeros, kinks. PyTorch's answers. */
import { describe, expect, it } from "vitest";
import { Expr, emit } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { backward } from "../../src/transform/index.ts";
import { placeholders, run } from "./harness.ts";

/** Gradients of Σ f(args) for vectors; + 0 makes -0 plain. */
function gradients(f: (...x: Expr[]) => Expr, ...given: number[][]): (number[] | null)[] {
  const leaves = placeholders(given.map((v) => ({ shape: [v.length], dtype: "f32" as const })));
  const grads = backward(f(...leaves), undefined, leaves);
  const arrays = given.map((v) => Float64Array.from(v));
  return grads.map((g) => (g === null ? null : [...run([g], leaves, arrays)[0]!].map((v) => Number(v) + 0)));
}

describe("gradients at corners", () => {
  it("share a tie of maximum and minimum in halves", () => {
    expect(gradients(op.maximum, [1, 2, 3], [1, 3, 2])).toEqual([
      [0.5, 0, 1],
      [0.5, 1, 0],
    ]);
    expect(gradients(op.minimum, [1, 2, 3], [1, 3, 2])).toEqual([
      [0.5, 1, 0],
      [0.5, 0, 1],
    ]);
  });

  it("share a tie of amax evenly", () => {
    expect(gradients((x) => op.amax(x, [0]), [3, 1, 3, 3])[0]).toEqual([1 / 3, 0, 1 / 3, 1 / 3]);
  });

  it("of prod are right with no, one and two zeros", () => {
    const product = (x: Expr): Expr => op.prod(x, [0]);
    expect(gradients(product, [2, 3, 4])[0]).toEqual([12, 8, 6]);
    expect(gradients(product, [2, 0, 4])[0]).toEqual([0, 8, 0]);
    expect(gradients(product, [0, 0, 4])[0]).toEqual([0, 0, 0]);
  });

  it("of pow are finite at base and exponent zero", () => {
    expect(gradients(op.pow, [0, 0, 2], [2, 0, 0])).toEqual([
      [0, 0, 0],
      [0, 0, Math.log(2)],
    ]);
  });

  it("of relu and abs are 0 at 0, of floor and sign 0 everywhere", () => {
    expect(gradients(op.relu, [-1, 0, 2])[0]).toEqual([0, 0, 1]);
    expect(gradients(op.abs, [-1, 0, 2])[0]).toEqual([-1, 0, 1]);
    for (const f of [op.floor, op.ceil, op.round, op.sign]) expect(gradients(f, [0.5, 1, -2])[0]).toEqual([0, 0, 0]);
  });

  it("of where reach only the side that was taken", () => {
    const f = (x: Expr): Expr => op.where(op.gt(x, op.lit(x, 0)), op.mul(x, x), op.lit(x, 0));
    expect(gradients(f, [-1, 3])[0]).toEqual([0, 6]);
  });

  it("go to the place of the first maximum of a window, also with padding", () => {
    const leaves = placeholders([{ shape: [1, 1, 1, 3], dtype: "f32" }]);
    const y = op.maxPool2d(leaves[0]!, [1, 2, 1, 1, 0, 1]);
    const [g] = backward(y, undefined, leaves);
    expect([...run([g!], leaves, [Float64Array.of(-1, -1, -5)])[0]!]).toEqual([2, 1, 1]);
  });

  it("of maxPool2dGrad are read at the first maximum only, in ties, beside padding and at NaN", () => {
    const leaves = placeholders([
      { shape: [1, 1, 1, 3], dtype: "f32" },
      { shape: [1, 1, 1, 4], dtype: "f32" },
    ]);
    const [h, x] = leaves as [Expr, Expr];
    const attrs = [1, 2, 1, 2, 0, 1];
    const g = Expr.placeholder({ shape: [1, 1, 1, 3], dtype: "f32" });
    const image = Expr.placeholder({ shape: [1, 1, 1, 4], dtype: "f32" });
    const y = op.maxPool2d(image, attrs);
    const [picked] = backward(op.maxPool2dGrad(g, image, y, attrs), x, [g]);
    const given = [
      Float64Array.of(0, 0, 0),
      Float64Array.of(10, 20, 30, 40),
      Float64Array.of(1, 1, 1),
      Float64Array.of(0, 7, 7, Number.NaN),
    ];
    expect([...run([picked!], [h, x, g, image], given)[0]!]).toEqual([10, 20, 40]);
  });

  it("stop at integers and comparisons", () => {
    const viaInteger = (x: Expr): Expr => op.cast(op.cast(x, "i32"), "f32");
    expect(gradients(viaInteger, [1.5])[0]).toBeNull();
    expect(gradients((x) => op.cast(op.gt(x, op.lit(x, 0)), "f32"), [1.5])[0]).toBeNull();
  });

  it("pass a cast between floats", () => {
    const leaves = placeholders([{ shape: [2], dtype: "f32" }]);
    const wide = emit("cast", leaves, [7]);
    const [g] = backward(op.mul(wide, wide), undefined, leaves);
    expect(g!.dtype).toBe("f32");
    expect([...run([g!], leaves, [Float64Array.of(3, -1)])[0]!]).toEqual([6, -2]);
  });
});
