/** @file Tests of the matrix product. */
import { describe, it } from "vitest";
import { F32_KERNELS, type GemmParams } from "../../src/f32/index.ts";
import { type Buffers, type Case, engines, Numbers } from "./harness.ts";

const all = engines();

interface Shape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly batch?: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly epilogue?: "accumulate" | "rowBias" | "colBias" | "relu" | "biasRelu" | "axpy" | "accumulateRelu";
  readonly shareB?: boolean;
  readonly gap?: number;
}

function gemmCase(s: Shape, seed: number): (buffers: Buffers) => Case<GemmParams> {
  return (buffers) => {
    const random = new Numbers(seed);
    const { m, n, k, batch = 1, gap = 0 } = s;
    const ldc = n + gap;
    const c = buffers.f32(random.floats(batch * m * ldc));
    const a = buffers.f32(random.floats(batch * m * k));
    const b = buffers.f32(random.floats((s.shareB ? 1 : batch) * k * n));
    const bias = buffers.f32(random.floats(Math.max(m, n)));
    const step = buffers.f32([0.37]);
    const params: GemmParams = {
      ...{ a, b, c, m, n, k, batch, ldc },
      ...(s.transposeA ? { rsa: 1, csa: m } : {}),
      ...(s.transposeB ? { rsb: 1, csb: k } : {}),
      ...(s.shareB ? { batchStrideB: 0 } : {}),
      ...(s.epilogue === "accumulate" || s.epilogue === "accumulateRelu" ? { accumulate: true } : {}),
      ...(s.epilogue === "rowBias" || s.epilogue === "biasRelu" ? { rowBias: bias } : {}),
      ...(s.epilogue === "colBias" ? { colBias: bias } : {}),
      ...(s.epilogue === "relu" || s.epilogue === "biasRelu" || s.epilogue === "accumulateRelu" ? { relu: true } : {}),
      ...(s.epilogue === "axpy" ? { axpy: step } : {}),
    };
    const tolerance = { absolute: 4e-7 * Math.sqrt(k + 1) * 3, relative: 1e-6 };
    return { kernel: F32_KERNELS.gemm, params, outputs: [{ address: c, n: batch * m * ldc, type: "f32", ...tolerance }] };
  };
}

const EPILOGUES = [undefined, "accumulate", "rowBias", "colBias", "relu", "biasRelu", "axpy", "accumulateRelu"] as const;

describe("gemm", () => {
  it.each([
    { m: 0, n: 5, k: 3 },
    { m: 5, n: 0, k: 3 },
    { m: 5, n: 9, k: 0, epilogue: "biasRelu" },
    { m: 1, n: 1, k: 1 },
    { m: 1, n: 1, k: 1000 },
    { m: 1, n: 77, k: 300, epilogue: "colBias" },
    { m: 1, n: 77, k: 300, epilogue: "rowBias" },
    { m: 1, n: 77, k: 301, transposeB: true, epilogue: "accumulateRelu" },
    { m: 77, n: 1, k: 301, epilogue: "rowBias" },
    { m: 77, n: 1, k: 301, transposeA: true, epilogue: "colBias" },
    { m: 77, n: 1, k: 301, transposeA: true, epilogue: "axpy" },
    { m: 4, n: 8, k: 1 },
    { m: 97, n: 513, k: 257, epilogue: "accumulate" },
    { m: 130, n: 70, k: 600, epilogue: "axpy" },
    { m: 64, n: 10, k: 128, transposeB: true, epilogue: "colBias" },
    { m: 9, n: 7, k: 5, batch: 13, shareB: true, epilogue: "relu" },
    { m: 33, n: 21, k: 18, batch: 2, gap: 3, transposeA: true },
  ] satisfies Shape[])("agrees with the reference for %o", (shape) => {
    all.check(gemmCase(shape, 1));
  });

  it("agrees with the reference for random shapes, layouts and epilogues", () => {
    const random = new Numbers(7);
    for (let i = 0; i < 60; i++) {
      const shape: Shape = {
        ...{ m: random.int(1, 40), n: random.int(1, 40), k: random.int(0, 60), batch: random.int(1, 3) },
        ...{ transposeA: random.unit() < 0.5, transposeB: random.unit() < 0.5, gap: random.int(0, 2) },
        ...(i % 3 === 0 ? { shareB: true } : {}),
      };
      const epilogue = EPILOGUES[i % EPILOGUES.length];
      all.check(gemmCase(epilogue ? { ...shape, epilogue } : shape, i));
    }
  });

  it("takes views of which neither stride is 1", () => {
    all.check((buffers) => {
      const random = new Numbers(3);
      const a = buffers.f32(random.floats(2 * 9 * 11));
      const b = buffers.f32(random.floats(3 * 11 * 13));
      const c = buffers.room(9 * 13);
      const params = { a, b, c, m: 9, n: 13, k: 11, rsa: 22, csa: 2, rsb: 39, csb: 3 };
      return { kernel: F32_KERNELS.gemm, params, outputs: [{ address: c, n: 9 * 13, type: "f32", absolute: 3e-6 }] };
    });
  });
});
