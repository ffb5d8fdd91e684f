/** @file Grids of pictures and of convolution kernels from data. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";
import { Figure } from "../../figure.ts";
import { type Host, isTensor, noteGaps, read, type Values } from "../../input.ts";
import { extentOf } from "../../scale/extent.ts";
import type { ImagesSpec, RampName, TileSpec } from "../../spec.ts";

export interface ImagesOptions {
  readonly title?: string;
  /** Written below each picture: class numbers, words. */
  readonly labels?: readonly (string | number)[];
  /** Pictures in a row. Default: about as many as rows, at least 8 where there are that many. */
  readonly columns?: number;
  /** The values that are black and white. Default: 0 and 255 for u8, 0 and 1 where all values are in between, else the lowest and the highest. */
  readonly range?: readonly [number, number];
  /** At most so many pictures; a note says how many there are. Default 64. */
  readonly limit?: number;
}

interface Scaling {
  readonly low: number;
  readonly high: number;
  /** The level of a value that is missing. */
  readonly gap: number;
}

const columnsFor = (count: number, given: number | undefined): number =>
  Math.max(1, Math.min(count, given ?? Math.max(8, Math.ceil(Math.sqrt(count * 1.6)))));

/** Levels 0 to 255 of one picture whose channels are planes [C, H, W]. */
function tileOf(plane: Float64Array, channels: 1 | 3, height: number, width: number, label: string, s: Scaling): TileSpec {
  const size = height * width;
  const level = (v: number): number =>
    Number.isFinite(v) ? Math.min(255, Math.max(0, Math.round((255 * (v - s.low)) / (s.high - s.low)))) : s.gap;
  const levels = Array.from({ length: size * channels }, (_, i) =>
    level(plane[(i % channels) * size + Math.floor(i / channels)]!),
  );
  return { width, height, channels, levels, label };
}

/** [N, C, H, W] for [H, W], [N, H, W], [1 or 3, H, W] and [N, 1 or 3, H, W]. A single picture is a batch of one. */
function batchShape(shape: readonly number[]): readonly [number, 1 | 3, number, number] {
  const [a, b, c, d] = shape as [number, number, number, number];
  if (shape.length === 4 && (b === 1 || b === 3)) return [a, b, c, d];
  if (shape.length === 3 && (a === 1 || a === 3)) return [1, a, b, c];
  if (shape.length === 3) return [a, 1, b, c];
  if (shape.length === 2) return [1, 1, a, b];
  return expected(
    "SHAPE_MISMATCH",
    "images",
    "pictures [N,1,H,W], [N,3,H,W], [N,H,W] or [H,W]",
    `[${shape}]`,
    "kernels() draws weights",
  );
}

function grayRange(values: Float64Array, bytes: boolean, given: ImagesOptions["range"]): readonly [number, number] {
  if (given !== undefined) {
    if (!(given[0] < given[1])) expected("ARGUMENT_INVALID", "images", "a lower and a higher number as range", `[${given}]`);
    return given;
  }
  if (bytes) return [0, 255];
  const found = extentOf([values]);
  if (found === null || (found.low >= 0 && found.high <= 1)) return [0, 1];
  return found.low === found.high ? [found.low - 1, found.high] : [found.low, found.high];
}

function checkLimit(where: string, limit: number | undefined, columns: number | undefined): void {
  for (const [what, v] of [
    ["limit", limit],
    ["columns", columns],
  ] as const)
    if (v !== undefined && !(Number.isInteger(v) && v >= 1 && v <= 4096))
      expected("ARGUMENT_INVALID", where, `${what} from 1 to 4096`, `${v}`);
}

const left = (what: string, shown: number, all: number): string[] => (shown < all ? [`${shown} of ${all} ${what}`] : []);

/** Whether a host array or tensor holds bytes. */
const isBytes = (data: unknown): boolean =>
  isTensor(data)
    ? data.dtype === "u8"
    : typeof data === "object" && data !== null && "values" in data && data.values instanceof Uint8Array;

/**
 * Pictures in a grid.
 * @param data [N,1,H,W] gray, [N,3,H,W] red, green and blue, [N,H,W], or one picture [H,W], [1,H,W], [3,H,W]
 * @throws DEVICE_SECRET for secret pictures; SHAPE_MISMATCH; ARGUMENT_INVALID
 */
