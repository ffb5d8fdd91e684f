/** @file The functions of `plot`: each turns data into a Figure. A kind of plot adds its line here. */
import { Figure } from "./figure.ts";
import { kindOf } from "./kinds/index.ts";
import type { PlotSpec } from "./spec.ts";

export { display } from "./display.ts";
export { history } from "./history.ts";
export { bars } from "./kinds/bars/make.ts";
export { confusion } from "./kinds/confusion/make.ts";
export { model } from "./kinds/graph/make.ts";
export { heatmap } from "./kinds/heatmap/make.ts";
export { histogram } from "./kinds/histogram/make.ts";
export { images, kernels } from "./kinds/images/make.ts";
export { lines } from "./kinds/lines/make.ts";
export { scatter } from "./kinds/scatter/make.ts";

/** The figure of a description that came as plain data, from `JSON.parse` for instance. @throws ARGUMENT_INVALID for an unknown kind */
export function figure(spec: PlotSpec): Figure {
  kindOf(spec);
  return new Figure(spec);
}
