/** @file IDX and gzip: round trips, and files that lie. */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gunzip } from "../../src/data/gunzip.ts";
import { encodeIdx, parseIdx, readIdx } from "../../src/data/idx.ts";
import { DTYPE } from "../../src/program/dtype.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const labels = encodeIdx({ values: Uint8Array.of(7, 0, 255), shape: [3], dtype: "u8" });

describe("idx", () => {
  test("what is written is read back, raw and gzip, in every dtype", async () => {
    const shape = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        shape,
        fc.constantFrom("u8" as const, "i32", "f32", "f64"),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        async (s, dtype, draw) => {
          const values = DTYPE[dtype].make(s.reduce((a, b) => a * b, 1));
          for (let i = 0; i < values.length; i++) values[i] = draw.next().value ?? 0;
          const bytes = encodeIdx({ values, shape: s, dtype });
          expect(parseIdx(bytes)).toEqual({ values, shape: s, dtype });
          expect(await readIdx(gzipSync(bytes))).toEqual({ values, shape: s, dtype });
        },
      ),
      { numRuns: 60 },
    );
  });

  test("reads the bytes of the format's description, signed 8 and 16 bit included", () => {
    expect(parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 250))).toEqual({
      values: Uint8Array.of(5, 250),
      shape: [2],
      dtype: "u8",
    });
    expect(parseIdx(Uint8Array.of(0, 0, 9, 1, 0, 0, 0, 2, 5, 250))).toEqual({
      values: Int32Array.of(5, -6),
      shape: [2],
      dtype: "i32",
    });
    expect(parseIdx(Uint8Array.of(0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xfe)).values).toEqual(Int32Array.of(-2));
    expect(parseIdx(Uint8Array.of(0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0)).values).toEqual(Float32Array.of(1.5));
  });

  test("refuses every truncation, and bytes behind the data", async () => {
    for (let n = 0; n < labels.length; n++) expect(codeOf(() => parseIdx(labels.subarray(0, n)))).toBe("IDX_INVALID");
    expect(codeOf(() => parseIdx(Uint8Array.of(...labels, 0)))).toBe("IDX_INVALID");
    const packed = gzipSync(labels);
    for (let n = 2; n < packed.length; n++) expect(await codeOfAsync(readIdx(packed.subarray(0, n)))).toBe("GZIP_INVALID");
    const flipped = Uint8Array.from(packed);
    flipped[packed.length - 6]! ^= 1; // in the CRC
    expect(await codeOfAsync(readIdx(flipped))).toBe("GZIP_INVALID");
  });

  test("refuses other magics, ranks and sizes", () => {
    for (const head of [
      [1, 0, 8, 1],
      [0, 0, 7, 1],
      [0, 0, 8, 0],
      [0, 0, 8, 9],
      [0x89, 0x50, 0x4e, 0x47],
    ]) {
      expect(codeOf(() => parseIdx(Uint8Array.of(...head, ...new Uint8Array(40))))).toBe("IDX_INVALID");
    }
    const huge = Uint8Array.of(0, 0, 8, 3, ...new Uint8Array(12).fill(0xff));
    expect(codeOf(() => parseIdx(huge))).toBe("SIZE_LIMIT");
    expect(codeOf(() => parseIdx(labels, { bytes: 2 }))).toBe("SIZE_LIMIT");
  });

  test("a header that announces a gigabyte does not make a small file allocate it", async () => {
    const liar = Uint8Array.of(0, 0, 8, 1, 0x30, 0, 0, 0, 1, 2, 3);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => parseIdx(liar))).toBe("IDX_INVALID");
    expect(await codeOfAsync(readIdx(gzipSync(liar)))).toBe("IDX_INVALID");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20);
  });
});

test("gunzip stops at its limit, so that a bomb stays small", async () => {
  const bomb = gzipSync(new Uint8Array(64 << 20));
  const before = process.memoryUsage().arrayBuffers;
  expect(await codeOfAsync(gunzip(bomb, 1 << 20))).toBe("SIZE_LIMIT");
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20);
});

test("the values do not share memory with the file's bytes, also when these are a Node Buffer", () => {
  const file = Buffer.from(labels);
  const { values } = parseIdx(file);
  file.fill(0);
  expect([...values]).toEqual([7, 0, 255]);
});
