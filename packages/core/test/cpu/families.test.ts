/** @file Every op family on WebAssembly against the reference device, in shapes that kernels find awkward; 1 and 2 threads give the same bits. */
import { afterAll, describe, expect, it } from "vitest";
import type { CpuDevice } from "../../src/device/cpu/index.ts";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { numberAttrs } from "../../src/ops/number.ts";
import type { DType } from "../../src/program/dtype.ts";
import { trace } from "../../src/transform/trace.ts";
import { check, device, expectClose, generator, input, randomInputs, run, THREADS } from "./harness.ts";
import { randomProgram } from "./random-program.ts";

const wasm = device();
const unfused = device("wasm", { fuse: false });
const two = device("wasm", { threads: THREADS });
const plain = device("wasm", { relaxed: false });
afterAll(async () => {
  await Promise.all([wasm.stop(), unfused.stop(), two.stop(), plain.stop()]);
});

/** On all devices, for several seeds; thread counts must agree bit for bit. */
async function everywhere(outputs: readonly Expr[], inputs: readonly Expr[], tolerance = 2e-5): Promise<void> {
  const { program } = trace(outputs, inputs);
  for (const seed of [1, 2]) {
    const given = randomInputs(generator(seed), program);
    const one = await run(wasm, program, given);
    expectClose(one, program, given, tolerance);
    expect(await run(two, program, given)).toStrictEqual(one);
    for (const other of [unfused, plain] as CpuDevice[]) expectClose(await run(other, program, given), program, given, tolerance);
  }
}

describe("random programs", () => {
  it("agree with the reference, fused and unfused, on 1 and 2 threads", async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const program = randomProgram(seed, 5 + (seed % 40));
      const given = randomInputs(generator(seed), program);
      const one = await run(wasm, program, given);
      expectClose(one, program, given, 1e-4);
      expectClose(await run(unfused, program, given), program, given, 1e-4);
      expect(await run(two, program, given)).toStrictEqual(one);
    }
  });
});

describe("products", () => {
  it("take transposes, batches, shared sides, bias and relu", async () => {
    const shapes: [number[], number[], boolean, boolean][] = [
      [[3, 5], [5, 7], false, false],
      [[5, 3], [7, 5], true, true],
      [[1, 9], [9, 1], false, false],
      [[2, 3, 4, 5], [2, 3, 5, 6], false, false],
      [[2, 4, 5], [5, 3], false, false],
      [[2, 5, 4], [5, 3], true, false],
      [[4, 5], [6, 3, 5], false, true],
      [[6, 1, 5], [5, 3], false, false],
    ];
    for (const [sa, sb, ta, tb] of shapes) {
      const [a, b] = [input(sa), input(sb)];
      const y = op.matmul(a, b, ta, tb);
      const bias = input([y.shape.at(-1)!]);
      await everywhere([y], [a, b]);
      await everywhere([op.relu(op.add(y, bias))], [a, b, bias]);
      await everywhere([op.add(op.expand(bias, y.shape), y), op.relu(op.matmul(a, b, ta, tb))], [a, b, bias]);
    }
  });

  it("read permuted operands where they lie", async () => {
    const [a, b] = [input([4, 2, 3]), input([4, 2, 5])];
    await everywhere([op.matmul(op.permute(a, [1, 2, 0]), op.permute(b, [1, 0, 2]))], [a, b]);
    const c = input([6, 4]);
    await everywhere(
      [
        op.matmul(op.permute(c, [1, 0]), op.slice(c, [0, 1], [6, 3])),
        op.matmul(op.slice(c, [1, 0], [3, 4]), op.flip(c, [1]), false, true),
      ],
      [c],
    );
  });

  it("of integers run on the host", async () => {
    const [a, b] = [input([3, 4], "i32"), input([4, 2], "i32")];
    await everywhere([op.matmul(a, b)], [a, b]);
  });
});

