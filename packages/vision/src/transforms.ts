/** @file Transforms of pictures, as torchvision's: functions on host arrays [channels, height, width], two of them on tensors as well. */
import { Tensor } from "@tacit/core";
import type { HostArray } from "@tacit/core/data";
import { expected } from "@tacit/core/errors";
import type { Random } from "@tacit/core/random";

/** A picture to a picture; f32 [channels, height, width]. Random ones draw from `random`, and from nothing else. */
export type Transform = (picture: HostArray, random: Random) => HostArray;

/** Height and width; one number for both. */
export type Size = number | readonly [number, number];

interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** @throws SHAPE_MISMATCH, DTYPE_MISMATCH unless it is f32 [channels, height, width] */
function planes(where: string, picture: HostArray): Planes {
  const [channels, height, width] = picture.shape;
  if (picture.shape.length !== 3 || channels === undefined || height === undefined || width === undefined)
    expected("SHAPE_MISMATCH", where, "a picture [channels, height, width]", `[${picture.shape}]`);
  if (!(picture.values instanceof Float32Array)) expected("DTYPE_MISMATCH", where, "a picture of f32", picture.dtype);
  return { channels, height, width, values: picture.values };
}

function sizeOf(where: string, size: Size): readonly [number, number] {
  const [height, width] = typeof size === "number" ? [size, size] : size;
  for (const v of [height, width])
    if (!Number.isSafeInteger(v) || v < 1) expected("ARGUMENT_INVALID", where, "a size of at least 1", `${v}`);
  return [height, width];
}

function probability(where: string, p: number): void {
  if (!(p >= 0 && p <= 1)) expected("ARGUMENT_INVALID", where, "a probability in 0..1", `${p}`);
}

/** A picture of another size, each value by channel, row and column. */
function fill(channels: number, height: number, width: number, at: (c: number, y: number, x: number) => number): HostArray {
  const values = new Float32Array(channels * height * width);
  let i = 0;
  for (let c = 0; c < channels; c++) for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) values[i++] = at(c, y, x);
  return { values, shape: [channels, height, width], dtype: "f32" };
}

/** The part of a picture from (top, left) on; outside of it 0. */
function window(p: Planes, top: number, left: number, height: number, width: number): HostArray {
  return fill(p.channels, height, width, (c, y, x) => {
    const [sy, sx] = [y + top, x + left];
    const inside = sy >= 0 && sy < p.height && sx >= 0 && sx < p.width;
    return inside ? p.values[(c * p.height + sy) * p.width + sx]! : 0;
  });
}

/** One after the other. */
export const compose =
  (...transforms: readonly Transform[]): Transform =>
  (picture, random) =>
    transforms.reduce((p, t) => t(p, random), picture);

/** What works on a picture and, lazily, on a tensor [..., channels, height, width]. */
export interface Both {
  (picture: HostArray, random?: Random): HostArray;
  (batch: Tensor): Tensor;
}

/** (x - mean)/std, channel by channel. @throws SHAPE_MISMATCH for another number of channels */
export function normalize(mean: readonly number[], std: readonly number[]): Both {
  if (mean.length !== std.length || mean.length === 0 || std.some((s) => !(s > 0)))
    expected("ARGUMENT_INVALID", "normalize", "as many standard deviations above 0 as means", `${mean.length} and ${std.length}`);
  const check = (channels: number | undefined): void => {
    if (channels !== mean.length) expected("SHAPE_MISMATCH", "normalize", `${mean.length} channels`, `${channels}`);
  };
  function apply(picture: HostArray): HostArray;
  function apply(batch: Tensor): Tensor;
  function apply(x: HostArray | Tensor): HostArray | Tensor {
    check(x.shape.at(-3));
    if (x instanceof Tensor) {
      const channel = (values: readonly number[]): Tensor =>
        Tensor.from([...values], [values.length, 1, 1], { dtype: x.dtype, public: true });
      return x.sub(channel(mean)).div(channel(std));
    }
    const p = planes("normalize", x);
    const size = p.height * p.width;
    return fill(p.channels, p.height, p.width, (c, y, col) => (p.values[c * size + y * p.width + col]! - mean[c]!) / std[c]!);
  }
  return apply;
}

/** The middle part of this size; smaller pictures get a border of 0 (host arrays only). Odd rests round as torchvision's. */
export function centerCrop(size: Size): Both {
  const [height, width] = sizeOf("centerCrop", size);
  /** Python's round: halves to even. */
  const half = (rest: number): number => {
    const r = Math.round(rest / 2);
    return rest % 2 !== 0 && r % 2 !== 0 ? r - 1 : r;
  };
  function apply(picture: HostArray): HostArray;
  function apply(batch: Tensor): Tensor;
  function apply(x: HostArray | Tensor): HostArray | Tensor {
    if (x instanceof Tensor) {
      const [h, w] = [x.shape.at(-2) ?? 0, x.shape.at(-1) ?? 0];
      if (h < height || w < width) expected("SHAPE_MISMATCH", "centerCrop", `at least ${height}x${width}`, `${h}x${w}`);
      const [top, left] = [half(h - height), half(w - width)];
      const lead = x.shape.slice(0, -2).map(() => null);
      return x.slice(...lead, [top, top + height], [left, left + width]);
    }
    const p = planes("centerCrop", x);
    // A border is split with its smaller half in front.
    const start = (rest: number): number => (rest >= 0 ? half(rest) : -Math.floor(-rest / 2));
    return window(p, start(p.height - height), start(p.width - width), height, width);
  }
  return apply;
}

