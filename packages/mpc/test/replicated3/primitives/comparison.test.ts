/** @file Sign bits, carries, ReLU, injection, selection and bit operations against BigInt. */
import { beforeAll, describe, expect, it } from "vitest";
import * as r3 from "../../../src/protocols/replicated3/primitives/index.ts";
import { Harness, INDICES, randomIntegers, randomWords } from "./harness.ts";

const SIZES = [1, 2, 127, 129, 511, 3071, 3073, 7001] as const;
const MIN = -(2n ** 63n);

let h: Harness;
let next = 0;
const newId = (): number => (next += 64);
beforeAll(async () => {
  h = await Harness.start();
});

/** Every power of two with its neighbours, both signs: where carries run longest. */
function extremes(): BigInt64Array {
  const values = [0n, 1n, -1n, MIN, MIN + 1n, 2n ** 63n - 1n];
  for (let k = 1n; k < 63n; k++) for (const d of [-1n, 0n, 1n]) values.push(2n ** k + d, -(2n ** k) + d);
  return BigInt64Array.from(values);
}

/** The bits u ^ v of a piece-wise split, after checking that roles 0 and 1 agree on u. */
function openBits(bits: readonly r3.SplitBits[]): number[] {
  const out: number[] = [];
  for (const piece of bits[0]!.pieces) {
    const read = (me: number, e: number): number => {
      const bytes = h.parties[me]!.memory.bytes(bits[me]!.words, r3.bitBytes(bits[me]!.n));
      return (bytes[(piece.lo + e) >> 3]! >> (e & 7)) & 1;
    };
    const roles = INDICES.map((me) => bits[me]!.pieces[piece.index]!.role);
    const party = (role: number): number => roles.indexOf(role as 0 | 1 | 2);
    for (let e = 0; e < piece.n; e++) {
      const u = read(party(0), e);
      if (u !== read(party(1), e)) throw new Error(`roles 0 and 1 differ at bit ${piece.lo + e}`);
      out.push(u ^ read(party(2), e));
    }
  }
  return out;
}

describe("comparison", () => {
  it("is exact at every power of two and its neighbours, for thresholds 0 and 1", async () => {
    const X = extremes();
    const x = h.share(X);
    for (const threshold of [0n, 1n]) {
      const id = newId();
      const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { threshold }));
      const got = openBits(s.map((r) => r.bits));
      X.forEach((v, i) => {
        if (v - threshold >= MIN) expect(got[i], `element ${i}`).toBe(v >= threshold ? 1 : 0);
      });
    }
  });

  it("is exact on random values of every size and magnitude", async () => {
    for (const n of SIZES) {
      for (const bits of [64, 40, 3]) {
        const X = randomIntegers(n, bits);
        const x = h.share(X);
        const id = newId();
        const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!));
        expect(openBits(s.map((r) => r.bits))).toEqual([...X].map((v) => (v >= 0n ? 1 : 0)));
        await h.free(
          x,
          s.map((r) => r.bits),
        );
      }
    }
  });

  it("gives the carry out of the low bits from the same tree, for every multiple of 4", async () => {
    const n = 700;
    for (let m = 4; m <= 60; m += 4) {
      const parts = [randomWords(n), randomWords(n), randomWords(n)];
      const x = h.shareComponents(parts);
      const id = newId();
      const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { carryBits: m }));
      const carry = openBits(s.map((r) => r.carry!));
      const low = (v: bigint): bigint => BigInt.asUintN(m, v);
      for (const piece of s[0]!.bits.pieces) {
        const first = INDICES.find((me) => s[me]!.bits.pieces[piece.index]!.role === 0)!;
        for (let i = piece.lo; i < piece.lo + piece.n; i++) {
          const a = parts[(first + 1) % 3]![i]!;
          const b = parts[(first + 2) % 3]![i]! + parts[first]![i]!;
          expect(carry[i], `carry of ${m} bits, element ${i}`).toBe((low(a) + low(b)) >> BigInt(m) ? 1 : 0);
        }
      }
      const sign = openBits(s.map((r) => r.bits));
      const X = parts[0]!.map((v, i) => v + parts[1]![i]! + parts[2]![i]!);
      expect(sign).toEqual([...X].map((v) => (v >= 0n ? 1 : 0)));
      await h.free(
        x,
        s.map((r) => r.bits),
        s.map((r) => r.carry!),
      );
    }
  });
});

