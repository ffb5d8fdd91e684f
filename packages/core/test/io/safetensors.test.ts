/** @file safetensors: fixed bytes, round trips, and every breach of the format. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HostArray } from "../../src/data/host.ts";
import { widenBf16, widenF16 } from "../../src/io/half.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/io/safetensors.ts";
import { loadSafetensors, saveSafetensors } from "../../src/io/tensors.ts";
import { DTYPE, DTYPES } from "../../src/program/dtype.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

/** A file with this header text and data, as a stranger may write it. */
function file(header: string, data: Uint8Array = new Uint8Array(), announced?: bigint): Uint8Array {
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, announced ?? BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

const entry = (dtype: string, shape: string, from: number, to: number): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

describe("safetensors", () => {
  test("reads the bytes of a file written by hand, with spaces and offsets in any order", () => {
    const header = `{ "b" : ${entry("U8", "[ 3 ]", 4, 7)} , "__metadata__": {"format":"pt"}, "a":${entry("F32", "[]", 0, 4)} }   `;
    const { tensors, metadata } = decodeSafetensors(file(header, Uint8Array.of(0, 0, 0xc0, 0x3f, 1, 2, 3)));
    expect([...tensors]).toEqual([
      ["a", { values: Float32Array.of(1.5), shape: [], dtype: "f32" }],
      ["b", { values: Uint8Array.of(1, 2, 3), shape: [3], dtype: "u8" }],
    ]);
    expect(metadata.get("format")).toBe("pt");
  });

  test("writes the same bytes for the same contents, whatever their order, with aligned data", () => {
    const a: [string, HostArray] = ["a", { values: Uint8Array.of(1, 2, 3), shape: [3], dtype: "u8" }];
    const b: [string, HostArray] = ["b", { values: Float64Array.of(0.5), shape: [1], dtype: "f64" }];
    const meta: [string, string][] = [
      ["y", "2"],
      ["x", "1"],
    ];
    const bytes = encodeSafetensors([a, b], meta);
    expect(bytes).toEqual(encodeSafetensors([b, a], [...meta].reverse()));
    const header = `{"__metadata__":{"x":"1","y":"2"},"b":${entry("F64", "[1]", 0, 8)},"a":${entry("U8", "[3]", 8, 11)}}`;
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(bytes).toEqual(file(padded, Uint8Array.of(0, 0, 0, 0, 0, 0, 0xe0, 0x3f, 1, 2, 3)));
  });

  test("what is written is read back, in every dtype, whatever the names", () => {
    const tensor = fc.record({
      dtype: fc.constantFrom(...DTYPES),
      shape: fc.array(fc.nat(4), { maxLength: 4 }),
      seed: fc.nat(1),
    });
    const names = fc.string({ unit: "grapheme", maxLength: 8 }).filter((n) => n !== "__metadata__");
    fc.assert(
      fc.property(fc.dictionary(names, tensor), fc.dictionary(fc.string(), fc.string()), (dict, meta) => {
        const tensors = new Map(
          Object.entries(dict).map(([name, { dtype, shape, seed }]) => {
            const values = DTYPE[dtype].make(shape.reduce((a, b) => a * b, 1));
            for (let i = 0; i < values.length; i++) values[i] = DTYPE[dtype].big ? BigInt(i + seed) : (i + seed) % 2;
            return [name, { values, shape, dtype }];
          }),
        );
        const back = decodeSafetensors(encodeSafetensors(tensors, Object.entries(meta)));
        expect(back.tensors).toEqual(tensors);
        expect(back.metadata).toEqual(new Map(Object.entries(meta)));
      }),
    );
  });

  test("a name such as __proto__ or constructor is only a name", () => {
    const t: HostArray = { values: Uint8Array.of(1), shape: [1], dtype: "u8" };
    const back = decodeSafetensors(
      encodeSafetensors([
        ["__proto__", t],
        ["constructor", t],
      ]),
    );
    expect([...back.tensors.keys()]).toEqual(["__proto__", "constructor"]);
  });

  const a = `"a":${entry("U8", "[2]", 0, 2)}`;
  const two = new Uint8Array(2);
  const BAD: readonly (readonly [string, string, Uint8Array])[] = [
    ["a name twice", "SAFETENSORS_INVALID", file(`{${a},${a}}`, two)],
    [
      "a key twice inside a tensor",
      "SAFETENSORS_INVALID",
      file('{"a":{"dtype":"U8","dtype":"I8","shape":[2],"data_offsets":[0,2]}}', two),
    ],
    ["a name twice by an escape", "SAFETENSORS_INVALID", file(`{${a},"\\u0061":${entry("U8", "[2]", 0, 2)}}`, two)],
    ["a hole", "SAFETENSORS_INVALID", file(`{"a":${entry("U8", "[2]", 1, 3)}}`, new Uint8Array(3))],
    ["an overlap", "SAFETENSORS_INVALID", file(`{${a},"b":${entry("U8", "[2]", 1, 3)}}`, new Uint8Array(3))],
    ["the same data twice", "SAFETENSORS_INVALID", file(`{${a},"b":${entry("U8", "[2]", 0, 2)}}`, two)],
    ["bytes of no tensor", "SAFETENSORS_INVALID", file(`{${a}}`, new Uint8Array(3))],
    ["missing bytes", "SAFETENSORS_INVALID", file(`{${a}}`, new Uint8Array(1))],
    ["a size that does not fit the shape", "SAFETENSORS_INVALID", file(`{"a":${entry("F32", "[2]", 0, 2)}}`, two)],
    ["a negative size", "SAFETENSORS_INVALID", file(`{"a":${entry("U8", "[-2]", 0, 2)}}`, two)],
    ["a broken size", "SAFETENSORS_INVALID", file(`{"a":${entry("U8", "[2.5]", 0, 2)}}`, two)],
    ["sizes whose product overflows", "SAFETENSORS_INVALID", file(`{"a":${entry("U8", "[4294967296,4294967296]", 0, 2)}}`, two)],
    ["offsets beyond 2^53", "SAFETENSORS_INVALID", file(`{"a":${entry("U8", "[2]", 0, 9007199254740994)}}`, two)],
    ["reversed offsets", "SAFETENSORS_INVALID", file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[2,0]}}', two)],
    ["an extra key", "SAFETENSORS_INVALID", file('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1}}', two)],
    ["a missing key", "SAFETENSORS_INVALID", file('{"a":{"dtype":"U8","shape":[2]}}', two)],
    ["a tensor that is no object", "SAFETENSORS_INVALID", file('{"a":[1]}')],
    ["a header that is no object", "SAFETENSORS_INVALID", file("[1]")],
    ["a header that begins with a space", "SAFETENSORS_INVALID", file(` {${a}}`, two)],
    ["text behind the header", "SAFETENSORS_INVALID", file(`{${a}}x`, two)],
    ["a header cut short", "SAFETENSORS_INVALID", file(`{${a}`, two)],
    ["a trailing comma", "SAFETENSORS_INVALID", file(`{${a},}`, two)],
    ["nesting", "SAFETENSORS_INVALID", file(`{"a":${"[".repeat(1e5)}`)],
    ["a number with a leading zero", "SAFETENSORS_INVALID", file('{"a":{"dtype":"U8","shape":[02],"data_offsets":[0,2]}}', two)],
    ["a control character in a name", "SAFETENSORS_INVALID", file(`{"a\n":${entry("U8", "[2]", 0, 2)}}`, two)],
    ["metadata that is no text", "SAFETENSORS_INVALID", file('{"__metadata__":{"a":1}}')],
    ["bytes that are no UTF-8", "SAFETENSORS_INVALID", file("{}").map((b, i) => (i === 9 ? 0xff : b))],
    ["a bool of 2", "SAFETENSORS_INVALID", file(`{"a":${entry("BOOL", "[2]", 0, 2)}}`, Uint8Array.of(1, 2))],
    ["a dtype of no use here", "DTYPE_UNSUPPORTED", file(`{"a":${entry("F8_E8M0", "[2]", 0, 2)}}`, two)],
    ["a header longer than the file", "SAFETENSORS_INVALID", file("{}", two, 60_000n)],
    ["a header beyond any bound", "SIZE_LIMIT", file("{}", two, 2n ** 64n - 1n)],
    [
      "a rank beyond any bound",
      "SAFETENSORS_INVALID",
      file(`{"a":${entry("U8", `[${"1,".repeat(40)}1]`, 0, 1)}}`, new Uint8Array(1)),
    ],
  ];
  test.each(BAD)("refuses %s", (_, code, bytes) => {
    expect(codeOf(() => decodeSafetensors(bytes))).toBe(code);
  });

  test("refuses every truncation, and never fails but by a clear error when bytes are altered", () => {
    const good = encodeSafetensors(
      [
        ["w", { values: Float32Array.of(1, 2), shape: [2], dtype: "f32" }],
        ["n", { values: BigInt64Array.of(3n), shape: [], dtype: "i64" }],
      ],
      [["k", "v"]],
    );
    for (let n = 0; n < good.length; n++)
      expect(codeOf(() => decodeSafetensors(good.subarray(0, n)))).toMatch(/^(SAFETENSORS_INVALID|SIZE_LIMIT)$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = good.slice();
        for (const [at, v] of edits) bytes[at] = v;
        expect(codeOf(() => decodeSafetensors(bytes))).toMatch(/^(no error|SAFETENSORS_INVALID|SIZE_LIMIT|DTYPE_UNSUPPORTED)$/);
      }),
      { numRuns: process.env.TACIT_LONG ? 100_000 : 2000 },
    );
  });

  test("a long name or number does not overflow a stack, and bounds hold", () => {
    expect(codeOf(() => decodeSafetensors(file(`{"${"a".repeat(1 << 22)}`)))).toBe("SAFETENSORS_INVALID");
    expect(codeOf(() => decodeSafetensors(file(`{"a":${"1".repeat(1 << 22)}}`)))).toBe("SAFETENSORS_INVALID");
    expect(codeOf(() => decodeSafetensors(file(`{${" ".repeat(1 << 22)}}`)))).toBe("no error");
    expect(codeOf(() => decodeSafetensors(file("{}   "), { header: 3 }))).toBe("SIZE_LIMIT");
    const none = (name: string): string => `"${name}":${entry("U8", "[0]", 0, 0)}`;
    expect(codeOf(() => decodeSafetensors(file(`{${none("a")},${none("b")},${none("c")}}`), { tensors: 1 }))).toBe("SIZE_LIMIT");
    expect(
      codeOf(() =>
        encodeSafetensors([
          ["a", { values: Uint8Array.of(), shape: [0], dtype: "u8" }],
          ["a", { values: Uint8Array.of(), shape: [0], dtype: "u8" }],
        ]),
      ),
    ).toBe("SAFETENSORS_INVALID");
  });
});

