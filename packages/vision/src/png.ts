/** @file PNG pictures decoded with bounds, in gray or in colour. */
import { inflateSync } from "node:zlib";
import type * as data from "@tacit/core/data";
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

/** Calls `see` with red, green, blue and alpha in [0, 1] of every pixel, row by row; gray pictures have three equal ones. */
function eachPixel(p: Pixels, see: (i: number, r: number, g: number, b: number, alpha: number) => void): void {
  const top = 2 ** p.depth - 1;
  const perByte = 8 / p.depth;
  const rowBytes = Math.ceil((p.width * p.channels * p.depth) / 8);
  const fromPalette = (i: number, index: number): void => {
    const c = p.palette?.[index];
    if (c === undefined) invalid(`palette indices below ${p.palette?.length ?? 0}`, `${index}`);
    see(i, c[0]! / 255, c[1]! / 255, c[2]! / 255, c.length > 3 ? c[3]! / 255 : 1);
  };
  for (let i = 0; i < p.width * p.height; i++) {
    const [y, x] = [Math.floor(i / p.width), i % p.width];
    if (p.depth < 8) {
      const byte = p.data[y * rowBytes + Math.floor(x / perByte)]!;
      const sample = (byte >> (8 - p.depth * ((x % perByte) + 1))) & top;
      if (p.palette === undefined) see(i, sample / top, sample / top, sample / top, 1);
      else fromPalette(i, sample);
      continue;
    }
    const at = i * p.channels;
    const v = (k: number): number => p.data[at + k]! / top;
    if (p.palette !== undefined) fromPalette(i, p.data[at]!);
    else if (p.channels < 3) see(i, v(0), v(0), v(0), p.channels === 2 ? v(1) : 1);
    else see(i, v(0), v(1), v(2), p.channels === 4 ? v(3) : 1);
  }
}

/** Luma of ITU-R BT.601, over black where there is an alpha channel. */
function toGray(p: Pixels): Float32Array {
  const out = new Float32Array(p.width * p.height);
  eachPixel(p, (i, r, g, b, alpha) => {
    // Three equal parts are gray as they stand: the weights sum to 1 only up to rounding.
    out[i] = (r === g && g === b ? r : 0.299 * r + 0.587 * g + 0.114 * b) * alpha;
  });
  return out;
}

/** Planes of red, green and blue; alpha is left out, as when PIL converts to RGB. */
function toRgb(p: Pixels): Float32Array {
  const size = p.width * p.height;
  const out = new Float32Array(3 * size);
  eachPixel(p, (i, r, g, b) => {
    out[i] = r;
    out[size + i] = g;
    out[2 * size + i] = b;
  });
  return out;
}

function decoded<T>(file: Uint8Array, limits: PngLimits, use: (p: Pixels) => T): T {
  const most = limits.bytes ?? 2 ** 24;
  if (file.length > most) throw new TacitError("SIZE_LIMIT", `png: expected at most ${most} bytes, got ${file.length}`);
  const picture = bounded(file, limits.pixels ?? 2 ** 24);
  try {
    return use(decode(picture, { checkCrc: true }));
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    return invalid("a PNG that decodes", "a damaged one", cause);
  }
}

/**
 * Decodes gray, RGB, RGBA, gray-alpha and palette pictures of 1 to 16 bits, interlaced or not, to gray.
 * @throws PNG_INVALID for damaged files, SIZE_LIMIT beyond the bounds.
 */
export function decodePng(file: Uint8Array, limits: PngLimits = {}): GrayImage {
  return decoded(file, limits, (p) => ({ width: p.width, height: p.height, values: toGray(p) }));
}

/** As `decodePng`, but f32 [3, height, width]: red, green and blue in [0, 1]. Alpha is left out. */
export function decodePngRgb(file: Uint8Array, limits: PngLimits = {}): data.HostArray {
  return decoded(file, limits, (p) => ({ values: toRgb(p), shape: [3, p.height, p.width], dtype: "f32" }));
}
