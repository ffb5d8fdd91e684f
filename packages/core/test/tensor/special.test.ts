/** @file Special functions at their corners: tiny and huge numbers, infinities, NaN, signs of zero; comparisons that are awaited. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpu } from "../../src/device/cpu/index.ts";
import type { Device } from "../../src/device/device.ts";
import { referenceDevice } from "../../src/device/reference/index.ts";
import { gradients, setDefaultDevice, type Tensor, tensor } from "../../src/index.ts";

const INF = Number.POSITIVE_INFINITY;
const NAN = Number.NaN;
const DEVICES = [
  ["reference", referenceDevice("f64"), "f64", 1e-12],
  ["cpu", cpu(), "f32", 5e-7],
] as const;

describe.each(DEVICES)("on the %s device", (_, device, dtype, tolerance) => {
  let former: Device | null;
  beforeAll(() => {
    former = setDefaultDevice(device);
  });
  afterAll(() => {
    setDefaultDevice(former);
  });
  const of = (...values: number[]): Tensor => tensor(values, { dtype });
  const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number);
  /** Relative to each value: digits near zero count. */
  const close = (got: readonly number[], want: readonly number[]): void => {
    got.forEach((v, i) => {
      const w = want[i]!;
      const good = Object.is(v, w) || (v === w && w !== 0) || Math.abs(v - w) <= tolerance * Math.abs(w);
      if (!good) expect.fail(`element ${i}: expected ${w}, got ${v}`);
    });
    expect(got).toHaveLength(want.length);
  };

  test.each<readonly [string, (x: Tensor) => Tensor, (x: number) => number, readonly number[]]>([
    ["log1p", (x) => x.log1p(), Math.log1p, [1e-12, -1e-7, 3e-5, 0.5, 1e20, -1, -2, INF, NAN]],
    ["expm1", (x) => x.expm1(), Math.expm1, [1e-12, -1e-7, 3e-5, 0.5, -50, 80, INF, -INF, NAN]],
    ["atan", (x) => x.atan(), Math.atan, [1e-12, -1e-7, 0.4, 2.5, 1e20, INF, -INF, NAN]],
    ["asin", (x) => x.asin(), Math.asin, [1e-12, 0.999, 1, -1, 1.5, NAN]],
    ["acos", (x) => x.acos(), Math.acos, [0.999, 1, -1, 0, 1.5]],
    ["sinh", (x) => x.sinh(), Math.sinh, [1e-12, -1e-5, 30, INF, -INF]],
    ["asinh", (x) => x.asinh(), Math.asinh, [1e-12, -1e-5, 30, -1e25, INF, -INF, NAN]],
    ["acosh", (x) => x.acosh(), Math.acosh, [1, 1.5, 1e25, INF, 0.5, -1e4]],
    ["atanh", (x) => x.atanh(), Math.atanh, [1e-12, -1e-5, 0.9, 1, -1, 2]],
    ["lgamma", (x) => x.lgamma(), (x) => (x === 0 ? INF : x === 30 ? 71.257038967168 : x < 0 ? NAN : x), [0, 30, INF, -2.5]],
    ["trunc", (x) => x.trunc(), Math.trunc, [1.7, -1.7, 1e20, INF, NAN]],
  ])("%s keeps its digits and its limits", async (_name, f, want, at) => {
    const xs = dtype === "f64" ? at : at.map(Math.fround);
    close(await list(f(of(...xs))), dtype === "f64" ? xs.map(want) : xs.map((x) => Math.fround(want(x))));
  });

  test("erfc and exp2 keep their digits where they are tiny", async () => {
    const [xs, ys] = [
      [-3, 0, 0.5, 2.5, 6, 9],
      [1.999977909503, 1, 0.479500122186953, 4.06952017444959e-4, 2.15197367124989e-17, 4.13703174651381e-37],
    ];
    const got = await list(of(...xs, INF, -INF, NAN).erfc());
    got.slice(0, 6).forEach((v, i) => void expect(Math.abs(v / ys[i]! - 1), `erfc of ${xs[i]}`).toBeLessThan(tolerance));
    expect(got.slice(6)).toEqual([0, 2, NAN]);
    const x = of(6).requiresGrad_();
    x.erfc().sum().backward();
    close(await list(x.grad!), [(-2 / Math.sqrt(Math.PI)) * Math.exp(-36)]);
    close(await list(of(-75.0625, -140, 3).exp2()), [2 ** -75.0625, 2 ** -140, 8]);
  });

  test("lgamma keeps its digits beside its zeros at 1 and 2", async () => {
    const near = [0.9990234375, 1, 1.0009765625, 1.9990234375, 2, 2.0009765625, 0.0009765625, 2.9375];
    const exact = [
      0.000564471911855123, 0, -0.000562903179991205, -0.000412567735971489, 0, 0.000413182793064254, 6.93090890241946,
      0.636250862842376,
    ];
    const got = await list(of(...near).lgamma());
    // The reference's cancels to 1e-15, absolutely.
    got.forEach(
      (v, i) =>
        void expect(Math.abs(v - exact[i]!), `at ${near[i]}`).toBeLessThanOrEqual(1e-14 + 2 * tolerance * Math.abs(exact[i]!)),
    );
  });

  test("erfinv and trigamma have their known values", async () => {
    close(await list(of(0.5, -0.9, 1, -1, 2).erfinv()), [0.4769362762044699, -1.1630871536766743, INF, -INF, NAN]);
    close(await list(of(1, 0.5, 2).polygamma(1)), [Math.PI ** 2 / 6, Math.PI ** 2 / 2, Math.PI ** 2 / 6 - 1]);
    close(await list(of(1, 0.5).digamma()), [-0.5772156649015329, -0.5772156649015329 - 2 * Math.LN2]);
  });

  test("atan2 knows quadrants, zeros of both signs and infinities", async () => {
    const [ys, xs] = [
      [1, 1, -1, -1, 0, -0, 0, -0, INF, -INF, INF, 1, NAN],
      [1, -1, 1, -1, 1, 1, -1, -0, INF, INF, -INF, -INF, 1],
    ];
    const want = ys.map((y, i) => Math.atan2(y, xs[i]!));
    close(await list(of(...ys).atan2(of(...xs))), dtype === "f64" ? want : want.map(Math.fround));
  });

  test("hypot and logaddexp do not overflow on the way", async () => {
    const big = dtype === "f64" ? 1e300 : 1e30;
    close(await list(of(3 * big, 0, INF, 3).hypot(of(4 * big, 0, 1, -4))), [5 * big, 0, INF, 5]);
    close(await list(of(1000, -INF, INF, 0).logaddexp(of(1000, -INF, 1, 0))), [1000 + Math.LN2, -INF, INF, Math.LN2]);
    close(await list(of(0, 0, 2, 0).xlogy(of(0, 3, 1, NAN))), [0, 0, 0, NAN]);
  });

  test("finite numbers are told from others and put in their place", async () => {
    const x = of(1, INF, -INF, NAN);
    expect(await list(x.isfinite())).toEqual([1, 0, 0, 0]);
    expect(await list(x.isinf())).toEqual([0, 1, 1, 0]);
    const most = dtype === "f64" ? Number.MAX_VALUE : 3.4028234663852886e38;
    expect(await list(x.nanToNum())).toEqual([1, most, -most, 0]);
    expect(await list(x.nanToNum({ nan: 5, posinf: 6, neginf: 7 }))).toEqual([1, 6, 7, 5]);
    const n = tensor([3, -3], { dtype: "i32" });
    expect(await list(n.isfinite())).toEqual([1, 1]);
    expect(await list(n.isinf())).toEqual([0, 0]);
    expect(await list(n.nanToNum())).toEqual([3, -3]);
    expect(await list(n.trunc())).toEqual([3, -3]);
    expect(await list(n.floorDivide(2))).toEqual([1, -2]);
    const [a, b] = [
      [2 ** 31 - 1, -(2 ** 31), 123456789, -7, 7, 6],
      [3, 7, -10, -7, -2, 3],
    ];
    const quotient = tensor(a, { dtype: "i32" }).floorDivide(tensor(b, { dtype: "i32" }));
    expect(await list(quotient)).toEqual(a.map((v, i) => Math.floor(v / b[i]!)));
    expect(await list(n.log2())).toEqual([expect.closeTo(Math.log2(3), 5), NAN]);
  });

  test("tensors are compared with PyTorch's tolerances, infinities by equality, NaN as asked", async () => {
    const [x, y] = [of(1, 100, INF, NAN), of(1 + 5e-6, 100.0005, INF, NAN)];
    expect(await list(x.isclose(y))).toEqual([1, 1, 1, 0]);
    expect(await list(x.isclose(y, { equalNan: true }))).toEqual([1, 1, 1, 1]);
    expect(await list(of(1, INF, 0).isclose(of(1.1, -INF, 1e-7)))).toEqual([0, 0, 0]);
    expect(await x.allclose(y, { equalNan: true })).toBe(true);
    expect(await x.allclose(y)).toBe(false);
    expect(await of(1).allclose(of(1.1), { rtol: 0.2 })).toBe(true);
    expect(await of(1, 2).equal(of(1, 2))).toBe(true);
    expect(await of(1, 2).equal(of(1, 3))).toBe(false);
    expect(await of(1, 2).equal(of(1, 2).reshape(1, 2))).toBe(false);
    expect(await list(tensor([1, 2], { dtype: "i32" }).isclose(tensor([1, 3], { dtype: "i32" })))).toEqual([1, 0]);
  });

  test("the gradient of a frac is one, that of trunc nothing, that of hypot the direction", async () => {
    const x = of(1.5, -2.5).requiresGrad_();
    x.frac().sum().backward();
    expect(await list(x.grad!)).toEqual([1, 1]);
    x.grad = null;
    x.trunc().add(x.mul(0)).sum().backward();
    expect(await list(x.grad!)).toEqual([0, 0]);
    x.grad = null;
    x.hypot(of(2, 6)).sum().backward();
    close(await list(x.grad!), [0.6, -2.5 / 6.5]);
  });

  /** First derivatives, and those of their sum, by every argument. */
  const slopes = async (f: (...x: Tensor[]) => Tensor, ...xs: Tensor[]): Promise<readonly [number[][], number[][]]> => {
    for (const x of xs) x.requiresGrad_();
    const first = gradients(f(...xs).sum(), xs, { createGraph: true }) as Tensor[];
    const second = gradients(
      first.map((g) => g.sum()).reduce((a, b) => a.add(b)),
      xs,
    ) as Tensor[];
    return [await Promise.all(first.map(list)), await Promise.all(second.map(list))];
  };

  test("the gradient of xlogy by an x of 0 is log y, and none of its corners makes NaN", async () => {
    const [[x, y]] = await slopes((a, b) => a.xlogy(b), of(0, 0, 0, 2), of(4, 0, INF, 0.5));
    close(x!, [Math.log(4), 0, 0, Math.log(0.5)]);
    close(y!, [0, 0, 0, 4]);
  });

  test("logaddexp of equal numbers bends as elsewhere: its second derivative by both is 0, by one a quarter", async () => {
    const [first, [by]] = await slopes((a) => a.logaddexp(of(1, 1, -INF)), of(1, 2, -INF));
    const s = 1 / (1 + Math.exp(-1));
    close(first[0]!.slice(0, 2), [0.5, s]);
    close(by!.slice(0, 2), [0.25, s * (1 - s)]);
    close(await list(of(INF, -INF, INF, -INF, NAN).logaddexp(of(INF, -INF, 3, 3, 1))), [INF, -INF, INF, 3, NAN]);
  });

  test("floorDivide counts whole divisors, where the quotient rounds up to one more", async () => {
    const a = of(1, 7, -7, 7, -7, 0, 1, -1, INF, 6, -0.5);
    const b = of(0.1, 2, 2, -2, -2, 5, 0, 0, 2, 3, INF);
    // 0.1 as f32 is a little more than a tenth too.
    expect(await list(a.floorDivide(b))).toEqual([9, 3, -4, -4, 3, 0, INF, -INF, NAN, 2, -1]);
  });

  test.each([0.5, 1.5, 3, -1, -2])("the %d-norm has a gradient of 0 at zeros, also where all are", async (p) => {
    const x = of(0, 3, 0, 0).reshape(2, 2).requiresGrad_();
    const [g] = gradients(x.norm(p, 1).sum(), [x]) as Tensor[];
    close(await list(g!), [0, p > 0 ? 1 : 0, 0, 0]);
    close(await list(x.norm(p, 1)), [p > 0 ? 3 : 0, 0]);
  });

  test("logsumexp of nothing is -Infinity", async () => {
    expect(await list(tensor([], { dtype }).reshape(2, 0).logsumexp(1))).toEqual([-INF, -INF]);
  });
});
