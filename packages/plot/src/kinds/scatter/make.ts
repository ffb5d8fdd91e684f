/** @file Scatter plots from data: points in two dimensions, grouped by label. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { type Host, isTensor, type Nested, type Numbers, read, type Shaped, type Values } from "../../input.ts";
import type { GroupSpec, ScatterSpec } from "../../spec.ts";

export interface ScatterOptions<N = Numbers> {
  readonly title?: string;
  readonly x?: string;
  readonly y?: string;
  readonly logX?: boolean;
  readonly log?: boolean;
  /** The group of each point: class numbers, or words. */
  readonly labels?: N | readonly string[];
  /** What class numbers are called. */
  readonly classes?: readonly string[];
  /** What each point is called: words of an embedding. Written beside the point while there are at most 150. */
  readonly names?: readonly string[];
}

/** Points [N, 2], or x and y. */
export type ScatterData<N> = N | Nested | Shaped | { readonly x: N; readonly y: N };

interface Points {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

const isPair = <N>(d: unknown): d is { readonly x: N; readonly y: N } =>
  typeof d === "object" && d !== null && !isTensor(d) && "x" in d && "y" in d;

function pointsOf(values: readonly Values[]): Points {
  const [first, second] = values;
  if (second === undefined) {
    const { shape, values: v } = first!;
    if (v.length === 0) return { x: new Float64Array(), y: new Float64Array() };
    if (shape.length !== 2 || shape[1] !== 2)
      expected("SHAPE_MISMATCH", "scatter", "points [N, 2]", `[${shape}]`, "reduce to two dimensions first, by PCA for instance");
    return { x: v.filter((_, i) => i % 2 === 0), y: v.filter((_, i) => i % 2 === 1) };
  }
  if (first!.values.length !== second.values.length)
    expected("SHAPE_MISMATCH", "scatter", `a y for each of ${first!.values.length} points`, `${second.values.length}`);
  return { x: first!.values, y: second.values };
}

const isWords = (labels: unknown): labels is readonly string[] => Array.isArray(labels) && typeof labels[0] === "string";

/** Groups in the order of their numbers, words in the order of the alphabet. */
function groupsOf(p: Points, labels: readonly (string | number)[] | null, o: ScatterOptions<unknown>): GroupSpec[] {
  const keys =
    labels === null
      ? [""]
      : [...new Set(labels)].sort((a, b) => (typeof a === "number" ? a - (b as number) : a < (b as string) ? -1 : 1));
  return keys.map((key, color) => {
    const mine = Array.from(p.x.keys()).filter((i) => {
      const seen =
        Math.abs(p.x[i]!) <= 1e300 && Math.abs(p.y[i]!) <= 1e300 && !(o.logX && p.x[i]! <= 0) && !(o.log && p.y[i]! <= 0);
      return seen && (labels === null || labels[i] === key);
    });
    const name = typeof key === "number" ? (o.classes?.[key] ?? String(key)) : key;
    const names = o.names === undefined ? null : mine.map((i) => o.names![i] ?? "");
    return { name, color, x: mine.map((i) => p.x[i]!), y: mine.map((i) => p.y[i]!), names };
  });
}

/**
 * Points, coloured by their labels.
 * @returns the figure; a promise of it where a tensor is among the data
 * @throws DEVICE_SECRET for a secret tensor; SHAPE_MISMATCH for what is not [N, 2], or labels of another number
 */
export function scatter(data: ScatterData<Numbers>, options?: ScatterOptions): Figure;
export function scatter(
  data: ScatterData<Numbers | Tensor>,
  options?: ScatterOptions<Numbers | Tensor>,
): Figure | Promise<Figure>;
export function scatter(
  data: ScatterData<Numbers | Tensor>,
  options: ScatterOptions<Numbers | Tensor> = {},
): Figure | Promise<Figure> {
  const points: (Host | Tensor)[] = isPair<Numbers | Tensor>(data) ? [data.x, data.y] : [data as Host | Tensor];
  const words = isWords(options.labels) ? options.labels : null;
  const numbers = options.labels === undefined || words !== null ? [] : [options.labels as Host | Tensor];
  return read("scatter", [...points, ...numbers], (values) => {
    const p = pointsOf(values.slice(0, points.length));
    const labels = words ?? (numbers.length === 0 ? null : Array.from(values[points.length]!.values));
    for (const [what, list] of [
      ["label", labels],
      ["name", options.names ?? null],
    ] as const) {
      if (list !== null && list.length !== p.x.length)
        expected("SHAPE_MISMATCH", "scatter", `a ${what} for each of ${p.x.length} points`, `${list.length}`);
    }
    const groups = groupsOf(p, labels, options);
    const left = p.x.length - groups.reduce((sum, g) => sum + g.x.length, 0);
    const spec: ScatterSpec = {
      kind: "scatter",
      title: options.title ?? "",
      x: { label: options.x ?? "", log: options.logX ?? false },
      y: { label: options.y ?? "", log: options.log ?? false },
      groups,
      notes: left === 0 ? [] : [`${left} of ${p.x.length} points have no place on these axes`],
    };
    return new Figure(spec);
  });
}
