/** @file The PLD accountant: privacy losses as distributions, composed by FFT; an upper and a lower bound on δ(ε) and ε(δ). */
import type { PrivacyEvent } from "../events.ts";
import { compose, type Repeated } from "./compose.ts";
import { deltaOf, type Estimate, epsilonOf, type LossGrid, optimisticGrid, pessimisticGrid } from "./loss-grid.ts";
import { mergeEvents } from "./merge.ts";
import { type Direction, type LossPair, pairOf, sampledPair } from "./pairs/index.ts";

export interface PldOptions {
  /** `pessimistic` (default) never understates the loss; `optimistic` never overstates it: the truth is between. */
  readonly estimate?: Estimate;
  /** Distance of grid points; default: such that the pessimistic ε is within about 0.1 % of the optimistic one. */
  readonly step?: number;
}

const DIRECTIONS: readonly Direction[] = ["remove", "add"];
const rateOf = (e: PrivacyEvent): number => (e.sampling.kind === "poisson" ? e.sampling.rate : 1);

/** What finite losses cannot exceed (Infinity where they can), and the chance of an infinite one. */
interface LossEnd {
  readonly most: number;
  readonly infinite: number;
}

/** The privacy loss of all events together, in both directions. */
export class PrivacyLoss {
  readonly #grids: readonly LossGrid[];
  readonly #end: LossEnd;

  constructor(grids: readonly LossGrid[], end: LossEnd) {
    this.#grids = grids;
    this.#end = end;
  }

  /** The smallest δ known for ε ≥ 0. */
  delta(epsilon: number): number {
    if (epsilon >= this.#end.most) return this.#end.infinite;
    return this.#grids.reduce((most, g) => Math.max(most, deltaOf(g, epsilon)), 0);
  }

  /** The smallest ε known for δ in [0, 1]; Infinity where there is none. `direction`: of one alone, which is no guarantee by itself. */
  epsilon(delta: number, direction?: Direction): number {
    const most = delta >= this.#end.infinite ? this.#end.most : Number.POSITIVE_INFINITY;
    const grids = direction === undefined ? this.#grids : this.#grids.filter((_, i) => DIRECTIONS[i] === direction);
    return grids.reduce((worst, g) => Math.max(worst, Math.min(most, epsilonOf(g, delta))), 0);
  }
}

/** Losses of all `events`, which have one neighbouring relation and were checked. */
export function privacyLoss(events: readonly PrivacyEvent[], options: PldOptions = {}): PrivacyLoss {
  const estimate = options.estimate ?? "pessimistic";
  const merged = mergeEvents(events);
  if (merged.length === 0) return new PrivacyLoss([], { most: 0, infinite: 0 });
  const pairs = DIRECTIONS.map((d) => merged.map((e) => sampledPair(pairOf(e.mechanism), rateOf(e), d)));
  const counts = merged.map((e) => e.count);
  const step = options.step ?? defaultStep(pairs.flat(), [...counts, ...counts]);
  const discretise = estimate === "pessimistic" ? pessimisticGrid : optimisticGrid;
  return new PrivacyLoss(
    pairs.map((direction) =>
      compose(
        direction.map((pair, i): Repeated => ({ grid: discretise(pair, step), count: counts[i]! })),
        estimate,
      ),
    ),
    endOf(pairs, counts),
  );
}

/** Σ of the largest losses where each has one, in the worse direction, and the chance that any is infinite. */
function endOf(pairs: readonly (readonly LossPair[])[], counts: readonly number[]): LossEnd {
  const sum = (direction: readonly LossPair[]): number =>
    direction.reduce((total, p, i) => total + counts[i]! * (p.bounded ? p.range[1] : Number.POSITIVE_INFINITY), 0);
  const missed = (direction: readonly LossPair[]): number =>
    -Math.expm1(direction.reduce((log, p, i) => log + counts[i]! * Math.log1p(-p.infinite), 0));
  return { most: Math.max(...pairs.map(sum)), infinite: Math.max(0, ...pairs.map(missed)) };
}

/** Points across one release's losses, for its deviation and at most. */
const [LOOK, MOST_CELLS] = [512, 2 ** 16];

/** Deviation of ℓ under P, from a coarse look. */
function deviation(pair: LossPair): number {
  const [lo, hi] = pair.range;
  const width = (hi - lo) / LOOK;
  let [mean, square] = [0, 0];
  for (let i = 0; i < LOOK; i++) {
    const at = lo + (i + 0.5) * width;
    const p = pair.p(i === 0 ? Number.NEGATIVE_INFINITY : lo + i * width, lo + (i + 1) * width);
    mean += p * at;
    square += p * at * at;
  }
  return Math.sqrt(Math.max(0, square - mean * mean)) || width;
}

/**
 * The grid adds at most h²/6 to the variance of each release: with h = c times the root mean square deviation, c²/12 of the
 * total deviation, 2e-4 of it at the largest c here. About 2^17 points for any number of releases.
 */
function defaultStep(pairs: readonly LossPair[], counts: readonly number[]): number {
  const total = counts.reduce((n, c) => n + c, 0);
  const variance = pairs.reduce((sum, pair, i) => sum + counts[i]! * deviation(pair) ** 2, 0) / total;
  const widest = pairs.reduce((most, { range }) => Math.max(most, range[1] - range[0]), 0);
  const fine = Math.min(0.05, Math.max(0.002, 1.3e-4 * Math.sqrt(total / 2)));
  return Math.max(Math.sqrt(variance) * fine, widest / MOST_CELLS, 1e-12);
}
