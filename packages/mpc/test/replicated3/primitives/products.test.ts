/** @file Products, truncation, matrix products and convolutions against BigInt. */
import { beforeAll, describe, expect, it } from "vitest";
import * as r3 from "../../../src/protocols/replicated3/primitives/index.ts";
import { Harness, randomIntegers } from "./harness.ts";

const SIZES = [1, 7, 127, 513, 3071, 3073, 9001] as const;

let h: Harness;
let id = 0;
beforeAll(async () => {
  h = await Harness.start();
});

/** Whether every y is floor(x / 2^f) or one more (and exact for multiples of 2^f). */
function expectTruncated(y: BigInt64Array, x: (i: number) => bigint, f: number): void {
  const shift = BigInt(f);
  for (let i = 0; i < y.length; i++) {
    const raw = x(i);
    const low = raw >> shift;
    const exact = low << shift === raw;
    if (y[i] !== low && (exact || y[i] !== low + 1n)) expect.fail(`element ${i} is off by ${y[i]! - low}, shift ${f}`);
  }
}

describe("truncation of products", () => {
  it("gives floor or floor + 1 for every shift from 0 to 31 and every size", async () => {
    for (const f of [0, 1, 8, 15, 16, 23, 24, 26, 30, 31]) {
      for (const n of SIZES) {
        const X = randomIntegers(n, 31);
        const Y = randomIntegers(n, 31);
        const [x, y] = [h.share(X), h.share(Y)];
        id++;
        const z = await h.run((ctx, me) => r3.truncate(ctx, id, r3.mulRaw(ctx, x[me]!, y[me]!), f));
        expectTruncated(h.reveal(z), (i) => X[i]! * Y[i]!, f);
        await h.free(x, y, z);
      }
    }
  });

  it("does the same for existing sharings, trivial ones too", async () => {
    for (const f of [0, 13, 16, 31]) {
      for (const n of SIZES) {
        const X = randomIntegers(n, 62);
        const zero = new BigInt64Array(n);
        const variants = [h.share(X), h.shareComponents([X, zero, zero]), h.shareComponents([zero, X, zero])];
        for (const x of variants) {
          id++;
          const z = await h.run((ctx, me) => r3.truncateShares(ctx, id, x[me]!, f));
          expectTruncated(h.reveal(z), (i) => X[i]!, f);
          await h.free(x, z);
        }
      }
    }
  });

  it("re-shares exactly", async () => {
    for (const n of SIZES) {
      const X = randomIntegers(n, 64);
      const Y = randomIntegers(n, 64);
      const [x, y] = [h.share(X), h.share(Y)];
      id++;
      const z = await h.run((ctx, me) => r3.reshare(ctx, id, r3.mulRaw(ctx, x[me]!, y[me]!)));
      expect(h.reveal(z)).toEqual(X.map((v, i) => v * Y[i]!));
      await h.free(x, y, z);
    }
  });
});