/** A part of this size from a random place; `padding` first adds a border of 0. @throws SHAPE_MISMATCH for smaller pictures */
export function randomCrop(size: Size, options: { readonly padding?: number } = {}): Transform {
  const [height, width] = sizeOf("randomCrop", size);
  const { padding = 0 } = options;
  if (!Number.isSafeInteger(padding) || padding < 0)
    expected("ARGUMENT_INVALID", "randomCrop", "padding of at least 0", `${padding}`);
  return (picture, random) => {
    const p = planes("randomCrop", picture);
    const [restY, restX] = [p.height + 2 * padding - height, p.width + 2 * padding - width];
    if (restY < 0 || restX < 0)
      expected("SHAPE_MISMATCH", "randomCrop", `at least ${height}x${width} with padding`, `${p.height}x${p.width}`);
    const top = random.integer(0, restY + 1) - padding;
    return window(p, top, random.integer(0, restX + 1) - padding, height, width);
  };
}

const mirrored =
  (where: string, p: number, vertical: boolean): Transform =>
  (picture, random) => {
    const { channels, height, width, values } = planes(where, picture);
    if (random.next() >= p) return picture;
    return fill(channels, height, width, (c, y, x) => {
      const [sy, sx] = vertical ? [height - 1 - y, x] : [y, width - 1 - x];
      return values[(c * height + sy) * width + sx]!;
    });
  };

/** Left and right exchanged with probability p; 0.5 unless said. */
export function randomHorizontalFlip(p = 0.5): Transform {
  probability("randomHorizontalFlip", p);
  return mirrored("randomHorizontalFlip", p, false);
}

/** Top and bottom exchanged with probability p; 0.5 unless said. */
export function randomVerticalFlip(p = 0.5): Transform {
  probability("randomVerticalFlip", p);
  return mirrored("randomVerticalFlip", p, true);
}

/** Bilinear, without antialiasing: `interpolate(mode: "bilinear", alignCorners: false)` of PyTorch. */
export function resize(size: Size): Transform {
  const [height, width] = sizeOf("resize", size);
  return (picture) => {
    const p = planes("resize", picture);
    if (p.height === height && p.width === width) return picture;
    const [rows, columns] = [between(p.height, height), between(p.width, width)];
    return fill(p.channels, height, width, (c, y, x) => {
      const [ya, yb, fy] = rows[y]!;
      const [xa, xb, fx] = columns[x]!;
      const at = (row: number, column: number): number => p.values[(c * p.height + row) * p.width + column]!;
      const upper = at(ya, xa) * (1 - fx) + at(ya, xb) * fx;
      return upper * (1 - fy) + (at(yb, xa) * (1 - fx) + at(yb, xb) * fx) * fy;
    });
  };
}

/** For each of `to` places between which two of `from` cells it lies, and how far. */
function between(from: number, to: number): (readonly [number, number, number])[] {
  return Array.from({ length: to }, (_, i) => {
    const x = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(x), from - 1);
    return [low, Math.min(low + 1, from - 1), x - low];
  });
}

/** Turned about the middle by `degrees`, counter-clockwise; nearest values, 0 outside. */
export function rotate(degrees: number): Transform {
  if (!Number.isFinite(degrees)) expected("ARGUMENT_INVALID", "rotate", "an angle in degrees", `${degrees}`);
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return (picture) => {
    const { channels, height, width, values } = planes("rotate", picture);
    const [cy, cx] = [(height - 1) / 2, (width - 1) / 2];
    return fill(channels, height, width, (c, y, x) => {
      // A margin for rounding: a turn by 90 degrees hits pixels exactly.
      const sx = Math.round(cx + (x - cx) * cos - (y - cy) * sin - 1e-9);
      const sy = Math.round(cy + (x - cx) * sin + (y - cy) * cos - 1e-9);
      const inside = sy >= 0 && sy < height && sx >= 0 && sx < width;
      return inside ? values[(c * height + sy) * width + sx]! : 0;
    });
  };
}

/** Turned by a random angle in [-degrees, degrees]. */
export function randomRotation(degrees: number): Transform {
  if (!(degrees >= 0 && Number.isFinite(degrees)))
    expected("ARGUMENT_INVALID", "randomRotation", "an angle of at least 0", `${degrees}`);
  return (picture, random) => rotate((2 * random.next() - 1) * degrees)(picture, random);
}

/** Brightness and contrast by random factors in [1 - x, 1 + x], cut to [0, 1]; 0 unless said. */
export function colorJitter(options: { readonly brightness?: number; readonly contrast?: number }): Transform {
  const { brightness = 0, contrast = 0 } = options;
  for (const v of [brightness, contrast]) probability("colorJitter", v);
  return (picture, random) => {
    const p = planes("colorJitter", picture);
    const light = 1 + (2 * random.next() - 1) * brightness;
    const spread = 1 + (2 * random.next() - 1) * contrast;
    const middle = (p.values.reduce((a, b) => a + b, 0) / Math.max(p.values.length, 1)) * light;
    const values = p.values.map((v) => Math.min(1, Math.max(0, (v * light - middle) * spread + middle)));
    return { values, shape: picture.shape, dtype: "f32" };
  };
}
