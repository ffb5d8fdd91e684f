/** @file Runs cases: a method on random shapes, against a plain computation. */
import { expect } from "vitest";
import type { Random } from "../../src/random.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import type { Nd } from "./oracle.ts";

export interface Case {
  readonly name: string;
  /** The methods that it covers; by default the one of its name. */
  readonly methods?: readonly string[];
  run(random: Random): { readonly got: Tensor; readonly want: Nd };
}

/** Compares shape and values. Relative to the largest value, for sums lose absolute digits. */
export async function agrees({ got, want }: ReturnType<Case["run"]>, tolerance: number): Promise<void> {
  expect(got.shape).toEqual(want.shape);
  const values = Array.from(await got.data(), Number);
  const scale = Math.max(1, ...want.values.map(Math.abs));
  values.forEach((v, i) => {
    const error = Math.abs(v - want.values[i]!) / scale;
    if (!(error <= tolerance)) expect.fail(`element ${i}: expected ${want.values[i]}, got ${v} (error ${error} of ${scale})`);
  });
  expect(values).toHaveLength(want.values.length);
}
