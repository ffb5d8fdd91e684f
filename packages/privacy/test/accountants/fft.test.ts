/** @file The transform against its definition, for odd and even powers of two, and its inverse. */
import { Random } from "@tacit/core";
import { expect, it } from "vitest";
import { Fourier } from "../../src/accountants/fft.ts";

it.each([1, 2, 4, 8, 16, 32, 512, 1024])(
  "a transform of %i points is the sum that defines it, and its inverse gives the points back",
  (n) => {
    const random = new Random(n);
    const [re, im] = [Float64Array.from(random.uniform(n, -1, 1)), Float64Array.from(random.uniform(n, -1, 1))];
    const [x, y] = [re.slice(), im.slice()];
    const fourier = new Fourier(n);
    fourier.forward(x, y);
    for (let k = 0; k < n; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let j = 0; j < n; j++) {
        const angle = (-2 * Math.PI * ((j * k) % n)) / n;
        sumRe += re[j]! * Math.cos(angle) - im[j]! * Math.sin(angle);
        sumIm += re[j]! * Math.sin(angle) + im[j]! * Math.cos(angle);
      }
      expect(Math.hypot(x[k]! - sumRe, y[k]! - sumIm)).toBeLessThan(1e-13 * n);
    }
    fourier.inverse(x, y);
    for (let j = 0; j < n; j++) expect(Math.hypot(x[j]! - re[j]!, y[j]! - im[j]!)).toBeLessThan(1e-14 * Math.log2(2 * n) * 4);
  },
);
