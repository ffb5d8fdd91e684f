/**
 * @file The skew-normal law (Azzalini 1985): density, and a distribution function that keeps its digits in the far tail.
 *
 * Exposure by extrapolation is the logarithm of a tail of 2^-20 and less, where Owen's T, which is the usual way, cancels: Φ(z) - 2T(z, α)
 * of two equal numbers. So the tail is integrated: the density is log-concave, and falls off at least as fast as at its edge.
 */
import { logNormalCdf, logNormalDensity } from "../../math/normal.ts";

/** Location ξ, scale ω > 0, shape α; the density is 2/ω · φ(z) Φ(αz) at z = (x-ξ)/ω. */
export interface SkewNormal {
  readonly location: number;
  readonly scale: number;
  readonly shape: number;
}

/** Nodes and weights of Gauss and Legendre on (0, 1), eight of them: exact for polynomials up to degree 15. */
const NODES = [
  0.019855071751231884, 0.10166676129318664, 0.2372337950418355, 0.4082826787521751, 0.5917173212478249, 0.7627662049581645,
  0.8983332387068134, 0.9801449282487681,
];
const WEIGHTS = [
  0.05061426814518813, 0.11119051722668724, 0.15685332293894363, 0.181341891689181, 0.181341891689181, 0.15685332293894363,
  0.11119051722668724, 0.05061426814518813,
];

/** Beyond, both tails of φ are below 1e-320. */
const FAR = 38;
/** From here on down, the first term of the tail's expansion is the tail but for a share of 1/z² (Mills 1926), and panels would grow too narrow for z to move. */
const ASYMPTOTE = -1000;
/** A panel this many times less likely than the sum ends it. */
const ENOUGH = 1e-17;

/** log of 2 φ(z) Φ(αz). */
const logStandard = (z: number, shape: number): number => Math.LN2 + logNormalDensity(z) + logNormalCdf(shape * z);

/** log density at x. */
export const logDensity = (law: SkewNormal, x: number): number =>
  logStandard((x - law.location) / law.scale, law.shape) - Math.log(law.scale);

/** ∫ of 2 φ Φ(α·) over (a, b), times e^-shift. */
function panel(a: number, b: number, shape: number, shift: number): number {
  let sum = 0;
  for (let i = 0; i < NODES.length; i++) {
    sum += WEIGHTS[i]! * Math.exp(logStandard(a + (b - a) * NODES[i]!, shape) - shift);
  }
  return sum * (b - a);
}

/** How wide a panel may be where Φ(αz) turns: eight nodes give 1e-12 and better there. */
const widthOf = (shape: number): number => 0.5 / (1 + Math.abs(shape));

/** φ(x)/Φ(x), which tends to -x. */
const hazard = (x: number): number => (x < ASYMPTOTE ? -x : Math.exp(logNormalDensity(x) - logNormalCdf(x)));

/** The log of the tail by the density and its slope, which is -z + α φ(αz)/Φ(αz): the law is log-concave and curved by 1 + α² at most. */
const logFarTail = (z: number, shape: number): number => logStandard(z, shape) - Math.log(-z + shape * hazard(shape * z));

/** log P[X ≤ x], to about 1e-10 of itself, for x as far out as a double goes; -∞ where its square is beyond a double. */
export function logCdf(law: SkewNormal, x: number): number {
  const { shape } = law;
  let z = Math.max(-Number.MAX_VALUE, (x - law.location) / law.scale);
  if (Number.isNaN(z)) return Number.NaN;
  if (z >= FAR) return 0;
  if (z < ASYMPTOTE) return logFarTail(z, shape);
  let shift = logStandard(z, shape);
  let sum = 0;
  for (;;) {
    const here = logStandard(z, shape);
    // Towards the mode the density still rises: what was summed is measured by the highest so far.
    if (here > shift) {
      sum *= Math.exp(shift - here);
      shift = here;
    }
    const slope = Math.abs(logStandard(z + 1e-6, shape) - here) / 1e-6;
    const width = Math.min(widthOf(shape), 1 / Math.max(slope, 1e-3));
    const part = panel(z - width, z, shape, shift);
    sum += part;
    z -= width;
    // The rest is at most as much again as this panel where the density falls, for the law is log-concave.
    if (part < ENOUGH * sum && logStandard(z, shape) < here) break;
  }
  return Math.min(0, shift + Math.log(sum));
}

/** P[X ≤ x] at ascending points; each costs one or a few panels. */
export function cdfAt(law: SkewNormal, sorted: Float64Array): Float64Array {
  const out = new Float64Array(sorted.length);
  if (sorted.length === 0) return out;
  const at = (x: number): number => Math.min(FAR, Math.max(-FAR, (x - law.location) / law.scale));
  let sum = Math.exp(logCdf(law, sorted[0]!));
  let z = at(sorted[0]!);
  out[0] = sum;
  for (let i = 1; i < sorted.length; i++) {
    const to = at(sorted[i]!);
    const panels = Math.ceil((to - z) / widthOf(law.shape));
    for (let k = 0; k < panels; k++) {
      sum += panel(z + ((to - z) * k) / panels, z + ((to - z) * (k + 1)) / panels, law.shape, 0);
    }
    z = to;
    out[i] = Math.min(1, sum);
  }
  return out;
}
