/** @file Pictures of digits that the page draws itself, 14 by 14, and what a pen drew. Nothing is downloaded. */
import { data } from "@tacit/core";

/** Side of a picture as the model sees it. */
export const SIDE = 14;
export const PIXELS: number = SIDE * SIDE;

/** Means of 2 x 2 of 28 x 28 bytes, 0 to 1. */
function halved(bytes: ArrayLike<number>, at: number, into: Float32Array): void {
  for (let r = 0; r < SIDE; r++) {
    for (let c = 0; c < SIDE; c++) {
      const first = at + 2 * r * 2 * SIDE + 2 * c;
      const sum = bytes[first]! + bytes[first + 1]! + bytes[first + 2 * SIDE]! + bytes[first + 2 * SIDE + 1]!;
      into[r * SIDE + c] = sum / (4 * 255);
    }
  }
}

export interface Pictures {
  /** [count, PIXELS], 0 (black) to 1. */
  readonly pixels: Float32Array;
  readonly labels: readonly number[];
}

/** `count` digits of a stream of their own: "train" and "test" share no picture. */
export function drawDigits(count: number, split: string, seed = 0): Pictures {
  const { images, labels } = data.digits({ count, split, seed });
  const pixels = new Float32Array(count * PIXELS);
  for (let i = 0; i < count; i++) {
    halved(images.values as Uint8Array, i * 4 * PIXELS, pixels.subarray(i * PIXELS, (i + 1) * PIXELS));
  }
  return { pixels, labels: Array.from(labels.values, Number) };
}

/** Paints a picture on a canvas of any size. */
export function paint(canvas: HTMLCanvasElement, pixels: Float32Array): void {
  const g = canvas.getContext("2d")!;
  const step = canvas.width / SIDE;
  pixels.forEach((v, i) => {
    const shade = Math.round(255 * v);
    g.fillStyle = `rgb(${shade} ${shade} ${shade})`;
    g.fillRect((i % SIDE) * step, Math.floor(i / SIDE) * step, Math.ceil(step), Math.ceil(step));
  });
}

/** Reads a canvas back as a picture: the mean of the squares under each pixel. */
export function readCanvas(canvas: HTMLCanvasElement): Float32Array {
  const { data: bytes } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
  const step = canvas.width / SIDE;
  const pixels = new Float32Array(PIXELS);
  for (let y = 0; y < canvas.height; y++) {
    for (let x = 0; x < canvas.width; x++) {
      pixels[Math.floor(y / step) * SIDE + Math.floor(x / step)]! += bytes[4 * (y * canvas.width + x)]! / (255 * step * step);
    }
  }
  return pixels;
}
