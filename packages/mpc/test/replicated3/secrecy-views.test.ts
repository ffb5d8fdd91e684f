/** @file What each party receives looks uniform on adversarial inputs, and its sizes, order and rounds depend on shapes alone. */
import { describe, expect, it } from "vitest";
import * as r3 from "../../src/protocols/replicated3/primitives/index.ts";
import type { Frame } from "../../src/transport/memory-link.ts";
import { Harness, INDICES, type Index } from "./primitives/harness.ts";

const N = 8192;
const INPUTS: readonly bigint[] = [0n, -1n, 2n ** 62n, -(2n ** 62n), -(2n ** 63n)];

/** Bits that are no payload: the packed corrections are rounded up to 8 values, and N is a multiple of 128: none here. */
function received(frames: readonly Frame[], me: Index): Uint8Array {
  const mine = frames.filter((f) => f.to === me);
  const order = (f: Frame): number => (f.tag.op * 65536 + f.tag.lane) * 3 + f.from;
  mine.sort((a, b) => order(a) - order(b));
  const out = new Uint8Array(mine.reduce((n, f) => n + f.bytes.length, 0));
  let at = 0;
  for (const f of mine) {
    out.set(f.bytes, at);
    at += f.bytes.length;
  }
  return out;
}

/** All ops that a program is made of, on one value everywhere. Shares: x in component `at`, zero elsewhere: as bad as an input can be. */
async function view(value: bigint, at: number): Promise<Harness> {
  const h = await Harness.start({ memoryLimit: 2 ** 26 });
  const zero = new BigInt64Array(N);
  const parts = INDICES.map((i) => (i === at ? new BigInt64Array(N).fill(value) : zero));
  const x = h.shareComponents(parts);
  await h.run(async (ctx, me) => {
    const mine = x[me]!;
    await r3.truncate(ctx, 1, r3.mulRaw(ctx, mine, mine), 15);
    await r3.truncateShares(ctx, 2, mine, 15);
    await r3.reshare(ctx, 3, r3.mulRaw(ctx, mine, mine));
    const { bits } = await r3.signBits(ctx, 4, mine, {
      inject: [mine],
      integers: true,
      carryBits: 20,
      carryIntegers: true,
    });
    await r3.inject(ctx, 10, bits, mine);
    await r3.conjunction(ctx, 11, [bits, bits, bits]);
    await r3.signBits(ctx, 12, mine, { inject: [mine], carryBits: 20, width: 32 });
  });
  return h;
}

/** Standard deviations by which the number of ones is off. */
function monobit(bytes: Uint8Array): number {
  let ones = 0;
  for (let b of bytes) for (; b; b &= b - 1) ones++;
  const bits = 8 * bytes.length;
  return Math.abs(ones - bits / 2) / Math.sqrt(bits / 4);
}

/** Chi-square of byte values (255 degrees of freedom), as standard deviations by Wilson and Hilferty's cube root. */
function chiSquare(bytes: Uint8Array): number {
  const counts = new Float64Array(256);
  for (const b of bytes) counts[b]!++;
  const want = bytes.length / 256;
  const chi = counts.reduce((s, c) => s + (c - want) ** 2 / want, 0);
  const d = 2 / (9 * 255);
  return Math.abs(Math.cbrt(chi / 255) - (1 - d)) / Math.sqrt(d);
}

// 30 views and 24 differences, two statistics each: about 108 looks. A false alarm of 1e-6 in all is 9.3e-9 per look, two-sided: 5.75.
const LIMIT = 5.75;

describe("what each party receives", () => {
  it("is uniform by bits and by bytes for 0, -1, 2^62, -2^62 and -2^63 in any component, as are differences between inputs", async () => {
    for (const at of [0, 1]) {
      let first: Harness | undefined;
      for (const value of INPUTS) {
        const h = await view(value, at);
        for (const me of INDICES) {
          const mine = received(h.frames, me);
          expect(mine.length).toBeGreaterThan(100_000);
          expect(monobit(mine)).toBeLessThan(LIMIT);
          expect(chiSquare(mine)).toBeLessThan(LIMIT);
          if (!first) continue;
          const other = received(first.frames, me);
          const difference = mine.map((b, i) => b ^ other[i]!);
          expect(monobit(difference)).toBeLessThan(LIMIT);
          expect(chiSquare(difference)).toBeLessThan(LIMIT);
        }
        first ??= h;
      }
    }
  });

  it("has the same sizes, tags, depths and rounds whatever the values are", async () => {
    const shape = (h: Harness): unknown => ({
      rounds: h.rounds,
      frames: h.frames.map((f) => `${f.from} ${f.to} ${f.tag.op} ${f.tag.lane} ${f.depth} ${f.bytes.length}`),
    });
    const first = shape(await view(0n, 0));
    for (const value of INPUTS.slice(1)) expect(shape(await view(value, 2))).toEqual(first);
  });

  it("would not pass unmasked: the same statistics see a message without its mask", async () => {
    const h = await Harness.start({
      wrapStreams: (inner) => ({ begin: () => {}, state: () => 0, common: inner.common.bind(inner) }),
    });
    const x = h.share(new BigInt64Array(N).fill(1n));
    await h.run((ctx, me) => r3.signBits(ctx, 1, x[me]!));
    const worst = Math.max(...INDICES.map((me) => monobit(received(h.frames, me))));
    expect(worst).toBeGreaterThan(LIMIT);
  });
});

describe("the rounding offset of truncation", () => {
  it("is uniform for every sharing, also one with trivial components: no bias in truncateShares", async () => {
    const h = await Harness.start();
    const n = 1 << 16;
    const values = new BigInt64Array(n).fill(2n ** 15n);
    const zero = new BigInt64Array(n);
    for (const [i, parts] of [
      [values, zero, zero],
      [zero, values, zero],
      [zero, zero, values],
    ].entries()) {
      const x = h.shareComponents(parts);
      const y = h.reveal(await h.run((ctx, me) => r3.truncateShares(ctx, i, x[me]!, 16)));
      // 2^15 / 2^16: one half. A fixed rho would give all 0 or all 1.
      const ups = y.reduce((s, v) => s + Number(v), 0);
      expect(Math.abs(ups - n / 2) / Math.sqrt(n / 4)).toBeLessThan(LIMIT);
    }
  });
});
