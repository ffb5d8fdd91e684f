/** @file What a confusion matrix comes to. */
import { percent } from "../../scale/format.ts";
import type { ConfusionSpec } from "../../spec.ts";

export function accuracyOf(spec: ConfusionSpec): { readonly right: number; readonly total: number } {
  const right = spec.counts.reduce((sum, row, i) => sum + row[i]!, 0);
  return { right, total: spec.counts.flat().reduce((a, b) => a + b, 0) };
}

export const totalOf = (row: readonly number[]): number => row.reduce((a, b) => a + b, 0);

/** The accuracy in words. */
export function accuracyLine(spec: ConfusionSpec): string {
  const { right, total } = accuracyOf(spec);
  return total === 0 ? "no samples" : `accuracy ${percent(right / total, 2)} (${right} of ${total})`;
}
