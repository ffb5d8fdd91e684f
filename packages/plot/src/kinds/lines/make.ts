/** @file Line plots from data: series, smoothing, marks, a second axis. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { gapped, type Host, isTensor, type Numbers, noteGaps, read, row, type Values } from "../../input.ts";
import { smooth } from "../../scale/smooth.ts";
import type { LinesSpec, MarkSpec, SeriesSpec } from "../../spec.ts";

/** Values at x = 1, 2, 3, …, or with an x for each. NaN and null are gaps. */
export type LineData<N> = N | { readonly x: N; readonly y: N };
/** Series by name, or one without a name. */
export type LinesData<N> = LineData<N> | Readonly<Record<string, LineData<N>>>;

export interface LinesOptions<N = Numbers> {
  readonly title?: string;
  /** What the axes show. */
  readonly x?: string;
  readonly y?: string;
  /** A logarithmic y axis; values that are not above 0 are left out, and a note says how many. */
  readonly log?: boolean;
  readonly logX?: boolean;
  /** Weight w of the past in a running mean, from 0 (none, the default) to below 1; the raw curve stays, faint. Series of fewer than 1/(1-w) values stay raw. */
  readonly smooth?: number;
  /** Vertical lines: ends of epochs, say. */
  readonly marks?: readonly (number | { readonly at: number; readonly label?: string })[];
  /** Series on an axis of their own at the right: a learning rate, an accuracy. */
  readonly right?: Readonly<Record<string, LineData<N>>>;
  readonly rightLabel?: string;
  readonly rightLog?: boolean;
  /** Names of series that are drawn dashed. */
  readonly dashed?: readonly string[];
}

interface Named<N> {
  readonly name: string;
  readonly axis: "left" | "right";
  readonly x: N | null;
  readonly y: N;
}

const isPair = <N>(d: unknown): d is { readonly x: N; readonly y: N } =>
  typeof d === "object" && d !== null && !isTensor(d) && "x" in d && "y" in d && isList(d.x) && isList(d.y);
const isList = (d: unknown): boolean =>
  isTensor(d) || Array.isArray(d) || ArrayBuffer.isView(d) || (typeof d === "object" && d !== null && "values" in d);

function named<N>(axis: "left" | "right", data: LinesData<N> | undefined): Named<N>[] {
  if (data === undefined) return [];
  const one = (name: string, d: LineData<N>): Named<N> =>
    isPair<N>(d) ? { name, axis, x: d.x, y: d.y } : { name, axis, x: null, y: d as N };
  if (isList(data) || isPair<N>(data)) return [one("", data as LineData<N>)];
  if (data === null || typeof data !== "object") expected("ARGUMENT_INVALID", "lines", "numbers or series by name", typeof data);
  return Object.entries(data as Record<string, LineData<N>>).map(([name, d]) => one(name, d));
}

/** One series, and the smoothed one before it. */
function seriesOf(s: Named<unknown>, x: Values | null, y: Values, color: number, options: LinesOptions<unknown>): SeriesSpec[] {
  const values = row(`lines ${s.name}`.trim(), y);
  const at = x === null ? Array.from(values, (_, i) => i + 1) : Array.from(row(`lines ${s.name}`.trim(), x));
  if (at.length !== values.length)
    expected("SHAPE_MISMATCH", `lines ${s.name}`.trim(), `an x for each of ${values.length} values`, `${at.length}`);
  const style = options.dashed?.includes(s.name) ? "dashed" : "line";
  // Where x is unknown, so is the point; JSON has no NaN.
  const raw = gapped(values).map((v, i) => (Number.isFinite(at[i]) ? v : null));
  const base = { name: s.name, color, x: at.map((v) => (Number.isFinite(v) ? v : 0)), axis: s.axis };
  const weight = options.smooth ?? 0;
  // Fewer points than the mean looks back on are drawn as they are: a validation loss of three epochs.
  if (weight === 0 || s.axis === "right" || values.length < 1 / (1 - weight)) return [{ ...base, y: raw, style }];
  return [
    { ...base, y: raw, style: "faint" },
    { ...base, y: smooth(raw, weight), style },
  ];
}

const marksOf = (marks: LinesOptions["marks"]): MarkSpec[] =>
  (marks ?? []).map((m) => (typeof m === "number" ? { at: m, label: "" } : { at: m.at, label: m.label ?? "" }));

/** What the picture leaves out. */
function notesOf(series: readonly SeriesSpec[], o: LinesOptions<unknown>): string[] {
  const called = (s: SeriesSpec): string => (s.name === "" ? "curve" : s.name);
  const raw = series.filter((s, i) => s.style === "faint" || series[i - 1]?.style !== "faint");
  const gaps = raw.flatMap((s) =>
    noteGaps(
      s.y.map((v) => v ?? Number.NaN),
      called(s),
    ),
  );
  const below = raw.flatMap((s) => {
    const log = s.axis === "right" ? o.rightLog : o.log;
    const count = log ? s.y.filter((v) => v !== null && v <= 0).length : 0;
    return count === 0
      ? []
      : [`${called(s)}: ${count} of ${s.y.length} values are not above 0, and have no place on a logarithmic axis`];
  });
  return [...gaps, ...below];
}

/**
 * Curves: a loss, several of them, with a second axis.
 * @param data values (at 1, 2, 3, …), `{ x, y }`, or series by name
 * @returns the figure; a promise of it where a tensor is among the data
 * @throws DEVICE_SECRET for a secret tensor; SHAPE_MISMATCH for values of more than one dimension; ARGUMENT_INVALID
 */
export function lines(data: LinesData<Numbers>, options?: LinesOptions): Figure;
export function lines(data: LinesData<Numbers | Tensor>, options?: LinesOptions<Numbers | Tensor>): Figure | Promise<Figure>;
export function lines(data: LinesData<Numbers | Tensor>, options: LinesOptions<Numbers | Tensor> = {}): Figure | Promise<Figure> {
  const weight = options.smooth ?? 0;
  if (!(weight >= 0 && weight < 1)) expected("ARGUMENT_INVALID", "lines", "smooth from 0 to below 1", `${weight}`);
  const given = [...named("left", data), ...named("right", options.right)];
  const flat: (Host | Tensor)[] = given.flatMap((s) => (s.x === null ? [s.y] : [s.y, s.x]));
  return read("lines", flat, (values) => {
    let at = 0;
    const series = given.flatMap((s, i) => {
      const y = values[at++]!;
      return seriesOf(s, s.x === null ? null : values[at++]!, y, i, options);
    });
    const spec: LinesSpec = {
      kind: "lines",
      title: options.title ?? "",
      x: { label: options.x ?? "", log: options.logX ?? false },
      left: { label: options.y ?? "", log: options.log ?? false },
      right: options.right === undefined ? null : { label: options.rightLabel ?? "", log: options.rightLog ?? false },
      series,
      marks: marksOf(options.marks),
      notes: notesOf(series, options),
    };
    return new Figure(spec);
  });
}
