/** @file @tacit/plot: curves, confusion matrices, pictures and kernels as SVG, in the terminal and in notebooks. */
export { Figure, type MimeBundle } from "./figure.ts";
export { History, type HistoryOptions } from "./history.ts";
export type { Host, Nested, Numbers, Shaped } from "./input.ts";
export type { BarsData, BarsOptions } from "./kinds/bars/make.ts";
export type { ConfusionOptions } from "./kinds/confusion/make.ts";
export type { ModelOptions } from "./kinds/graph/make.ts";
export type { HeatmapOptions } from "./kinds/heatmap/make.ts";
export type { HistogramOptions } from "./kinds/histogram/make.ts";
export type { ImagesOptions, KernelsOptions } from "./kinds/images/make.ts";
export type { LineData, LinesData, LinesOptions } from "./kinds/lines/make.ts";
export type { ScatterData, ScatterOptions } from "./kinds/scatter/make.ts";
export * as plot from "./plot.ts";
export type * from "./spec.ts";
export type { SvgOptions } from "./svg/document.ts";
export { type ColorDepth, lookAt, lookOf, type TerminalStream, type TextOptions } from "./terminal/look.ts";
