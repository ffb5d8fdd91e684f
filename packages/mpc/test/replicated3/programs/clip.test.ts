/** @file clippedSum on shares: right where rows are in range, within its bound for every ring value that a row can have. */
import { Expr, ops, trace } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clippedSum } from "../../../src/protocols/replicated3/functions/clip.ts";
import { type ClipSteps, clipSteps } from "../../../src/protocols/replicated3/functions/clip-steps.ts";
import { truncateWide } from "../../../src/protocols/replicated3/functions/truncate-wide.ts";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { toRaw } from "../../../src/protocols/replicated3/primitives/index.ts";
import { Harness } from "../primitives/harness.ts";
import { OPTIONS, Parties, SECRET } from "./parties.ts";

const F = 16;
const steps = (bound: readonly [number, number], width: number): ClipSteps => {
  const s = clipSteps(bound, width, F);
  if (typeof s === "string") throw new Error(s);
  return s;
};

/** Each row's own contribution: the protocol on that row alone, in ring units. */
async function contributions(rows: readonly BigInt64Array[], bound: readonly [number, number]): Promise<BigInt64Array[]> {
  const h = await Harness.start();
  const s = steps(bound, rows[0]!.length);
  const out: BigInt64Array[] = [];
  for (const [i, row] of rows.entries()) {
    const x = h.share(row);
    out.push(h.reveal(await h.run((ctx, me) => clippedSum(ctx, 64 * (i + 1), x[me]!, 1, s))));
  }
  return out;
}

const squared = (v: BigInt64Array): bigint => v.reduce((sum, x) => sum + x * x, 0n);
const words = (...x: bigint[]): BigInt64Array => BigInt64Array.from(x);
const random = (n: number): BigInt64Array => new BigInt64Array(crypto.getRandomValues(new Uint8Array(8 * n)).buffer);

const BOUNDS: readonly (readonly [number, number])[] = [
  [1, 0],
  [3, 2],
  [5, 0],
  [1, 3],
];

describe("a clipped row on shares", () => {
  it.each(BOUNDS)("never exceeds the bound %i / 2^%i, whatever ring values it has", async (...bound) => {
    const width = 8;
    const top = 2n ** 63n - 1n;
    const rows = [
      words(top, top, top, top, top, top, top, top),
      words(-top - 1n, -top - 1n, 0n, 0n, 0n, 0n, 0n, 0n),
      words(2n ** 32n, 0n, 0n, 0n, 0n, 0n, 0n, 0n), // its square is 0 modulo 2^64
      words(2n ** 32n, 2n ** 40n, -(2n ** 33n), 2n ** 62n, 0n, 0n, 0n, 0n),
      words(2n ** 31n, 2n ** 31n, 2n ** 31n, 2n ** 31n, 1n, 0n, 0n, 0n), // squares that add up to 1
      words(2n ** 63n - 2n ** 20n, 5n, 0n, 0n, 0n, 0n, 0n, 0n),
      words(2n ** 30n, 2n ** 29n, 0n, 0n, 0n, 0n, 0n, 0n),
      ...Array.from({ length: 30 }, () => random(width)),
      ...Array.from({ length: 30 }, (_, i) => random(width).map((x) => x >> BigInt(2 * i))),
    ];
    const { most } = steps(bound, width);
    expect(Number(most)).toBeLessThanOrEqual((bound[0] / 2 ** bound[1]) ** 2 * 2 ** (2 * F));
    for (const [i, y] of (await contributions(rows, bound)).entries()) {
      if (squared(y) > most) throw new Error(`row ${i} contributes a squared norm of ${squared(y)}, above ${most}`);
    }
  });

  it("is the row itself below the bound, and the row scaled to it above, up to 2^13 times as long", async () => {
    const bound = [1, 0] as const;
    const shape = [0.6, -0.48, 0.64, 0];
    const lengths = [0.001, 0.1, 0.5, 0.99, 1, 1.01, 1.5, 3, 17, 100, 1000, 8000];
    const rows = lengths.map((l) => BigInt64Array.from(shape, (v) => BigInt(Math.round(v * l * 2 ** F))));
    const got = await contributions(rows, bound);
    lengths.forEach((l, i) => {
      const scale = Math.min(1, 1 / l);
      shape.forEach((v, j) => {
        // A thousandth for the margin, and four units.
        expect(Math.abs(Number(got[i]![j]) / 2 ** F - v * l * scale)).toBeLessThan(0.0011 + 4 * 2 ** -F);
      });
    });
  });

  it("of zero stays zero", async () => {
    expect([...(await contributions([new BigInt64Array(5)], [1, 0]))[0]!]).toEqual([0n, 0n, 0n, 0n, 0n]);
  });
});