export function images(data: Host, options?: ImagesOptions): Figure;
export function images(data: Host | Tensor, options?: ImagesOptions): Figure | Promise<Figure>;
export function images(data: Host | Tensor, options: ImagesOptions = {}): Figure | Promise<Figure> {
  checkLimit("images", options.limit, options.columns);
  const bytes = isBytes(data);
  return read("images", [data], ([v]) => {
    const [count, channels, height, width] = batchShape(v!.shape);
    const { labels } = options;
    if (labels !== undefined && labels.length !== count)
      expected("SHAPE_MISMATCH", "images", `a label for each of ${count} pictures`, `${labels.length}`);
    const shown = Math.min(count, options.limit ?? 64);
    const [low, high] = grayRange(v!.values, bytes, options.range);
    const size = channels * height * width;
    const tiles = Array.from({ length: shown }, (_, i) =>
      tileOf(v!.values.subarray(i * size, (i + 1) * size), channels, height, width, String(labels?.[i] ?? ""), {
        low,
        high,
        gap: 0,
      }),
    );
    const notes = [...left("pictures", shown, count), ...noteGaps(v!.values, "pictures")];
    return new Figure(
      grid(tiles, "gray", [low, high], { title: options.title ?? "", columns: columnsFor(shown, options.columns), notes }),
    );
  });
}

const grid = (
  tiles: TileSpec[],
  ramp: RampName,
  [low, high]: readonly [number, number],
  rest: { readonly title: string; readonly columns: number; readonly notes: string[] },
): ImagesSpec => ({ kind: "images", tiles, ramp, low, high, ...rest });

export interface KernelsOptions {
  readonly title?: string;
  readonly columns?: number;
  /** At most so many kernels. Default 128. */
  readonly limit?: number;
  /** The picture [H, W] that each row of a linear layer's weight [out, H·W] looks at. */
  readonly picture?: readonly [number, number];
}

/** [O, I, H, W] for the weights of conv1d, conv2d and (with the picture's size) linear layers. */
function kernelShape(shape: readonly number[], picture: KernelsOptions["picture"]): readonly [number, number, number, number] {
  const [out, inner, h, w] = shape as [number, number, number, number];
  if (picture !== undefined && shape.length === 2 && picture[0] * picture[1] === inner) return [out, 1, picture[0], picture[1]];
  if (picture !== undefined) expected("SHAPE_MISMATCH", "kernels", `a weight [out, ${picture[0] * picture[1]}]`, `[${shape}]`);
  if (shape.length === 4) return [out, inner, h, w];
  if (shape.length === 3) return [out, 1, inner, h];
  return expected(
    "SHAPE_MISMATCH",
    "kernels",
    "a weight [out, in, H, W]",
    `[${shape}]`,
    "of a linear layer on pictures: { picture: [H, W] }",
  );
}

/**
 * The kernels of a convolution [out, in, H, W], each input channel a small picture: blue below zero, white at zero, orange above.
 * A row holds the inputs of one output where there are several. With `picture`, the rows of a linear layer.
 * @throws DEVICE_SECRET for secret weights; SHAPE_MISMATCH; ARGUMENT_INVALID
 */
export function kernels(weight: Host, options?: KernelsOptions): Figure;
export function kernels(weight: Host | Tensor, options?: KernelsOptions): Figure | Promise<Figure>;
export function kernels(weight: Host | Tensor, options: KernelsOptions = {}): Figure | Promise<Figure> {
  checkLimit("kernels", options.limit, options.columns);
  return read("kernels", [weight], ([v]) => {
    const [out, inner, height, width] = kernelShape(v!.shape, options.picture);
    const found = extentOf([v!.values]);
    const most = found === null ? 1 : Math.max(Math.abs(found.low), Math.abs(found.high)) || 1;
    const limit = options.limit ?? 128;
    // Whole rows of inputs, where one fits.
    const shown = inner > 1 && inner <= limit ? Math.min(out, Math.floor(limit / inner)) * inner : Math.min(out * inner, limit);
    const size = height * width;
    const tiles = Array.from({ length: shown }, (_, i) =>
      tileOf(v!.values.subarray(i * size, (i + 1) * size), 1, height, width, "", { low: -most, high: most, gap: 128 }),
    );
    const columns = options.columns ?? (inner > 1 && inner <= 32 ? inner : undefined);
    const notes = [...left("kernels", shown, out * inner), ...noteGaps(v!.values, "kernels")];
    return new Figure(
      grid(tiles, "diverging", [-most, most], { title: options.title ?? "", columns: columnsFor(shown, columns), notes }),
    );
  });
}

/** What `display` needs: pictures or not. */
export const isPictures = ({ shape }: Pick<Values, "shape">): boolean =>
  shape.length === 4 && (shape[1] === 1 || shape[1] === 3) && shape[2]! > 1 && shape[3]! > 1;
