/** @file Sorting and secret indices on shares: exact results, ties, both networks, sharing between nodes; rounds and bytes. */
import { noGrad, Random, randn, type Tensor, tensor } from "@tacit/core";
import { type Expr, ops } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mergeExchange, RANKED } from "../../../src/protocols/replicated3/functions/sort.ts";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { captureDevice } from "./capture.ts";
import { expectClose, type Input, known, makeCase, onShares, secret, uniform } from "./ops.ts";
import { distance, OPTIONS, Parties, PUBLIC, SECRET } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

type Build = (...args: Expr[]) => Expr | Expr[];
type Row = readonly [name: string, inputs: readonly Input[], build: Build, absolute: number, relative?: number];
const rows = (all: readonly Row[]): void => {
  test.each(all.map((row) => ({ name: row[0], row })))("$name", ({ row: [, inputs, build, absolute, relative] }) =>
    expectClose(parties, makeCase(inputs, build), absolute, relative),
  );
};

/** Many ties, both signs, the ends of the range of inputs. */
const ties = (i: number): number => [0, 3, -3, 0.5, 3, 16384, -16384, 2 ** -16, 0, -(2 ** -16)][(i * 7) % 10]!;
const place =
  (n: number): ((i: number) => number) =>
  (i) =>
    (i * 5 + 1) % n;
const indices = (shape: readonly number[], n: number): Input => ({ ...secret(shape, place(n)), dtype: "i32" });

describe("sorting is exact and stable", () => {
  const both =
    (axis: number, descending: boolean): Build =>
    (x) => [ops.sort(x!, axis, descending), ops.argsort(x!, axis, descending)];
  rows([
    ...[1, 2, 3, 7, 13].map((n): Row => [`${n} of them, by rank`, [secret([3, n], ties)], both(1, false), 0]),
    ["descending, along the middle", [secret([2, 5, 3], ties)], both(1, true), 0],
    ["none of them", [secret([0, 3], ties)], both(1, false), 0],
    ...[33, 48, 70].map((n): Row => [`${n} of them, by a network`, [secret([n, 2], ties)], both(0, n === 48), 0]),
    ["integers", [{ ...secret([2, 6], (i) => ((i * 7) % 4) - 2), dtype: "i32" }], both(1, false), 0],
    ["a product", [secret([9]), secret([9])], (x, y) => ops.sort(ops.mul(x!, y!), 0), 2 ** -15],
  ]);
  test("a merge exchange sorts all rows of zeros and ones, for every size up to 11", () => {
    for (let n = 1; n <= 11; n++) {
      for (let word = 0; word < 2 ** n; word++) {
        const x = Array.from({ length: n }, (_, i) => (word >> i) & 1);
        for (const { block, set, distance: d } of mergeExchange(n)) {
          for (let i = 0; i < n - d; i++) {
            if (((i & block) !== 0) === set && x[i]! > x[i + d]!) [x[i], x[i + d]] = [x[i + d]!, x[i]!];
          }
        }
        expect(x.join("")).toBe([...x].sort().join(""));
      }
    }
  });
  test("what argsort orders is not sorted again: a gather by it, or by its first places, costs no round", async () => {
    const order = makeCase([secret([4, 6])], (x) => ops.argsort(x!, 1));
    const all = makeCase([secret([4, 6])], (x) => {
      const at = ops.argsort(x!, 1);
      const top = ops.slice(at, [0, 0], [4, 2]);
      return [at, ops.gather(x!, at, 1), ops.gather(x!, top, 1), top];
    });
    const costs = await Promise.all([order, all].map((c) => replicated3.estimate(c.program, c.bindings, OPTIONS)));
    expect(costs.map((c) => c.rounds)).toEqual([15, 15]);
    expect(costs[1]!.bytesPerParty).toEqual(costs[0]!.bytesPerParty);
    await expectClose(parties, all, 0);
  });
  test("costs 15 rounds up to 32 elements, and at most 7 a layer above", async () => {
    const cost = async (n: number): Promise<number> => {
      const c = makeCase([secret([n])], (x) => ops.sort(x!, 0));
      return (await replicated3.estimate(c.program, c.bindings, OPTIONS)).rounds;
    };
    expect(await cost(RANKED)).toBe(15);
    expect(await cost(RANKED + 1)).toBeLessThanOrEqual(7 * 21);
    expect(await cost(128)).toBeLessThanOrEqual(7 * 28);
  });
});

