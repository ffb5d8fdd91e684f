/** @file Small element types in files: rounding of 16-bit floats, widening of everything else, models in several files. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { narrow, widenBf16, widenE4m3, widenE5m2, widenF16 } from "../../src/io/half.ts";
import * as io from "../../src/io/index.ts";
import { parseIndex } from "../../src/io/shards.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import { codeOf, codeOfAsync } from "../errors.ts";

const EVERY = Uint16Array.from({ length: 65_536 }, (_, i) => i);
const KINDS = [
  ["f16", widenF16],
  ["bf16", widenBf16],
] as const;

describe.each(KINDS)("%s", (kind, widen) => {
  test("comes back from all 65,536 patterns, NaN as some NaN", () => {
    const wide = widen(EVERY);
    const back = narrow(wide, kind);
    for (const i of EVERY) {
      if (Number.isNaN(wide[i])) expect(Number.isNaN(widen(back.slice(i, i + 1))[0])).toBe(true);
      else if (back[i] !== i) expect(back[i], `pattern ${i}`).toBe(i);
    }
  });

  test("rounds to the nearest, halfway to the even one, from f64 in one step", () => {
    const wide = widen(EVERY);
    const most = kind === "f16" ? 0x7c00 : 0x7f80;
    for (let i = 0; i < most - 1; i += 37) {
      const [low, high] = [wide[i]!, wide[i + 1]!];
      const middle = low + (high - low) / 2; // exact in f64
      const nudge = (high - low) * 2 ** -30; // lost if the value were rounded to f32 first
      const got = narrow(Float64Array.of(middle, middle + nudge, middle - nudge, -middle), kind);
      const even = i % 2 === 0 ? i : i + 1;
      expect([...got], `between ${low} and ${high}`).toEqual([even, i + 1, i, even | 0x8000]);
    }
    expect([...narrow(Float64Array.of(Number.POSITIVE_INFINITY, -1e300, Number.MIN_VALUE, -0), kind)]).toEqual([
      most,
      most | 0x8000,
      0,
      0x8000,
    ]);
  });
});

const fileOf = (dtype: string, shape: number[], data: Uint8Array): Uint8Array => {
  const header = new TextEncoder().encode(JSON.stringify({ a: { dtype, shape, data_offsets: [0, data.length] } }));
  const out = new Uint8Array(8 + header.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(header.length), true);
  out.set(header, 8);
  out.set(data, 8 + header.length);
  return out;
};

describe("element types without a dtype of ours", () => {
  test("are widened exactly: small integers to i32, 8-bit floats to f32", () => {
    const read = (dtype: string, data: number[], n: number) =>
      io.decodeSafetensors(fileOf(dtype, [n], Uint8Array.from(data))).tensors.get("a");
    expect(read("I8", [0x80, 0xff, 1], 3)).toEqual({ values: Int32Array.of(-128, -1, 1), shape: [3], dtype: "i32" });
    expect(read("I16", [0, 0x80, 0xff, 0xff], 2)?.values).toEqual(Int32Array.of(-32_768, -1));
    expect(read("U16", [0, 0x80, 0xff, 0xff], 2)?.values).toEqual(Int32Array.of(32_768, 65_535));
    // OCP 8-bit floating point, table 2: largest, smallest normal, smallest subnormal.
    expect(read("F8_E4M3", [0x7e, 0x08, 0x01, 0xb8], 4)?.values).toEqual(Float32Array.of(448, 2 ** -6, 2 ** -9, -1));
    expect(read("F8_E5M2", [0x7b, 0x04, 0x01, 0xbc], 4)?.values).toEqual(Float32Array.of(57_344, 2 ** -14, 2 ** -16, -1));
    expect([widenE4m3(Uint8Array.of(0x7f))[0], widenE5m2(Uint8Array.of(0x7c))[0]]).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]);
    expect(codeOf(() => io.decodeSafetensors(fileOf("F8_E8M0", [1], Uint8Array.of(1))))).toBe("DTYPE_UNSUPPORTED");
  });
});

test("PyTorch's names follow from ours", () => {
  const names = {
    "bn1.runningMean": "bn1.running_mean",
    "bn1.numBatchesTracked": "bn1.num_batches_tracked",
    "layers.0.selfAttn.inProjWeight": "layers.0.self_attn.in_proj_weight",
    "rnn.weightIhL0Reverse": "rnn.weight_ih_l0_reverse",
    "rnn.biasHhL1": "rnn.bias_hh_l1",
    "0.weight": "0.weight",
  };
  for (const [ours, theirs] of Object.entries(names)) expect(io.pytorchName(ours)).toBe(theirs);
});

test("two names that become one are refused", async () => {
  const tensors = { aB: Tensor.from([1]), a_b: Tensor.from([2]) };
  expect(await codeOfAsync(io.encodeTensors(tensors, {}, { names: "pytorch" }))).toBe("SAFETENSORS_INVALID");
  expect(await codeOfAsync(io.encodeTensors(tensors))).toBe("no error");
});

describe("a model in several files", () => {
  const index = (map: unknown): string => JSON.stringify({ metadata: { total_size: 8 }, weight_map: map });

  test("is read by its index, and files that do not fit are named", async () => {
    const root = await mkdtemp(join(tmpdir(), "tacit-"));
    try {
      await io.saveSafetensors(join(root, "one.safetensors"), { a: Tensor.from([1]), b: Tensor.from([2, 3]) });
      await io.saveSafetensors(join(root, "two.safetensors"), { c: Tensor.from([4]) });
      const path = join(root, "model.safetensors.index.json");
      const load = async (map: unknown): Promise<string[]> => {
        await writeFile(path, index(map));
        return [...(await io.loadSafetensors(path)).tensors.keys()].toSorted();
      };
      expect(await load({ a: "one.safetensors", b: "one.safetensors", c: "two.safetensors" })).toEqual(["a", "b", "c"]);
      expect(await codeOfAsync(load({ a: "one.safetensors", c: "two.safetensors" }))).toBe("SAFETENSORS_INVALID");
      expect(await codeOfAsync(load({ a: "two.safetensors" }))).toBe("SAFETENSORS_INVALID");
      expect(await codeOfAsync(load({ a: "three.safetensors" }))).toBe("FILE_READ");
    } finally {
      await rm(root, { recursive: true });
    }
  });

  test("must name files beside the index; anything else is refused", () => {
    for (const file of ["../a.safetensors", "/etc/a.safetensors", "a/b.safetensors", "..safetensors", "a.bin", 3, null])
      expect(
        codeOf(() => parseIndex(index({ a: file }))),
        String(file),
      ).toBe("SAFETENSORS_INVALID");
    for (const text of ["", "[]", "{}", '{"weight_map":[]}', '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}'])
      expect(
        codeOf(() => parseIndex(text)),
        text,
      ).toBe("SAFETENSORS_INVALID");
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(codeOf(() => parseIndex(text))).toMatch(/^(no error|SAFETENSORS_INVALID|SIZE_LIMIT)$/);
      }),
    );
  });
});
