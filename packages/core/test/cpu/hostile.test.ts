/** @file Programs that are valid and mean no good: windows and sizes near 2^31 give the right values or a clear error, never a wrong address. */
import { afterAll, describe, expect, it } from "vitest";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { trace } from "../../src/transform/trace.ts";
import { check, device, input, prepare } from "./harness.ts";

const on = device();
afterAll(() => on.stop());

const TOP = 2 ** 31 - 1;
const FAR = 2 ** 29;
const image = (n: number): Expr => input([1, 1, n, n]);

/** Outputs and inputs. Each took a wrong address or a wrong number before the kernels' limits were asked for. */
const CASES: readonly [string, () => [Expr[], Expr[]]][] = [
  ["a padding and stride of 2^31 - 1", () => conv(1, 1, [TOP, TOP, TOP, TOP, 1, 1, 1])],
  ["a padding of 2^20", () => conv(3, 1, [2 ** 20, 2 ** 20, 2 ** 20, 2 ** 20, 1, 1, 1])],
  ["a padding of 2^29", () => conv(3, 2, [FAR, FAR, FAR, FAR, 1, 1, 1])],
  ["a dilation of 2^31 - 1", () => conv(3, 2, [1, 1, 2 ** 30, 2 ** 30, TOP, TOP, 1])],
  [
    "gradients of such a convolution",
    () => {
      const [x, g, w] = [image(3), image(3), image(2)];
      const attrs = [FAR, FAR, FAR, FAR, 1, 1, 1];
      return [
        [op.conv2dGradInput(g, w, [...attrs, 3, 3]), op.conv2dGradWeight(x, g, [...attrs, 2, 2])],
        [x, g, w],
      ];
    },
  ],
  ["relu and pooling over windows of 2^31 - 2", () => pools([TOP - 1, TOP - 1, TOP, TOP, 2 ** 30 - 1, 2 ** 30 - 1])],
  [
    "steps of 2^31 - 1",
    () => {
      const x = input([1000, 3]);
      return [
        [op.neg(op.slice(x, [5, 1], [900, 3], [TOP, TOP])), op.pad(op.slice(x, [0, 0], [1, 3]), [0, 1], [0, 0], [TOP, 5])],
        [x],
      ];
    },
  ],
  [
    "a product over nothing, with bias and relu",
    () => {
      const [a, b, bias] = [input([2, 0]), input([0, 3]), input([3])];
      return [[op.relu(op.add(op.matmul(a, b), bias))], [a, b, bias]];
    },
  ],
];

function conv(size: number, kernel: number, attrs: number[]): [Expr[], Expr[]] {
  const [x, w, b] = [image(size), image(kernel), input([1, 1, 1])];
  return [
    [op.conv2d(x, w, attrs), op.relu(op.add(op.conv2d(x, w, attrs), b))],
    [x, w, b],
  ];
}

function pools(attrs: number[]): [Expr[], Expr[]] {
  const x = image(2);
  const y = op.maxPool2d(op.relu(x), attrs);
  const mean = op.avgPool2d(x, [...attrs, 1]);
  return [[y, op.maxPool2dGrad(y, op.relu(x), y, attrs), mean, op.avgPool2dGrad(mean, [...attrs, 1, 2, 2])], [x]];
}

describe("the cpu device", () => {
  it.each(CASES)("is right about %s", async (_, make) => {
    const [outputs, inputs] = make();
    await check(on, outputs, inputs, 3);
    expect(on.usedBytes).toBeLessThan(16 << 20);
  });

  it("refuses values of 2 GiB with their size, before it runs", async () => {
    const x = input([1, 1]);
    const { program } = trace([op.sum(op.neg(op.expand(x, [2 ** 16, 2 ** 14])), [0, 1])], [x]);
    const gaps = on.check(program, [{ kind: "public" }]);
    expect(gaps.map((g) => [g.op, g.reason])).toContainEqual(["expand", "f32[65536,16384] takes 2 GiB or more"]);
    await expect(prepare(on, program)).rejects.toThrow(/takes 2 GiB or more/);
  });
});