test("half precision widens exactly, for all 65,536 patterns", () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const [half, brain] = [widenF16(bits), widenBf16(bits)];
  const view = new DataView(new ArrayBuffer(4));
  for (let i = 0; i < 65_536; i++) {
    const [sign, exponent, fraction] = [i >> 15 ? -1 : 1, (i >> 10) & 31, i & 1023];
    const value =
      exponent === 31
        ? fraction
          ? Number.NaN
          : sign * Number.POSITIVE_INFINITY
        : exponent === 0
          ? sign * fraction * 2 ** -24
          : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
    if (!Object.is(half[i], value)) expect(half[i], `f16 ${i}`).toBe(value);
    view.setUint32(0, i * 65_536);
    if (!Object.is(brain[i], view.getFloat32(0))) expect(brain[i], `bf16 ${i}`).toBe(view.getFloat32(0));
  }
  const f16 = decodeSafetensors(file(`{"a":${entry("F16", "[2]", 0, 4)}}`, Uint8Array.of(0, 0x3e, 0, 0xc0))).tensors.get("a");
  expect(f16).toEqual({ values: Float32Array.of(1.5, -2), shape: [2], dtype: "f32" });
  const bf16 = decodeSafetensors(file(`{"a":${entry("BF16", "[1]", 0, 2)}}`, Uint8Array.of(0x80, 0xbf))).tensors.get("a");
  expect(bf16).toEqual({ values: Float32Array.of(-1), shape: [1], dtype: "f32" });
});

