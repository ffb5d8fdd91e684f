/**
 * @file Scattering features of 28x28 pictures (Bruna, Mallat 2013; as Tramèr, Boneh 2021 use them for private learning): fixed wavelets, nothing
 * learnt. Two scales, eight angles, order two: 81 channels of 7x7. Small convolutions of core; the wavelets are written out here.
 */
import { cat, noGrad, Tensor } from "@tacit/core";
import * as data from "@tacit/core/data";
import * as nn from "@tacit/core/nn";

const ANGLES = 8;
/** Deviation of the envelope at scale 0, frequency there, and how much longer than wide the envelope is. */
const [SIGMA, FREQUENCY, SLANT] = [0.8, (3 * Math.PI) / 4, 2];
export const CHANNELS: number = 1 + 2 * ANGLES + ANGLES * ANGLES;
export const SIDE = 7;
const BATCH = 100;

/** A bank of square filters, each [side, side]. */
interface Bank {
  readonly filters: Float32Array[];
  readonly side: number;
}

/** Real and imaginary parts of Morlet wavelets at scale j: a wave under an elongated Gaussian, less as much of the Gaussian as makes its sum 0. */
function morlets(j: number): Bank {
  const sigma = SIGMA * 2 ** j;
  const radius = Math.ceil(3 * SLANT * sigma);
  const side = 2 * radius + 1;
  const filters: Float32Array[] = [];
  for (let k = 0; k < ANGLES; k++) {
    const angle = (k * Math.PI) / ANGLES;
    const [re, im, envelope] = [new Float32Array(side * side), new Float32Array(side * side), new Float32Array(side * side)];
    for (let i = 0; i < side * side; i++) {
      const [x, y] = [(i % side) - radius, Math.floor(i / side) - radius];
      const along = x * Math.cos(angle) + y * Math.sin(angle);
      const across = -x * Math.sin(angle) + y * Math.cos(angle);
      envelope[i] = Math.exp(-(along ** 2 + (across / SLANT) ** 2) / (2 * sigma ** 2)) / (2 * Math.PI * sigma ** 2 * SLANT);
      re[i] = envelope[i]! * Math.cos((FREQUENCY / 2 ** j) * along);
      im[i] = envelope[i]! * Math.sin((FREQUENCY / 2 ** j) * along);
    }
    const total = (a: Float32Array): number => a.reduce((s, v) => s + v, 0);
    const share = total(re) / total(envelope);
    filters.push(
      re.map((v, i) => v - share * envelope[i]!),
      im,
    );
  }
  return { filters, side };
}

/** A Gaussian of sum 1 with deviation `sigma` pixels. */
function gaussian(sigma: number): Bank {
  const radius = Math.ceil(4 * sigma);
  const side = 2 * radius + 1;
  const values = Float32Array.from({ length: side * side }, (_, i) =>
    Math.exp(-(((i % side) - radius) ** 2 + (Math.floor(i / side) - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = values.reduce((s, v) => s + v, 0);
  return { filters: [values.map((v) => v / sum)], side };
}

const weightOf = ({ filters, side }: Bank): Tensor =>
  Tensor.from(Float32Array.from(filters.flatMap((f) => [...f])), [filters.length, 1, side, side], { public: true });

/** |x * ψ| for every channel of x and every angle: [N, C, H, W] -> [N, C * 8, H / stride, W / stride]. */
function modulus(x: Tensor, wavelets: Tensor, stride: number): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const parts = x.reshape([n * c, 1, h, w]).conv2d(wavelets, null, { padding: (wavelets.shape[2]! - 1) / 2, stride });
  const [, , ph, pw] = parts.shape as [number, number, number, number];
  const length = parts
    .reshape([n * c, ANGLES, 2, ph, pw])
    .square()
    .sum(2)
    .sqrt();
  return length.reshape([n, c * ANGLES, ph, pw]);
}

/** Averages every channel: stride `stride`. */
function lowpass(x: Tensor, kernel: Tensor, stride: number): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const y = x.reshape([n * c, 1, h, w]).conv2d(kernel, null, { padding: (kernel.shape[2]! - 1) / 2, stride });
  return y.reshape([n, c, y.shape[2]!, y.shape[3]!]);
}

/** Pictures [N, 1, 28, 28] -> [N, 81, 7, 7]: order 0; order 1 at both scales; order 2 from the fine scale to the coarse one. */
function scatter(): (x: Tensor) => Tensor {
  const [fine, coarse] = [weightOf(morlets(0)), weightOf(morlets(1))];
  // The average has deviation 0.8 * 2 pixels; half of that on maps of half the size.
  const [average, half] = [weightOf(gaussian(2 * SIGMA)), weightOf(gaussian(SIGMA))];
  return (x) => {
    const first = modulus(x, fine, 1);
    const second = modulus(x, coarse, 2);
    const both = modulus(first, coarse, 2);
    return cat([lowpass(x, average, 4), lowpass(first, average, 4), lowpass(second, half, 2), lowpass(both, half, 2)], 1);
  };
}

/** Groups of three channels, normalised picture by picture: no statistics of other pictures. */
const GROUPS = 27;
/** Features are kept in bytes: -4 to 8 in steps of 1/21, rounded. */
const [LEAST, STEP] = [-4, 12 / 255];

/** The features of a data set, each row from its own picture: f32 [3969] and the label. */
export async function features(set: data.DigitsDataset): Promise<data.Dataset<readonly [Tensor, Tensor]>> {
  const size = CHANNELS * SIDE * SIDE;
  const transform = scatter();
  const norm = nn.groupNorm(GROUPS, CHANNELS, { affine: false });
  const bytes = new Uint8Array(set.length * size);
  const labels = new Int32Array(set.length);
  let row = 0;
  for await (const [x, y] of set.batch(BATCH)) {
    const values = await noGrad(() => norm(transform(x))).data();
    const at = row * size;
    for (let i = 0; i < values.length; i++)
      bytes[at + i] = Math.min(255, Math.max(0, Math.round((Number(values[i]) - LEAST) / STEP)));
    labels.set((await y.data()) as Int32Array, row);
    row += y.shape[0]!;
  }
  return data.tensorDataset(
    [
      { bytes: { values: bytes, shape: [set.length, size], dtype: "u8" }, scale: STEP, shift: LEAST },
      { values: labels, shape: [set.length], dtype: "i32" },
    ],
    { name: `scattering features of ${set.name}` },
  );
}
