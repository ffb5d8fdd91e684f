/** @file Creation: values, dtypes, shapes, ranges, generators; what is refused. */
import { beforeAll, describe, expect, test } from "vitest";
import { referenceDevice } from "../../src/device/reference/index.ts";
import * as T from "../../src/index.ts";

beforeAll(() => {
  T.setDefaultDevice(referenceDevice("f32"));
});
const type = (t: T.Tensor): string => `${t.dtype}[${t.shape}]`;

describe("tensor", () => {
  test.each([
    [[2, 3], "an array", /reshape/],
    [{ shape: [2, 3] }, '"shape"', /reshape/],
    [{ dType: "f64" }, '"dType"', undefined],
    ["f64", "string", /reshape/],
    [null, "null", /reshape/],
  ])("refuses %j as options: %s", (options, got, hint) => {
    try {
      T.tensor([1, 2, 3, 4, 5, 6], options as T.TensorOptions);
      expect.unreachable();
    } catch (e) {
      expect(e).toMatchObject({ code: "ARGUMENT_INVALID", message: expect.stringContaining(`got ${got}`) });
      expect(Object.hasOwn(e as object, "hint")).toBe(hint !== undefined);
      if (hint !== undefined) expect((e as { hint: string }).hint).toMatch(hint);
    }
  });

  test("takes its shape from nesting and its dtype from the values", async () => {
    expect(
      type(
        T.tensor([
          [1, 2, 3],
          [4, 5, 6],
        ]),
      ),
    ).toBe("f32[2,3]");
    expect(type(T.tensor(3))).toBe("f32[]");
    expect(type(T.tensor([[true], [false]]))).toBe("bool[2,1]");
    expect(type(T.tensor([1n]))).toBe("i64[1]");
    expect(type(T.tensor([]))).toBe("f32[0]");
    expect(type(T.tensor([[], []]))).toBe("f32[2,0]");
    expect(type(T.tensor(Uint8Array.of(1)))).toBe("u8[1]");
    expect(type(T.tensor(BigUint64Array.of(1n)))).toBe("u64[1]");
    expect(await T.tensor([[1, 0]], { dtype: "bool" }).tolist()).toEqual([[true, false]]);
    expect(await T.tensor([[1.5, -2]], { dtype: "f64" }).data()).toEqual(Float64Array.of(1.5, -2));
    expect(await T.tensor([-1, 2], { dtype: "i64" }).data()).toEqual(BigInt64Array.of(-1n, 2n));
  });

  test("refuses ragged nesting, wrong sizes, and values that the dtype cannot hold", () => {
    for (const ragged of [
      [[1, 2], [3]],
      [1, [2]],
      [[1], 2],
    ]) {
      expect(() => T.tensor(ragged)).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
    }
    expect(() => T.Tensor.from([1, 2, 3], [2, 2])).toThrow(/expected 4 values for \[2,2\], got 3/);
    expect(() => T.Tensor.from([], [-1, 0])).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
    const bad: [number | bigint, T.DType][] = [
      [1.5, "i32"],
      [256, "u8"],
      [-1, "u32"],
      [2 ** 31, "i32"],
      [2n ** 63n, "i64"],
      [-1n, "u64"],
      [0.5, "i64"],
    ];
    for (const [value, dtype] of bad) {
      expect(() => T.tensor([value], { dtype }), `${value} ${dtype}`).toThrow(expect.objectContaining({ code: "VALUE_INVALID" }));
    }
  });

  test("comes back from tolist as it went in", async () => {
    for (const list of [[[[1, 2]], [[3, 4]]], [], [[]], 5]) expect(await T.tensor(list).tolist()).toEqual(list);
    expect(await T.tensor([[2n ** 62n]]).tolist()).toEqual([[2n ** 62n]]);
  });
});

