/** @file Every gradient rule, and the gradient of every gradient, against central differences in f64. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/device/reference/index.ts";
import { Expr, emit } from "../../src/expr.ts";
import { add, mul, sum } from "../../src/ops/emit.ts";
import { OPS } from "../../src/ops/table.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import type { Program } from "../../src/program/program.ts";
import { backward, trace } from "../../src/transform/index.ts";
import { CASES, type Case, RELEASES, title } from "./cases.ts";
import { type Arg, expectClose, f, filled, placeholders, run, values } from "./harness.ts";

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
  const differentiable = CASES.filter(
    (c) => !RELEASES.has(c.op) && c.args.some(isFloat) && isFloat(emit(c.op, placeholders(c.args), c.attrs)),
  );

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
        ...RELEASES,
      ].sort(),
    );
  });
});

const small = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

describe("gradients on random shapes", () => {
  const check = (leaves: readonly Expr[], args: readonly Arg[], y: Expr, seed: number): void => {
    const w = weighted(y, seed);
    checkGradient(w.total, [...leaves, w.weight], [...args.map((a, i) => values(a, seed + i)), w.values], 3e-8);
  };

  it("hold for convolutions of any stride, padding, dilation and groups", () => {
    const sizes = fc.record({
      n: small(1, 2),
      g: small(1, 2),
      c: small(1, 2),
      o: small(1, 2),
      h: small(2, 6),
      w: small(2, 6),
      kh: small(1, 3),
      kw: small(1, 3),
      attrs: fc.tuple(small(1, 4), small(1, 4), small(0, 2), small(0, 2), small(1, 2), small(1, 2)),
      seed: fc.nat(1000),
    });
    fc.assert(
      fc.property(sizes, ({ n, g, c, o, h, w, kh, kw, attrs, seed }) => {
        fc.pre(h + 2 * attrs[2] > attrs[4] * (kh - 1) && w + 2 * attrs[3] > attrs[5] * (kw - 1));
        const args = [f(n, c * g, h, w), f(o * g, c, kh, kw)];
        const leaves = placeholders(args);
        check(leaves, args, emit("conv2d", leaves, [...attrs, g]), seed);
      }),
      { numRuns: 40 },
    );
  });

  it("hold for pools of any window, stride and padding", () => {
    const sizes = fc.record({
      n: small(1, 2),
      h: small(3, 6),
      w: small(3, 6),
      kh: small(1, 3),
      kw: small(1, 3),
      sh: small(1, 4),
      sw: small(1, 4),
      ph: small(0, 1),
      pw: small(0, 1),
      count: small(0, 1),
    });
    fc.assert(
      fc.property(sizes, ({ n, h, w, kh, kw, sh, sw, ph, pw, count }) => {
        const attrs = [kh, kw, sh, sw, Math.min(ph, kh >> 1), Math.min(pw, kw >> 1)];
        const args = [filled("distinct", n, 1, h, w)];
        const leaves = placeholders(args);
        check(leaves, args, emit("maxPool2d", leaves, attrs), 5);
        check(leaves, args, emit("avgPool2d", leaves, [...attrs, count]), 6);
      }),
      { numRuns: 30 },
    );
  });

  it("hold for products, quotients and choices of any shapes that broadcast", () => {
    const shape = fc.array(small(1, 3), { maxLength: 4 });
    const operand = (full: readonly number[]): fc.Arbitrary<number[]> =>
      fc
        .tuple(small(0, full.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
        .map(([cut, ones]) => full.slice(cut).map((d, i) => (ones[i] ? 1 : d)));
    const pair = shape.chain((full) => fc.tuple(operand(full), operand(full)));
    fc.assert(
      fc.property(pair, fc.constantFrom("add", "sub", "mul", "div", "pow", "maximum", "minimum"), ([a, b], op) => {
        const args = [filled("positive", ...a), filled("positive", ...b)];
        const leaves = placeholders(args);
        check(leaves, args, emit(op, leaves), 11);
      }),
      { numRuns: 60 },
    );
  });
});
