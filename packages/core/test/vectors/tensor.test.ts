/** @file The methods of Tensor beyond the ops, against PyTorch's values and gradients. */
import { describe, expect, test } from "vitest";
import { type Case, checkCase, on, PLACES, readVectors } from "./golden.ts";
import { TENSOR_ROWS } from "./tensor-rows.ts";

const FILES = [
  "tensor-spatial.json",
  "tensor-special.json",
  "tensor-index.json",
  "tensor-einsum.json",
  "tensor-logic.json",
  "tensor-composed.json",
];

describe.each(PLACES)("on the $name", (place) => {
  for (const file of FILES) {
    const { cases } = readVectors<{ cases: Case[] }>(file);
    for (const op of new Set(cases.map((c) => c.op))) {
      test(`${op} gives PyTorch's values and gradients`, async () => {
        const run = TENSOR_ROWS[op];
        if (run === undefined) return expect.fail(`${op} has vectors but no row in tensor-rows.ts`);
        await on(place, async () => {
          for (const c of cases) if (c.op === op) await checkCase(c, run, place);
        });
      });
    }
  }
});
