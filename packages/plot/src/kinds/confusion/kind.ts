/** @file Confusion matrices: rows are the truth, columns the prediction; shades are shares of a row. */

import { percent } from "../../scale/format.ts";
import type { ConfusionSpec } from "../../spec.ts";
import type { Kind } from "../kind.ts";
import { accuracyOf } from "./accuracy.ts";
import { confusionSvg } from "./svg.ts";
import { confusionText } from "./text.ts";

/** The three commonest mistakes in words. */
function mistakes(spec: ConfusionSpec): string {
  const all = spec.counts.flatMap((row, i) => row.map((count, j) => ({ count, i, j }))).filter((m) => m.i !== m.j && m.count > 0);
  const top = all.sort((a, b) => b.count - a.count).slice(0, 3);
  return top.map((m) => `${spec.names[m.i]} taken for ${spec.names[m.j]} (${m.count})`).join(", ");
}

export const confusionKind: Kind<ConfusionSpec> = {
  svg: confusionSvg,
  text: confusionText,
  describe: (spec) => {
    const { right, total } = accuracyOf(spec);
    const wrong = mistakes(spec);
    return `Confusion matrix of ${spec.names.length} classes: ${right} of ${total} right (${percent(right / total, 2)})${wrong === "" ? "" : `; ${wrong}`}`;
  },
};