describe("secret indices", () => {
  rows([
    ["one-hot rows", [indices([3, 2], 5)], (i) => [ops.oneHot(i!, 5, "f32"), ops.oneHot(i!, 5, "i32")], 0],
    ["of one class", [{ ...secret([3], () => 0), dtype: "i32" }], (i) => ops.oneHot(i!, 1, "f32"), 0],
    ["rows of a secret table", [secret([5, 3]), indices([4], 5)], (x, i) => ops.indexSelect(x!, i!, 0), 0],
    ["columns of a secret table", [secret([2, 5, 3]), indices([4], 5)], (x, i) => ops.indexSelect(x!, i!, 1), 0],
    ["rows of a public table", [known([5, 3], ties), indices([4], 5)], (x, i) => ops.indexSelect(x!, i!, 0), 0],
    ["gather", [secret([3, 4, 5]), indices([2, 6, 5], 4)], (x, i) => ops.gather(x!, i!, 1), 0],
    [
      "scatterAdd of fewer rows",
      [secret([3, 4, 5]), indices([2, 6, 5], 4), secret([2, 6, 5])],
      (x, i, s) => ops.scatterAdd(x!, i!, s!, 1),
      0,
    ],
    ["indexAdd", [secret([2, 4, 3]), indices([6], 4), secret([2, 6, 3])], (x, i, s) => ops.indexAdd(x!, i!, s!, 1), 0],
    [
      "a choice of integers",
      [secret([6]), indices([6], 3), indices([6], 5)],
      (x, i, j) => ops.where(ops.gt(x!, ops.lit(x!, 0)), i!, j!),
      0,
    ],
    [
      "scatter to public places",
      [secret([4]), { ...known([3], place(4)), dtype: "i32" }, secret([3])],
      (x, i, s) => ops.scatter(x!, i!, s!, 0),
      0,
    ],
  ]);
  test("outside select zeros and add nothing", async () => {
    const outside: Input = { ...secret([4], (i) => [-1, 3, 2, 1000][i]!), dtype: "i32" };
    const c = makeCase([secret([3, 2], () => 5), outside, secret([4, 2])], (x, i, s) => [
      ops.oneHot(i!, 3, "i32"),
      ops.indexSelect(x!, i!, 0),
      ops.indexAdd(ops.zeros(x!), i!, s!, 0),
    ]);
    const [hot, chosen, added] = await onShares(parties, c);
    expect([...(hot as Int32Array)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    expect([...(chosen as Float32Array)]).toEqual([0, 0, 0, 0, 5, 5, 0, 0]);
    expect([...(added as Float32Array).slice(0, 4)]).toEqual([0, 0, 0, 0]);
  });
  test("cost 7 rounds, and one for the product with a secret table", async () => {
    const cost = async (table: Input): Promise<number> => {
      const c = makeCase([table, indices([4], 5)], (x, i) => ops.indexSelect(x!, i!, 0));
      return (await replicated3.estimate(c.program, c.bindings, OPTIONS)).rounds;
    };
    expect([await cost(known([5, 3])), await cost(secret([5, 3]))]).toEqual([7, 8]);
  });
});

describe("bits and products", () => {
  const flags: Input = { ...secret([3, 4], (i) => (i * 3) % 4 && 1), dtype: "bool" };
  const others: Input = { ...secret([4], (i) => i % 2), dtype: "bool" };
  const every: Build = (x, y) => [ops.bitAnd(x!, y!), ops.bitOr(x!, y!), ops.bitXor(x!, y!)];
  rows([
    ["logic", [flags, others], every, 0],
    ["logic with public bits", [{ ...others, public: true }, flags], every, 0],
    ["all and any", [flags], (x) => [ops.all(x!, [1]), ops.any(x!, [0, 1]), ops.all(x!, [0])], 0],
    [
      "of comparisons",
      [secret([4]), secret([4])],
      (x, y) => ops.any(ops.bitAnd(ops.gt(x!, y!), ops.gt(y!, ops.lit(y!, 0))), [0]),
      0,
    ],
    [
      "products",
      [secret([2, 5, 3], uniform(-2, 2))],
      (x) => [ops.prod(x!, [1]), ops.prod(x!, [0, 2]), ops.prod(x!, [])],
      2 ** -11,
    ],
    [
      "powers of other constants",
      [secret([40], uniform(0.05, 30))],
      (x) => [0.75, -1.5, -2].map((k) => ops.pow(x!, ops.lit(x!, k))),
      2 ** -13,
      2 ** -12,
    ],
  ]);
  test("a constant that fixed point cannot hold is a gap, and no error of the run", () => {
    const c = makeCase([secret([4])], (x) => ops.maximum(x!, ops.lit(x!, 1e12)));
    expect(replicated3.check(c.program, c.bindings, OPTIONS)[0]?.reason).toContain("2^37");
  });
});

describe("methods of tensors", () => {
  /** Runs what a method makes, as a whole Program. */
  const agrees = async (x: Tensor, f: (x: Tensor) => readonly Tensor[], tolerance = 2 ** -14): Promise<void> => {
    const { device, runs } = captureDevice();
    const moved = await x.to(device);
    await noGrad(async () => {
      for (const y of f(moved)) await y.data();
    });
    for (const run of runs) {
      const bindings = run.job.bindings.map((b) => (b.kind === "public" ? PUBLIC : SECRET));
      const values = await onShares(parties, { program: run.job.program, bindings, inputs: run.inputs });
      for (const [i, want] of run.outputs.entries()) expect(distance(values[i]!, want)).toBeLessThanOrEqual(tolerance);
    }
  };
  const random = new Random(3);
  test.each<readonly [string, (x: Tensor) => readonly Tensor[]]>([
    ["topk", (x) => Object.values(x.topk(2, 1)) as Tensor[]],
    ["sort", (x) => Object.values(x.sort(0, { descending: true })) as Tensor[]],
    ["median", (x) => [x.median(), ...(Object.values(x.median(1)) as Tensor[])]],
    ["kthvalue", (x) => Object.values(x.kthvalue(2, 1)) as Tensor[]],
  ])("%s", (_, f) => agrees(randn([3, 5], random), f));
  test("a cross-entropy with secret labels: their one-hot rows", () =>
    agrees(tensor([[0], [2], [1]]).int(), (t) => [t.reshape(3).oneHot(3)]));
});