describe("comparison on 32 bits", () => {
  const LOW = -(2n ** 31n);
  /** Every power of two with its neighbours, both ends of the range. */
  const edges = (): BigInt64Array => {
    const values = [0n, LOW, LOW + 1n, 2n ** 31n - 1n, 2n ** 31n - 2n];
    for (let k = 0n; k < 31n; k++) for (const d of [-1n, 0n, 1n]) values.push(2n ** k + d, -(2n ** k) + d);
    return BigInt64Array.from(values);
  };
  it("is exact on all of [-2^31, 2^31), for thresholds 0 and 1", async () => {
    const X = edges();
    const x = h.share(X);
    for (const threshold of [0n, 1n]) {
      const id = newId();
      const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { threshold, width: 32 }));
      const got = openBits(s.map((r) => r.bits));
      X.forEach((v, i) => {
        if (v - threshold >= LOW) expect(got[i], `element ${i}`).toBe(v >= threshold ? 1 : 0);
      });
    }
  });

  it("of values of every size is what 64 bits give, whatever their high words", async () => {
    for (const n of SIZES) {
      const X = randomIntegers(n, 31);
      const x = h.share(X);
      const id = newId();
      const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { width: 32 }));
      expect(openBits(s.map((r) => r.bits))).toEqual([...X].map((v) => (v >= 0n ? 1 : 0)));
      await h.free(
        x,
        s.map((r) => r.bits),
      );
    }
  });

  it("outside gives the sign of the low 32 bits, and nothing fails", async () => {
    const X = BigInt64Array.of(2n ** 31n, LOW - 1n, 2n ** 32n, -(2n ** 32n) - 1n, MIN, 2n ** 63n - 1n, 2n ** 40n + 5n);
    const x = h.share(X);
    const id = newId();
    const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { width: 32 }));
    expect(openBits(s.map((r) => r.bits))).toEqual([...X].map((v) => (BigInt.asIntN(32, v) >= 0n ? 1 : 0)));
  });

  it("gives the carry of the low bits too, up to 28, and refuses 32", async () => {
    const n = 300;
    for (let m = 4; m <= 28; m += 4) {
      const parts = [randomWords(n), randomWords(n), randomWords(n)];
      const x = h.shareComponents(parts);
      const id = newId();
      const s = await h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { carryBits: m, width: 32 }));
      const carry = openBits(s.map((r) => r.carry!));
      const low = (v: bigint): bigint => BigInt.asUintN(m, v);
      const first = INDICES.find((me) => s[me]!.bits.pieces[0]!.role === 0)!;
      for (let i = 0; i < n; i++) {
        const a = parts[(first + 1) % 3]![i]!;
        const b = parts[(first + 2) % 3]![i]! + parts[first]![i]!;
        expect(carry[i], `carry of ${m} bits, element ${i}`).toBe((low(a) + low(b)) >> BigInt(m) ? 1 : 0);
      }
    }
    const x = h.share(randomIntegers(4, 8));
    const id = newId();
    await expect(h.run((ctx, me) => r3.signBits(ctx, id, x[me]!, { carryBits: 32, width: 32 }))).rejects.toMatchObject({
      code: "MPC_CARRY",
    });
  });
});

describe("relu", () => {
  it("is exact, and its bits make the gradient zero at zero", async () => {
    for (const n of SIZES) {
      const X = randomIntegers(n, 50);
      X[0] = 0n;
      const G = randomWords(n);
      const [x, g] = [h.share(X), h.share(G)];
      const id = newId();
      const r = await h.run((ctx, me) => r3.relu(ctx, id, x[me]!));
      const y = r.map((v) => v.y);
      const bits = r.map((v) => v.bits);
      expect(h.reveal(y)).toEqual(X.map((v) => (v > 0n ? v : 0n)));
      for (const again of [newId(), newId(), newId()]) {
        const d = await h.run((ctx, me) => r3.inject(ctx, again, bits[me]!, g[me]!));
        expect(h.reveal(d)).toEqual(G.map((v, i) => (X[i]! > 0n ? v : 0n)));
        await h.free(d);
      }
      await h.free(x, g, y, bits);
    }
  });
});

