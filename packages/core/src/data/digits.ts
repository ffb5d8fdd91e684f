/**
 * @file Handwritten-looking digits that the project draws itself: pen strokes under random deformation, 28x28 gray.
 * Only + - * / and sqrt are used, which IEEE 754 fixes to the bit: every platform draws the same pictures.
 */
import { expected } from "../errors.ts";
import { Random } from "../random.ts";
import type { HostArray } from "./host.ts";
import { GLYPHS } from "./strokes.ts";

export interface DigitsOptions {
  /** Number of pictures. */
  readonly count: number;
  readonly seed?: number;
  /** Names an independent stream: "train" and "test" share no picture. */
  readonly split?: string;
}

/** u8 [count, 1, 28, 28] pictures, bright on dark, and i32 [count] labels 0 to 9. */
export interface Digits {
  readonly images: HostArray;
  readonly labels: HostArray;
}

const SIZE = 28;
/** Line segments per Bézier arc; arcs are about 8 pixels long, so that a segment spans less than 2. */
const SEGMENTS = 5;

type Draw = () => number;

/** An affine map of the unit square into the picture, in pixels. */
interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly x0: number;
  readonly y0: number;
}

/** Uniform in [-1, 1). */
const spread = (draw: Draw): number => 2 * draw() - 1;
/** Bell-shaped in (-1, 1) with standard deviation 0.41: the mean of two uniforms. */
const bell = (draw: Draw): number => (spread(draw) + spread(draw)) / 2;

/** Rotation up to 0.35 rad, slant up to 0.3, sizes 9 to 17 by 15 to 22 pixels, shift up to 2.5 pixels. */
function randomAffine(draw: Draw): Affine {
  const t = 0.175 * bell(draw); // tangent of half the angle: a rational rotation needs no sine
  const cos = (1 - t * t) / (1 + t * t);
  const sin = (2 * t) / (1 + t * t);
  const width = 13 + 4 * spread(draw);
  const height = 18.5 + 3.5 * spread(draw);
  const slant = 0.3 * bell(draw) * height;
  const centre = (SIZE - 1) / 2;
  return {
    xx: cos * width,
    xy: -cos * slant - sin * height,
    yx: sin * width,
    yy: cos * height - sin * slant,
    x0: centre + 2.5 * bell(draw),
    y0: centre + 2.5 * bell(draw),
  };
}

/** Draws a line of radius `r` pixels with soft edges; keeps the brighter of old and new. */
function drawSegment(ink: Float32Array, x0: number, y0: number, x1: number, y1: number, r: number): void {
  const reach = r + 0.5;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const norm = dx * dx + dy * dy;
  const left = Math.max(0, Math.ceil(Math.min(x0, x1) - reach));
  const right = Math.min(SIZE - 1, Math.floor(Math.max(x0, x1) + reach));
  const top = Math.max(0, Math.ceil(Math.min(y0, y1) - reach));
  const bottom = Math.min(SIZE - 1, Math.floor(Math.max(y0, y1) + reach));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const along = norm === 0 ? 0 : ((x - x0) * dx + (y - y0) * dy) / norm;
      const t = Math.min(Math.max(along, 0), 1);
      const [ex, ey] = [x - x0 - t * dx, y - y0 - t * dy];
      const cover = reach - Math.sqrt(ex * ex + ey * ey);
      const i = y * SIZE + x;
      if (cover > ink[i]!) ink[i] = Math.min(cover, 1);
    }
  }
}

/** Deforms every point of a stroke and draws it. */
function drawStroke(ink: Float32Array, stroke: readonly number[], map: Affine, wobble: number, r: number, draw: Draw): void {
  const points: number[] = [];
  for (let i = 0; i < stroke.length; i += 2) {
    const u = stroke[i]! - 0.5 + wobble * bell(draw);
    const v = stroke[i + 1]! - 0.5 + wobble * bell(draw);
    points.push(map.x0 + map.xx * u + map.xy * v, map.y0 + map.yx * u + map.yy * v);
  }
  for (let i = 0; i + 5 < points.length; i += 4) {
    let [px, py] = [points[i]!, points[i + 1]!];
    for (let k = 1; k <= SEGMENTS; k++) {
      const t = k / SEGMENTS;
      const [a, b, c] = [(1 - t) * (1 - t), 2 * t * (1 - t), t * t];
      const x = a * points[i]! + b * points[i + 2]! + c * points[i + 4]!;
      const y = a * points[i + 1]! + b * points[i + 3]! + c * points[i + 5]!;
      drawSegment(ink, px, py, x, y, r);
      [px, py] = [x, y];
    }
  }
}

/** A stray mark, short and faint, in a third of the pictures. */
function drawClutter(ink: Float32Array, draw: Draw): void {
  const [x, y] = [SIZE * draw(), SIZE * draw()];
  drawSegment(ink, x, y, x + 5 * spread(draw), y + 5 * spread(draw), 0.3 + 0.5 * draw());
}

function drawDigit(digit: number, out: Uint8Array, ink: Float32Array, draw: Draw): void {
  ink.fill(0);
  const ways = GLYPHS[digit]!;
  const glyph = ways[Math.floor(draw() * ways.length)]!;
  const map = randomAffine(draw);
  const r = 0.6 + 1.1 * draw();
  for (const stroke of glyph) drawStroke(ink, stroke, map, 0.1, r, draw);
  if (draw() < 1 / 3) drawClutter(ink, draw);
  const strength = 185 + 70 * draw();
  let grain = 0; // four bytes of one draw serve four pixels of ink; paper stays black
  let left = 0;
  for (let i = 0; i < ink.length; i++) {
    const v = ink[i]!;
    if (v === 0) continue;
    if (left === 0) [grain, left] = [Math.floor(draw() * 2 ** 32), 4];
    out[i] = v * (strength - 0.2 * (grain & 255) * v);
    grain >>>= 8;
    left--;
  }
}

/**
 * Draws digits. The i-th picture depends on seed, split and i alone, not on `count`.
 * @throws SIZE_LIMIT beyond 10^6 pictures (784 MB).
 */
export function digits(options: DigitsOptions): Digits {
  const { count, seed = 0, split = "train" } = options;
  if (!Number.isInteger(count) || count < 0 || count > 1e6) expected("SIZE_LIMIT", "digits", "0 to 1000000 pictures", `${count}`);
  const random = new Random(seed).fork(`digits ${split}`);
  const draw = (): number => random.bits() / 2 ** 32;
  const values = new Uint8Array(count * SIZE * SIZE);
  const labels = new Int32Array(count);
  const ink = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < count; i++) {
    const digit = Math.floor(draw() * 10);
    labels[i] = digit;
    drawDigit(digit, values.subarray(i * SIZE * SIZE, (i + 1) * SIZE * SIZE), ink, draw);
  }
  return {
    images: { values, shape: [count, 1, SIZE, SIZE], dtype: "u8" },
    labels: { values: labels, shape: [count], dtype: "i32" },
  };
}
