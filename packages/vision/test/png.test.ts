/** @file PNG reading: every kind of picture, and files that lie. */
import { crc32, deflateSync } from "node:zlib";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { fitGray } from "../src/fit.ts";
import { decodePng, decodePngRgb } from "../src/png.ts";

const chunk = (type: string, body: Uint8Array): Buffer => {
  const out = Buffer.alloc(12 + body.length);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, "latin1");
  out.set(body, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
};

interface Head {
  width: number;
  height: number;
  depth: number;
  type: number;
  interlace?: number;
}

/** A PNG written by hand: any header, any rows, extra chunks. */
function png(head: Head, rows: Uint8Array, extra: Buffer[] = []): Uint8Array {
  const ihdr = Buffer.alloc(13);
  ihdr.writeUInt32BE(head.width, 0);
  ihdr.writeUInt32BE(head.height, 4);
  ihdr.set([head.depth, head.type, 0, 0, head.interlace ?? 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", ihdr),
    ...extra,
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
}

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (e) {
    return e instanceof Error && "code" in e ? String(e.code) : String(e);
  }
  return "no error";
};

describe("decodePng", () => {
  test("reads gray, gray-alpha, RGB and RGBA of 8 and 16 bits as luma over black", () => {
    const weights = [0.299, 0.587, 0.114];
    for (const depth of [8, 16] as const) {
      const top = 2 ** depth - 1;
      for (const channels of [1, 2, 3, 4] as const) {
        const [width, height] = [5, 3];
        const data = depth === 8 ? new Uint8Array(width * height * channels) : new Uint16Array(width * height * channels);
        for (let i = 0; i < data.length; i++) data[i] = (i * 7919) % (top + 1);
        const image = decodePng(encode({ width, height, data, channels, depth }));
        expect([image.width, image.height]).toEqual([width, height]);
        for (let i = 0; i < width * height; i++) {
          const v = (k: number): number => data[i * channels + k]! / top;
          const alpha = channels % 2 === 0 ? v(channels - 1) : 1;
          const luma = channels < 3 ? v(0) : weights.reduce((s, w, k) => s + w * v(k), 0);
          expect(image.values[i]).toBeCloseTo(luma * alpha, 5);
        }
      }
    }
  });

  test("reads 1, 2 and 4 bit gray with rows that do not fill their last byte", () => {
    for (const depth of [1, 2, 4]) {
      const [width, height] = [5, 2];
      const top = 2 ** depth - 1;
      const samples = Array.from({ length: width * height }, (_, i) => (i * 3 + 1) % (top + 1));
      const stride = Math.ceil((width * depth) / 8);
      const rows = new Uint8Array(height * (stride + 1));
      samples.forEach((s, i) => {
        const [y, x] = [Math.floor(i / width), i % width];
        rows[y * (stride + 1) + 1 + Math.floor((x * depth) / 8)]! |= s << (8 - depth - ((x * depth) % 8));
      });
      const image = decodePng(png({ width, height, depth, type: 0 }, rows));
      expect([...image.values]).toEqual(samples.map((s) => Math.fround(s / top)));
    }
  });

  test("reads palettes with and without transparency", () => {
    const palette = chunk("PLTE", Uint8Array.from([255, 255, 255, 0, 0, 0, 255, 0, 0]));
    const rows = Uint8Array.from([0, 0, 1, 2]);
    expect(
      [...decodePng(png({ width: 3, height: 1, depth: 8, type: 3 }, rows, [palette])).values].map((v) => v.toFixed(3)),
    ).toEqual(["1.000", "0.000", "0.299"]);
    const faded = [palette, chunk("tRNS", Uint8Array.from([51]))];
    expect(decodePng(png({ width: 3, height: 1, depth: 8, type: 3 }, rows, faded)).values[0]).toBeCloseTo(0.2, 6);
    expect(code(() => decodePng(png({ width: 3, height: 1, depth: 8, type: 3 }, Uint8Array.from([0, 0, 9, 2]), [palette])))).toBe(
      "PNG_INVALID",
    );
  });

  test("reads an interlaced picture", () => {
    // 2x2 Adam7: pass 1 holds (0,0), pass 6 (1,0), pass 7 the second row.
    const rows = Uint8Array.from([0, 10, 0, 20, 0, 30, 40]);
    const image = decodePng(png({ width: 2, height: 2, depth: 8, type: 0, interlace: 1 }, rows));
    expect([...image.values].map((v) => Math.round(v * 255))).toEqual([10, 20, 30, 40]);
  });

  test("refuses files that are cut, damaged, of another kind or that announce too much", () => {
    const good = encode({ width: 28, height: 28, channels: 1, depth: 8, data: new Uint8Array(784).fill(7) });
    for (let n = 0; n < good.length; n++) expect(code(() => decodePng(good.subarray(0, n)))).toBe("PNG_INVALID");
    const flipped = good.slice();
    flipped[60]! ^= 0xff;
    expect(code(() => decodePng(flipped))).toBe("PNG_INVALID");
    expect(code(() => decodePng(new TextEncoder().encode("GIF89a and more than thirty-three bytes of it")))).toBe("PNG_INVALID");
    expect(code(() => decodePng(png({ width: 2 ** 16, height: 2 ** 16, depth: 8, type: 0 }, new Uint8Array(9))))).toBe(
      "SIZE_LIMIT",
    );
    expect(code(() => decodePng(png({ width: 0, height: 4, depth: 8, type: 0 }, new Uint8Array(9))))).toBe("PNG_INVALID");
    expect(code(() => decodePng(png({ width: 4, height: 4, depth: 8, type: 5 }, new Uint8Array(20))))).toBe("PNG_INVALID");
    expect(code(() => decodePng(good, { bytes: 10 }))).toBe("SIZE_LIMIT");
  });

  test("does not inflate a bomb, neither in the picture nor in a colour profile", () => {
    const bomb = png({ width: 4, height: 4, depth: 8, type: 0 }, new Uint8Array(64 << 20));
    const before = process.memoryUsage().arrayBuffers;
    expect(code(() => decodePng(bomb))).toBe("PNG_INVALID");
    const profile = chunk("iCCP", Buffer.concat([Buffer.from("x\0\0", "latin1"), deflateSync(new Uint8Array(64 << 20))]));
    expect(decodePng(png({ width: 1, height: 1, depth: 8, type: 0 }, Uint8Array.from([0, 255]), [profile])).values[0]).toBe(1);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 << 20);
  });
});

