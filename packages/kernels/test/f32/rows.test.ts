/** @file Tests of the softmax family, of kernels that take indices, of copies and of random bits. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contiguousStrides, F32_KERNELS, type MemoryViews } from "../../src/f32/index.ts";
import { F32_REFERENCES } from "../../src/f32/reference/index.ts";
import { philox } from "../../src/f32/reference/random.ts";
import { type Buffers, engines, Numbers } from "./harness.ts";

const all = engines();
const ROWS = [1, 2, 3, 4, 5, 10, 17, 100, 1000].map((c, i) => [i === 8 ? 3 : 13, c] as const);
const scaled = (random: Numbers, n: number, by: number): Float32Array => random.floats(n).map((v) => v * by);

describe("softmax family", () => {
  it.each(ROWS)("agrees with the reference for [%i, %i]", (n, c) => {
    for (const log of [false, true]) {
      all.check((buffers) => {
        const x = buffers.f32(scaled(new Numbers(c), n * c, 30));
        const y = buffers.room(n * c);
        const outputs = [{ address: y, n: n * c, type: "f32" as const, relative: 2e-6, absolute: log ? 4e-6 : 1e-12 }];
        return { kernel: F32_KERNELS.softmax, params: { x, y, n, c, log }, outputs };
      });
    }
    all.check((buffers) => {
      const random = new Numbers(c + 1);
      const logits = buffers.f32(scaled(random, n * c, 20));
      const target = buffers.f32(random.floats(n * c).map(Math.abs));
      const losses = buffers.room(n);
      const outputs = [{ address: losses, n, type: "f32" as const, relative: 3e-6, absolute: 1e-5 }];
      return { kernel: F32_KERNELS.softmaxCrossEntropy, params: { logits, target, losses, n, c }, outputs };
    });
    for (const gStride of [0, 1]) {
      all.check((buffers) => {
        const random = new Numbers(c + 2);
        const logits = buffers.f32(scaled(random, n * c, 20));
        const target = buffers.f32(random.floats(n * c).map(Math.abs));
        const g = buffers.f32(random.floats(n));
        const grad = buffers.room(n * c);
        const outputs = [{ address: grad, n: n * c, type: "f32" as const, relative: 3e-6, absolute: 1e-6 * Math.sqrt(c) * 5 }];
        return { kernel: F32_KERNELS.softmaxCrossEntropyGrad, params: { logits, target, g, gStride, grad, n, c }, outputs };
      });
    }
  });
  it("cross-entropy and its gradient stay finite at logits of -inf where the target is 0, as class indices in PyTorch", () => {
    const inf = Number.POSITIVE_INFINITY;
    // Rows of 5: classes ruled out, the target ruled out, all ruled out, a NaN, weights of more than one class.
    const rows = [
      [
        [1, -inf, 2, -inf, -inf],
        [1, 0, 0, 0, 0],
      ],
      [
        [1, -inf, 2, 0, 3],
        [0, 1, 0, 0, 0],
      ],
      [
        [-inf, -inf, -inf, -inf, -inf],
        [0, 0, 1, 0, 0],
      ],
      [
        [0, Number.NaN, 1, 2, 3],
        [0, 0, 1, 0, 0],
      ],
      [
        [-inf, 1, 2, 3, -inf],
        [0, 0.25, 0.5, 0.25, -0],
      ],
    ] as const;
    const [n, c] = [rows.length, 5];
    const wanted = [Math.log1p(Math.E), inf, Number.NaN, Number.NaN];
    all.check((buffers) => {
      const logits = buffers.f32(rows.flatMap(([x]) => x));
      const target = buffers.f32(rows.flatMap(([, t]) => t));
      const losses = buffers.room(n);
      const reference: typeof F32_REFERENCES.softmaxCrossEntropy = (p, memory) => {
        F32_REFERENCES.softmaxCrossEntropy(p, memory);
        for (const [i, w] of wanted.entries()) expect(memory.f32[losses / 4 + i]).toBe(Math.fround(w));
        return 0;
      };
      const outputs = [{ address: losses, n, type: "f32" as const, relative: 3e-6, absolute: 1e-6 }];
      return { kernel: F32_KERNELS.softmaxCrossEntropy, reference, params: { logits, target, losses, n, c }, outputs };
    });
    all.check((buffers) => {
      const logits = buffers.f32(rows.flatMap(([x]) => x));
      const target = buffers.f32(rows.flatMap(([, t]) => t));
      const [g, grad] = [buffers.f32([0.5]), buffers.room(n * c)];
      const params = { logits, target, g, gStride: 0, grad, n, c };
      const outputs = [{ address: grad, n: n * c, type: "f32" as const, relative: 3e-6, absolute: 1e-7 }];
      return { kernel: F32_KERNELS.softmaxCrossEntropyGrad, params, outputs };
    });
  });
  it("does not overflow for logits of 1e30 and gives zeros for -inf", () => {
    all.check((buffers) => {
      const x = buffers.f32([1e30, 1e30, -1e30, Number.NEGATIVE_INFINITY, 0]);
      const y = buffers.room(5);
      return {
        kernel: F32_KERNELS.softmax,
        params: { x, y, n: 1, c: 5 },
        outputs: [{ address: y, n: 5, type: "f32", absolute: 1e-7 }],
      };
    });
  });
});

function indexed(
  buffers: Buffers,
  random: Numbers,
  sizes: { outer: number; n: number; m: number; inner: number },
  perElement: boolean,
  bad: boolean,
) {
  const { outer, n, m, inner } = sizes;
  const count = perElement ? outer * m * inner : m;
  const index = random.ints(count, 0, n - 1);
  if (bad) index[count >> 1] = n;
  return { x: random.floats(outer * n * inner), src: random.floats(outer * m * inner), index: buffers.i32(index) };
}

describe("kernels that take indices", () => {
  const SIZES = [
    { outer: 1, n: 7, m: 9, inner: 1 },
    { outer: 3, n: 5, m: 4, inner: 6 },
    { outer: 1, n: 100, m: 33, inner: 17 },
    { outer: 4, n: 1, m: 2, inner: 3 },
  ];
  it.each(SIZES)("gather and scatterAdd agree with the reference for %o, good and bad indices", (sizes) => {
    const { outer, n, m, inner } = sizes;
    for (const bad of [false, true]) {
      all.check((buffers) => {
        const { x, index } = indexed(buffers, new Numbers(1), sizes, true, bad);
        const y = buffers.room(outer * m * inner);
        const outputs = [{ address: y, n: outer * m * inner, type: "f32" as const }];
        return { kernel: F32_KERNELS.gather, params: { ...sizes, x: buffers.f32(x), index, y }, outputs };
      });
      all.check((buffers) => {
        const { x, src, index } = indexed(buffers, new Numbers(2), sizes, true, bad);
        const y = buffers.f32(x);
        const outputs = [{ address: y, n: outer * n * inner, type: "f32" as const }];
        return { kernel: F32_KERNELS.scatterAdd, params: { ...sizes, src: buffers.f32(src), index, y }, outputs };
      });
    }
  });
  it.each(SIZES)("indexSelect and indexAdd agree with the reference for %o, good and bad indices", (sizes) => {
    const { outer, n, m, inner } = sizes;
    for (const bad of [false, true]) {
      for (const elementBytes of [1, 4, 8] as const) {
        all.check((buffers) => {
          const random = new Numbers(3);
          const { index } = indexed(buffers, random, sizes, false, bad);
          const x = buffers.u8(random.ints(outer * n * inner * elementBytes, 0, 255));
          const y = buffers.room(outer * m * inner, elementBytes);
          const outputs = [{ address: y, n: outer * m * inner * elementBytes, type: "u8" as const }];
          return { kernel: F32_KERNELS.indexSelect, params: { ...sizes, elementBytes, x, index, y }, outputs };
        });
      }
      all.check((buffers) => {
        const { x, src, index } = indexed(buffers, new Numbers(4), sizes, false, bad);
        const y = buffers.f32(x);
        const outputs = [{ address: y, n: outer * n * inner, type: "f32" as const }];
        return { kernel: F32_KERNELS.indexAdd, params: { ...sizes, src: buffers.f32(src), index, y }, outputs };
      });
    }
  });
  it("oneHot writes a row of zeros and an error for a label out of range", () => {
    for (const labels of [[0, 3, 9, 1, 9], [0, 10, 2, -1, 3], []]) {
      all.check((buffers) => {
        const y = buffers.room(labels.length * 10);
        const params = { labels: buffers.i32(labels), y, n: labels.length, classes: 10 };
        return { kernel: F32_KERNELS.oneHot, params, outputs: [{ address: y, n: labels.length * 10, type: "f32" }] };
      });
    }
  });
  it.each(["f32", "i32"] as const)("cumsum agrees with the reference, %s", (dtype) => {
    for (const [outer, n, inner] of [
      [1, 1000, 1],
      [3, 7, 5],
      [2, 0, 4],
    ] as const) {
      all.check((buffers) => {
        const data = new Numbers(5).ints(outer * n * inner, -9, 9);
        const x = dtype === "f32" ? buffers.f32(data) : buffers.i32(data);
        const y = buffers.room(outer * n * inner);
        return {
          kernel: F32_KERNELS.cumsum,
          params: { x, y, outer, n, inner, dtype },
          outputs: [{ address: y, n: data.length, type: dtype }],
        };
      });
    }
  });
});

describe("stridedCopy", () => {
  it("agrees with the reference for random permutations, slices, flips and repeats of 1, 4 and 8 bytes", () => {
    const random = new Numbers(31);
    for (let i = 0; i < 80; i++) {
      const rank = random.int(0, 6);
      const source = random.ints(rank, 1, rank > 4 ? 3 : 9);
      const order = source.map((_, d) => d).sort(() => random.unit() - 0.5);
      const strides = contiguousStrides(source);
      const kinds = source.map(() => random.pick(["all", "all", "flip", "even", "repeat"] as const));
      let first = 0;
      const shape: number[] = [];
      const srcStrides: number[] = [];
      for (const d of order) {
        const [size, stride, kind] = [source[d]!, strides[d]!, kinds[d]!];
        shape.push(kind === "even" ? Math.ceil(size / 2) : kind === "repeat" ? 3 : size);
        srcStrides.push(kind === "flip" ? -stride : kind === "even" ? 2 * stride : kind === "repeat" ? 0 : stride);
        if (kind === "flip") first += (size - 1) * stride;
      }
      const elementBytes = random.pick([1, 4, 8] as const);
      all.check((buffers) => {
        const data = buffers.u8(new Numbers(i).ints(source.reduce((a, b) => a * b, 1) * elementBytes, 0, 255));
        const gap = i % 2;
        const dstStrides = contiguousStrides([...shape.slice(0, -1), (shape.at(-1) ?? 1) + gap]).slice(0, rank);
        const n = shape.slice(0, -1).reduce((a, b) => a * b, 1) * ((shape.at(-1) ?? 1) + gap) * elementBytes;
        const dst = buffers.u8(new Array<number>(n).fill(7));
        const params = { src: data + first * elementBytes, dst, shape, srcStrides, dstStrides, elementBytes };
        return { kernel: F32_KERNELS.stridedCopy, params, outputs: [{ address: dst, n, type: "u8" }] };
      });
    }
  });
  it.each([
    [100, 37],
    [4, 4],
    [1, 9],
    [66, 3],
  ])("transposes a %i by %i matrix", (m, n) => {
    all.check((buffers) => {
      const src = buffers.f32(new Numbers(1).floats(2 * m * n));
      const dst = buffers.room(2 * m * n);
      const params = { src, dst, shape: [2, n, m], srcStrides: [m * n, 1, n], elementBytes: 4 as const };
      return { kernel: F32_KERNELS.stridedCopy, params, outputs: [{ address: dst, n: 2 * m * n, type: "f32" }] };
    });
  });
});

describe("fill and iota", () => {
  it("agree with the reference", () => {
    for (const [dtype, value] of [
      ["f32", 0.1],
      ["i32", -5],
      ["u32", 4e9],
      ["u8", 200],
      ["bool", 1],
    ] as const) {
      for (const n of [0, 1, 7, 1000, 5001]) {
        all.check((buffers) => {
          const small = dtype === "u8" || dtype === "bool";
          const y = buffers.room(n, small ? 1 : 4);
          return {
            kernel: F32_KERNELS.fill,
            params: { y, n, dtype, value },
            outputs: [{ address: y, n, type: small ? "u8" : dtype }],
          };
        });
      }
    }
    for (const dtype of ["f32", "i32", "u32"] as const) {
      all.check((buffers) => {
        const y = buffers.room(3 * 11 * 5);
        const params = { y, outer: 3, size: 11, inner: 5, dtype };
        return { kernel: F32_KERNELS.iota, params, outputs: [{ address: y, n: 3 * 11 * 5, type: dtype }] };
      });
    }
  });
});

describe("randomBits", () => {
  interface Known {
    readonly philox4x32_10: readonly { readonly counter: string[]; readonly key: string[]; readonly result: string[] }[];
  }
  const known = JSON.parse(readFileSync(new URL("../../../../vectors/philox.json", import.meta.url), "utf8")) as Known;
  const words = (list: readonly string[]): number[] => list.map((w) => Number.parseInt(w, 16));
  const KNOWN = known.philox4x32_10.map((v) => ({ counter: words(v.counter), key: words(v.key), result: words(v.result) }));

  it.each(KNOWN)("reference and kernel give the published words for counter $counter", ({ counter, key, result }) => {
    expect(philox(counter, key)).toEqual(result);
    all.check((buffers) => {
      const y = buffers.room(4);
      const params = { key: buffers.u32(key), offset: buffers.u32(counter), offsetWords: 4, y, n: 4 };
      const reference = (_: unknown, memory: MemoryViews): number => {
        memory.u32.set(result, y / 4);
        return 0;
      };
      return { kernel: F32_KERNELS.randomBits, reference, params, outputs: [{ address: y, n: 4, type: "u32" }] };
    });
  });
  it("agrees with the reference, also where the counter carries, from offsets of 1 to 4 words", () => {
    const M = 0xffffffff;
    // The carry falls between units of 4 blocks, and on each lane within one.
    const offsets = [[0], [5], [M - 1], [0, 1], [M - 7, M], [M - 1, M], [M, M, 7], [M - 2, M, M], [3, 0, 9], [M - 4, M, M, M]];
    for (const offset of [...offsets, [M, M, M, M], [1, 2, 3, 4]]) {
      for (const n of [0, 1, 4, 15, 16, 29, 1001]) {
        all.check((buffers) => {
          const y = buffers.room(n);
          const key = buffers.u32([0x243f6a88, 0x85a308d3]);
          const params = { key, offset: buffers.u32(offset), y, n, ...(offset.length > 1 ? { offsetWords: offset.length } : {}) };
          return { kernel: F32_KERNELS.randomBits, params, outputs: [{ address: y, n, type: "u32" }] };
        });
      }
    }
  });
});
