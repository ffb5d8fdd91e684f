/** @file Tests of the recurrent steps and of packed matrices. */
import { describe, it } from "vitest";
import { F32_KERNELS, type Kernel, packedElements } from "../../src/f32/index.ts";
import { type Buffers, type Case, engines, Numbers } from "./harness.ts";

const all = engines();
const TOLERANCE = { absolute: 2e-6, relative: 2e-6 };
const SIZES = [
  { n: 1, h: 1 },
  { n: 3, h: 4 },
  { n: 2, h: 7 },
  { n: 5, h: 18 },
  { n: 7, h: 33 },
] as const;

interface Cell<P> {
  readonly kernel: Kernel<P>;
  /** Parts of a row of the result and of gx, or of d. */
  readonly parts: number;
  readonly other: number;
  readonly relu?: boolean;
}

function step<P>({ kernel, parts, other, relu }: Cell<P>, n: number, h: number): (buffers: Buffers) => Case<P> {
  return (buffers) => {
    const random = new Numbers(n + h);
    const out = buffers.f32(random.floats(n * parts * h));
    const gx = buffers.f32(random.floats(n * other * h).map((v) => 3 * v));
    const beforeStride = h + (n % 2) * 5;
    const before = buffers.f32(random.floats(n * beforeStride + h));
    const params = { out, gx, before, beforeStride, bias: buffers.f32(random.floats(h)), relu: relu ?? false, n, h };
    return { kernel, params: params as P, outputs: [{ address: out, n: n * parts * h, type: "f32", ...TOLERANCE }] };
  };
}

function stepGrad<P>(
  { kernel, parts, other, relu }: Cell<P>,
  n: number,
  h: number,
  last: boolean,
): (buffers: Buffers) => Case<P> {
  return (buffers) => {
    const random = new Numbers(3 * n + h);
    const [g, out] = [buffers.f32(random.floats(n * parts * h)), buffers.f32(random.floats(n * parts * h))];
    const later = last ? 0 : buffers.f32(random.floats(n * other * h));
    const before = buffers.f32(random.floats(n * 2 * h));
    const d = buffers.f32(random.floats(n * other * h));
    const params = { g, out, d, later, before, beforeStride: 2 * h, relu: relu ?? false, n, h };
    return { kernel, params: params as P, outputs: [{ address: d, n: n * other * h, type: "f32", ...TOLERANCE }] };
  };
}

describe("recurrent steps", () => {
  const { rnnCell, rnnCellGrad, lstmCell, lstmCellGrad, gruCell, gruCellGrad } = F32_KERNELS;
  it.each(SIZES)("agree with the reference on %o", ({ n, h }) => {
    for (const relu of [false, true]) all.check(step({ kernel: rnnCell, parts: 1, other: 1, relu }, n, h));
    all.check(step({ kernel: lstmCell, parts: 6, other: 4 }, n, h));
    all.check(step({ kernel: gruCell, parts: 5, other: 3 }, n, h));
  });

  it.each(SIZES)("go back as the reference on %o, with and without a later step", ({ n, h }) => {
    for (const last of [false, true]) {
      for (const relu of [false, true]) all.check(stepGrad({ kernel: rnnCellGrad, parts: 1, other: 2, relu }, n, h, last));
      all.check(stepGrad({ kernel: lstmCellGrad, parts: 6, other: 6 }, n, h, last));
      all.check(stepGrad({ kernel: gruCellGrad, parts: 5, other: 5 }, n, h, last));
    }
  });
});

describe("a matrix packed once", () => {
  const shapes = [
    { m: 1, n: 1, k: 1 },
    { m: 3, n: 13, k: 5 },
    { m: 9, n: 40, k: 64 },
    { m: 2, n: 530, k: 260 },
    { m: 5, n: 24, k: 513 },
  ] as const;

  it.each(shapes)("is laid out as the reference says: %o", ({ n, k }) => {
    for (const transposed of [false, true]) {
      all.check((buffers) => {
        const b = buffers.f32(new Numbers(n).floats(n * k));
        const out = buffers.room(packedElements(n, k));
        const params = { b, out, n, k, rsb: transposed ? 1 : n, csb: transposed ? k : 1 };
        return { kernel: F32_KERNELS.packMatrix, params, outputs: [{ address: out, n: packedElements(n, k), type: "f32" }] };
      });
    }
  });

  it.each(shapes)("is read by products, with their epilogues: %o", ({ m, n, k }) => {
    for (const accumulate of [false, true]) {
      all.check((buffers) => {
        const random = new Numbers(m + n);
        const a = buffers.f32(random.floats(m * k));
        const b = buffers.f32(random.floats(packedElements(n, k)));
        const c = buffers.f32(random.floats(2 * m * (n + 3)));
        const params = { a, b, c, m, n, k, packed: true, accumulate, ldc: n + 3, batch: 2, batchStrideA: 0 };
        const outputs = [
          { address: c, n: 2 * m * (n + 3), type: "f32", absolute: 1.2e-6 * Math.sqrt(k + 1), relative: 1e-6 },
        ] as const;
        return { kernel: F32_KERNELS.gemm, params, outputs };
      });
    }
  });
});
