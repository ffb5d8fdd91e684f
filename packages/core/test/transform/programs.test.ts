/** @file Transformations from Program to Program, alone and one after another. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/device/reference/index.ts";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import { Program } from "../../src/program/program.ts";
import { evaluate, grad, trace, valueAndGrad, vjp, vmap } from "../../src/transform/index.ts";
import { type Arg, expectClose, f, filled, placeholders, values } from "../ops/harness.ts";

function programOf(args: readonly Arg[], build: (...x: Expr[]) => Expr[]): Program {
  const leaves = placeholders(args);
  return trace(build(...leaves), leaves).program;
}

const given = (args: readonly Arg[]): TypedArray[] => args.map((a, i) => values(a, i + 1));
const run64 = (p: Program, x: readonly TypedArray[]): TypedArray[] => interpret(p, x, "f64");

/** A small CNN on one example [1,2,6,5]: conv, relu, pool, linear, cross-entropy. */
const CNN: Arg[] = [f(1, 2, 6, 5), filled("probability", 1, 3), f(3, 2, 3, 2), f(3, 1, 1), f(12, 3)];
const cnn = programOf(CNN, (x, target, w, b, dense) => {
  const h = op.relu(op.add(op.conv2d(x!, w!, [1, 1, 0, 0, 1, 1, 1]), b!));
  const pooled = op.maxPool2d(h, [2, 2, 2, 2, 0, 0]);
  const logits = op.matmul(op.reshape(pooled, [1, 12]), dense!);
  return [op.sum(op.softmaxCrossEntropy(logits, target!), [0])];
});

const CUBE: Arg[] = [f(3), f(3)];
/** Σ a³b² */
const cube = programOf(CUBE, (a, b) => [op.sum(op.mul(op.mul(op.mul(a!, a!), a!), op.mul(b!, b!)), [0])]);

describe("trace and evaluate", () => {
  it("replay a Program as it was", () => {
    const inputs = placeholders(cnn.inputs);
    expect(trace(evaluate(cnn, inputs), inputs).program.id).toBe(cnn.id);
  });

  it("keep inputs in their order, used or not, and add the leaves they meet", () => {
    const [unused, x, y] = placeholders([f(2), f(3), f(3)]) as [Expr, Expr, Expr];
    const { program, leaves } = trace([op.add(y, x)], [unused, x]);
    expect(leaves).toEqual([unused, x, y]);
    expect(program.inputs.map((a) => a.shape)).toEqual([[2], [3], [3]]);
    expect(program.nodes[0]!.args).toEqual([2, 1]);
  });

  it("cut the graph at inputs that are results of ops", () => {
    const [x] = placeholders([f(2)]) as [Expr];
    const y = op.exp(x);
    expect(trace([op.neg(y)], [y]).program.nodes.map((n) => n.op)).toEqual(["neg"]);
  });

  it("leave out what no output needs, and write a shared value once", () => {
    const p = programOf([f(2)], (x) => {
      op.exp(x!);
      const y = op.sin(x!);
      return [op.mul(y, y), y];
    });
    expect(p.nodes.map((n) => n.op)).toEqual(["sin", "mul"]);
    expect(p.outputs).toEqual([2, 1]);
  });

  it("refuse inputs of other types", () => {
    expect(() => evaluate(cube, placeholders([f(3), f(4)]))).toThrow(/expected f32\[3\] as input 1, got f32\[4\]/);
    expect(() => evaluate(cube, placeholders([f(3)]))).toThrow(/expected 2 inputs, got 1/);
    const [x] = placeholders([f(2)]) as [Expr];
    expect(() => trace([x], [x, x])).toThrow(/distinct/);
  });
});

