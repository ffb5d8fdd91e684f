/** @file A skew-normal law from a sample: by moments for the start, by maximum likelihood for the end; Kolmogorov's test says how well. */
import { refuseData } from "../check.ts";
import { type Kolmogorov, kolmogorov } from "../statistics/kolmogorov.ts";
import { minimise } from "../statistics/simplex.ts";
import { cdfAt, logDensity, type SkewNormal } from "./skew-normal.ts";

/** Skewness that a skew-normal law reaches is below 0.9953. */
const MOST_SKEW = 0.99;
/** Steeper is half a normal law to the eye, and the likelihood of some samples rises for ever. */
const MOST_SHAPE = 50;
/**
 * A fit is rejected where its nominal p-value is below. Nominal p-values of samples that *are* skew-normal are too large, as the law was fitted
 * to them: of 200 samples of 256 and of 1000 each, at shapes 0, 1, 4, -4 and 20, at most 5 % lay below 0.2 (at shape 20; 1 to 2 % at shapes
 * of 4 and less).
 */
const LEAST_P_VALUE = 0.2;
/** More points move the fit by less than its own error; larger samples are represented by so many of their quantiles. */
const MOST_POINTS = 5000;

/** The law with the sample's mean, variance and skewness (Azzalini 1985, section 2). */
export function fitByMoments(values: Float64Array): SkewNormal {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const moment = (k: number): number => values.reduce((a, v) => a + (v - mean) ** k, 0) / n;
  const deviation = Math.sqrt(moment(2));
  const skew = Math.max(-MOST_SKEW, Math.min(MOST_SKEW, moment(3) / deviation ** 3));
  const r = Math.abs(skew) ** (2 / 3);
  // |δ| from γ = (4-π)/2 · (δ√(2/π))³ / (1 - 2δ²/π)^1.5
  const size = Math.sqrt(((Math.PI / 2) * r) / (r + ((4 - Math.PI) / 2) ** (2 / 3)));
  const delta = Math.sign(skew) * Math.min(size, 0.999);
  const scale = deviation / Math.sqrt(1 - (2 * delta * delta) / Math.PI);
  const location = mean - scale * delta * Math.sqrt(2 / Math.PI);
  return { location, scale, shape: delta / Math.sqrt(1 - delta * delta) };
}

/** So many values at equal ranks of a sorted sample. */
const thinned = (sorted: Float64Array): Float64Array =>
  sorted.length <= MOST_POINTS
    ? sorted
    : Float64Array.from({ length: MOST_POINTS }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / MOST_POINTS)]!);

/** The law of highest likelihood, |shape| at most 50. */
export function fitByLikelihood(values: Float64Array): SkewNormal {
  const points = thinned(values.toSorted());
  const first = fitByMoments(points);
  // In units of the first law, so that the search knows no scale.
  const lawAt = ([a, b, c]: readonly number[]): SkewNormal => ({
    location: first.location + first.scale * a!,
    scale: first.scale * Math.exp(b!),
    shape: Math.max(-MOST_SHAPE, Math.min(MOST_SHAPE, c!)),
  });
  const cost = (x: readonly number[]): number => {
    const law = lawAt(x);
    let sum = 0;
    for (let i = 0; i < points.length; i++) sum -= logDensity(law, points[i]!);
    return sum;
  };
  const search = { spread: [0.2, 0.2, 0.5], tolerance: 1e-10 * points.length, most: 600 };
  const once = minimise(cost, [0, 0, first.shape], search);
  // A simplex can collapse on a slope: a second, fresh one starts where the first ended.
  return lawAt(minimise(cost, once.at, search).at);
}

/** A fitted law and how far the sample lies from it. */
export interface Fit {
  readonly law: SkewNormal;
  /** `pValue` takes the law for given; it was fitted to the same sample, so the true one is smaller. */
  readonly test: Kolmogorov;
  /** Whether the sample is told from the law: so for at most about 5 % of samples that have a skew-normal law. */
  readonly rejected: boolean;
}

/** Fits a sample and tests the fit. @throws TacitError PRIVACY_AUDIT_DATA where all values are equal, or spread beyond a double's range */
export function fitSkewNormal(values: Float64Array): Fit {
  const sorted = values.toSorted();
  if (sorted[0] === sorted.at(-1))
    refuseData("exposure", "candidates of different losses", "equal ones", "a constant model has no ranks");
  const law = fitByLikelihood(sorted);
  const { location, scale, shape } = law;
  // Squares of 1e200 and of 1e-200 are no numbers.
  if (!(scale > 0 && Number.isFinite(location + scale + shape)))
    refuseData("exposure", "candidates whose losses have a deviation between 1e-150 and 1e150", "another");
  const test = kolmogorov(cdfAt(law, sorted));
  return { law, test, rejected: test.pValue < LEAST_P_VALUE };
}
