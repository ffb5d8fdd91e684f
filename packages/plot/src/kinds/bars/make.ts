/** @file Bar charts from data. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { gapped, type Host, isTensor, type Numbers, noteGaps, read, row } from "../../input.ts";
import type { BarsSpec } from "../../spec.ts";

export interface BarsOptions {
  readonly title?: string;
  /** What the values are. */
  readonly x?: string;
  /** What the bars are called, where the data does not say; default 0, 1, 2, … */
  readonly names?: readonly string[];
  /** The values are shares of 1. */
  readonly percent?: boolean;
}

export type BarsData<N> = N | Readonly<Record<string, number | null>>;

const isList = (d: unknown): boolean => isTensor(d) || Array.isArray(d) || ArrayBuffer.isView(d);

/**
 * A bar for each value.
 * @param data values, or values by name
 * @throws DEVICE_SECRET for a secret tensor; SHAPE_MISMATCH for values of more than one dimension or another number of names
 */
export function bars(data: BarsData<Numbers>, options?: BarsOptions): Figure;
export function bars(data: BarsData<Numbers | Tensor>, options?: BarsOptions): Figure | Promise<Figure>;
export function bars(data: BarsData<Numbers | Tensor>, options: BarsOptions = {}): Figure | Promise<Figure> {
  if (data === null || typeof data !== "object") expected("ARGUMENT_INVALID", "bars", "numbers or values by name", typeof data);
  const given = (isList(data) ? data : Object.values(data)) as Host | Tensor;
  const own = isList(data) ? options.names : Object.keys(data);
  return read("bars", [given], ([v]) => {
    const values = row("bars", v!);
    const names = own ?? Array.from(values, (_, i) => String(i));
    if (names.length !== values.length)
      expected("SHAPE_MISMATCH", "bars", `a name for each of ${values.length} values`, `${names.length}`);
    const spec: BarsSpec = {
      kind: "bars",
      title: options.title ?? "",
      label: options.x ?? "",
      names: [...names],
      values: gapped(values),
      percent: options.percent ?? false,
      notes: noteGaps(values, "bars"),
    };
    return new Figure(spec);
  });
}
