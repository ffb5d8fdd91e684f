/** @file Numbers from the command line, checked. */
import { InvalidArgumentError } from "commander";

/** NaN for an empty word too, which Number takes for 0. */
const numberOf = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));

/** A count: an integer of at least 0. */
export function count(text: string): number {
  const n = numberOf(text);
  if (!Number.isSafeInteger(n) || n < 0) throw new InvalidArgumentError("expected a whole number of at least 0");
  return n;
}

/** A count of at least 1. */
export function positiveCount(text: string): number {
  const n = numberOf(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError("expected a whole number of at least 1");
  return n;
}

/** A number above 0. */
export function positive(text: string): number {
  const n = numberOf(text);
  if (!Number.isFinite(n) || n <= 0) throw new InvalidArgumentError("expected a number above 0");
  return n;
}

/** A number from 0 to below 1. */
export function fraction(text: string): number {
  const n = numberOf(text);
  if (!(n >= 0 && n < 1)) throw new InvalidArgumentError("expected a number from 0 to below 1");
  return n;
}
