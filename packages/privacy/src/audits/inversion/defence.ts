/**
 * @file What DP-SGD sends for one example instead of its gradient: clipped to norm C, plus Gaussian noise of standard deviation zC. For an
 * audit of what the noise hides; training itself has its own path (`@tacit/privacy/training`), with its accountant.
 */
import { checkOptions, namesOf, positive } from "../../check.ts";
import { discreteGaussian } from "../../samplers/index.ts";
import { finite, type Scores } from "../check.ts";

/** Noise is drawn on a grid this many times finer than its standard deviation. */
const GRID = 2 ** 16;

export interface Defence {
  /** C: the norm to which the whole gradient is clipped. */
  readonly clip: number;
  /** z: standard deviation over C. 0 clips alone, which hides nothing from an attack on directions. */
  readonly noiseMultiplier: number;
}

const OPTIONS = namesOf<Defence>({ clip: true, noiseMultiplier: true });

/**
 * The gradient as it would be sent.
 * @param gradient one array for each parameter
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_AUDIT_DATA
 */
export function defended(gradient: readonly Scores[], defence: Defence): Float32Array[] {
  checkOptions("defended", defence, OPTIONS);
  const { clip, noiseMultiplier } = defence;
  positive("inversion", "a clipping norm", clip);
  if (noiseMultiplier !== 0) positive("inversion", "a noise multiplier", noiseMultiplier);
  const parts = gradient.map((g) => finite("inversion", "gradients", g, 1));
  const norm = Math.sqrt(parts.reduce((sum, g) => sum + g.reduce((s, v) => s + v * v, 0), 0));
  const factor = Math.min(1, clip / norm);
  const draw = discreteGaussian(GRID);
  const unit = (noiseMultiplier * clip) / GRID;
  return parts.map((g) => Float32Array.from(g, (v) => v * factor + (noiseMultiplier === 0 ? 0 : unit * Number(draw()))));
}
