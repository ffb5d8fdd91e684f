/** @file Products and truncation in bulk: no gross error, half of the products large; SecureML's local truncation fails the same test. */
import { describe, expect, it } from "vitest";
import * as r3 from "../../../src/protocols/replicated3/primitives/index.ts";
import { Harness, INDICES, randomWords } from "./harness.ts";

const F = 16;
const BATCH = 1 << 18;

/** Values whose product is below 2^62: half of them between 2^58 and 2^62, the rest of any magnitude. */
function factors(n: number): [BigInt64Array, BigInt64Array] {
  const [X, Y, R] = [randomWords(n), randomWords(n), randomWords(n)];
  for (let i = 0; i < n; i++) {
    const sign = (v: bigint, by: bigint): bigint => (by & 1n ? -v : v);
    const r = BigInt.asUintN(16, R[i]!);
    if (i & 1) {
      // 2^29.5 <= |x|, |y| < 2^31 gives 2^59 <= |xy| < 2^62.
      const from = 759250125n;
      const width = 2147483647n - from;
      X[i] = sign(from + (BigInt.asUintN(63, X[i]!) % width), r);
      Y[i] = sign(from + (BigInt.asUintN(63, Y[i]!) % width), r >> 1n);
    } else {
      X[i] = X[i]! >> (33n + ((r >> 2n) & 31n) - (((r >> 2n) & 31n) === 31n ? 1n : 0n));
      Y[i] = Y[i]! >> (33n + ((r >> 7n) & 31n) - (((r >> 7n) & 31n) === 31n ? 1n : 0n));
    }
  }
  return [X, Y];
}

/** Elements of y that are neither floor(xy / 2^F) nor one more. */
function grossErrors(X: BigInt64Array, Y: BigInt64Array, y: BigInt64Array): number {
  let gross = 0;
  for (let i = 0; i < y.length; i++) {
    const d = y[i]! - ((X[i]! * Y[i]!) >> BigInt(F));
    if (d !== 0n && d !== 1n) gross++;
  }
  return gross;
}

/** SecureML's truncation: two parties shift their own share. Wraps with probability |x| / 2^63. A mutant, kept to be caught. */
async function localTruncation(h: Harness, x: r3.Shares[], y: r3.Shares[], id: number): Promise<BigInt64Array> {
  const z = await h.run((ctx, me) => r3.reshare(ctx, id, r3.mulRaw(ctx, x[me]!, y[me]!)));
  const parts = INDICES.map((me) => h.words(me, z[me]!.a, z[me]!.n));
  await h.run((ctx, me) => r3.free(ctx, z[me]!));
  return parts[0]!.map((v, i) => (v >> BigInt(F)) - (-(parts[1]![i]! + parts[2]![i]!) >> BigInt(F)));
}

describe("products with truncation, in bulk", () => {
  const batches = process.env.TACIT_LONG ? 400 : 4;
  it(`have no gross error in ${(batches * BATCH).toLocaleString("en")} products`, { timeout: 3_600_000 }, async () => {
    const h = await Harness.start();
    let gross = 0;
    for (let b = 0; b < batches; b++) {
      const [X, Y] = factors(BATCH);
      const [x, y] = [h.share(X), h.share(Y)];
      const z = await h.run((ctx, me) => r3.truncate(ctx, b, r3.mulRaw(ctx, x[me]!, y[me]!), F));
      gross += grossErrors(X, Y, h.reveal(z));
      await h.free(x, y, z);
    }
    expect(gross).toBe(0);
  });

  it("are grossly wrong with SecureML's local truncation, and the same test sees it", async () => {
    const h = await Harness.start();
    const [X, Y] = factors(1 << 14);
    const [x, y] = [h.share(X), h.share(Y)];
    // Of the large half, a product x wraps with probability |x| / 2^63, at least 2^-4: hundreds of 8,192.
    expect(grossErrors(X, Y, await localTruncation(h, x, y, 1))).toBeGreaterThan(100);
  });

  it("round without bias: the mean error of 2^18 equal products is within 5 standard deviations", async () => {
    const h = await Harness.start();
    const x = h.share(new BigInt64Array(BATCH).fill(12345n));
    const y = h.share(new BigInt64Array(BATCH).fill(-54321n));
    const z = h.reveal(await h.run((ctx, me) => r3.truncate(ctx, 0, r3.mulRaw(ctx, x[me]!, y[me]!), F)));
    const exact = (12345 * -54321) / 2 ** F;
    const p = exact - Math.floor(exact);
    let ups = 0;
    for (const v of z) ups += Number(v) - Math.floor(exact);
    expect(Math.abs(ups / BATCH - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / BATCH));
  });

  it("refuse shifts above 31 bits", async () => {
    const h = await Harness.start();
    const x = h.share(randomWords(4));
    for (const shift of [32, -1, 1.5]) {
      await expect(h.run((ctx, me) => r3.truncateShares(ctx, 1, x[me]!, shift))).rejects.toMatchObject({
        code: "MPC_TRUNCATION",
      });
    }
  });

  it("take a raw product once only", async () => {
    const h = await Harness.start();
    const x = h.share(randomWords(4));
    const raws = h.parties.map(({ ctx, me }) => r3.mulRaw(ctx, x[me]!, x[me]!));
    await h.run((ctx, me) => r3.truncate(ctx, 1, raws[me]!, 16));
    await expect(h.run((ctx, me) => r3.reshare(ctx, 2, raws[me]!))).rejects.toMatchObject({ code: "RAW_CONSUMED" });
    await expect(h.run((ctx, me) => r3.truncate(ctx, 3, raws[me]!, 16))).rejects.toMatchObject({ code: "RAW_CONSUMED" });
  });
});
