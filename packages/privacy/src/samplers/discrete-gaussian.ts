/** @file The discrete Gaussian: integers with mass ∝ e^(-x² / (2 σ²)) (Canonne, Kamath, Steinke 2020), sampled exactly. */
import { secureBits } from "./bits.ts";
import { expMinus, rational } from "./rational.ts";
import { TableSampler } from "./table.ts";

/** f is below 2^-58.4 there, and falls by e^-9.5 at each further σ. */
const END = 9;

function table(where: string, stdDev: number): TableSampler {
  const { n, d } = rational(where, "a standard deviation", stdDev);
  const [nn, dd] = [2n * n * n, d * d];
  return new TableSampler({
    f: (x) => (b) => expMinus({ n: x * x * dd, d: nn }, b),
    unit: Math.max(1, stdDev),
    end: Math.ceil(END * Math.max(1, stdDev)),
    symmetric: true,
  });
}

/**
 * A sampler of standard deviation parameter `stdDev`, read as exactly the fraction that the double is.
 * @throws TacitError PRIVACY_PARAMETER
 */
export function discreteGaussian(stdDev: number): () => number {
  const of = table("discreteGaussian", stdDev);
  return () => of.sample(secureBits);
}

/**
 * Adds a sample of its own to each number of an array: the law of `discreteGaussian`, several times as fast. Exact where the sums stay
 * below 2^53. @throws TacitError PRIVACY_PARAMETER
 */
export function addDiscreteGaussian(stdDev: number): (to: Float64Array) => void {
  const of = table("addDiscreteGaussian", stdDev);
  return (to) => of.addTo(secureBits, to);
}
