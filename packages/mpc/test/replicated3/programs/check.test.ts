/** @file What check says before a run, and what depends on shapes only. */
import { type Expr, ops } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT_POWERS } from "../../../src/protocols/replicated3/bounds.ts";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { HANDLERS } from "../../../src/protocols/replicated3/lower/index.ts";
import { SHARED_OPS } from "../../../src/protocols/replicated3/lower/ops.ts";
import { Shadow } from "../../../src/protocols/replicated3/shadow.ts";
import { type Input, known, makeCase, secret } from "./ops.ts";
import { OPTIONS, Parties } from "./parties.ts";

const gaps = (inputs: readonly Input[], build: (...args: Expr[]) => Expr | Expr[]): string[] => {
  const c = makeCase(inputs, build);
  return replicated3.check(c.program, c.bindings, OPTIONS).map((g) => `${g.node} ${g.op}: ${g.reason}`);
};

describe("check", () => {
  test("names every gap at once, and none for a node that no result needs", () => {
    const all = gaps([secret([4, 3]), { ...secret([2]), dtype: "i32" }], (x, i) => [
      ops.sin(x!),
      ops.floor(x!),
      ops.scatter(ops.reshape(ops.slice(x!, [0, 0], [2, 1]), [2]), i!, ops.full([2], "f32", 1), 0),
      ops.pow(x!, x!),
    ]);
    expect(all).toHaveLength(4);
    expect(all.join("\n")).toMatch(/sin[\s\S]*floor[\s\S]*indices must be public[\s\S]*exponent/);
  });
  test("accepts secret ops behind public ones of any kind", () => {
    expect(gaps([secret([4]), known([4])], (x, y) => ops.mul(x!, ops.sin(ops.cumsum(y!, 0))))).toEqual([]);
  });
  test("refuses 64-bit floats, rounding and fraction bits that have no room", () => {
    expect(gaps([secret([4])], (x) => ops.cast(x!, "i32")).join()).toContain("does not become i32");
    const c = makeCase([secret([4])], (x) => ops.neg(x!));
    expect(replicated3.check(c.program, c.bindings, { ...OPTIONS, fractionBits: 20 })[0]?.op).toBe("session");
  });
});

describe("public results", () => {
  test("come back as arrays: what depends on public inputs only is no secret", async () => {
    const parties = await Parties.start({ memoryLimit: 2 ** 24 });
    const c = makeCase([known([4], () => 3), secret([4], () => 2)], (x, y) => [ops.mul(x!, x!), ops.add(x!, y!), x!]);
    const { outputs, counters } = await parties.run(c.program, c.bindings, parties.bind(c.program, c.bindings, c.inputs));
    expect(outputs.map((o) => "share" in o[0]!)).toEqual([false, true, false]);
    expect(counters.map((k) => k.rounds)).toEqual([0, 0, 0]);
    parties.close();
  });
});