describe("truncation with signs", () => {
  it("gives the truncated product, its positive part and its bits", async () => {
    for (const n of SIZES) {
      const [X, Y, B] = [randomIntegers(n, 28), randomIntegers(n, 28), randomIntegers(n, 30)];
      const [x, y, b] = [h.share(X), h.share(Y), h.share(B)];
      const id = newId();
      const r = await h.run((ctx, me) => {
        const raw = r3.addToRaw(ctx, r3.mulRaw(ctx, x[me]!, y[me]!), b[me]!, 1n << 16n);
        return r3.truncateSigns(ctx, id, raw, 16, { threshold: 1n, injectSelf: true, inject: [x[me]!], integers: true });
      });
      const z = h.reveal(r.map((v) => v.y));
      const products = X.map((v, i) => v * Y[i]! + (B[i]! << 16n));
      z.forEach((v, i) => {
        const floor = products[i]! >> 16n;
        expect(v === floor || v === floor + 1n).toBe(true);
      });
      // Where the product is above 0 and below a unit, y may be 0 and the bit is 1: the positive part is the same.
      expect(h.reveal(r.map((v) => v.injected[0]!))).toEqual(z.map((v) => (v > 0n ? v : 0n)));
      expect(h.reveal(r.map((v) => v.injected[1]!))).toEqual(X.map((v, i) => (products[i]! > 0n ? v : 0n)));
      expect(h.reveal(r.map((v) => v.integers!))).toEqual(products.map((v) => (v > 0n ? 1n : 0n)));
      expect(openBits(r.map((v) => v.bits))).toEqual([...products].map((v) => (v > 0n ? 1 : 0)));
    }
  });
});

describe("bits", () => {
  it("become integers, select, negate and exclusive-or", async () => {
    for (const n of SIZES) {
      const X = randomIntegers(n, 64);
      const Y = randomIntegers(n, 64);
      const [x, y] = [h.share(X), h.share(Y)];
      const ids = [newId(), newId(), newId(), newId(), newId()];
      const bx = (await h.run((ctx, me) => r3.signBits(ctx, ids[0]!, x[me]!))).map((r) => r.bits);
      const by = (await h.run((ctx, me) => r3.signBits(ctx, ids[0]! + 3, y[me]!))).map((r) => r.bits);
      const ints = await h.run((ctx, me) => r3.bitsToArithmetic(ctx, ids[2]!, bx[me]!));
      expect(h.reveal(ints)).toEqual(X.map((v) => (v >= 0n ? 1n : 0n)));
      const chosen = await h.run((ctx, me) => r3.select(ctx, ids[3]!, bx[me]!, x[me]!, y[me]!));
      expect(h.reveal(chosen)).toEqual(X.map((v, i) => (v >= 0n ? v : Y[i]!)));
      const mixed = await h.run((ctx, me) => r3.notBits(ctx, r3.xorBits(ctx, bx[me]!, by[me]!)));
      expect(openBits(mixed)).toEqual([...X].map((v, i) => (v >= 0n === Y[i]! >= 0n ? 1 : 0)));
    }
  });

  it("join in a conjunction of any number of operands, two levels of tables where there are more than six", async () => {
    for (const [n, k] of [
      [5, 1],
      [130, 2],
      [1000, 6],
      [4001, 7],
      [257, 15],
    ] as const) {
      const X = Array.from({ length: k }, () => randomWords(n).map((v) => (v & 7n ? v & (2n ** 63n - 1n) : v)));
      const x = X.map((v) => h.share(v));
      const bits: r3.SplitBits[][] = [];
      // Ids apart by a multiple of 3: the same roles for the same pieces.
      const first = 1_000_000 + 3 * newId();
      for (const [i, one] of x.entries()) {
        bits.push(await h.run(async (ctx, me) => (await r3.signBits(ctx, first + 3 * i, one[me]!)).bits));
      }
      const all = await h.run((ctx, me) =>
        r3.conjunction(
          ctx,
          first + 100,
          bits.map((b) => b[me]!),
        ),
      );
      expect(openBits(all)).toEqual(Array.from({ length: n }, (_, i) => (X.every((v) => v[i]! >= 0n) ? 1 : 0)));
      const again = await h.run((ctx, me) => r3.inject(ctx, first + 110, all[me]!, x[0]![me]!));
      expect(h.reveal(again)).toEqual(X[0]!.map((v, i) => (X.every((w) => w[i]! >= 0n) ? v : 0n)));
    }
  });
});

describe("opening", () => {
  it("gives every party exactly the value, and exports recombine to it", async () => {
    const X = randomWords(777);
    const x = h.share(X);
    const id = newId();
    for (const y of await h.run((ctx, me) => r3.open(ctx, id, x[me]!))) expect(y).toEqual(X);
    const parts = await h.run((ctx, me) => new BigInt64Array(r3.exportComponent(ctx, id + 1, x[me]!).buffer));
    expect(X.map((_, i) => parts[0]![i]! + parts[1]![i]! + parts[2]![i]!)).toEqual(X);
    for (const me of INDICES) expect(parts[me]).not.toEqual(h.words(me, x[me]!.a, X.length));
  });
});
