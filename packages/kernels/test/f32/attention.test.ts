/** @file Tests of attention, layer normalisation and their gradients. */
import { describe, it } from "vitest";
import { type AttentionGradParams, type AttentionMask, F32_KERNELS, type Rows } from "../../src/f32/index.ts";
import { type Buffers, engines, Numbers, type Output } from "./harness.ts";

const all = engines();

interface Shape {
  readonly n0?: number;
  readonly n1?: number;
  readonly l: number;
  readonly s: number;
  readonly e: number;
  readonly d: number;
  readonly causal?: boolean;
  readonly mask?: "f32" | "bool" | "keys" | "queries" | "shut";
  /** Entries of the second axis stand side by side in a row, as heads do. */
  readonly heads?: boolean;
}

/** `rows` rows of `width` for each entry; heads side by side or one behind the other. */
function operand(buffers: Buffers, numbers: Float32Array | null, p: Shape, rows: number, width: number): Rows {
  const { n0 = 1, n1 = 1 } = p;
  const n = n0 * n1 * rows * width;
  const address = numbers === null ? buffers.room(n) : buffers.f32(numbers);
  return p.heads
    ? { address, strides: [n1 * rows * width, width, n1 * width] }
    : { address, strides: [n1 * rows * width, rows * width, width] };
}

function maskOf(buffers: Buffers, random: Numbers, { n0 = 1, l, s, mask }: Shape): AttentionMask | undefined {
  if (mask === undefined) return undefined;
  if (mask === "f32") return { address: buffers.f32(random.floats(n0 * l * s)), kind: "f32", strides: [l * s, 0, s, 1] };
  if (mask === "queries") return { address: buffers.f32(random.floats(l)), kind: "f32", strides: [0, 0, 1, 0] };
  // A key that every query sees; of "shut", none for some.
  const bits = (n: number): number[] => random.ints(n, 0, 1).map((x, i) => (mask !== "shut" && i % s === 0 ? 1 : x));
  if (mask === "keys") return { address: buffers.u8(bits(n0 * s)), kind: "bool", strides: [s, 0, 0, 1] };
  if (mask === "shut") return { address: buffers.u8(bits(l)), kind: "bool", strides: [0, 0, 1, 0] };
  return { address: buffers.u8(bits(l * s)), kind: "bool", strides: [0, 0, s, 1] };
}

function check(p: Shape, seed: number): void {
  const { n0 = 1, n1 = 1, l, s, e, d } = p;
  const params = (buffers: Buffers, rows: number, width: number): AttentionGradParams & { readonly outputs: Output[] } => {
    const random = new Numbers(seed);
    const given = (r: number, w: number): Rows => operand(buffers, random.floats(n0 * n1 * r * w), p, r, w);
    const [q, k, v, g] = [given(l, e), given(s, e), given(s, d), given(l, d)];
    const out = operand(buffers, null, p, rows, width);
    const outputs: Output[] = [{ address: out.address, n: n0 * n1 * rows * width, type: "f32", absolute: 1e-5, relative: 1e-5 }];
    const mask = maskOf(buffers, random, p);
    return { q, k, v, g, out, mask, causal: p.causal ?? false, scale: 1.3, n0, n1, l, s, e, d, outputs };
  };
  all.check((buffers) => {
    const { outputs, g: _, ...own } = params(buffers, l, d);
    return { kernel: F32_KERNELS.attention, params: own, outputs };
  });
  all.check((buffers) => {
    const { outputs, ...own } = params(buffers, l + 2 * s, Math.max(e, d));
    return { kernel: F32_KERNELS.attentionGrad, params: own, outputs };
  });
}

describe("attention", () => {
  it.each([
    { l: 1, s: 1, e: 1, d: 1 },
    { l: 3, s: 5, e: 4, d: 4 },
    { n0: 2, n1: 3, l: 7, s: 9, e: 5, d: 3, heads: true },
    { n0: 2, n1: 2, l: 6, s: 6, e: 2, d: 6, causal: true },
    { n1: 5, l: 9, s: 4, e: 3, d: 3, causal: true, mask: "f32" },
    { n0: 3, n1: 2, l: 5, s: 11, e: 8, d: 8, mask: "f32", heads: true },
    { n0: 2, l: 5, s: 7, e: 3, d: 2, mask: "queries" },
    { n0: 2, n1: 2, l: 4, s: 6, e: 3, d: 3, mask: "bool" },
    { n0: 2, n1: 2, l: 4, s: 6, e: 3, d: 3, mask: "keys", causal: true },
    { l: 6, s: 5, e: 2, d: 2, mask: "shut" },
    // Several blocks of queries: 32768 / 1100 rows make 29, and at most 256.
    { l: 31, s: 1099, e: 2, d: 3 },
    { l: 300, s: 5, e: 3, d: 2, causal: true },
    { n1: 2, l: 42, s: 801, e: 4, d: 1, causal: true, mask: "f32" },
  ] satisfies Shape[])("and its gradient agree with the reference for %o", (shape) => {
    check(shape, 1);
  });

  it("and its gradient agree with the reference for random shapes", () => {
    const random = new Numbers(3);
    for (let i = 0; i < 25; i++) {
      const batch = { n0: random.int(1, 3), n1: random.int(1, 3) };
      const sizes = { l: random.int(1, 14), s: random.int(1, 14), e: random.int(1, 9), d: random.int(1, 9) };
      const mask = random.pick([undefined, "f32", "bool", "keys", "queries"] as const);
      check({ ...batch, ...sizes, causal: i % 3 === 0, heads: i % 2 === 0, ...(mask && { mask }) }, i);
    }
  });
});

describe("layerNorm", () => {
  const tolerance = { absolute: 2e-6, relative: 2e-6 };
  it.each([
    [1, 1, true, 1],
    [5, 3, true, 1e-5],
    [7, 4, false, 1e-5],
    [4, 130, true, 1e-3],
    [3, 2501, true, 1e-5],
    [2, 1027, false, 0],
  ] as const)("and its gradient agree with the reference for %i rows of %i, centred %s, eps %f", (n, c, centre, eps) => {
    const random = (): Numbers => new Numbers(n + c);
    const shifted = (r: Numbers): Float32Array => r.floats(n * c).map((x) => 3 * x + 10);
    all.check((buffers) => {
      const [x, y] = [buffers.f32(shifted(random())), buffers.room(n * c)];
      const outputs: Output[] = [{ address: y, n: n * c, type: "f32", ...tolerance }];
      return { kernel: F32_KERNELS.layerNorm, params: { x, y, n, c, centre, eps }, outputs };
    });
    for (const place of ["own", "g", "x"]) {
      all.check((buffers) => {
        const r = random();
        const [x, g, own] = [buffers.f32(shifted(r)), buffers.f32(r.floats(n * c)), buffers.room(n * c)];
        const dx = place === "own" ? own : place === "g" ? g : x;
        const outputs: Output[] = [{ address: dx, n: n * c, type: "f32", ...tolerance }];
        return { kernel: F32_KERNELS.layerNormGrad, params: { g, x, dx, n, c, centre, eps }, outputs };
      });
    }
  });
});
