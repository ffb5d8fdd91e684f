/** @file Tests of convolution and its gradients. */
import { describe, it } from "vitest";
import { type ConvSizes, convGeometry, F32_KERNELS } from "../../src/f32/index.ts";
import { engines, Numbers } from "./harness.ts";

const all = engines();

const SHAPES: readonly (ConvSizes & { readonly what: string })[] = [
  { what: "LeNet's first layer", n: 3, c: 1, h: 28, w: 28, o: 6, kh: 5, kw: 5, padH: 2, padW: 2 },
  { what: "LeNet's second layer", n: 2, c: 6, h: 14, w: 14, o: 16, kh: 5, kw: 5 },
  { what: "rows of ten outputs", n: 2, c: 3, h: 12, w: 12, o: 5, kh: 3, kw: 3 },
  { what: "stride 2 with padding", n: 2, c: 4, h: 13, w: 11, o: 7, kh: 3, kw: 3, strideH: 2, strideW: 2, padH: 1, padW: 1 },
  { what: "a stride larger than the kernel", n: 1, c: 2, h: 17, w: 19, o: 3, kh: 2, kw: 1, strideH: 3, strideW: 4 },
  {
    what: "unequal strides, paddings and dilations",
    n: 2,
    c: 3,
    h: 15,
    w: 12,
    o: 4,
    kh: 3,
    kw: 2,
    strideH: 1,
    strideW: 2,
    padH: 3,
    padW: 0,
    dilationH: 2,
    dilationW: 3,
  },
  { what: "groups", n: 2, c: 6, h: 9, w: 9, o: 9, kh: 3, kw: 3, padH: 1, padW: 1, groups: 3 },
  { what: "depthwise", n: 2, c: 5, h: 8, w: 7, o: 10, kh: 3, kw: 3, padH: 1, padW: 1, groups: 5 },
  { what: "1x1", n: 2, c: 8, h: 5, w: 6, o: 3, kh: 1, kw: 1 },
  { what: "1x1 with stride 2 and odd size", n: 2, c: 4, h: 7, w: 7, o: 4, kh: 1, kw: 1, strideH: 2, strideW: 2 },
  { what: "padding wider than the kernel", n: 1, c: 2, h: 3, w: 3, o: 2, kh: 2, kw: 2, padH: 3, padW: 4 },
  { what: "one output position", n: 3, c: 4, h: 5, w: 5, o: 6, kh: 5, kw: 5 },
  { what: "sums longer than a block", n: 1, c: 130, h: 6, w: 6, o: 9, kh: 3, kw: 3 },
  { what: "weights larger than the cache", n: 1, c: 96, h: 6, w: 10, o: 96, kh: 3, kw: 3, padH: 1, padW: 1 },
  { what: "inputs that the last stride does not reach", n: 1, c: 1, h: 10, w: 10, o: 1, kh: 3, kw: 3, strideH: 4, strideW: 4 },
  { what: "no images", n: 0, c: 2, h: 5, w: 5, o: 2, kh: 3, kw: 3 },
  { what: "no outputs", n: 2, c: 2, h: 2, w: 2, o: 2, kh: 3, kw: 3 },
];

function sizes(s: ConvSizes): { x: number; y: number; weight: number } {
  const g = convGeometry(s);
  return { x: g.n * g.c * g.h * g.w, y: g.n * g.o * g.oh * g.ow, weight: (g.o * g.c * g.kh * g.kw) / g.groups };
}
const tolerance = (terms: number): { absolute: number; relative: number } => ({
  absolute: 1.5e-6 * Math.sqrt(terms + 1),
  relative: 1e-6,
});

function forward(s: ConvSizes, seed: number, bias: boolean, relu: boolean): void {
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = sizes(s);
    const x = buffers.f32(random.floats(count.x));
    const weight = buffers.f32(random.floats(count.weight));
    const biasAt = buffers.f32(random.floats(s.o));
    const y = buffers.room(count.y);
    const params = { ...s, x, weight, y, relu, ...(bias ? { bias: biasAt } : {}) };
    return {
      kernel: F32_KERNELS.conv2d,
      params,
      outputs: [{ address: y, n: count.y, type: "f32", ...tolerance(count.weight / s.o) }],
    };
  });
}
function gradInput(s: ConvSizes, seed: number): void {
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = sizes(s);
    const dy = buffers.f32(random.floats(count.y));
    const weight = buffers.f32(random.floats(count.weight));
    const dx = buffers.room(count.x);
    const outputs = [{ address: dx, n: count.x, type: "f32" as const, ...tolerance(s.o * s.kh * s.kw) }];
    return { kernel: F32_KERNELS.conv2dGradInput, params: { ...s, dy, weight, dx }, outputs };
  });
}
function gradWeight(s: ConvSizes, seed: number): void {
  all.check((buffers) => {
    const random = new Numbers(seed);
    const count = sizes(s);
    const x = buffers.f32(random.floats(count.x));
    const dy = buffers.f32(random.floats(count.y));
    const dw = buffers.room(count.weight);
    const outputs = [{ address: dw, n: count.weight, type: "f32" as const, ...tolerance(count.y / s.o) }];
    return { kernel: F32_KERNELS.conv2dGradWeight, params: { ...s, x, dy, dw }, outputs };
  });
}

function randomSizes(random: Numbers): ConvSizes {
  const groups = random.pick([1, 1, 2, 3]);
  const kh = random.int(1, 4);
  const kw = random.int(1, 4);
  const dilationH = random.int(1, 2);
  const dilationW = random.int(1, 2);
  return {
    ...{ n: random.int(1, 3), c: groups * random.int(1, 4), o: groups * random.int(1, 6), groups, kh, kw, dilationH, dilationW },
    ...{ h: dilationH * (kh - 1) + random.int(1, 9), w: dilationW * (kw - 1) + random.int(1, 14) },
    ...{ strideH: random.int(1, 3), strideW: random.int(1, 3), padH: random.int(0, 2), padW: random.int(0, 2) },
  };
}

describe("conv2d", () => {
  it.each(SHAPES)("agrees with the reference: $what", (s) => {
    forward(s, 1, false, false);
    forward(s, 2, true, true);
  });
  it("agrees with the reference for random sizes", () => {
    const random = new Numbers(11);
    for (let i = 0; i < 40; i++) forward(randomSizes(random), i, i % 2 === 0, i % 3 === 0);
  });
});
describe("conv2dGradInput", () => {
  it.each(SHAPES)("agrees with the reference: $what", (s) => gradInput(s, 3));
  it("agrees with the reference for random sizes", () => {
    const random = new Numbers(12);
    for (let i = 0; i < 40; i++) gradInput(randomSizes(random), i);
  });
});
describe("conv2dGradWeight", () => {
  it.each(SHAPES)("agrees with the reference: $what", (s) => gradWeight(s, 4));
  it("agrees with the reference for random sizes", () => {
    const random = new Numbers(13);
    for (let i = 0; i < 40; i++) gradWeight(randomSizes(random), i);
  });
});
