/** @file PNG pictures for `tacit predict`: decoded with bounds, turned to gray, fitted to the size a model wants. */
import { inflateSync } from "node:zlib";
import { TacitError } from "@tacit/core/errors";
import { decode } from "fast-png";

/** A gray picture: f32 in [0, 1], row-major [height, width]. */
export interface GrayImage {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/** Bounds: 16 MiB of file, 2^24 pixels unless said. */
export interface PngLimits {
  readonly bytes?: number;
  readonly pixels?: number;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Samples per pixel by colour type (PNG specification, third edition, table 8). */
const SAMPLES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

function invalid(want: string, got: string, cause?: unknown): never {
  throw new TacitError("PNG_INVALID", `png: expected ${want}, got ${got}`, {
    hint: "open the picture in a viewer and save it as PNG again",
    cause,
  });
}

interface Chunk {
  readonly type: string;
  /** With length, type and CRC. */
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

function chunksOf(file: Uint8Array): Chunk[] {
  if (file.length < 8 || SIGNATURE.some((b, i) => file[i] !== b)) invalid("a PNG file", "another kind of file");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const out: Chunk[] = [];
  for (let at = 8; at + 12 <= file.length; ) {
    const length = view.getUint32(at);
    if (at + 12 + length > file.length) break;
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    out.push({ type, whole: file.subarray(at, at + 12 + length), body: file.subarray(at + 8, at + 8 + length) });
    if (type === "IEND") return out;
    at += 12 + length;
  }
  return invalid("an IEND chunk at the end", "a file that is cut short");
}

/** First column, first row, column step, row step of Adam7's passes (PNG specification, section 8.2). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Inflated length: every row of every pass is one filter byte and its packed samples. */
function pictureBytes(width: number, height: number, bits: number, interlaced: boolean): number {
  const pass = (w: number, h: number): number => (w <= 0 || h <= 0 ? 0 : h * (1 + Math.ceil((w * bits) / 8)));
  if (!interlaced) return pass(width, height);
  return ADAM7.reduce((n, [x, y, dx, dy]) => n + pass(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy)), 0);
}

/**
 * Keeps only the chunks that make up the picture (colour profiles and text may inflate without bound in the decoder, and change
 * nothing here), and checks that the picture inflates to no more than its header announces.
 */
function bounded(file: Uint8Array, pixels: number): Uint8Array {
  const chunks = chunksOf(file);
  const head = chunks[0];
  if (head?.type !== "IHDR" || head.body.length !== 13) invalid("an IHDR chunk of 13 bytes first", "another chunk");
  const view = new DataView(head.body.buffer, head.body.byteOffset, 13);
  const [width, height, depth, samples] = [view.getUint32(0), view.getUint32(4), head.body[8]!, SAMPLES.get(head.body[9]!)];
  if (samples === undefined || width === 0 || height === 0)
    invalid("a size and a colour type", `${width}x${height}, type ${head.body[9]}`);
  if (width * height > pixels)
    throw new TacitError("SIZE_LIMIT", `png: expected at most ${pixels} pixels, got ${width}x${height}`);
  const interlaced = head.body[12] !== 0;
  if (interlaced && depth < 8) invalid("at least 8 bits per sample when interlaced", `${depth}`);
  const want = pictureBytes(width, height, samples * depth, interlaced);
  let got = 0;
  try {
    got = inflateSync(Buffer.concat(chunks.filter((c) => c.type === "IDAT").map((c) => c.body)), {
      maxOutputLength: want,
    }).length;
  } catch (cause) {
    invalid(`${want} bytes of picture data`, "damaged or longer data", cause);
  }
  if (got !== want) invalid(`${want} bytes of picture data`, `${got}`);
  const kept = chunks.filter((c) => ["IHDR", "PLTE", "tRNS", "IDAT", "IEND"].includes(c.type));
  return Buffer.concat([file.subarray(0, 8), ...kept.map((c) => c.whole)]);
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly depth: number;
  readonly data: ArrayLike<number>;
  readonly palette?: readonly ArrayLike<number>[] | undefined;
}

/** Luma of ITU-R BT.601, over black where there is an alpha channel. */
function toGray(p: Pixels): Float32Array {
  const out = new Float32Array(p.width * p.height);
  const top = 2 ** p.depth - 1;
  const luma = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b;
  const perByte = 8 / p.depth;
  const rowBytes = Math.ceil((p.width * p.channels * p.depth) / 8);
  for (let i = 0; i < out.length; i++) {
    const [y, x] = [Math.floor(i / p.width), i % p.width];
    if (p.depth < 8) {
      const byte = p.data[y * rowBytes + Math.floor(x / perByte)]!;
      const sample = (byte >> (8 - p.depth * ((x % perByte) + 1))) & top;
      out[i] = p.palette === undefined ? sample / top : paletteGray(p.palette, sample, luma);
      continue;
    }
    const at = i * p.channels;
    const v = (k: number): number => p.data[at + k]! / top;
    if (p.palette !== undefined) out[i] = paletteGray(p.palette, p.data[at]!, luma);
    else if (p.channels < 3) out[i] = v(0) * (p.channels === 2 ? v(1) : 1);
    else out[i] = luma(v(0), v(1), v(2)) * (p.channels === 4 ? v(3) : 1);
  }
  return out;
}

function paletteGray(
  palette: readonly ArrayLike<number>[],
  index: number,
  luma: (r: number, g: number, b: number) => number,
): number {
  const c = palette[index];
  if (c === undefined) invalid(`palette indices below ${palette.length}`, `${index}`);
  return (luma(c[0]!, c[1]!, c[2]!) / 255) * (c.length > 3 ? c[3]! / 255 : 1);
}

/**
 * Decodes gray, RGB, RGBA, gray-alpha and palette pictures of 1 to 16 bits, interlaced or not.
 * @throws PNG_INVALID for damaged files, SIZE_LIMIT beyond the bounds.
 */
export function decodePng(file: Uint8Array, limits: PngLimits = {}): GrayImage {
  const most = limits.bytes ?? 2 ** 24;
  if (file.length > most) throw new TacitError("SIZE_LIMIT", `png: expected at most ${most} bytes, got ${file.length}`);
  const picture = bounded(file, limits.pixels ?? 2 ** 24);
  try {
    const p = decode(picture, { checkCrc: true });
    return { width: p.width, height: p.height, values: toGray(p) };
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    return invalid("a PNG that decodes", "a damaged one", cause);
  }
}

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