describe("files", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "tacit-"));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test("tensors are saved, into directories that do not exist yet, and loaded", async () => {
    const path = join(root, "deep/er/model.safetensors");
    const tensors = {
      w: Tensor.from([1, 2, 3, 4], [2, 2]).mul(2),
      flags: Tensor.from([true, false]),
      big: Tensor.from([2n ** 62n]),
    };
    await saveSafetensors(path, tensors, { epoch: "3" });
    const back = await loadSafetensors(path);
    expect(await back.tensors.get("w")?.tolist()).toEqual([
      [2, 4],
      [6, 8],
    ]);
    expect(await back.tensors.get("flags")?.tolist()).toEqual([true, false]);
    expect(await back.tensors.get("big")?.tolist()).toEqual([2n ** 62n]);
    expect(back.metadata.get("epoch")).toBe("3");
  });

  test("files that cannot be read or written are named", async () => {
    await writeFile(join(root, "plain"), "x");
    const t = { a: Tensor.from([1]) };
    expect(await codeOfAsync(saveSafetensors(join(root, "plain/model.safetensors"), t))).toBe("FILE_WRITE");
    expect(await codeOfAsync(loadSafetensors(join(root, "none.safetensors")))).toBe("FILE_READ");
    expect(await codeOfAsync(loadSafetensors(root))).toBe("FILE_READ");
    expect(await codeOfAsync(loadSafetensors(join(root, "plain")))).toBe("SAFETENSORS_INVALID");
    expect(await codeOfAsync(loadSafetensors(join(root, "plain"), { bytes: 0 }))).toBe("SIZE_LIMIT");
    // A device without end announces no size: only the bytes themselves tell.
    if (process.platform !== "win32") {
      expect(await codeOfAsync(loadSafetensors("/dev/zero", { bytes: 1 << 20 }))).toBe("SIZE_LIMIT");
      expect(await codeOfAsync(loadSafetensors("/dev/null"))).toBe("SAFETENSORS_INVALID");
    }
  });
});
