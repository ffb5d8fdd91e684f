/** @file Indexing, order statistics and index notation: what they refuse, ties and NaN, sorting against a plain sort, mapping. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import type { Device } from "../../src/device/device.ts";
import { referenceDevice } from "../../src/device/reference/index.ts";
import {
  type DType,
  einsum,
  grad,
  meshgrid,
  Random,
  randn,
  setDefaultDevice,
  stack,
  Tensor,
  tensor,
  tensordot,
  vmap,
  zeros,
} from "../../src/index.ts";

const code = (name: string): unknown => expect.objectContaining({ code: name });
const ids = (...values: number[]): Tensor => tensor(values, { dtype: "i32" });
const NAN = Number.NaN;

describe.each([
  ["reference", () => referenceDevice("f64")],
  ["cpu", () => cpu()],
] as const)("on the %s device", (_, make) => {
  let former: Device | null;
  beforeAll(() => {
    former = setDefaultDevice(make());
  });
  afterAll(() => {
    setDefaultDevice(former);
  });

  test.each<readonly [string, () => unknown, string]>([
    ["too many indices", () => zeros([2, 3]).index(0, 1, 2), "INDEX_INVALID"],
    ["two ellipses", () => zeros([2, 3]).index("...", "..."), "INDEX_INVALID"],
    ["a number outside", () => zeros([2, 3]).index(":", 3), "INDEX_INVALID"],
    ["a step of 0", () => zeros([2, 3]).index([0, 2, 0]), "INDEX_INVALID"],
    ["a mask", () => zeros([3]).index(zeros([3]).gt(0)), "SHAPE_DATA_DEPENDENT"],
    ["a mask to write through", () => zeros([3]).indexPut([zeros([3]).gt(0)], 1), "SHAPE_DATA_DEPENDENT"],
    ["maskedSelect", () => zeros([3]).maskedSelect(zeros([3]).gt(0)), "SHAPE_DATA_DEPENDENT"],
    ["nonzero", () => zeros([3]).nonzero(), "SHAPE_DATA_DEPENDENT"],
    ["floats as indices", () => zeros([3]).index(zeros([2])), "DTYPE_UNSUPPORTED"],
    ["indices that do not broadcast", () => zeros([3, 3]).index(ids(0, 1), ids(0, 1, 2)), "SHAPE_MISMATCH"],
    ["values that do not fit", () => zeros([3, 2]).indexPut([ids(0)], zeros([3, 2])), "SHAPE_MISMATCH"],
    ["a fraction into integers", () => ids(1, 2).indexFill(0, ids(0), 0.5), "DTYPE_MISMATCH"],
    ["a source smaller than the index", () => zeros([3]).scatter(0, ids(0, 1), zeros([1])), "SHAPE_MISMATCH"],
    ["k beyond the size", () => zeros([3]).topk(4), "ARGUMENT_INVALID"],
    ["k of 0", () => zeros([3]).kthvalue(0), "ARGUMENT_INVALID"],
    ["the median of nothing", () => zeros([0]).median(), "SHAPE_MISMATCH"],
    ["a quantile above 1", () => zeros([3]).quantile(1.5), "ARGUMENT_INVALID"],
    ["rows of two widths", () => zeros([3, 2]).cdist(zeros([3, 4])), "SHAPE_MISMATCH"],
    ["shifts without dimensions", () => zeros([3, 2]).roll([1, 2]), "ARGUMENT_INVALID"],
    ["the diagonal of a vector", () => zeros([3]).diagonal(), "SHAPE_MISMATCH"],
    ["a diagonal of one dimension", () => zeros([3, 3]).diagonal(0, 1, -1), "AXIS_REPEATED"],
    ["counts for another size", () => zeros([3]).repeatInterleave([1, 2], 0), "ARGUMENT_INVALID"],
    ["a window larger than the image", () => zeros([1, 1, 2, 2]).im2col(3), "SHAPE_MISMATCH"],
    ["a window longer than the dimension", () => zeros([3]).unfold(0, 4, 1), "ARGUMENT_INVALID"],
    ["an equation for other operands", () => einsum("ij,jk", zeros([2, 3])), "ARGUMENT_INVALID"],
    ["an equation of another rank", () => einsum("ij", zeros([2])), "ARGUMENT_INVALID"],
    ["sizes that differ", () => einsum("ij,jk", zeros([2, 3]), zeros([4, 2])), "ARGUMENT_INVALID"],
    ["a result of unknown letters", () => einsum("ij->ik", zeros([2, 3])), "ARGUMENT_INVALID"],
    ["a letter twice in the result", () => einsum("ij->ii", zeros([2, 3])), "ARGUMENT_INVALID"],
    ["signs that are no letters", () => einsum("i1", zeros([2, 3])), "ARGUMENT_INVALID"],
    ["sums over unequal sizes", () => tensordot(zeros([2, 3]), zeros([4, 2]), 1), "SHAPE_MISMATCH"],
    ["a grid of matrices", () => meshgrid([zeros([2, 2])]), "SHAPE_MISMATCH"],
  ])("refused: %s", (_name, f, want) => {
    expect(f).toThrow(code(want));
  });

  test("an index outside is found when it runs, also where the flat place would lie inside", async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
    ]);
    await expect(x.index(ids(0), ids(2)).data()).rejects.toThrow(code("INDEX_INVALID"));
    await expect(x.index(ids(-3)).data()).rejects.toThrow(code("INDEX_INVALID"));
    await expect(x.take(ids(4)).data()).rejects.toThrow(code("INDEX_INVALID"));
    await expect(x.indexPut([ids(2)], 0).data()).rejects.toThrow(code("INDEX_INVALID"));
    await expect(x.scatter(0, tensor([[2, 0]], { dtype: "i32" }), 0).data()).rejects.toThrow(code("INDEX_INVALID"));
  });

  test("of several values for one place the last counts, and only it has a gradient", async () => {
    const src = tensor([1, 2, 3]).requiresGrad_();
    const y = zeros([4]).scatter(0, ids(1, 1, 3), src);
    expect(await y.tolist()).toEqual([0, 2, 0, 3]);
    y.sum().backward();
    expect(await src.grad!.tolist()).toEqual([0, 1, 1]);
    expect(
      await zeros([3])
        .indexPut([ids(0, -3)], tensor([5, 6]))
        .tolist(),
    ).toEqual([6, 0, 0]);
    expect(
      await zeros([3])
        .indexPut([ids(0, -3)], tensor([5, 6]), { accumulate: true })
        .tolist(),
    ).toEqual([11, 0, 0]);
  });

  test("a source may be larger than the index that reads it; the rest has a gradient of 0", async () => {
    const index = tensor([[0], [1]], { dtype: "i32" });
    for (const name of ["scatter", "scatterAdd"] as const) {
      const src = Tensor.from([1, 2, 3, 4, 5, 6], [3, 2]).requiresGrad_();
      const y = zeros([2, 2])[name](0, index, src);
      y.sum().backward();
      expect(await y.tolist()).toEqual([
        [1, 0],
        [3, 0],
      ]);
      expect(await src.grad?.tolist()).toEqual([
        [1, 0],
        [1, 0],
        [0, 0],
      ]);
    }
  });

  test("other dtypes are picked and written as well", async () => {
    const x = tensor([
      [true, false],
      [false, true],
    ]);
    expect(await x.index(ids(1, 0)).tolist()).toEqual([
      [false, true],
      [true, false],
    ]);
    expect(await x.indexPut([0], true).tolist()).toEqual([
      [true, true],
      [false, true],
    ]);
    expect(await tensor([1n, 2n, 3n]).index([null, null, -1]).tolist()).toEqual([3n, 2n, 1n]);
    expect(await tensor([1n, 2n, 3n]).indexFill(0, ids(1), 7).tolist()).toEqual([1n, 7n, 3n]);
  });

  test("medians and quantiles are NaN where there is one; ties keep their order", async () => {
    const x = tensor([
      [3, NAN, 1],
      [2, 2, 1],
    ]);
    const { values, indices } = x.median(1);
    expect(await values.tolist()).toEqual([NAN, 2]);
    expect(await indices.tolist()).toEqual([1, 0]);
    expect(await x.quantile([0.5, 1], 1).tolist()).toEqual([
      [NAN, 2],
      [NAN, 2],
    ]);
    expect(await tensor([2, 1, 2, NAN]).topk(3).indices.tolist()).toEqual([3, 0, 2]);
    expect(await tensor([2, 1, 2, 1]).topk(3, 0, { largest: false }).indices.tolist()).toEqual([1, 3, 0]);
    expect(await tensor([4, 1, 3, 2], { dtype: "i32" }).median().item()).toBe(2);
  });

  test.each<DType>(["f32", "i32", "u32", "u8", "i64"])(
    "sorting %s agrees with a plain stable sort, short lines and long",
    async (dtype) => {
      const random = new Random(5);
      const special =
        dtype === "f32" ? [NAN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, NAN, 1e-42, -1e-42] : [0];
      for (const [outer, n, inner] of [
        [2, 7, 3],
        [3, 200, 1],
        [1, 300, 2],
        [2, 1, 2],
        [1, 0, 2],
      ] as const) {
        const draw = (): number => {
          if (random.integer(0, 5) === 0) return special[random.integer(0, special.length)]!;
          return dtype === "f32"
            ? Math.fround(random.gaussian() * 100)
            : random.integer(dtype.startsWith("u") ? 0 : -200, dtype === "u8" ? 200 : 40_000_000) % 150;
        };
        const values = Array.from({ length: outer * n * inner }, draw);
        const x = Tensor.from(dtype === "i64" ? values.map(BigInt) : values, [outer, n, inner], { dtype });
        const rank = (v: number): number =>
          Number.isNaN(v) ? Number.POSITIVE_INFINITY : v === Number.POSITIVE_INFINITY ? 1e300 : v;
        for (const descending of [false, true]) {
          const got = await x.argsort(1, { descending }).data();
          for (let o = 0; o < outer; o++)
            for (let i = 0; i < inner; i++) {
              const at = (k: number): number => (o * n + k) * inner + i;
              const order = Array.from({ length: n }, (_v, k) => k);
              const sense = descending ? -1 : 1;
              order.sort((p, q) =>
                rank(values[at(p)]!) === rank(values[at(q)]!) ? 0 : rank(values[at(p)]!) < rank(values[at(q)]!) ? -sense : sense,
              );
              expect(order.map((_v, k) => Number(got[at(k)]!))).toEqual(order);
            }
        }
      }
    },
  );
});

describe("mapped over examples and differentiated", () => {
  let former: Device | null;
  beforeAll(() => {
    former = setDefaultDevice(referenceDevice("f64"));
  });
  afterAll(() => {
    setDefaultDevice(former);
  });
  const random = new Random(9);
  test.each<readonly [string, (x: Tensor) => Tensor]>([
    ["index", (x) => x.index(ids(2, 0), ids(1, -1))],
    ["indexPut", (x) => x.indexPut([ids(2, 0)], x.index(0), { accumulate: true })],
    ["scatter", (x) => x.scatter(0, tensor([[0, 2, 1, 0]], { dtype: "i32" }), x.narrow(0, 1, 1))],
    ["take", (x) => x.take(ids(5, 0, 5))],
    ["roll", (x) => x.roll([1, -1], [0, 1])],
    ["diagonal", (x) => x.diagonal(1)],
    ["diagEmbed", (x) => x.diagEmbed(-1)],
    ["cumprod", (x) => x.cumprod(1)],
    ["logcumsumexp", (x) => x.logcumsumexp(0)],
    ["topk", (x) => x.topk(2, 0).values],
    ["quantile", (x) => x.quantile([0.2, 0.7], 1)],
    ["cdist", (x) => x.cdist(x.mul(2))],
    ["einsum", (x) => einsum("ij,kj,ik->i", x, x, x.matmul(x.T))],
    ["atan2", (x) => x.atan2(x.T.reshape(3, 4))],
    ["lgamma", (x) => x.abs().add(0.5).lgamma()],
  ])("%s equals a loop, value and gradient", async (_, f) => {
    const x = randn([2, 3, 4], random);
    const loss = (v: Tensor): Tensor => f(v).sin().sum();
    const gap = async (a: Tensor, b: Tensor): Promise<number> => a.sub(b).abs().amax().item();
    expect(await gap(vmap(f)(x), stack(x.unbind().map(f)))).toBeLessThan(1e-12);
    expect(await gap(vmap(grad(loss))(x), stack(x.unbind().map((v) => grad(loss)(v))))).toBeLessThan(1e-10);
  });
});
