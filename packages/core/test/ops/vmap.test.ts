/** @file Every batching rule against a loop over the slices, for every choice of batched arguments. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/device/reference/index.ts";
import { emit } from "../../src/expr.ts";
import { OPS } from "../../src/ops/table.ts";
import { sizeOf } from "../../src/program/aval.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import { trace, vmap } from "../../src/transform/index.ts";
import { CASES, type Case, RELEASES, title } from "./cases.ts";
import { expectClose, placeholders, values } from "./harness.ts";

const SIZE = 3;

/** Non-empty subsets of n arguments. */
const subsets = (n: number): boolean[][] =>
  Array.from({ length: 2 ** n - 1 }, (_, k) => Array.from({ length: n }, (_, i) => (((k + 1) >> i) & 1) === 1));

function checkBatch(c: Case, batched: readonly boolean[], size: number): void {
  const leaves = placeholders(c.args);
  const { program } = trace([emit(c.op, leaves, c.attrs)], leaves);
  const mapped = vmap(
    program,
    batched.map((b) => (b ? 0 : null)),
    size,
  );
  const given = c.args.map((a, i) => values(a, 13 * i + 3, batched[i] ? size : 1));
  const [got] = interpret(mapped, given, "f64");
  const want = program.outputAvals[0]!;
  expect([...mapped.outputAvals[0]!.shape]).toEqual([size, ...want.shape]);
  expect(mapped.outputAvals[0]!.dtype).toBe(want.dtype);
  const n = sizeOf(want.shape);
  for (let k = 0; k < size; k++) {
    const slices = given.map((v, i): TypedArray => {
      const m = sizeOf(c.args[i]!.shape);
      return batched[i] ? v.slice(k * m, (k + 1) * m) : v;
    });
    expectClose(
      got!.slice(k * n, (k + 1) * n),
      interpret(program, slices, "f64")[0]!,
      1e-12,
      `${title(c)} batched ${batched} slice ${k}`,
    );
  }
}

describe("batching rules", () => {
  const batchable = CASES.filter((c) => c.args.length > 0 && c.op !== "randomBits" && !RELEASES.has(c.op));

  it.each(batchable.map((c) => [title(c), c] as const))("equal a loop over the slices: %s", (_, c) => {
    for (const batched of subsets(c.args.length)) checkBatch(c, batched, SIZE);
  });

  it.each(batchable.map((c) => [title(c), c] as const))("give results of no slices: %s", (_, c) => {
    checkBatch(
      c,
      c.args.map(() => true),
      0,
    );
  });

  it("exist for every op with arguments", () => {
    const without = [...OPS.values()].filter((row) => row.vmap === undefined).map((row) => row.name);
    expect(without).toEqual(["constant", "iota"]);
  });

  it.each([...RELEASES])("refuse %s for each slice: a release sees all examples", (op) => {
    const leaves = placeholders([{ shape: [3, 2], dtype: "f32" }]);
    const { program } = trace([emit(op, leaves, [1, 0])], leaves);
    expect(() => vmap(program, [0], 4)).toThrow(expect.objectContaining({ code: "VMAP_UNSUPPORTED" }));
  });

  it("refuse a key of random bits for each slice, and say what to do instead", () => {
    const leaves = placeholders([
      { shape: [2], dtype: "u32" },
      { shape: [1], dtype: "u32" },
    ]);
    const { program } = trace([emit("randomBits", leaves, [4])], leaves);
    expect(() => vmap(program, [0, null], 2)).toThrow(expect.objectContaining({ code: "VMAP_UNSUPPORTED" }));
  });
});
