/** @file Casts inside chains: what follows a cast computes in the new type. */
import { expect, it } from "vitest";
import * as op from "../../src/ops/emit.ts";
import type { DType } from "../../src/program/dtype.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, input, run } from "./harness.ts";

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

it("every cast of a constant holds its value", async () => {
  const dtypes: DType[] = ["f32", "i32", "u32", "u8", "i64", "u64", "bool"];
  const x = input([2]);
  const all = dtypes.flatMap((from) => dtypes.map((to) => op.cast(op.full([2], from, 1), to)));
  const { program } = trace([x, ...all], [x]);
  const got = await run(on, program, [Float32Array.of(1, 1)]);
  for (const a of got) expect([...a].map(Number)).toEqual([1, 1]);
});