describe("decodePngRgb", () => {
  test("gives three planes, of gray pictures equal ones, and leaves alpha out", () => {
    const rgba = encode({ width: 2, height: 1, channels: 4, depth: 8, data: Uint8Array.of(255, 51, 0, 9, 0, 102, 204, 255) });
    const image = decodePngRgb(rgba);
    expect(image.shape).toEqual([3, 1, 2]);
    for (const [i, v] of [1, 0, 0.2, 0.4, 0, 0.8].entries()) expect(image.values[i]).toBeCloseTo(v, 6);
    const gray = decodePngRgb(encode({ width: 1, height: 1, channels: 1, depth: 8, data: Uint8Array.of(51) }));
    for (const v of gray.values) expect(v).toBeCloseTo(0.2, 6);
  });

  test("of a file with altered bytes gives a picture or a clear error, and nothing else", () => {
    const data = Uint8Array.from({ length: 48 }, (_, i) => (i * 37) % 256);
    const good = encode({ width: 4, height: 4, channels: 3, depth: 8, data });
    const runs = process.env.TACIT_LONG ? 100_000 : 2000;
    let state = 1;
    const next = (n: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const seen = new Set<string>();
    for (let i = 0; i < runs; i++) {
      const bad = Uint8Array.from(good);
      for (let k = 0; k <= next(3); k++) bad[next(bad.length)] = next(256);
      seen.add(code(() => decodePngRgb(bad.subarray(0, next(4) === 0 ? next(bad.length) : bad.length), { pixels: 100 })));
    }
    expect([...seen].filter((c) => !["no error", "PNG_INVALID", "SIZE_LIMIT"].includes(c))).toEqual([]);
  });
});

describe("fitGray", () => {
  test("keeps the mean when it shrinks, and the values when the size is the same", () => {
    const values = Float32Array.from({ length: 35 }, (_, i) => ((i * 13) % 35) / 80);
    const image = { width: 7, height: 5, values };
    const mean = (a: Float32Array): number => a.reduce((s, v) => s + v, 0) / a.length;
    expect(mean(fitGray(image, { width: 3, height: 2, invert: false }).values)).toBeCloseTo(mean(values), 6);
    expect([...fitGray(image, { width: 7, height: 5, invert: false }).values]).toEqual([...values]);
  });

  test("inverts dark-on-bright pictures by itself", () => {
    const paper = { width: 3, height: 3, values: Float32Array.from([1, 1, 1, 1, 0, 1, 1, 1, 1]) };
    expect([...fitGray(paper, { width: 3, height: 3 }).values]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });
});