describe("ranges", () => {
  const warned = (
    inputs: readonly Input[],
    bounds: readonly (number | undefined)[],
    build: (...args: Expr[]) => Expr,
  ): string[] => {
    const c = makeCase(inputs, build);
    return replicated3.ranges(c.program, c.bindings, bounds, OPTIONS).map((w) => w.message);
  };
  const pair = [secret([8, 100]), secret([100, 8])];
  test("warn where raw products can reach 2^62, exactly from there on", () => {
    const product = (x: Expr | undefined, y: Expr | undefined): Expr => ops.relu(ops.matmul(x!, y!));
    expect(warned(pair, [2 ** 12, 2 ** 12 / 100], product)).toEqual([]);
    expect(warned(pair, [2 ** 15, 2 ** 15], product)[0]).toMatch(/matmul: a product can reach 2\^36\.6/);
  });
  test("warn where a sum of products can reach 2^62, though none of them does", () => {
    const square = (x: Expr): Expr => ops.mul(x, x);
    const squares = (x: Expr | undefined): Expr => ops.sum(square(x!), [0]);
    expect(warned([secret([16])], [2 ** 12], squares)).toEqual([]);
    expect(warned([secret([16])], [2 ** 13 + 1], squares)[0]).toMatch(/sum: a sum of products can reach 2\^30\.0/);
    const four = (x: Expr | undefined): Expr => [1, 2, 3].reduce((s) => ops.add(s, square(x!)), square(x!));
    expect(warned([secret([9])], [2 ** 14 - 1], four)).toEqual([]);
    expect(warned([secret([9])], [2 ** 14], four)[0]).toContain("add: a sum of products");
  });
  test("warn where a product is too large for the factor that it is added to, and not where it is truncated before", () => {
    const three = [secret([9]), secret([9]), secret([9])];
    const beside = (x: Expr | undefined, y: Expr | undefined, z: Expr | undefined): Expr =>
      ops.add(ops.mul(x!, y!), ops.mul(z!, ops.lit(z!, 0.1)));
    expect(warned(three, [255, 256, 1], beside)).toEqual([]);
    expect(warned(three, [256, 256, 1], beside)[0]).toMatch(/add: a product of 2\^16\.0 is added .* less than 2\^16/);
    const many = [secret([65_536]), secret([])];
    const sums = (x: Expr | undefined, z: Expr | undefined): Expr =>
      ops.add(ops.sum(ops.mul(x!, x!), [0]), ops.mul(z!, ops.lit(z!, 0.1)));
    expect(warned(many, [100, 1], sums)).toEqual([]);
  });
  test("say nothing of unknown inputs, and know again behind softmax", () => {
    expect(warned(pair, [undefined, 3], (x, y) => ops.matmul(x!, y!))).toEqual([]);
    const wide = (x: Expr | undefined, y: Expr | undefined): Expr => ops.matmul(ops.softmax(x!, 1), y!);
    expect(warned(pair, [undefined, 2 ** 26], wide)[0]).toContain("matmul");
  });
  test("warn of arguments outside a function's range", () => {
    const one = [secret([5])];
    expect(warned(one, [3], (x) => ops.exp(x!))).toEqual([]);
    expect(warned(one, [30], (x) => ops.exp(x!))[0]).toContain("the range ends at 10");
    expect(warned(one, [2 ** 11], (x) => ops.gelu(x!, true))[0]).toContain("the range ends at 2^11");
    expect(warned(one, [2 ** 11], (x) => ops.gelu(x!, false))).toEqual([]);
    expect(warned(one, [30], (x) => ops.reciprocal(x!))[0]).toContain("divisor");
    expect(warned(one, [30], (x) => ops.sqrt(x!))[0]).toContain("negative");
    expect(warned(one, [30], (x) => ops.sqrt(ops.mul(x!, x!)))).toEqual([]);
  });
});

describe("the shadow of plain values", () => {
  /** Runs a case under a shadow. */
  const shadowed = async (inputs: readonly Input[], build: (...args: Expr[]) => Expr | Expr[]): Promise<number> => {
    const c = makeCase(inputs, build);
    const shadow = new Shadow(c.program, c.inputs);
    const parties = await Parties.start({ observe: () => shadow.observer, memoryLimit: 2 ** 24 });
    try {
      await parties.compute(c.program, c.bindings, c.inputs);
    } finally {
      parties.close();
    }
    return shadow.compared;
  };
  test("agrees with a run that stays in range", async () => {
    const build = (x: Expr | undefined, y: Expr | undefined): Expr => ops.relu(ops.add(ops.mul(x!, y!), ops.exp(x!)));
    expect(await shadowed([secret([20]), secret([20])], build)).toBeGreaterThan(1);
  });
  test("raises OVERFLOW at the node where a product leaves 2^62", async () => {
    const big = secret([20], () => 16000);
    const build = (x: Expr | undefined): Expr => {
      const y = ops.mul(x!, ops.mul(x!, x!));
      return ops.add(y, ops.neg(ops.mul(y, x!)));
    };
    await expect(shadowed([big], build)).rejects.toMatchObject({ code: "OVERFLOW" });
  });
  test("raises OVERFLOW where an argument leaves its function's range", async () => {
    const build = (x: Expr | undefined): Expr => ops.exp(x!);
    await expect(shadowed([secret([5], () => 11)], (x) => ops.neg(ops.add(build(x), build(x))))).rejects.toMatchObject({
      code: "OVERFLOW",
    });
  });
});

