/** @file Gray pictures fitted to the size a model wants, bright on dark. */
import type { GrayImage } from "./png.ts";

/** Options of `fitGray`. */
export interface FitOptions {
  readonly width: number;
  readonly height: number;
  /** Bright on dark, as MNIST's digits are. "auto" (the default) inverts a picture whose border is brighter than the middle gray. */
  readonly invert?: boolean | "auto";
}

function borderMean(image: GrayImage): number {
  const { width, height, values } = image;
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(width - 1, 1);
    for (let x = 0; x < width; x += step) {
      sum += values[y * width + x]!;
      count++;
    }
  }
  return sum / count;
}

/** Resizes by area averaging (each target pixel is the mean of the source area it covers), stretching to the target size. */
export function fitGray(image: GrayImage, options: FitOptions): GrayImage {
  const { width, height } = options;
  const invert = options.invert ?? "auto";
  const flip = invert === "auto" ? borderMean(image) > 0.5 : invert;
  const columns = areaWeights(image.width, width);
  const rows = areaWeights(image.height, height);
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (const [sy, wy] of rows[y]!) for (const [sx, wx] of columns[x]!) sum += wy * wx * image.values[sy * image.width + sx]!;
      values[y * width + x] = flip ? 1 - sum : sum;
    }
  }
  return { width, height, values };
}

/** For each of `to` target cells the source cells it covers and their shares, which sum to 1. */
function areaWeights(from: number, to: number): (readonly [number, number])[][] {
  return Array.from({ length: to }, (_, i) => {
    const [lo, hi] = [(i * from) / to, ((i + 1) * from) / to];
    const cells: (readonly [number, number])[] = [];
    for (let s = Math.floor(lo); s < Math.min(Math.ceil(hi), from); s++) {
      const share = Math.min(s + 1, hi) - Math.max(s, lo);
      if (share > 0) cells.push([s, share / (hi - lo)]);
    }
    return cells;
  });
}
