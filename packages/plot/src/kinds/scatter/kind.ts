/** @file Scatter plots: two-dimensional embeddings and their like. */
import type { ScatterSpec } from "../../spec.ts";
import type { Kind } from "../kind.ts";
import { scatterSvg } from "./svg.ts";
import { scatterText } from "./text.ts";

export const scatterKind: Kind<ScatterSpec> = {
  svg: scatterSvg,
  text: scatterText,
  describe: (spec) => {
    const count = spec.groups.reduce((sum, g) => sum + g.x.length, 0);
    const groups = spec.groups.filter((g) => g.name !== "").map((g) => `${g.name} (${g.x.length})`);
    return `Scatter plot of ${count} points${groups.length === 0 ? "" : ` in ${groups.length} groups: ${groups.join(", ")}`}`;
  },
};
