/** @file Confusion matrices from counts, as `nn.confusionMatrix` gives them. */
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import type { ConfusionSpec } from "../../spec.ts";

export interface ConfusionOptions {
  readonly title?: string;
  /** What the classes are called; default 0, 1, 2, … */
  readonly names?: readonly string[];
  /** Say the accuracy below; default true. */
  readonly accuracy?: boolean;
}

/**
 * How often each class was taken for each.
 * @param counts counts[truth][predicted], whole and not negative
 * @throws SHAPE_MISMATCH for what is not a square matrix, or for names of another number; ARGUMENT_INVALID for other counts
 */
export function confusion(counts: readonly ArrayLike<number>[], options: ConfusionOptions = {}): Figure {
  const size = counts.length;
  const rows = counts.map((row) => Array.from(row));
  const odd = rows.find((row) => row.length !== size);
  if (odd !== undefined) expected("SHAPE_MISMATCH", "confusion", `${size} rows of ${size} counts`, `a row of ${odd.length}`);
  if (rows.some((row) => row.some((c) => !Number.isSafeInteger(c) || c < 0)))
    expected("ARGUMENT_INVALID", "confusion", "whole counts of at least 0", "others");
  const names = options.names ?? rows.map((_, i) => String(i));
  if (names.length !== size) expected("SHAPE_MISMATCH", "confusion", `a name for each of ${size} classes`, `${names.length}`);
  const spec: ConfusionSpec = {
    kind: "confusion",
    title: options.title ?? "",
    names: [...names],
    counts: rows,
    accuracy: options.accuracy ?? true,
    notes: [],
  };
  return new Figure(spec);
}