describe("grad", () => {
  it("gives Programs that load like any other", () => {
    for (const p of [grad(cnn, { wrt: [2, 3, 4] }), valueAndGrad(cnn, { wrt: [2] }), vmap(cnn, [0, 0, null, null, null], 4)]) {
      expect(Program.fromBytes(p.toBytes()).id).toBe(p.id);
    }
  });

  it("keeps the inputs and gives one output for each of wrt", () => {
    const p = grad(cnn, { wrt: [4, 2] });
    expect(p.inputs).toEqual(cnn.inputs);
    expect(p.outputAvals).toEqual([cnn.inputs[4], cnn.inputs[2]]);
  });

  it("agrees with the closed form", () => {
    const [a, b] = given(CUBE) as [Float64Array, Float64Array];
    const [da, db] = run64(grad(cube, { wrt: [0, 1] }), [a, b]);
    expectClose(
      da!,
      a.map((x, i) => 3 * x * x * b[i]! ** 2),
      1e-14,
    );
    expectClose(
      db!,
      a.map((x, i) => 2 * x ** 3 * b[i]!),
      1e-14,
    );
  });

  it("gives zeros for an input that the output does not depend on", () => {
    const p = programOf([f(2), f(3)], (x) => [op.sum(x!, [0])]);
    expect(run64(grad(p, { wrt: [1] }), given([f(2), f(3)]))).toEqual([new Float64Array(3)]);
  });

  it("comes with the values in valueAndGrad", () => {
    const x = given(CNN);
    const [loss, dw] = run64(valueAndGrad(cnn, { wrt: [2] }), x);
    expect(loss).toEqual(run64(cnn, x)[0]);
    expect(dw).toEqual(run64(grad(cnn, { wrt: [2] }), x)[0]);
  });

  it("differentiates the output that is asked for", () => {
    const p = programOf([f(2)], (x) => [x!, op.sum(op.mul(x!, x!), [0])]);
    const x = given([f(2)]);
    expectClose(
      run64(grad(p, { wrt: [0], output: 1 }), x)[0]!,
      (x[0] as Float64Array).map((v) => 2 * v),
      1e-15,
    );
    expect(() => grad(p, { wrt: [0] })).toThrow(/output of one element, got f32\[2\]/);
  });

  it("refuses inputs and outputs that are not there or not floats", () => {
    const p = programOf([{ shape: [2], dtype: "i32", fill: "ties" }], (x) => [op.cast(op.sum(x!, [0]), "f32"), op.sum(x!, [0])]);
    expect(() => grad(p, { wrt: [0] })).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
    expect(() => grad(p, { wrt: [1] })).toThrow(expect.objectContaining({ code: "INDEX_INVALID" }));
    expect(() => grad(p, { wrt: [], output: 2 })).toThrow(expect.objectContaining({ code: "INDEX_INVALID" }));
    expect(() => grad(p, { wrt: [], output: 1 })).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
  });
});

describe("composition", () => {
  it("grad of grad is the second derivative", () => {
    const p = programOf([f()], (x) => [op.exp(op.sin(x!))]);
    const second = grad(grad(p, { wrt: [0] }), { wrt: [0] });
    const x = 0.7;
    const [got] = run64(second, [Float64Array.of(x)]);
    expectClose(got!, [Math.exp(Math.sin(x)) * (Math.cos(x) ** 2 - Math.sin(x))], 1e-14);
  });

  it("four times grad of sin is sin", () => {
    let p = programOf([f()], (x) => [op.sin(x!)]);
    for (let i = 0; i < 4; i++) p = grad(p, { wrt: [0] });
    expectClose(run64(p, [Float64Array.of(1.1)])[0]!, [Math.sin(1.1)], 1e-15);
  });

  it("vjp of grad is a Hessian times a vector", () => {
    const hessian = vjp(grad(cube, { wrt: [0] }), { wrt: [0] });
    const [a, b] = given(CUBE) as [Float64Array, Float64Array];
    const v = Float64Array.of(1, -2, 0.5);
    expectClose(
      run64(hessian, [a, b, v])[0]!,
      a.map((x, i) => 6 * x * b[i]! ** 2 * v[i]!),
      1e-14,
    );
  });

  it("vmap of grad gives per-example gradients of a CNN, equal to a loop", () => {
    const size = 4;
    const per = grad(cnn, { wrt: [2, 3, 4] });
    const mapped = vmap(per, [0, 0, null, null, null], size);
    const x = values(CNN[0]!, 1, size);
    const target = values(CNN[1]!, 2, size);
    const weights = given(CNN).slice(2);
    const got = run64(mapped, [x, target, ...weights]);
    const total = run64(grad(sumOf(vmap(cnn, [0, 0, null, null, null], size)), { wrt: [2, 3, 4] }), [x, target, ...weights]);
    got.forEach((g, k) => {
      const n = g.length / size;
      const sum = new Float64Array(n);
      for (let i = 0; i < size; i++) {
        const one = [x.slice(i * 60, (i + 1) * 60), target.slice(i * 3, (i + 1) * 3), ...weights];
        const part = g.slice(i * n, (i + 1) * n) as Float64Array;
        expectClose(part, run64(per, one)[k]!, 1e-12, `gradient ${k} of example ${i}`);
        part.forEach((v, j) => {
          sum[j]! += v;
        });
      }
      // And their sum is the gradient of the sum of the losses of one batch.
      expectClose(sum, total[k]!, 1e-12, `sum of gradients ${k}`);
    });
  });

  it("grad of vmap and vmap of vmap agree with the plain batch", () => {
    const square = programOf([f(3)], (x) => [op.sum(op.mul(x!, x!), [0])]);
    const twice = vmap(vmap(square, [0], 4), [0], 2);
    const x = values(f(2, 4, 3), 3) as Float64Array;
    const got = run64(twice, [x])[0]!;
    for (let i = 0; i < 8; i++) expectClose(got.slice(i, i + 1), run64(square, [x.slice(3 * i, 3 * i + 3)])[0]!, 1e-14);
    const gradient = run64(grad(sumOf(twice), { wrt: [0] }), [x])[0]!;
    expectClose(
      gradient,
      x.map((v) => 2 * v),
      1e-14,
    );
  });
});

