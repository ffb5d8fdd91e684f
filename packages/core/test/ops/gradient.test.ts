/** @file Every gradient rule, and the gradient of every gradient, against central differences in f64. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/device/reference/index.ts";
import { Expr, emit } from "../../src/expr.ts";
import { add, mul, sum } from "../../src/ops/emit.ts";
import { OPS } from "../../src/ops/table.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import type { Program } from "../../src/program/program.ts";
import { backward, trace } from "../../src/transform/index.ts";
import { CASES, type Case, title } from "./cases.ts";
import { expectClose, placeholders, run, values } from "./harness.ts";

const isFloat = (x: { dtype: string }): boolean => x.dtype === "f32" || x.dtype === "f64";

/** y of a maxPool2dGrad must be the pool of its x, else the op means nothing. */
function inputsOf(c: Case): { args: Expr[]; leaves: Expr[]; given: TypedArray[] } {
  const leaves = placeholders(c.args);
  const given = c.args.map((a, i) => values(a, 31 * i + 7));
  if (c.op !== "maxPool2dGrad") return { args: leaves, leaves, given };
  const y = emit("maxPool2d", [leaves[1]!], c.attrs);
  return { args: [leaves[0]!, leaves[1]!, y], leaves: leaves.slice(0, 2), given: given.slice(0, 2) };
}

/** Σ x · w with weights that differ from element to element. */
function weighted(x: Expr, seed: number): { total: Expr; weight: Expr; values: TypedArray } {
  const weight = Expr.placeholder(x);
  return {
    total: sum(
      mul(x, weight),
      x.shape.map((_, i) => i),
    ),
    weight,
    values: values({ shape: x.shape, dtype: "f32", fill: "normal" }, seed),
  };
}

const H = 1e-5;

/** Central differences of a scalar Program with respect to input `i`. */
function differences(program: Program, given: readonly TypedArray[], i: number): Float64Array {
  const x = Float64Array.from(given[i] as Float64Array);
  const at = (): number => Number(interpret(program, given.with(i, x), "f64")[0]![0]);
  return x.map((v, k) => {
    x[k] = v + H;
    const up = at();
    x[k] = v - H;
    const down = at();
    x[k] = v;
    return (up - down) / (2 * H);
  });
}

function checkGradient(root: Expr, leaves: readonly Expr[], given: readonly TypedArray[], tolerance: number): (Expr | null)[] {
  const wrt = leaves.filter(isFloat);
  const grads = backward(root, undefined, wrt);
  const { program } = trace([root], leaves);
  wrt.forEach((x, k) => {
    const want = differences(program, given, leaves.indexOf(x));
    const g = grads[k];
    if (g) expect([...g.shape], "shape of the gradient").toEqual([...x.shape]);
    const got = g ? run([g], leaves, given)[0]! : new Float64Array(want.length);
    expectClose(got, want, tolerance, `gradient ${k}`);
  });
  return [...grads];
}

describe("gradients", () => {
  const differentiable = CASES.filter((c) => c.args.some(isFloat) && isFloat(emit(c.op, placeholders(c.args), c.attrs)));

  it.each(differentiable.map((c) => [title(c), c] as const))("equal central differences, twice: %s", (_, c) => {
    const { args, leaves, given } = inputsOf(c);
    const first = weighted(emit(c.op, args, c.attrs), 91);
    const inputs = [...leaves, first.weight];
    const known = [...given, first.values];
    const grads = checkGradient(first.total, inputs, known, 2e-8);
    const made = grads.slice(0, leaves.filter(isFloat).length).filter((g) => g !== null);
    if (made.length === 0) return;
    // One scalar that mixes every first gradient.
    const seconds = made.map((g, i) => weighted(g, 17 + i));
    const root = seconds.map((s) => s.total).reduce((a, b) => add(a, b));
    checkGradient(root, [...inputs, ...seconds.map((s) => s.weight)], [...known, ...seconds.map((s) => s.values)], 2e-7);
  });

  it("exist for every op whose result is a float and depends smoothly on a float", () => {
    const without = [...OPS.values()].filter((row) => row.grad === undefined).map((row) => row.name);
    expect(without.sort()).toEqual(
      [
        ..."all any argmax argmin argsort bitAnd bitNot bitOr bitXor constant eq ge gt iota le lt ne oneHot randomBits".split(
          " ",
        ),
        ..."shiftLeft shiftRight".split(" "),
      ].sort(),
    );
  });
});
