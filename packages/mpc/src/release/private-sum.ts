/** @file A private sum on shares: rows clipped, added up, and noise of all parties on the result, as one Program. */
import { Tensor } from "@tacit/core";
import { checkOptions, expected } from "@tacit/core/errors";
import { ops, showAval, sizeOf } from "@tacit/core/program";
import type { PrivacyEvent } from "@tacit/privacy";
import { rowsBehind } from "./columns.ts";
import { eventOf } from "./event.ts";
import { checkBudget, fractionsOf, noiseOf, RELEASE, type ReleaseOptions, releaseDevice } from "./mechanism.ts";

/** A result with noise on it, still shared: `sum.reveal` discloses it, and functions of it cost nothing more. */
export interface PrivateSum {
  /** [...] of rows [n, ...]. */
  readonly sum: Tensor;
  /** What it cost, whether it is disclosed or not. */
  readonly event: PrivacyEvent;
}

/**
 * Σ over the rows of x, f32 [n, ...], each all that belongs to one person, scaled to a 2-norm of at most C; plus noise of which each party
 * drew its own. Where x is lazy its rows must not have been mixed (`columns.ts`). Everything is computed when the promise resolves: a sum that was
 * still lazy would draw new noise, and cost again, in each Program that reads it.
 * @throws TacitError PRIVACY_PARAMETER, PRIVACY_NEIGHBOURS, PRIVACY_MIXED, PRIVACY_BUDGET, DEVICE_UNSUPPORTED, SHAPE_MISMATCH; POLICY_REFUSED by the parties
 */
export async function privateSum(x: Tensor, options: ReleaseOptions): Promise<PrivateSum> {
  checkOptions("PRIVACY_PARAMETER", "privateSum", options, Object.keys(RELEASE));
  const device = releaseDevice("privateSum", x.device);
  const fractions = fractionsOf("privateSum", options, device.fractionBits);
  if (x.shape.length === 0 || x.dtype !== "f32") expected("SHAPE_MISMATCH", "privateSum", "rows, f32 [n, ...]", showAval(x));
  const column = x.detach().expr;
  const sum = new Tensor(ops.partyNoise(ops.clippedSum(column, fractions.bound), fractions.deviation));
  const noise = noiseOf(fractions, Math.max(1, sizeOf(sum.shape)));
  const event = eventOf(noise, options.neighbours, device.fractionBits);
  checkBudget("privateSum", options, [event]);
  const rows = rowsBehind("privateSum", device, sum.expr, [column]);
  if (options.mechanism !== undefined) device.demand?.({ ...options.mechanism, neighbours: options.neighbours, rows });
  await sum.realize();
  return { sum, event };
}