/** Adds up the first output. */
function sumOf(p: Program): Program {
  const inputs = placeholders(p.inputs);
  const [y] = evaluate(p, inputs);
  return trace(
    [
      op.sum(
        y!,
        y!.shape.map((_, i) => i),
      ),
    ],
    inputs,
  ).program;
}

describe("vmap", () => {
  it("takes the batch from any axis", () => {
    const p = programOf([f(2, 3), f(3)], (x, y) => [op.mul(x!, y!)]);
    const x = values(f(2, 4, 3), 1);
    const y = values(f(3, 4), 2);
    const got = run64(vmap(p, [1, 1], 4), [x, y])[0]!;
    for (let k = 0; k < 4; k++) {
      const slice = (v: TypedArray, rows: number, inner: number): Float64Array =>
        Float64Array.from({ length: rows * inner }, (_, i) => Number(v[(Math.floor(i / inner) * 4 + k) * inner + (i % inner)]));
      expectClose(got.slice(k * 6, k * 6 + 6), run64(p, [slice(x, 2, 3), slice(y, 3, 1)])[0]!, 0);
    }
  });

  it("repeats an output that does not depend on the batch", () => {
    const p = programOf([f(2), f()], (x, y) => [op.neg(x!), op.exp(y!)]);
    const [, e] = run64(vmap(p, [0, null], 3), [values(f(3, 2), 1), Float64Array.of(1)]);
    expect([...e!]).toEqual([Math.E, Math.E, Math.E]);
  });

  it("refuses axes and sizes that do not fit", () => {
    expect(() => vmap(cube, [0], 2)).toThrow(/expected 2 axes, got 1/);
    expect(() => vmap(cube, [2, null], 2)).toThrow(/axis in 0..1 for input 0, got 2/);
    expect(() => vmap(cube, [0, null], -1)).toThrow(/batch size/);
  });

  it("shares random bits among the slices when their key is shared", () => {
    const p = programOf(
      [
        { shape: [2], dtype: "u32", fill: 9 },
        { shape: [1], dtype: "u32", fill: 9 },
        { shape: [4], dtype: "u32", fill: 9 },
      ],
      (key, offset, x) => [op.bitXor(op.randomBits(key!, offset!, [4]), x!)],
    );
    const out = run64(vmap(p, [null, null, 0], 2), [Uint32Array.of(1, 2), Uint32Array.of(0), new Uint32Array(8)])[0]!;
    expect(out.slice(0, 4)).toEqual(out.slice(4));
  });
});
