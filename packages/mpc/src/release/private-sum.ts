/** @file A private sum on shares: rows clipped, added up, and noise of all parties on the result, as one Program. */
import { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { ops, showAval, sizeOf } from "@tacit/core/program";
import type { PrivacyEvent } from "@tacit/privacy";
import { eventOf } from "./event.ts";
import { fractionBitsOf, fractionsOf, noiseOf, type ReleaseOptions } from "./mechanism.ts";

/** A result with noise on it, still shared: `sum.reveal` discloses it, and functions of it cost nothing more. */
export interface PrivateSum {
  /** [...] of rows [n, ...]. */
  readonly sum: Tensor;
  /** What it cost, whether it is disclosed or not. */
  readonly event: PrivacyEvent;
}

/**
 * Σ over the rows of x, f32 [n, ...], each all that belongs to one person, scaled to a 2-norm of at most C; plus noise of which each party
 * drew its own. Everything is computed when the promise resolves: a sum that was still lazy would draw new noise, and cost again, in
 * each Program that reads it.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS, DEVICE_UNSUPPORTED, SHAPE_MISMATCH; POLICY_REFUSED by the parties
 */
export async function privateSum(x: Tensor, options: ReleaseOptions): Promise<PrivateSum> {
  const fractions = fractionsOf("privateSum", options);
  const fractionBits = fractionBitsOf("privateSum", x.device);
  if (x.shape.length === 0 || x.dtype !== "f32") expected("SHAPE_MISMATCH", "privateSum", "rows, f32 [n, ...]", showAval(x));
  const sum = new Tensor(ops.partyNoise(ops.clippedSum(x.detach().expr, fractions.bound), fractions.deviation));
  await sum.realize();
  const noise = noiseOf(fractions, Math.max(1, sizeOf(sum.shape)));
  return { sum, event: eventOf(noise, options.neighbours, fractionBits) };
}
