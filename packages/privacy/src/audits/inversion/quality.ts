/** @file How near a reconstruction comes to the original: PSNR, and SSIM (Wang, Bovik, Sheikh, Simoncelli 2004). */
import { finite, refuseData, type Scores } from "../check.ts";

/** Both as f64 of one length. */
function pair(where: string, a: Scores, b: Scores): readonly [Float64Array, Float64Array] {
  if (a.length !== b.length) refuseData(where, `${a.length} values of both pictures`, `${b.length}`);
  return [finite(where, "values of a picture", a, 1), finite(where, "values of a picture", b, 1)];
}

/**
 * Peak signal-to-noise ratio in dB: 10 log10(range² / mean squared error); infinite for equal pictures.
 * @param range largest possible difference of two values, 1 for pictures in [0, 1]
 * @throws TacitError PRIVACY_AUDIT_DATA
 */
export function psnr(original: Scores, other: Scores, range = 1): number {
  const [a, b] = pair("psnr", original, other);
  const error = a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length;
  return 10 * Math.log10((range * range) / error);
}

/** PSNR of the best constant picture: what somebody has who knows the mean brightness and nothing else. */
export function blankPsnr(original: Scores, range = 1): number {
  const a = finite("psnr", "values of a picture", original, 1);
  const mean = a.reduce((x, y) => x + y, 0) / a.length;
  return psnr(a, new Float64Array(a.length).fill(mean), range);
}

/** The paper's window: 11 by 11, Gaussian of 1.5 pixels, sum 1. */
const SIZE = 11;
const WINDOW = ((): Float64Array => {
  const w = Float64Array.from({ length: SIZE }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 * 1.5)));
  const sum = w.reduce((a, b) => a + b, 0);
  return w.map((v) => v / sum);
})();

/** Weighted means over all windows that lie inside: [height - 10, width - 10]. */
function smoothed(x: Float64Array, height: number, width: number): Float64Array {
  const [h, w] = [height - SIZE + 1, width - SIZE + 1];
  const rows = new Float64Array(height * w);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < w; j++) for (let k = 0; k < SIZE; k++) rows[i * w + j]! += WINDOW[k]! * x[i * width + j + k]!;
  const out = new Float64Array(h * w);
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++) for (let k = 0; k < SIZE; k++) out[i * w + j]! += WINDOW[k]! * rows[(i + k) * w + j]!;
  return out;
}

/** What SSIM needs to know of pictures. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/** Of one plane. */
function ssimOfPlane(a: Float64Array, b: Float64Array, { height, width }: PictureSize, range: number): number {
  const [c1, c2] = [(0.01 * range) ** 2, (0.03 * range) ** 2];
  const mean = (f: (i: number) => number): Float64Array =>
    smoothed(
      Float64Array.from(a, (_, i) => f(i)),
      height,
      width,
    );
  const [ma, mb] = [mean((i) => a[i]!), mean((i) => b[i]!)];
  const [aa, bb, ab] = [mean((i) => a[i]! ** 2), mean((i) => b[i]! ** 2), mean((i) => a[i]! * b[i]!)];
  let sum = 0;
  for (let i = 0; i < ma.length; i++) {
    const [x, y] = [ma[i]!, mb[i]!];
    const [va, vb, cov] = [aa[i]! - x * x, bb[i]! - y * y, ab[i]! - x * y];
    sum += ((2 * x * y + c1) * (2 * cov + c2)) / ((x * x + y * y + c1) * (va + vb + c2));
  }
  return sum / ma.length;
}

/**
 * Mean structural similarity: 1 for equal pictures, about 0 for unrelated ones.
 * @param original planes of [height, width], row-major, one for each channel; at least 11 by 11
 * @throws TacitError PRIVACY_AUDIT_DATA
 */
export function ssim(original: Scores, other: Scores, size: PictureSize, range = 1): number {
  const [a, b] = pair("ssim", original, other);
  const { height, width } = size;
  const planes = a.length / (height * width);
  if (height < SIZE || width < SIZE || !Number.isInteger(planes))
    refuseData("ssim", `whole planes of at least ${SIZE}x${SIZE}`, `${a.length} values of ${height}x${width}`);
  const part = (x: Float64Array, k: number): Float64Array => x.subarray(k * height * width, (k + 1) * height * width);
  let sum = 0;
  for (let k = 0; k < planes; k++) sum += ssimOfPlane(part(a, k), part(b, k), size, range);
  return sum / planes;
}