/** [strideH, strideW, padH, padW, dilH, dilW, groups], x, w. */
const CONVS: [number[], number[], number[]][] = [
  [
    [1, 1, 2, 2, 1, 1, 1],
    [2, 1, 9, 8],
    [3, 1, 5, 5],
  ],
  [
    [2, 1, 1, 0, 1, 2, 1],
    [2, 3, 7, 9],
    [4, 3, 3, 2],
  ],
  [
    [1, 2, 0, 1, 1, 1, 2],
    [3, 4, 5, 6],
    [6, 2, 3, 3],
  ],
  [
    [3, 3, 1, 1, 1, 1, 1],
    [1, 2, 8, 8],
    [5, 2, 2, 2],
  ],
];

describe("convolution", () => {
  it("and both gradients take strides, padding, dilation and groups", async () => {
    for (const [attrs, sx, sw] of CONVS) {
      const [x, w] = [input(sx), input(sw)];
      const y = op.conv2d(x, w, attrs);
      const g = input(y.shape);
      const gx = op.conv2dGradInput(g, w, [...attrs, sx[2]!, sx[3]!]);
      const gw = op.conv2dGradWeight(x, g, [...attrs, sw[2]!, sw[3]!]);
      await everywhere([y, gx, gw], [x, w, g]);
      const b = input([sw[0]!]);
      await everywhere([op.relu(op.add(y, op.reshape(b, [sw[0]!, 1, 1])))], [x, w, b]);
    }
  });
});

describe("pooling", () => {
  it("and its gradients take overlapping windows and odd sizes, alone and with relu and bias", async () => {
    for (const [attrs, sx] of [
      [
        [2, 2, 2, 2, 0, 0],
        [2, 3, 7, 9],
      ],
      [
        [3, 2, 2, 1, 1, 1],
        [2, 2, 6, 5],
      ],
      [
        [2, 2, 2, 2, 0, 0],
        [2, 3, 8, 8],
      ],
      [
        [3, 3, 3, 3, 1, 1],
        [1, 2, 7, 7],
      ],
    ] as const) {
      const [x, b] = [input(sx), input([sx[1]])];
      const y = op.maxPool2d(x, attrs);
      const g = input(y.shape);
      await everywhere([y, op.maxPool2dGrad(g, x, y, attrs)], [x, g]);
      const r = op.relu(op.add(x, op.reshape(b, [sx[1], 1, 1])));
      const p = op.maxPool2d(r, attrs);
      await everywhere([p, op.reluGrad(op.maxPool2dGrad(g, r, p, attrs), r)], [x, b, g]);
      await everywhere([p, r, op.reluGrad(op.maxPool2dGrad(g, r, p, attrs), r)], [x, b, g]);
      const a = op.avgPool2d(x, [...attrs, 0]);
      await everywhere([a, op.avgPool2d(x, [...attrs, 1]), op.avgPool2dGrad(g, [...attrs, 0, sx[2], sx[3]])], [x, g]);
    }
  });
});

describe("reductions", () => {
  it("take any set of axes", async () => {
    for (const shape of [[3, 4, 5, 6], [7, 1, 3], [40], [2, 3, 1, 5]]) {
      const x = input(shape);
      for (let mask = 0; mask < 1 << shape.length; mask++) {
        const axes = shape.map((_, i) => i).filter((i) => mask & (1 << i));
        await everywhere([op.sum(x, axes), op.amax(x, axes, true), op.prod(x, axes)], [x]);
      }
    }
  });

  it("of integers and bools", async () => {
    for (const dtype of ["i32", "u32", "u8", "i64"] as DType[]) {
      const x = input([5, 6, 3], dtype);
      await everywhere([op.sum(x, [0, 2]), op.amin(x, [1]), op.argmax(x, 1), op.argmin(x, 2, true)], [x]);
    }
    const b = input([4, 9], "bool");
    await everywhere([op.all(b, [1]), op.any(b, [0, 1]), op.all(b, [])], [b]);
  });
});

