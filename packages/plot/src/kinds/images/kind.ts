/** @file Grids of pictures, and of kernels. */
import { short } from "../../scale/format.ts";
import type { ImagesSpec } from "../../spec.ts";
import type { Kind } from "../kind.ts";
import { imagesSvg } from "./svg.ts";
import { imagesText } from "./text.ts";

export const imagesKind: Kind<ImagesSpec> = {
  svg: imagesSvg,
  text: imagesText,
  describe: (spec) => {
    const first = spec.tiles[0];
    if (first === undefined) return "Grid of no pictures";
    const labels = spec.tiles.map((t) => t.label).filter((s) => s !== "");
    const shown = labels.slice(0, 16).join(", ") + (labels.length > 16 ? ` and ${labels.length - 16} more` : "");
    const scale = spec.ramp === "gray" ? "" : `, values from ${short(spec.low)} to ${short(spec.high)}`;
    const what = spec.tiles.length === 1 ? "Picture" : `Grid of ${spec.tiles.length} pictures`;
    return `${what} of ${first.width}x${first.height}${scale}${labels.length === 0 ? "" : `: ${shown}`}`;
  },
};