describe("constants and ranges", () => {
  test("fill and count as PyTorch's do", async () => {
    expect(await T.zeros([2, 1]).tolist()).toEqual([[0], [0]]);
    expect(await T.ones([2], { dtype: "i64" }).tolist()).toEqual([1n, 1n]);
    expect(type(T.full([2], true))).toBe("bool[2]");
    expect(await T.full([2], 7, { dtype: "u64" }).tolist()).toEqual([7n, 7n]);
    expect(await T.eye(2, 3, { dtype: "i64" }).tolist()).toEqual([
      [1n, 0n, 0n],
      [0n, 1n, 0n],
    ]);
    expect(await T.eye(2).tolist()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(await T.arange(4).tolist()).toEqual([0, 1, 2, 3]);
    expect(T.arange(4).dtype).toBe("i32");
    expect(await T.arange(1, 2, 0.25).tolist()).toEqual([1, 1.25, 1.5, 1.75]);
    expect(await T.arange(5, 0, -2).tolist()).toEqual([5, 3, 1]);
    expect(await T.arange(3, 3).tolist()).toEqual([]);
    expect(await T.linspace(0, 1, 5).tolist()).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(await T.linspace(2, 9, 1).tolist()).toEqual([2]);
    expect(await T.linspace(0, 0.3, 4, { dtype: "f64" }).data()).toHaveProperty("3", 0.3);
    const x = T.zeros([2], { dtype: "i32" });
    expect([type(T.zerosLike(x)), type(T.onesLike(x, { dtype: "f32" })), type(T.fullLike(x, 3))]).toEqual([
      "i32[2]",
      "f32[2]",
      "i32[2]",
    ]);
    expect(() => T.arange(0, 1, 0)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
    expect(() => T.zeros([2.5])).toThrow(expect.objectContaining({ code: "SHAPE_MISMATCH" }));
    expect(() => T.linspace(0, 1, -1)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  });

  test("come from a generator, reproducibly, in the dtype asked for", async () => {
    const draw = (seed: number): Promise<unknown> => {
      const random = new T.Random(seed);
      const all = [T.rand([3], random), T.randn([2, 2], random), T.randint(5, 8, [4], random), T.randperm(5, random)];
      return Promise.all(all.map((t) => t.tolist()));
    };
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
    const random = new T.Random(0);
    expect([T.rand([2], random), T.randint(0, 2, [2], random), T.randn([2], random, { dtype: "f64" })].map(type)).toEqual([
      "f32[2]",
      "i32[2]",
      "f64[2]",
    ]);
    expect(T.randint(0, 9, [3], random, { dtype: "i64" }).dtype).toBe("i64");
    expect(T.randn([2], random, { requiresGrad: true }).requiresGrad).toBe(true);
    expect(() => T.rand([-1], random)).toThrow();
  });
});

describe("promotion", () => {
  test("follows PyTorch for tensors, scalar tensors and literals", () => {
    const [f, i, b, l, d] = (["f32", "i32", "bool", "i64", "f64"] as const).map((dtype) => T.zeros([2], { dtype })) as T.Tensor[];
    const scalar = T.tensor(1, { dtype: "f64" });
    const cases: [T.Tensor, string][] = [
      [f!.add(i!), "f32"],
      [i!.add(l!), "i64"],
      [f!.add(d!), "f64"],
      [b!.add(i!), "i32"],
      [f!.add(scalar), "f32"],
      [i!.add(scalar), "f64"],
      [scalar.mul(f!), "f32"],
      [scalar.mul(scalar), "f64"],
      [i!.add(1), "i32"],
      [i!.add(1.5), "f32"],
      [b!.add(1), "i32"],
      [l!.mul(2n), "i64"],
      [d!.add(0.1), "f64"],
      [i!.div(i!), "f32"],
      [i!.exp(), "f32"],
      [b!.sum(), "i32"],
      [b!.eq(true), "bool"],
      [i!.lt(0.5), "bool"],
      [T.where(b!, 1, i!), "i32"],
      [T.where(b!, f!, 0), "f32"],
      [T.where(b!, 1, 0), "f32"],
      [T.cat([i!, f!]), "f32"],
    ];
    expect(cases.map(([t]) => t.dtype)).toEqual(cases.map(([, want]) => want));
    expect(() => T.zeros([2], { dtype: "u64" }).add(f!)).toThrow(expect.objectContaining({ code: "DTYPE_MISMATCH" }));
    expect(() => i!.mean()).toThrow(expect.objectContaining({ code: "DTYPE_UNSUPPORTED" }));
  });

  test("an f64 literal keeps its precision beside f64", async () => {
    expect(await T.tensor([1], { dtype: "f64" }).add(1e-12).item()).toBe(1 + 1e-12);
  });
});

test("dimensions, ranges and sizes that do not exist are refused, with the method's name", () => {
  const x = T.zeros([2, 3]);
  const bad: [() => unknown, string][] = [
    [() => x.sum(2), "sum: expected a dimension in -2..1, got 2"],
    [() => x.sum([0, -2]), "sum: expected distinct dimensions"],
    [() => x.permute(0, 0), "permute: expected each of 2 dimensions once"],
    [() => x.reshape(4, -1), "reshape: expected a shape of 6 elements"],
    [() => x.reshape(-1, 0), "reshape: expected a shape of 6 elements"],
    [() => x.select(1, 3), "select: expected an index in -3..2 of dimension 1, got 3"],
    [() => x.narrow(1, 2, 2), "narrow: expected a range within 3 elements"],
    [() => x.slice(null, null, null), "slice: expected at most 2 ranges"],
    [() => x.slice([0, 2, 0]), "slice: expected a step of at least 1"],
    [() => x.split([1, 1], 1), "split: expected sizes that add up to 3"],
    [() => x.pad([1]), "pad: expected pairs"],
    [() => x.mm(T.zeros([3])), "mm: expected two tensors of rank 2"],
    [() => x.matmul(T.zeros([2, 3])), "matmul: expected"],
    [() => T.tensor(1).matmul(x), "matmul: expected at least 1 dimension"],
    [() => x.conv2d(x), "conv2d: expected"],
    [() => T.cat([]), "cat: expected at least one tensor"],
    [() => T.stack([x, T.zeros([3, 2])]), "stack: expected shapes"],
    [() => T.tensor(1).tril(), "tril: expected at least 2 dimensions"],
    [() => x.norm(Number.NaN), 'norm: expected a number or "fro"'],
  ];
  for (const [run, message] of bad) expect(run).toThrow(message);
});

test("sizes beyond any memory and values that are no numbers are refused before anything is reserved", () => {
  const random = new T.Random(1);
  const bad: [() => unknown, string, string][] = [
    [() => T.zeros([2 ** 20, 2 ** 20]), "SHAPE_MISMATCH", "zeros: expected fewer than 2^31 elements, got [1048576,1048576]"],
    [() => T.ones([2 ** 31, 0]), "SHAPE_MISMATCH", "full: expected non-negative integer sizes below 2^31"],
    [() => T.rand([2 ** 40], random), "SHAPE_MISMATCH", "rand: expected non-negative integer sizes below 2^31"],
    [() => T.randn([-1], random), "SHAPE_MISMATCH", "randn: expected non-negative integer sizes"],
    [() => T.randint(0, 5, [1e5, 1e5], random), "SHAPE_MISMATCH", "randint: expected fewer than 2^31 elements"],
    [() => T.arange(1e12), "SHAPE_MISMATCH", "arange: expected non-negative integer sizes below 2^31"],
    [() => T.linspace(0, 1, 1e12), "SHAPE_MISMATCH", "linspace: expected non-negative"],
    [() => T.tensor(JSON.parse("[1, null]")), "VALUE_INVALID", "tensor: expected numbers, bigints or booleans for f32, got null"],
    [
      () => T.tensor(JSON.parse('[1, "2"]')),
      "VALUE_INVALID",
      "tensor: expected numbers, bigints or booleans for f32, got string",
    ],
  ];
  for (const [run, code, message] of bad) {
    expect(run).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  }
});

test("the norm and the deviation of equal values have gradient zero, as in PyTorch, and keep NaN", async () => {
  for (const f of [(x: T.Tensor): T.Tensor => x.norm(), (x: T.Tensor): T.Tensor => x.std()]) {
    const x = T.zeros([3]).requiresGrad_();
    const y = f(x);
    y.backward();
    expect([await y.item(), await x.grad!.tolist()]).toEqual([0, [0, 0, 0]]);
    expect(await f(T.tensor([1, Number.NaN])).item()).toBeNaN();
  }
  const rows = T.tensor([
    [3, 4],
    [0, 0],
  ]).requiresGrad_();
  rows.norm(2, 1).sum().backward();
  const [first, second] = (await rows.grad!.tolist()) as number[][];
  expect([first![0], first![1]]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
  expect(second).toEqual([0, 0]);
});