describe("dtypes", () => {
  it("integers and bools follow the reference in every elementwise op", async () => {
    for (const dtype of ["i32", "u32", "u8", "i64", "u64"] as DType[]) {
      const [a, b] = [input([3, 7], dtype), input([7], dtype)];
      const both = [
        op.add,
        op.sub,
        op.mul,
        op.maximum,
        op.minimum,
        op.bitAnd,
        op.bitOr,
        op.bitXor,
        op.eq,
        op.ne,
        op.lt,
        op.le,
        op.gt,
        op.ge,
      ];
      await everywhere([...both.map((f) => f(a, b)), op.neg(a), op.bitNot(a), op.sign(a), op.relu(a), op.abs(a)], [a, b]);
      await everywhere([op.shiftLeft(a, op.lit(a, 3)), op.shiftRight(a, op.lit(a, 1)), op.rem(a, op.lit(a, 3))], [a]);
      await everywhere(
        (["f32", "i32", "u8", "u32", "bool", "i64"] as DType[]).filter((d) => d !== dtype).map((d) => op.cast(a, d)),
        [a],
      );
    }
    const [c, d] = [input([5], "bool"), input([4, 5], "bool")];
    await everywhere([op.bitAnd(c, d), op.bitNot(d), op.where(d, c, op.bitNot(c)), op.cast(d, "f32"), op.eq(c, d)], [c, d]);
  });
});

describe("indexing", () => {
  it("gathers, scatters, selects and counts", async () => {
    const x = input([5, 4, 3]);
    const fixed = (shape: number[], n: number): Expr =>
      op.rem(op.cast(op.abs(input(shape, "i32")), "i32"), op.constant("i32", n));
    void fixed;
    const at = op.iota("i32", 0, [5]);
    const index = op.sub(op.constant("i32", 4), at);
    await everywhere([op.indexSelect(x, index, 0), op.indexAdd(x, op.rem(index, op.constant("i32", 2)), op.neg(x), 0)], [x]);
    const wide = op.rem(op.iota("i32", 1, [5, 6, 3]), op.constant("i32", 4));
    await everywhere([op.gather(x, wide, 1), op.scatterAdd(x, wide, op.expand(op.lit(x, 0.5), [5, 6, 3]), 1)], [x]);
    const narrow = op.rem(op.iota("i32", 1, [2, 6, 2]), op.constant("i32", 4));
    await everywhere([op.gather(x, narrow, 1), op.sort(x, 1, true), op.argsort(x, 2)], [x]);
    await everywhere([op.oneHot(index, 5, "f32"), op.oneHot(index, 6, "i32")], []);
    for (const words of [1, 2, 3, 4]) {
      const [key, offset] = [input([2], "u32"), input([words], "u32")];
      await everywhere([op.randomBits(key, offset, [7, 3]), op.randomBits(key, offset, [1030])], [key, offset]);
    }
  });

  it("random bits of counters of any length come from the kernel, not from the host", async () => {
    for (const words of [1, 2, 3, 4]) {
      const [key, offset] = [input([2], "u32"), input([words], "u32")];
      const { program } = trace([op.randomBits(key, offset, [40])], [key, offset]);
      const given = randomInputs(generator(3), program);
      await run(wasm, program, given);
      const profile = wasm.profile();
      await run(wasm, program, given);
      profile.stop();
      expect(profile.rows().map((r) => r.label)).toEqual(["randomBits"]);
    }
  });

  it("names the op when an index or a label is out of range", async () => {
    const [x, index] = [input([5, 2]), input([3], "i32")];
    const far = new Int32Array([0, 5, 1]);
    const select = trace([op.indexSelect(x, index, 0)], [x, index]).program;
    const data = new Float32Array(10);
    await expect(run(wasm, select, [data, far])).rejects.toMatchObject({
      code: "INDEX_INVALID",
      message: expect.stringMatching(/^indexSelect: .*0\.\.4/),
    });
    const labels = trace([op.oneHot(index, 5, "f32")], [index]).program;
    await expect(run(wasm, labels, [far])).rejects.toMatchObject({
      code: "LABEL_OUT_OF_RANGE",
      message: expect.stringMatching(/^oneHot: .*0\.\.4/),
    });
    expect((await run(wasm, labels, [new Int32Array([0, 4, 1])]))[0]!.length).toBe(15);
  });
});

