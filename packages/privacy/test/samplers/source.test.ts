/** @file Randomness is the platform's: no sampler that the package exports takes a source of bits, by type or at run time. */
import * as whole from "@tacit/privacy";
import { expect, expectTypeOf, it } from "vitest";
import * as own from "../../src/samplers/index.ts";
import type { Rational } from "../../src/samplers/rational.ts";
import type { SelectionOptions } from "../../src/samplers/selection.ts";

const [exported, samplers] = [{ ...whole }, { ...own }];

interface Response {
  readonly epsilon: number;
  readonly choices?: number;
}

/** Every sampler with all that it takes, and what it gives takes; `tsc` compares this with the package. */
interface Declared {
  readonly bernoulli: (bias: Rational) => boolean;
  readonly bernoulliExp: (x: Rational) => boolean;
  readonly addDiscreteGaussian: (stdDev: number) => (to: Float64Array) => void;
  readonly discreteGaussian: (stdDev: number) => () => number;
  readonly discreteLaplace: (scale: number) => () => number;
  readonly geometric: (scale: number) => () => number;
  readonly poissonSample: (n: number, rate: number) => () => Int32Array;
  readonly estimateCounts: (answers: ArrayLike<number>, options: Response) => number[];
  readonly randomisedResponse: (truth: number, options: Response) => number;
  readonly exponential: (scores: readonly number[], options: SelectionOptions) => number;
  readonly permuteAndFlip: (scores: readonly number[], options: SelectionOptions) => number;
  readonly reportNoisyMax: (scores: readonly number[], options: SelectionOptions) => number;
}

const scores = [[1, 2, 3], { epsilon: 1, sensitivity: 1 }] as const;
/** Arguments for each, and those of what it gives. */
const CALLS: { readonly [name in keyof Declared]: readonly [readonly unknown[], (readonly unknown[])?] } = {
  bernoulli: [[{ n: 1n, d: 3n }]],
  bernoulliExp: [[{ n: 1n, d: 3n }]],
  addDiscreteGaussian: [[3], [new Float64Array(100)]],
  discreteGaussian: [[3], []],
  discreteLaplace: [[3], []],
  geometric: [[3], []],
  poissonSample: [[100, 0.5], []],
  estimateCounts: [[[0, 1], { epsilon: 1 }]],
  randomisedResponse: [[0, { epsilon: 1 }]],
  exponential: [scores],
  permuteAndFlip: [scores],
  reportNoisyMax: [scores],
};

it("a sampler's type has no place for a source of bits, and each sampler is looked at", () => {
  expectTypeOf<{ readonly [name in keyof typeof samplers]: (typeof samplers)[name] }>().toEqualTypeOf<Declared>();
  expect(Object.keys(samplers).sort()).toEqual(Object.keys(CALLS).sort());
  for (const name of Object.keys(CALLS) as (keyof Declared)[]) expect(exported[name]).toBe(samplers[name]);
});

it.each(Object.keys(CALLS) as (keyof Declared)[])("%s draws nothing from a source that is handed to it", (name) => {
  let asked = 0;
  const weak = {
    word(): number {
      asked++;
      return 0;
    },
  };
  const [of, then] = CALLS[name];
  const sampler = samplers[name] as (...args: unknown[]) => unknown;
  expect(sampler.length).toBe(of.length);
  for (let i = 0; i < 20; i++) {
    const given = sampler(...of, weak, weak);
    if (then !== undefined) (given as typeof sampler)(...then, weak, weak);
  }
  expect(asked).toBe(0);
});
