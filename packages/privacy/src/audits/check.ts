/** @file Guards of the audits: scores are finite and numerous enough for what is claimed of them. An audit of too little would say "safe". */
import { TacitError } from "@tacit/core/errors";

/** What audits take as numbers: losses, scores, coins. */
export type Scores = ArrayLike<number>;

/** @throws TacitError PRIVACY_AUDIT_DATA */
export function refuseData(where: string, want: string, got: string, hint?: string): never {
  throw new TacitError("PRIVACY_AUDIT_DATA", `${where}: expected ${want}, got ${got}`, hint === undefined ? {} : { hint });
}

/**
 * The values as f64, all finite and at least `least` of them.
 * @throws TacitError PRIVACY_AUDIT_DATA, which names the position of the first that is not finite, never a value
 */
export function finite(where: string, what: string, values: Scores, least: number, hint?: string): Float64Array {
  if (values.length < least)
    refuseData(where, `${least === 1 ? "one or more" : `at least ${least}`} ${what}`, `${values.length}`, hint);
  const out = Float64Array.from(values);
  const bad = out.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0)
    refuseData(where, `finite ${what}`, `one that is not, at position ${bad}`, "a training that diverged cannot be audited");
  return out;
}

/** Coins as 0 and 1. @throws TacitError PRIVACY_AUDIT_DATA */
export function coins(where: string, what: string, values: Scores, count: number): Uint8Array {
  if (values.length !== count) refuseData(where, `${count} ${what}, one for each score`, `${values.length}`);
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const c = values[i];
    if (c !== 0 && c !== 1) refuseData(where, `${what} of 0 or 1`, `another value at position ${i}`);
    out[i] = c;
  }
  return out;
}

/** A confidence strictly between a half and 1. @throws TacitError PRIVACY_PARAMETER */
export function checkConfidence(where: string, confidence: number): number {
  if (confidence > 0.5 && confidence < 1) return confidence;
  throw new TacitError("PRIVACY_PARAMETER", `${where}: expected a confidence between 0.5 and 1, got ${confidence}`);
}
