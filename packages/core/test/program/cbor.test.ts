/** @file The CBOR of Programs against a library that knows all of CBOR. */
import { decode, encode } from "cborg";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Item, read, scan, write } from "../../src/program/cbor.ts";

/** Around every length of a head, and the ends. */
const EDGES = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER].flatMap((x) => [x, -x]);
const number = fc.oneof(fc.constantFrom(...EDGES), fc.maxSafeInteger(), fc.integer());
const { item } = fc.letrec<{ item: Item }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 4 },
    number,
    fc.string({ unit: "binary-ascii", maxLength: 40 }),
    fc.array(tie("item"), { maxLength: 30 }),
  ),
}));

const refuse = (want: string, got: string): never => {
  throw new Error(`expected ${want}, got ${got}`);
};

describe("CBOR of Programs", () => {
  it("is written as the library writes it, and read as the library reads it", () => {
    fc.assert(
      fc.property(item, (x) => {
        const bytes = write(x);
        expect(Buffer.compare(bytes, encode(x))).toBe(0);
        scan(bytes, 5, refuse);
        expect(read(bytes)).toEqual(decode(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it("grows with what is written: 100,000 numbers", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => i * 7919);
    expect(Buffer.compare(write(many), encode(many))).toBe(0);
  });

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    "does not write %s: no two programs may share their bytes",
    (x) => {
      expect(() => write([x])).toThrow(expect.objectContaining({ code: "PROGRAM_INVALID" }));
    },
  );

  it.each([[[0xff]], [[0xef, 0xbb, 0xbf]], [[0xc3, 0xa9]]])("is ASCII: text of %j is neither written nor let through", (text) => {
    const name = Buffer.from(text).toString();
    expect(() => write(name)).toThrow(expect.objectContaining({ code: "PROGRAM_INVALID" }));
    expect(() => scan(Uint8Array.of(0x60 + text.length, ...text), 5, refuse)).toThrow(/ASCII/);
  });
});