describe("a truncation", () => {
  it.each([30, 40, 45, 46])("by %i gives integers below 1.5 2^(63 - shift), whatever it is given", async (shift) => {
    const h = await Harness.start();
    const top = 2n ** 63n;
    const edges = [0n, 1n, top / 2n, -top / 2n, top - 1n, -top, top / 2n - 1n, top / 4n].flatMap((x) => [x, x + 1n, x - 1n]);
    const x = h.share(BigInt64Array.from([...edges.map((v) => BigInt.asIntN(64, v)), ...random(4000)]));
    const y = h.reveal(await h.run((ctx, me) => truncateWide(ctx, 1, toRaw(ctx, x[me]!), shift)));
    const most = 3n * 2n ** BigInt(62 - shift);
    for (const v of y) if (v >= most || v <= -most) throw new Error(`${v} is out of the bound`);
    expect(y.some((v) => v > 2n ** BigInt(62 - shift))).toBe(true);
  });
});

describe("the mutants of the check", () => {
  const wild = Array.from({ length: 40 }, () => random(4));
  /** What a row contributes if it is scaled and not checked. */
  async function unchecked(most: bigint): Promise<number> {
    const h = await Harness.start();
    const s = { ...steps([1, 0], 4), most };
    let beyond = 0;
    for (const [i, row] of wild.entries()) {
      const x = h.share(row);
      const y = h.reveal(await h.run((ctx, me) => clippedSum(ctx, 64 * (i + 1), x[me]!, 1, s)));
      if (squared(y) > 2n ** 32n) beyond++;
    }
    return beyond;
  }

  it("are seen: without the check wild rows break the bound, with it none does", async () => {
    expect(await unchecked(2n ** 61n)).toBeGreaterThan(10);
    expect(await unchecked(2n ** 32n)).toBe(0);
  });
});

describe("the Program's sum of clipped rows", () => {
  let parties: Parties;
  beforeAll(async () => {
    parties = await Parties.start();
  });
  afterAll(() => parties.close());

  const programOf = (shape: readonly number[], bound: readonly [number, number]): ReturnType<typeof trace>["program"] => {
    const x = Expr.placeholder({ shape, dtype: "f32" });
    return trace([ops.clippedSum(x, bound)], [x]).program;
  };

  it("is the clear one, for rows of any shape, and counts what estimate says", async () => {
    for (const shape of [[9, 4], [5, 2, 3], [33], [200, 40]]) {
      const program = programOf(shape, [2, 0]);
      const n = shape.reduce((a, b) => a * b, 1);
      const width = n / shape[0]!;
      const values = Float32Array.from({ length: n }, (_, i) => ((7 * i) % 23) / 4 - 2.5 - (i % 5 === 0 ? 30 : 0));
      const want = new Float64Array(width);
      for (let at = 0; at < n; at += width) {
        const row = values.subarray(at, at + width);
        const norm = Math.hypot(...row);
        row.forEach((v, j) => {
          want[j]! += v * Math.min(1, 2 / norm);
        });
      }
      const { values: got, counters } = await parties.compute(program, [SECRET], [values]);
      got[0]!.forEach((v: number | bigint, j: number) => {
        expect(Math.abs(Number(v) - want[j]!)).toBeLessThan(shape[0]! * 2 * 0.0012);
      });
      const cost = await replicated3.estimate(program, [SECRET], OPTIONS);
      expect(counters.map((c) => c.bytesSent)).toEqual(cost.bytesPerParty);
      expect(Math.max(...counters.map((c) => c.rounds))).toBe(cost.rounds);
    }
  });

  it("changes by the bound at most when any one row changes, of all rows in a small grid", async () => {
    const grid = [-3, -1, 0, 0.5, 2, 300];
    const rows = grid.flatMap((a) => grid.map((b) => [a, b]));
    const program = programOf([3, 2], [1, 0]);
    const base = [1, 1, -2, 0.25];
    const at = async (row: readonly number[]): Promise<number[]> => {
      const { values } = await parties.compute(program, [SECRET], [Float32Array.from([...base, ...row])]);
      return [...(values[0] as Float32Array)];
    };
    const none = await at([0, 0]);
    for (const row of rows) {
      const got = await at(row);
      // Rounding of the two other rows is drawn anew in each run: two units a coordinate for each.
      expect(Math.hypot(got[0]! - none[0]!, got[1]! - none[1]!)).toBeLessThanOrEqual(1 + 2 * 2 * Math.SQRT2 * 2 ** -F);
    }
  });

  it("is refused where rounding would eat the bound, or squares would leave the ring", () => {
    const reason = (shape: readonly number[], bound: readonly [number, number]): string | undefined =>
      replicated3.check(programOf(shape, bound), [SECRET], OPTIONS)[0]?.reason;
    expect(reason([10, 100_000], [1, 0])).toBeUndefined();
    expect(reason([10, 100], [1, 14])).toMatch(/clip norm above/);
    expect(reason([10, 1_000_000], [1, 10])).toMatch(/clip norm above/);
    expect(reason([10, 1000], [2 ** 20, 0])).toMatch(/smaller clip norm/);
  });
});
