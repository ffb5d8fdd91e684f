/** @file Tests of pooling and its gradients. */
import { describe, it } from "vitest";
import { F32_KERNELS, type PoolSizes, poolGeometry } from "../../src/f32/index.ts";
import { engines, Numbers, type Output } from "./harness.ts";

const all = engines();

const SHAPES: readonly (PoolSizes & { readonly what: string })[] = [
  { what: "2x2, even sizes", n: 2, c: 3, h: 8, w: 12, kh: 2, kw: 2 },
  { what: "2x2, odd sizes", n: 2, c: 3, h: 9, w: 11, kh: 2, kw: 2 },
  { what: "2x2, narrow", n: 1, c: 2, h: 6, w: 5, kh: 2, kw: 2 },
  { what: "3x3 with stride 2 and padding", n: 2, c: 2, h: 11, w: 9, kh: 3, kw: 3, strideH: 2, strideW: 2, padH: 1, padW: 1 },
  { what: "overlapping windows", n: 1, c: 4, h: 7, w: 8, kh: 3, kw: 2, strideH: 1, strideW: 1 },
  { what: "gaps between windows", n: 2, c: 1, h: 10, w: 13, kh: 2, kw: 1, strideH: 3, strideW: 4 },
  { what: "one window", n: 3, c: 2, h: 5, w: 6, kh: 5, kw: 6 },
  { what: "no planes", n: 0, c: 2, h: 5, w: 6, kh: 2, kw: 2 },
];

const counts = (s: PoolSizes): { x: number; y: number } => {
  const g = poolGeometry(s);
  return { x: g.n * g.c * g.h * g.w, y: g.n * g.c * g.oh * g.ow };
};
/** Few distinct values: ties are frequent. */
const data = (random: Numbers, n: number, ties: boolean): Float32Array =>
  ties ? Float32Array.from(random.ints(n, -3, 3)) : random.floats(n);

function checkMax(
  s: PoolSizes,
  seed: number,
  options: { bias?: boolean; relu?: boolean; index?: boolean; ties?: boolean },
): void {
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = counts(s);
    const x = buffers.f32(data(random, count.x, options.ties ?? false));
    const bias = buffers.f32(random.floats(s.c));
    const y = buffers.room(count.y);
    const index = buffers.room(count.y);
    const outputs: Output[] = [{ address: y, n: count.y, type: "f32" }];
    if (options.index) outputs.push({ address: index, n: count.y, type: "i32" });
    const params = {
      ...{ ...s, x, y, relu: options.relu ?? false },
      ...(options.bias ? { bias } : {}),
      ...(options.index ? { index } : {}),
    };
    return { kernel: F32_KERNELS.maxPool2d, params, outputs };
  });
}
function checkMaxGrad(s: PoolSizes, seed: number): void {
  const { h, w, ...window } = s;
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = counts(s);
    const g = poolGeometry(s);
    const dy = buffers.f32(random.floats(count.y));
    // Indices as the forward pass would give them: any element of the window that is inside, or -1.
    const index = buffers.i32(
      Array.from({ length: count.y }, (_, i) => {
        const y = Math.floor(i / g.ow) % g.oh;
        const x = i % g.ow;
        const inY = random.int(Math.max(0, y * g.strideH - g.padH), Math.min(h, y * g.strideH - g.padH + g.kh) - 1);
        const inX = random.int(Math.max(0, x * g.strideW - g.padW), Math.min(w, x * g.strideW - g.padW + g.kw) - 1);
        return random.unit() < 0.2 ? -1 : inY * w + inX;
      }),
    );
    const dx = buffers.room(count.x);
    const params = { ...window, h, w, dy, index, dx };
    return { kernel: F32_KERNELS.maxPool2dGrad, params, outputs: [{ address: dx, n: count.x, type: "f32", absolute: 2e-6 }] };
  });
}
function checkAverage(s: PoolSizes, seed: number, countIncludePad: boolean): void {
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = counts(s);
    const x = buffers.f32(random.floats(count.x));
    const y = buffers.room(count.y);
    const outputs: Output[] = [{ address: y, n: count.y, type: "f32", absolute: 1e-6 }];
    return { kernel: F32_KERNELS.avgPool2d, params: { ...s, x, y, countIncludePad }, outputs };
  });
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = counts(s);
    const dy = buffers.f32(random.floats(count.y));
    const dx = buffers.room(count.x);
    const outputs: Output[] = [{ address: dx, n: count.x, type: "f32", absolute: 2e-6 }];
    return { kernel: F32_KERNELS.avgPool2dGrad, params: { ...s, dy, dx, countIncludePad }, outputs };
  });
}

describe("maxPool2d", () => {
  it.each(SHAPES)("agrees with the reference: $what", (s) => {
    checkMax(s, 1, {});
    checkMax(s, 2, { index: true });
    checkMax(s, 3, { index: true, bias: true, relu: true });
    checkMax(s, 4, { bias: true });
  });
  it.each(SHAPES)("takes the first of equal values: $what", (s) => checkMax(s, 5, { index: true, ties: true }));
});
describe("maxPool2dGrad", () => {
  it.each(SHAPES)("agrees with the reference: $what", (s) => checkMaxGrad(s, 6));
});
describe("avgPool2d and its gradient", () => {
  it.each(SHAPES)("agree with the reference: $what", (s) => {
    checkAverage(s, 7, true);
    checkAverage(s, 8, false);
  });
});
describe("pooling", () => {
  it("agrees with the reference for random sizes", () => {
    const random = new Numbers(21);
    for (let i = 0; i < 20; i++) {
      const [kh, kw] = [random.int(1, 4), random.int(1, 4)];
      const sizes: PoolSizes = {
        ...{ n: random.int(1, 2), c: random.int(1, 3), h: kh + random.int(0, 9), w: kw + random.int(0, 9), kh, kw },
        ...{ strideH: random.int(1, 3), strideW: random.int(1, 3), padH: random.int(0, kh >> 1), padW: random.int(0, kw >> 1) },
      };
      checkMax(sizes, i, { index: true, relu: i % 2 === 0, ties: i % 3 === 0 });
      checkMaxGrad(sizes, i);
      checkAverage(sizes, i, i % 2 === 0);
    }
  });
});
