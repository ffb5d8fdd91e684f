/** @file The discrete Laplace (two-sided geometric) distribution: integers with mass ∝ e^(-|x| / b), and its one-sided half. */
import { secureBits } from "./bits.ts";
import { expMinus, rational } from "./rational.ts";
import { TableSampler } from "./table.ts";

/** e^-41 = 2^-59; each further b takes e^-1. */
const END = 41;

function table(where: string, scale: number, symmetric: boolean): TableSampler {
  const { n, d } = rational(where, "a scale", scale);
  return new TableSampler({
    f: (x) => (b) => expMinus({ n: x * d, d: n }, b),
    unit: Math.max(1, scale),
    end: Math.ceil(END * Math.max(1, scale)),
    symmetric,
  });
}

/** A sampler of scale b. @throws TacitError PRIVACY_PARAMETER */
export function discreteLaplace(scale: number): () => number {
  const of = table("discreteLaplace", scale, true);
  return () => of.sample(secureBits);
}

/** A sampler of x = 0, 1, 2, ... with mass ∝ e^(-x / b): geometric, of success probability 1 - e^(-1/b). @throws TacitError PRIVACY_PARAMETER */
export function geometric(scale: number): () => number {
  const of = table("geometric", scale, false);
  return () => of.sample(secureBits);
}
