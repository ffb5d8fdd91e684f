/** @file backward over lazy graphs: accumulation, cuts, depth, what it leaves out. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Expr, gradMode } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { backward, trace } from "../../src/transform/index.ts";
import { expectClose, placeholders, run } from "../ops/harness.ts";

const scalar = { shape: [], dtype: "f32" } as const;

function at(e: Expr | null | undefined, leaves: readonly Expr[], ...given: number[]): number {
  if (!e) throw new Error("no gradient");
  return Number(
    run(
      [e],
      leaves,
      given.map((v) => Float64Array.of(v)),
    )[0]![0],
  );
}

/** Runs `f` as if x recorded gradients, as a parameter does. */
function recording<T>(x: Expr, f: () => T): T {
  x.requiresGrad = true;
  expect(gradMode.enabled).toBe(true);
  return f();
}

describe("backward", () => {
  it("adds up over every path", () => {
    const leaves = placeholders([scalar]);
    const x = leaves[0]!;
    const y = op.add(op.mul(x, x), op.mul(op.mul(x, x), x));
    expect(at(backward(y, undefined, [x])[0], leaves, 3)).toBe(6 + 27);
  });

  it("gives ones for the root itself and null for what it does not depend on", () => {
    const [x, y] = placeholders([scalar, scalar]) as [Expr, Expr];
    const z = op.mul(x, x);
    const [gz, gy] = backward(z, undefined, [z, y]);
    expect(at(gz, [x, y], 2, 5)).toBe(1);
    expect(gy).toBeNull();
  });

  it("weighs the elements of the root by the seed", () => {
    const [x, s] = placeholders([
      { shape: [3], dtype: "f32" },
      { shape: [3], dtype: "f32" },
    ]) as [Expr, Expr];
    const [g] = backward(op.mul(x, x), s, [x]);
    expect([...run([g!], [x, s], [Float64Array.of(1, 2, 3), Float64Array.of(1, 0, -1)])[0]!]).toEqual([2, 0, -6]);
  });

  it("answers for results of ops and goes on behind them", () => {
    const leaves = placeholders([scalar]);
    const x = leaves[0]!;
    const y = op.mul(x, x);
    const z = op.exp(y);
    const [gy, gx] = backward(z, undefined, [y, x]);
    expect(at(gy, leaves, 0.5)).toBeCloseTo(Math.exp(0.25), 12);
    expect(at(gx, leaves, 0.5)).toBeCloseTo(Math.exp(0.25), 12);
  });

  it("treats as constant what does not record gradients, when the root records them", () => {
    const leaves = placeholders([scalar]);
    const x = leaves[0]!;
    const y = recording(x, () => {
      gradMode.enabled = false;
      const fixed = op.mul(x, x);
      gradMode.enabled = true;
      return op.mul(fixed, x);
    });
    expect(at(backward(y, undefined, [x])[0], leaves, 3)).toBe(9);
  });

  it("makes no ops for arguments that need no gradient", () => {
    const [x, w] = placeholders([
      { shape: [4, 3], dtype: "f32" },
      { shape: [3, 2], dtype: "f32" },
    ]) as [Expr, Expr];
    const root = op.sum(op.matmul(x, w), [0, 1]);
    const [g] = backward(root, undefined, [w]);
    const products = trace([g!], [x, w]).program.nodes.filter((n) => n.op === "matmul");
    expect(products).toHaveLength(1);
  });

  it("does not enter branches that lead nowhere", () => {
    const [x, y] = placeholders([scalar, scalar]) as [Expr, Expr];
    const root = op.add(op.mul(x, x), op.exp(op.exp(y)));
    const { program } = trace([backward(root, undefined, [x])[0]!], [x, y]);
    expect(program.nodes.map((n) => n.op)).not.toContain("exp");
  });

  it("gives null everywhere for a root that is not a float", () => {
    const [x] = placeholders([scalar]) as [Expr];
    expect(backward(op.gt(x, op.lit(x, 0)), undefined, [x])).toEqual([null]);
  });

  it("goes through 50,000 nodes in a chain, and so do trace and the gradient's trace", () => {
    const leaves = placeholders([scalar]);
    let y = leaves[0]!;
    const c = op.constant("f32", 1.00001);
    for (let i = 0; i < 50_000; i++) y = op.mul(y, c);
    const [g] = backward(y, undefined, leaves);
    expect(trace([y, g!], leaves).program.nodes.length).toBeGreaterThan(100_000);
    expect(at(g, leaves, 1)).toBeCloseTo(1.00001 ** 50_000, 9);
  });

  it("takes time linear in a graph whose paths double at every node", () => {
    const leaves = placeholders([scalar]);
    let y = leaves[0]!;
    for (let i = 0; i < 60; i++) y = op.add(y, y);
    expect(at(backward(y, undefined, leaves)[0], leaves, 1)).toBe(2 ** 60);
  });

  it("is linear: the gradient of a·f + b·g is a·f' + b·g'", () => {
    const functions: ((x: Expr) => Expr)[] = [op.sin, op.tanh, op.sigmoid, op.erf, (x) => op.mul(x, x), (x) => op.gelu(x)];
    fc.assert(
      fc.property(
        fc.constantFrom(...functions),
        fc.constantFrom(...functions),
        fc.tuple(
          fc.double({ min: -2, max: 2, noNaN: true }),
          fc.double({ min: -2, max: 2, noNaN: true }),
          fc.double({ min: -2, max: 2, noNaN: true }),
        ),
        (f, g, [a, b, at0]) => {
          const leaves = placeholders([scalar]);
          const x = leaves[0]!;
          const both = op.add(op.mul(op.lit(x, a), f(x)), op.mul(op.lit(x, b), g(x)));
          const d = (y: Expr): number => at(backward(y, undefined, [x])[0], leaves, at0);
          expectClose(Float64Array.of(d(both)), [a * d(f(x)) + b * d(g(x))], 1e-12);
        },
      ),
    );
  });
});
