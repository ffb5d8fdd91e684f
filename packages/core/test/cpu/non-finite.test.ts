/** @file NaN and infinities on the cpu device and on the reference device: what PyTorch 1.13 computes, fused and unfused. */
import { afterAll, describe, expect, it } from "vitest";
import { interpret } from "../../src/device/reference/reference.ts";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { OPS } from "../../src/ops/table.ts";
import type { Shape } from "../../src/program/aval.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, input, run } from "./harness.ts";

const devices = [device("wasm"), device("wasm", { fuse: false }), device("wasm", { relaxed: false }), device("plain")];
afterAll(async () => {
  await Promise.all(devices.map((d) => d.stop()));
});

const [NaN_, Inf] = [Number.NaN, Number.POSITIVE_INFINITY];

/** Checks one output on the reference device and on every cpu device: finite numbers to `digits` decimals. */
async function gives(
  build: (...x: Expr[]) => Expr,
  shapes: Shape[],
  data: number[][],
  wanted: number[],
  digits = 6,
): Promise<void> {
  const leaves = shapes.map((s) => input(s));
  const { program } = trace([build(...leaves)], leaves);
  const given = data.map((d) => Float32Array.from(d));
  const results: TypedArray[] = [interpret(program, given, "f32")[0]!];
  for (const d of devices) results.push((await run(d, program, given))[0]!);
  for (const got of results) {
    expect(got.length).toBe(wanted.length);
    wanted.forEach((w, i) => {
      if (Number.isFinite(w)) expect(got[i]).toBeCloseTo(w, digits);
      else expect(got[i]).toBe(w);
    });
  }
}

describe("elementwise ops", () => {
  it("sign is 0 at NaN and +0 at both zeros", async () => {
    const x = [NaN_, 0, -0, Inf, -Inf, 3, -1e-45];
    await gives(op.sign, [[7]], [x], [0, 0, 0, 1, -1, 1, -1]);
    // 1 / sign tells the zeros apart, and runs in one chain with it.
    await gives((a) => op.reciprocal(op.sign(a)), [[7]], [x], [Inf, Inf, Inf, 1, -1, 1, -1]);
  });

  it("pow is 1 for the base 1 and for -1 to an infinity", async () => {
    const base = [1, 1, 1, -1, -1, -1, NaN_, 0, -0.5, 2, Inf, -0];
    const exponent = [NaN_, Inf, -Inf, Inf, -Inf, NaN_, 0, NaN_, Inf, -Inf, -Inf, -3];
    await gives(op.pow, [[12], [12]], [base, exponent], [1, 1, 1, 1, 1, NaN_, 1, NaN_, 0, 0, 0, -Inf]);
    // A constant exponent or base may take another way through the compiler.
    await gives((a) => op.pow(a, op.lit(a, Inf)), [[5]], [[1, -1, 0.5, -3, NaN_]], [1, 1, 0, Inf, NaN_]);
    await gives((a) => op.pow(op.lit(a, 1), a), [[4]], [[NaN_, Inf, -Inf, 2]], [1, 1, 1, 1]);
    await gives((a) => op.pow(op.lit(a, -1), a), [[5]], [[NaN_, Inf, -Inf, 2, 3]], [NaN_, 1, 1, 1, -1]);
  });
});

describe("cross-entropy with classes ruled out by logits of -Infinity", () => {
  const shape = [4, 3];
  const logits = [
    [1, -Inf, 2],
    [0.5, 1.5, -Inf],
    [1, -Inf, 2],
    [0, NaN_, 1],
  ].flat();
  const target = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 1, 0],
    [1, 0, 0],
  ].flat();
  // torch.nn.functional.cross_entropy (1.13) of the class indices 0, 1, 1, 0, and its gradient.
  const losses = [1.3132616, 0.3132617, Inf, NaN_];
  const gradient = [
    [-0.7310586, 0, 0.7310586],
    [0.2689414, -0.2689414, 0],
    [0.2689414, -1, 0.7310586],
    [NaN_, NaN_, NaN_],
  ].flat();

  it("is that of class indices in PyTorch, as one kernel and decomposed", async () => {
    await gives(op.softmaxCrossEntropy, [shape, shape], [logits, target], losses);
    const decompose = OPS.get("softmaxCrossEntropy")!.decompose!;
    await gives((...x) => decompose(x, []), [shape, shape], [logits, target], losses);
  });

  it("has PyTorch's gradient, as one kernel and decomposed", async () => {
    const shapes = [shape, shape, [4]];
    const data = [logits, target, [1, 1, 1, 1]];
    await gives(op.softmaxCrossEntropyGrad, shapes, data, gradient);
    const decompose = OPS.get("softmaxCrossEntropyGrad")!.decompose!;
    await gives((...x) => decompose(x, []), shapes, data, gradient);
    const one = (...x: Expr[]): Expr => op.softmaxCrossEntropyGrad(x[0]!, x[1]!, op.expand(op.lit(x[0]!, 1), [4]));
    await gives(one, [shape, shape], [logits, target], gradient);
  });

  it("leaves a row without weight out, as an ignored index", async () => {
    await gives(
      op.softmaxCrossEntropy,
      [
        [1, 3],
        [1, 3],
      ],
      [
        [-Inf, 1, 2],
        [0, 0, 0],
      ],
      [0],
    );
  });
});
