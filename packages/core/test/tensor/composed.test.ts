/** @file Methods and functions that are made of others: their values, by hand or by PyTorch's documentation of them. */
import { describe, expect, test } from "vitest";
import * as tacit from "../../src/index.ts";
import { nn, Random, randn, type Tensor, tensor } from "../../src/index.ts";

const INF = Number.POSITIVE_INFINITY;
const NAN = Number.NaN;
const list = (x: Tensor): Promise<unknown> => x.tolist();
const m = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);

describe("methods made of others", () => {
  test.each<readonly [string, (x: Tensor) => Tensor, unknown]>([
    [
      "t",
      (x) => x.t(),
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    ["t of a vector", (x) => x.select(0, 0).t(), [1, 2, 3]],
    ["ravel", (x) => x.ravel(), [1, 2, 3, 4, 5, 6]],
    [
      "reshapeAs",
      (x) => x.reshapeAs(x.t()),
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ],
    [
      "viewAs",
      (x) => x.viewAs(x.t()),
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ],
    [
      "rot90",
      (x) => x.rot90(),
      [
        [3, 6],
        [2, 5],
        [1, 4],
      ],
    ],
    [
      "rot90 thrice",
      (x) => x.rot90(3),
      [
        [4, 1],
        [5, 2],
        [6, 3],
      ],
    ],
    [
      "rot90 twice backwards",
      (x) => x.rot90(-2),
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    ["mv", (x) => x.mv(tensor([1, 0, -1])), [-2, -2]],
    [
      "addmm",
      (x) => tensor([[1, 1]]).addmm(x, x.t(), { beta: 2, alpha: 0.5 }),
      [
        [9, 18],
        [18, 40.5],
      ],
    ],
    [
      "baddbmm",
      (x) => tensor([[[1]]]).baddbmm(x.unsqueeze(0), x.t().unsqueeze(0)),
      [
        [
          [15, 33],
          [33, 78],
        ],
      ],
    ],
    [
      "kron",
      (x) => tensor([1, -1]).kron(x),
      [
        [1, 2, 3, -1, -2, -3],
        [4, 5, 6, -4, -5, -6],
      ],
    ],
    [
      "cross",
      (x) => x.cross(tensor([0, 0, 1])),
      [
        [2, -1, 0],
        [5, -4, 0],
      ],
    ],
    ["dist", (x) => x.dist(1, 1), 15],
    [
      "diff",
      (x) => x.diff(),
      [
        [1, 1],
        [1, 1],
      ],
    ],
    ["diff over rows", (x) => x.diff(1, 0), [[3, 3, 3]]],
    ["diff of all", (x) => x.diff(4), [[], []]],
    [
      "clampMin",
      (x) => x.clampMin(3),
      [
        [3, 3, 3],
        [4, 5, 6],
      ],
    ],
    [
      "clampMax",
      (x) => x.clampMax(3),
      [
        [1, 2, 3],
        [3, 3, 3],
      ],
    ],
    ["countNonzero", (x) => x.sub(3).countNonzero(1), [2, 3]],
    ["aminmax", (x) => x.aminmax(0).max, [4, 5, 6]],
    [
      "typeAs",
      (x) => x.mul(1.3).typeAs(tensor([1], { dtype: "i32" })),
      [
        [1, 2, 3],
        [5, 6, 7],
      ],
    ],
  ])("%s", async (_, fn, want) => {
    expect(await list(fn(m))).toEqual(want);
  });

  test("fmax and fmin leave NaN to the other side", async () => {
    const [a, b] = [tensor([1, NAN, 3, NAN]), tensor([2, 5, NAN, NAN])];
    expect(await list(a.fmax(b))).toEqual([2, 5, 3, NAN]);
    expect(await list(a.fmin(b))).toEqual([1, 5, 3, NAN]);
  });

  test("nansum and nanmean leave NaN out; nothing has the mean NaN", async () => {
    const x = tensor([
      [1, NAN, 4],
      [NAN, NAN, NAN],
    ]);
    expect(await list(x.nansum(1))).toEqual([5, 0]);
    expect(await list(x.nanmean(1, { keepdim: true }))).toEqual([[2.5], [NAN]]);
  });

  test("infinities by sign, degrees and radians", async () => {
    const x = tensor([INF, -INF, 1, NAN]);
    expect(await list(x.isposinf())).toEqual([true, false, false, false]);
    expect(await list(x.isneginf())).toEqual([false, true, false, false]);
    expect(await tensor(180).deg2rad().item()).toBeCloseTo(Math.PI, 6);
    expect(await tensor(Math.PI).rad2deg().item()).toBeCloseTo(180, 4);
  });

  test("refuse what PyTorch refuses", () => {
    expect(() => m.unsqueeze(0).t()).toThrow(/t: expected at most 2 dimensions, got \[1,2,3\]/);
    expect(() => m.rot90(1, [1, 1])).toThrow(/two different dimensions/);
    expect(() => m.mv(m)).toThrow(/a matrix and a vector/);
    expect(() => m.t().cross(m.t())).toThrow(/3 elements along dim/);
    expect(() => m.diff(-1)).toThrow(/n in 0, 1, 2/);
  });
});

test("floor, ceil, round and trunc leave integers as they are, i64 beyond 2^53 too", async () => {
  const x = tensor([2n ** 60n + 1n, -3n]);
  for (const y of [x.floor(), x.ceil(), x.round(), x.trunc()]) {
    expect(y.dtype).toBe("i64");
    expect(await list(y)).toEqual([2n ** 60n + 1n, -3n]);
  }
});

describe("free functions", () => {
  test("are the methods of the same names", async () => {
    const x = randn([2, 3], new Random(1));
    const one = "sum mean prod std amax amin norm argmax argmin argsort flatten squeeze floor ceil round sign square rsqrt";
    for (const name of one.split(" ")) {
      const free = (tacit as unknown as Record<string, (x: Tensor) => Tensor>)[name]!(x);
      const method = (x as unknown as Record<string, () => Tensor>)[name]!();
      expect(await list(free), name).toEqual(await list(method));
    }
    expect(await list(tacit.topk(m, 1, 1).values)).toEqual([[3], [6]]);
    expect(await list(tacit.sort(m, 1, { descending: true }).values)).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect(await list(tacit.gather(m, 1, tensor([[2], [0]], { dtype: "i32" })))).toEqual([[3], [4]]);
    expect(await list(tacit.dot(tensor([1, 2]), tensor([3, 4])))).toBe(11);
    expect(await list(tacit.kron(tensor([1, 2]), tensor([1, 10])))).toEqual([1, 10, 2, 20]);
    expect(await list(tacit.cross(tensor([1, 0, 0]), tensor([0, 1, 0])))).toEqual([0, 0, 1]);
    expect(tacit.reshape(m, [3, 2]).shape).toEqual([3, 2]);
    expect(tacit.unsqueeze(m, 1).shape).toEqual([2, 1, 3]);
    expect(tacit.transpose(m, 0, 1).shape).toEqual([3, 2]);
    expect(tacit.permute(m, [1, 0]).shape).toEqual([3, 2]);
    expect(tacit.split(m, 2, 1).map((t) => t.shape)).toEqual([
      [2, 2],
      [2, 1],
    ]);
    expect(tacit.chunk(m, 2).map((t) => t.shape)).toEqual([
      [1, 3],
      [1, 3],
    ]);
  });

  test("stack vectors side by side and above each other, and broadcast together", async () => {
    const v = tensor([7, 8, 9]);
    expect(await list(tacit.hstack([v, v]))).toEqual([7, 8, 9, 7, 8, 9]);
    expect(tacit.hstack([m, m]).shape).toEqual([2, 6]);
    expect(await list(tacit.vstack([v, m]))).toEqual([
      [7, 8, 9],
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(tacit.broadcastTensors(v, m.unsqueeze(1)).map((t) => t.shape)).toEqual([
      [2, 1, 3],
      [2, 1, 3],
    ]);
    expect(() => tacit.broadcastTensors(v, tensor([1, 2]))).toThrow(/broadcastTensors/);
  });
});

describe("nn.functional", () => {
  const F = nn.functional;
  const random = (): Random => new Random(2);
  const same = async (a: Tensor, b: Tensor): Promise<void> => expect(await list(a)).toEqual(await list(b));

  test("gives what the layers give with the same weights", async () => {
    const x = randn([2, 4, 5, 6], random());
    const conv = nn.conv2d(4, 2, 3, { stride: 2, padding: 1, groups: 2 });
    await same(F.conv2d(x, conv.weight, conv.bias, { stride: 2, padding: 1, groups: 2 }), conv(x));
    const up = nn.convTranspose2d(4, 3, 2, { stride: 2 });
    await same(F.convTranspose2d(x, up.weight, up.bias, { stride: 2 }), up(x));
    const row = x.select(2, 0);
    const conv1 = nn.conv1d(4, 2, 3);
    await same(F.conv1d(row, conv1.weight, conv1.bias), conv1(row));
    const up1 = nn.convTranspose1d(4, 3, 2);
    await same(F.convTranspose1d(row, up1.weight, up1.bias), up1(row));
    const fc = nn.linear(6, 3);
    await same(F.linear(x, fc.weight, fc.bias), fc(x));
    const norm = nn.layerNorm([5, 6]);
    await same(F.layerNorm(x, [5, 6], { weight: norm.weight, bias: norm.bias }), norm(x));
    const rows = nn.embedding(7, 3);
    const at = tensor([[1, 6, 0]], { dtype: "i32" });
    await same(F.embedding(at, rows.weight), rows(at));
    expect(() => F.embedding(at, fc.bias!)).toThrow(/embedding: expected a weight \[V, D\]/);
  });

  test("pools and pads as the layers do", async () => {
    const x = randn([2, 4, 6, 5], random());
    const row = x.select(2, 1);
    await same(F.maxPool2d(x, 2, { stride: 1 }), nn.maxPool2d(2, { stride: 1 })(x));
    await same(
      F.avgPool2d(x, 3, { padding: 1, countIncludePad: false }),
      nn.avgPool2d(3, { padding: 1, countIncludePad: false })(x),
    );
    await same(F.maxPool1d(row, 2), nn.maxPool1d(2)(row));
    await same(F.avgPool1d(row, 2), nn.avgPool1d(2)(row));
    await same(F.adaptiveAvgPool2d(x, [2, null]), nn.adaptiveAvgPool2d([2, null])(x));
    await same(F.adaptiveMaxPool2d(x, 3), nn.adaptiveMaxPool2d(3)(x));
    await same(F.adaptiveAvgPool1d(row, 2), nn.adaptiveAvgPool1d(2)(row));
    await same(F.adaptiveMaxPool1d(row, 2), nn.adaptiveMaxPool1d(2)(row));
    await same(F.pad(x, [1, 2], { mode: "reflect" }), x.pad([1, 2], { mode: "reflect" }));
    await same(
      F.oneHot(tensor([1, 0], { dtype: "i32" }), 3),
      tensor([
        [0, 1, 0],
        [1, 0, 0],
      ]),
    );
  });

  test("has the losses of nn, the same functions", () => {
    for (const [name, fn] of Object.entries(F)) {
      const loss = (nn as unknown as Record<string, unknown>)[name];
      if (/(Loss|klDiv|rossEntropy|WithLogits)$/.test(name) && name !== "binaryCrossEntropyWithLogits")
        expect(fn, name).toBe(loss);
    }
    expect(F.binaryCrossEntropyWithLogits).toBe(nn.bceWithLogits);
    expect(F.crossEntropy).toBe(nn.crossEntropy);
  });
});
