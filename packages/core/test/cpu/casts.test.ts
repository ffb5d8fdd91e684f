/** @file Casts inside chains: what follows a cast computes in the new type. */
import { expect, it } from "vitest";
import * as op from "../../src/ops/emit.ts";
import type { DType } from "../../src/program/dtype.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, expectClose, input, run } from "./harness.ts";

const on = device();

it("a widened byte no longer wraps at 256", async () => {
  const x = input([3], "u8");
  const wide = op.cast(x, "i32");
  const { program } = trace([op.add(wide, op.mul(wide, op.constant("i32", 10))), wide], [x]);
  expect((await run(on, program, [Uint8Array.of(200, 255, 3)])).map((a) => [...a])).toEqual([
    [2200, 2805, 33],
    [200, 255, 3],
  ]);
});

it("a bool that became a number adds, a word that became unsigned compares unsigned", async () => {
  const [b, w] = [input([2], "bool"), input([2], "i32")];
  const two = op.add(op.cast(b, "u8"), op.cast(b, "u8"));
  const unsigned = op.cast(w, "u32");
  const far = op.gt(unsigned, op.constant("u32", 5));
  const { program } = trace([two, far, unsigned, op.cast(op.add(unsigned, unsigned), "i32")], [b, w]);
  const got = await run(on, program, [Uint8Array.of(1, 0), Int32Array.of(-1, 3)]);
  expect(got.map((a) => [...a])).toEqual([
    [2, 0],
    [1, 0],
    [4294967295, 3],
    [-2, 6],
  ]);
});

it("a float that is too large for an integer saturates, on the device as in the reference", async () => {
  const far = [3e9, -3e9, 5e9, 1e30, -1e30, 1e19, 2 ** 31, -(2 ** 31), -0.9, 255.9, 256, -1, Infinity, -Infinity, Number.NaN];
  const want: [DType, readonly (number | bigint)[]][] = [
    ["i32", [2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 1]],
    ["u32", [3e9, 0, 2 ** 32 - 1]],
    ["i64", [3000000000n, -3000000000n, 5000000000n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n - 1n]],
    ["u64", [3000000000n, 0n, 5000000000n, 2n ** 64n - 1n, 0n, BigInt(Math.fround(1e19))]],
    ["u8", [255, 0]],
  ];
  const x = input([far.length]);
  const { program } = trace(
    want.map(([to]) => op.cast(x, to)),
    [x],
  );
  const given = [Float32Array.from(far)];
  const got = await run(on, program, given);
  expectClose(got, program, given, 0);
  for (const [i, [, head]] of want.entries()) expect([...got[i]!].slice(0, head.length)).toEqual(head);
  expect([...got[4]!].slice(8)).toEqual([0, 255, 0, 255, 255, 0, 0]);
  for (const a of got) expect(Number(a.at(-1))).toBe(0);
});

it("integers keep their low bits in a narrower or unsigned type", async () => {
  const x = input([4], "i32");
  const { program } = trace([op.cast(x, "u8"), op.cast(x, "u32"), op.cast(x, "u64"), op.cast(op.cast(x, "i64"), "u8")], [x]);
  const given = [Int32Array.of(-1, 256, 300, -300)];
  const got = await run(on, program, given);
  expectClose(got, program, given, 0);
  expect(got.map((a) => [...a])).toEqual([
    [255, 0, 44, 212],
    [4294967295, 256, 300, 4294966996],
    [2n ** 64n - 1n, 256n, 300n, 2n ** 64n - 300n],
    [255, 0, 44, 212],
  ]);
});

it("a word that became unsigned is unsigned to the ops of the host as well", async () => {
  const x = input([4], "i32");
  const u = op.cast(x, "u32");
  const back = op.cast(op.add(u, op.constant("u32", 1)), "i32");
  const { program } = trace(
    [op.cast(u, "u64"), op.sort(u, 0), op.rem(u, op.constant("u32", 10)), op.cast(op.cast(u, "i32"), "i64"), op.sort(back, 0)],
    [x],
  );
  const given = [Int32Array.of(-5, 3, -1, 7)];
  const got = await run(on, program, given);
  expectClose(got, program, given, 0);
  expect([...got[1]!]).toEqual([3, 7, 4294967291, 4294967295]);
});

it("every cast of a constant holds its value", async () => {
  const dtypes: DType[] = ["f32", "i32", "u32", "u8", "i64", "u64", "bool"];
  const x = input([2]);
  const all = dtypes.flatMap((from) => dtypes.map((to) => op.cast(op.full([2], from, 1), to)));
  const { program } = trace([x, ...all], [x]);
  const got = await run(on, program, [Float32Array.of(1, 1)]);
  for (const a of got) expect([...a].map(Number)).toEqual([1, 1]);
});