describe("attention and layer norm", () => {
  const settings = (causal: boolean): number[] => [causal ? 1 : 0, ...numberAttrs(0.4)];

  it("read heads through their strides, and merge them", async () => {
    const [q, k, v, g] = [input([2, 5, 12]), input([2, 7, 12]), input([2, 7, 9]), input([2, 5, 9])];
    const heads = (x: Expr): Expr => op.permute(op.reshape(x, [2, x.shape[1]!, 3, x.shape[2]! / 3]), [0, 2, 1, 3]);
    const merge = (x: Expr): Expr => op.reshape(op.permute(x, [0, 2, 1, 3]), [2, x.shape[2]!, 3 * x.shape[3]!]);
    const args = [heads(q), heads(k), heads(v)];
    const y = op.attention(args, settings(true));
    const packed = op.attentionGrad(heads(g), args, settings(true));
    const dq = op.slice(packed, [0, 0, 0, 0], [2, 3, 5, 4]);
    const dv = op.slice(packed, [0, 0, 12, 0], [2, 3, 19, 3]);
    await everywhere([merge(y), y, packed, merge(dq), merge(dv)], [q, k, v, g]);
  });

  it("take masks of every kind, more batch axes than a kernel has, and columns that are no neighbours", async () => {
    const [q, k, v] = [input([2, 3, 2, 4, 3]), input([2, 3, 2, 6, 3]), input([3, 6, 3, 2, 2])];
    const turned = op.permute(v, [4, 0, 3, 1, 2]);
    const args = [q, k, turned];
    const bools = op.le(op.iota("i32", 1, [4, 6]), op.iota("i32", 0, [4, 6]));
    const added = input([3, 1, 4, 6]);
    const rows = input([2, 1, 1, 4, 1]);
    const column = op.permute(input([6, 4]), [1, 0]);
    await everywhere(
      [bools, added, rows, column].map((mask) => op.attention([...args, mask], settings(false))),
      [q, k, v, added, rows, column.args[0]!],
    );
    const g = op.expand(input([1, 1, 1, 4, 3]), [2, 3, 2, 4, 3]);
    await everywhere([op.attentionGrad(g, [...args, added], settings(false))], [q, k, v, added, g.args[0]!]);
  });

  it("normalise rows of any number of axes, in place where nobody else reads", async () => {
    const [x, g] = [input([3, 2, 7]), input([3, 2, 7])];
    for (const axes of [1, 2, 3]) {
      for (const centre of [0, 1]) {
        const attrs = [axes, centre, ...numberAttrs(1e-3)];
        const y = op.layerNorm(op.mul(x, op.lit(x, 2)), attrs);
        await everywhere([y, op.layerNormGrad(op.neg(g), x, attrs), op.layerNormGrad(y, y, attrs)], [x, g]);
      }
    }
  });
});

describe("emptiness and views", () => {
  it("empty arrays pass through every family", async () => {
    const x = input([0, 3]);
    const w = input([3, 2]);
    await everywhere(
      [op.matmul(x, w), op.sum(x, [0]), op.relu(x), op.cat([x, op.reshape(w, [2, 3])], 0), op.permute(x, [1, 0])],
      [x, w],
    );
    const [a, b] = [input([2, 0]), input([0, 3])];
    await everywhere([op.matmul(a, b), op.sum(a, [1]), op.prod(b, [0])], [a, b]);
  });

  it("an input, a view of it and a constant may be outputs", async () => {
    const x = input([3, 4]);
    await everywhere(
      [
        x,
        op.reshape(x, [12]),
        op.permute(x, [1, 0]),
        op.full([2], "f32", 3),
        op.full([2], "i64", 7),
        op.slice(x, [1, 0], [3, 4]),
        op.full([3000], "f32", 2),
      ],
      [x],
    );
  });

  it("more axes than a kernel takes are copied in parts", async () => {
    const x = input([2, 1, 2, 3, 2, 2, 3, 2]);
    const y = op.permute(x, [7, 2, 5, 0, 6, 3, 1, 4]);
    await everywhere([y, op.mul(y, op.lit(y, 2)), op.add(y, op.expand(op.lit(y, 1), y.shape))], [x]);
    await check(plain, [op.neg(y)], [x], 3);
  });
});