describe("shares at the client", () => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start({ memoryLimit: 2 ** 24 });
  });
  afterAll(() => parties.close());

  test("come back, for every dtype and awkward sizes", () => {
    const check = (values: Float32Array | Int32Array | Uint8Array, dtype: "f32" | "i32" | "bool"): void => {
      const aval = { shape: [values.length], dtype } as const;
      const x = parties.share(values, aval);
      expect(parties.reveal(x, aval)).toEqual(values);
      parties.free(x);
    };
    for (const n of [0, 1, 7, 64, 1001]) {
      check(
        Float32Array.from({ length: n }, (_, i) => (i - n / 2) / 16),
        "f32",
      );
      check(
        Int32Array.from({ length: n }, (_, i) => (i % 2 ? i : -i) * 1e6),
        "i32",
      );
      check(
        Uint8Array.from({ length: n }, (_, i) => i % 2),
        "bool",
      );
    }
    check(Float32Array.of(16384, -16384, 2 ** -16, -(2 ** -16), 0), "f32");
  });
  test("of parties that hold the same component hash alike, and others do not", () => {
    const aval = { shape: [9], dtype: "f32" } as const;
    const x = parties.share(new Float32Array(9), aval).map((v) => ("share" in v ? v.share : undefined)!);
    for (let i = 0; i < 3; i++) {
      const j = (i + 1) % 3;
      const [mine, theirs] = [parties.parties[i]!.componentHash(x[i]!, j), parties.parties[j]!.componentHash(x[j]!, i)];
      expect(mine).toEqual(theirs);
      expect(mine).not.toEqual(parties.parties[i]!.componentHash(x[i]!, (i + 2) % 3));
    }
  });
  test("refuse what is out of range, naming the place and never the value", () => {
    const aval = { shape: [3], dtype: "f32" } as const;
    for (const bad of [16385, -1e9, Number.NaN, Number.POSITIVE_INFINITY]) {
      try {
        parties.share(Float32Array.of(1, bad, 2), aval);
        expect.unreachable();
      } catch (e) {
        expect(e).toMatchObject({ code: "INPUT_OUT_OF_RANGE" });
        expect((e as Error).message).toContain("element 1");
        expect((e as Error).message).not.toContain(String(bad));
      }
    }
  });
  test("of equal values differ every time, and an export of one handle differs under another run", () => {
    const aval = { shape: [4], dtype: "f32" } as const;
    const [x, y] = [0, 1].map(() => replicated3.share(new Float32Array(4), aval, OPTIONS));
    for (let i = 0; i < 3; i++) expect(x![i]).not.toEqual(y![i]);
    const z = parties.share(new Float32Array(4), aval)[0]!;
    if (!("share" in z)) throw new Error("expected a share");
    const exports = [101, 102].map((run) => parties.parties[0]!.exportShare(z.share, { run, attempt: 0 }));
    expect(exports[0]).not.toEqual(exports[1]);
  });
  test("of a wrong length are refused", () => {
    expect(() => parties.parties[0]!.importShare(new Uint8Array(5), { shape: [4], dtype: "f32" })).toThrow(/64 bytes/);
  });
});

test("what a check takes for possible has a handler, and nothing else has", () => {
  expect([...SHARED_OPS].sort()).toEqual([...HANDLERS.keys()].sort());
  expect(ROOT_POWERS.every((k) => gaps([secret([4])], (x) => ops.pow(x!, ops.full([4], "f32", k))).length === 0)).toBe(true);
});
