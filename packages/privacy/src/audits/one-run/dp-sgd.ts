/**
 * @file The one-run audit of this build's own DP-SGD: `makePrivate` on canaries whose gradients are unit vectors (section 6.1 of the paper calls
 * them Dirac canaries), so that each coordinate of the result says of one canary whether it was in.
 *
 * A model of m weights with loss -L w·row has gradient -L row. Row i is the i-th unit vector where canary i's coin fell on "in" and zero where
 * it did not: a row of zeros has gradient 0, adds nothing to any sum, and so is the same as no row, while the number of rows, which DP-SGD
 * takes as public, stays m. L is ten times the clipping norm: a build that does not clip shifts its scores ten times further than its noise allows.
 */
import { optim, type Tensor, zeros } from "@tacit/core";
import { tensorDataset } from "@tacit/core/data";
import * as nn from "@tacit/core/nn";
import { checkOptions, namesOf, refuse, whole } from "../../check.ts";
import { bernoulli } from "../../samplers/index.ts";
import { makePrivate } from "../../training/index.ts";
import { LEAST_CANARIES, type OneRunOptions, type OneRunReport, oneRun } from "./guesses.ts";

export interface DpSgdAudit extends OneRunOptions {
  readonly canaries: number;
  readonly steps: number;
  /** Poisson sampling rate, above 0 to 1; rounded to a whole expected batch. */
  readonly rate: number;
  readonly noiseMultiplier: number;
  readonly onStep?: (step: number) => void;
}

const OPTIONS = namesOf<DpSgdAudit>({
  canaries: true,
  steps: true,
  rate: true,
  noiseMultiplier: true,
  onStep: true,
  delta: true,
  confidence: true,
  guesses: true,
});

export interface DpSgdAudited {
  readonly report: OneRunReport;
  /** ε that the accountant claims for the same steps and δ. */
  readonly claimed: number;
  /** The trainer's own statement of it. */
  readonly statement: string;
}

/** Rows of m numbers, m of them: 64 MB at most. */
const MOST_CANARIES = 4096;
const CLIP = 1;
const LENGTH = 10 * CLIP;

/** m weights, from 0. */
class Coordinates extends nn.Module {
  readonly w: nn.Parameter;

  constructor(m: number) {
    super();
    this.w = new nn.Parameter(zeros([m]));
  }

  override forward(row: Tensor): Tensor {
    return this.w.mul(row).sum().mul(-LENGTH);
  }
}

/** A row for each canary: its unit vector, or zeros. */
function rowsOf(coins: Uint8Array): Float32Array {
  const m = coins.length;
  const rows = new Float32Array(m * m);
  for (let i = 0; i < m; i++) rows[i * m + i] = coins[i]!;
  return rows;
}

/**
 * Runs DP-SGD once with canaries by fair coins of the platform's CSPRNG, and bounds its ε from below. Against a correct build the bound is
 * above the claim with a chance of at most 1 - confidence.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_AUDIT_DATA
 */
export async function auditDpSgd(options: DpSgdAudit): Promise<DpSgdAudited> {
  checkOptions("auditDpSgd", options, OPTIONS);
  const { canaries, steps, rate, noiseMultiplier, onStep, ...guessing } = options;
  const m = whole("one-run", "canaries", canaries, LEAST_CANARIES);
  if (m > MOST_CANARIES) refuse("one-run", `at most ${MOST_CANARIES} canaries`, `${m}`);
  whole("one-run", "steps", steps);
  if (!(rate > 0 && rate <= 1)) refuse("one-run", "a sampling rate above 0, at most 1", `${rate}`);
  const coins = Uint8Array.from({ length: m }, () => (bernoulli({ n: 1n, d: 2n }) ? 1 : 0));
  const model = new Coordinates(m);
  const trainer = await makePrivate({
    model,
    optimizer: optim.sgd(model, { lr: 1 }),
    data: tensorDataset([{ values: rowsOf(coins), shape: [m, m], dtype: "f32" }], { name: "canaries" }),
    loss: (row) => model(row) as Tensor,
    noiseMultiplier,
    delta: guessing.delta,
    batch: Math.max(1, Math.round(rate * m)),
    maxGradNorm: CLIP,
  });
  for (let step = 1; step <= steps; step++) {
    await trainer.step();
    onStep?.(step);
  }
  const scores = Float64Array.from(await model.w.data(), Number);
  return { report: oneRun(scores, coins, guessing), claimed: trainer.epsilon(), statement: trainer.statement() };
}
