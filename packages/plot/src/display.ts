/** @file display: the plot that shows a tensor or a model best, for the last line of a notebook cell. */
import type { nn, Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "./figure.ts";
import { type Host, hostValues, isTensor, type Values } from "./input.ts";
import { bars } from "./kinds/bars/make.ts";
import { isModule, model } from "./kinds/graph/make.ts";
import { heatmap } from "./kinds/heatmap/make.ts";
import { histogram } from "./kinds/histogram/make.ts";
import { images, isPictures } from "./kinds/images/make.ts";
import { lines } from "./kinds/lines/make.ts";

/** Up to so many values are bars, then a curve. */
const MOST_BARS = 24;

function figureOf(v: Values, title: string): Figure {
  const kept = v.shape.filter((d) => d !== 1);
  if (isPictures(v)) return images(v, { title });
  if (kept.length <= 1) return v.values.length <= MOST_BARS ? bars(v.values, { title }) : lines(v.values, { title });
  if (kept.length === 2) return heatmap({ values: v.values, shape: kept }, { title });
  if (kept.length === 3 && kept[1]! >= 4 && kept[2]! >= 4) return images({ values: v.values, shape: kept }, { title });
  return histogram(v.values, { title, x: "value" });
}

/**
 * Pictures for [N,1,H,W] and [N,3,H,W], a heat map for a matrix, bars or a curve for a row of values, a histogram for the rest;
 * for a module its layers. A figure stays as it is.
 * @throws DEVICE_SECRET for a secret tensor; ARGUMENT_INVALID for anything else
 */
export async function display(value: Tensor | nn.Module | Figure | Host): Promise<Figure> {
  if (value instanceof Figure) return value;
  if (isModule(value)) return model(value);
  if (isTensor(value)) {
    const values = Float64Array.from(await value.data(), Number);
    return figureOf({ values, shape: value.shape }, String(value));
  }
  if (typeof value !== "object" || value === null)
    expected("ARGUMENT_INVALID", "display", "a tensor, a module, numbers or a figure", value === null ? "null" : typeof value);
  return figureOf(hostValues("display", value), "");
}
