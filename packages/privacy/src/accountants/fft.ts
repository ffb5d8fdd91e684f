/** @file Discrete Fourier transforms of length 2^k in f64, in place: what composes privacy losses. */

/** cos and -sin of 2πk/n for k < n/2; each computed by itself, so that no error builds up along the table. */
function twiddles(n: number): { readonly re: Float64Array; readonly im: Float64Array } {
  const re = new Float64Array(n / 2);
  const im = new Float64Array(n / 2);
  for (let k = 0; k < n / 2; k++) {
    re[k] = Math.cos((2 * Math.PI * k) / n);
    im[k] = -Math.sin((2 * Math.PI * k) / n);
  }
  return { re, im };
}

export class Fourier {
  readonly size: number;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #reversed: Uint32Array;

  /** `size` is a power of two. */
  constructor(size: number) {
    this.size = size;
    const table = twiddles(size);
    this.#re = table.re;
    this.#im = table.im;
    this.#reversed = new Uint32Array(size);
    for (let i = 1, bits = Math.log2(size); i < size; i++) {
      this.#reversed[i] = (this.#reversed[i >> 1]! >> 1) | ((i & 1) << (bits - 1));
    }
  }

  /** Σ x_j e^(-2πijk/n) in place. */
  forward(re: Float64Array, im: Float64Array): void {
    this.#reorder(re);
    this.#reorder(im);
    const isOdd = Math.log2(this.size) % 2 === 1;
    if (isOdd) for (const x of [re, im]) this.#firstLevel(x);
    for (let half = isOdd ? 2 : 1; half < this.size; half *= 4) this.#twoLevels(re, im, half);
  }

  /** The inverse, scaled by 1/n: the forward transform of exchanged parts. */
  inverse(re: Float64Array, im: Float64Array): void {
    this.forward(im, re);
    const scale = 1 / this.size;
    for (let i = 0; i < this.size; i++) {
      re[i]! *= scale;
      im[i]! *= scale;
    }
  }

  #reorder(x: Float64Array): void {
    const reversed = this.#reversed;
    for (let i = 0; i < x.length; i++) {
      const j = reversed[i]!;
      if (j <= i) continue;
      const t = x[i]!;
      x[i] = x[j]!;
      x[j] = t;
    }
  }

  /** The first level: pairs of neighbours, without factors. */
  #firstLevel(x: Float64Array): void {
    for (let a = 0; a < this.size; a += 2) {
      const low = x[a]!;
      const high = x[a + 1]!;
      x[a] = low + high;
      x[a + 1] = low - high;
    }
  }

  /**
   * The butterflies of the levels `half` and 2 `half` at once: the arrays, larger than a cache, are passed over half as often. Plain numbers:
   * pairs in brackets would cost half of the time.
   */
  #twoLevels(re: Float64Array, im: Float64Array, half: number): void {
    const stride = this.size / (4 * half);
    const [cos, sin] = [this.#re, this.#im];
    for (let start = 0; start < this.size; start += 4 * half) {
      for (let k = 0, t = 0; k < half; k++, t += stride) {
        const a = start + k;
        const b = a + half;
        const c = b + half;
        const d = c + half;
        const ur = cos[2 * t]!;
        const ui = sin[2 * t]!;
        const br = ur * re[b]! - ui * im[b]!;
        const bi = ur * im[b]! + ui * re[b]!;
        const dr = ur * re[d]! - ui * im[d]!;
        const di = ur * im[d]! + ui * re[d]!;
        const pr = re[a]! + br;
        const pi = im[a]! + bi;
        const qr = re[a]! - br;
        const qi = im[a]! - bi;
        const sr = re[c]! + dr;
        const si = im[c]! + di;
        const mr = re[c]! - dr;
        const mi = im[c]! - di;
        const wr = cos[t]!;
        const wi = sin[t]!;
        const fr = wr * sr - wi * si;
        const fi = wr * si + wi * sr;
        // The second half's factor is -i times the first's.
        const gr = wr * mi + wi * mr;
        const gi = wi * mi - wr * mr;
        re[a] = pr + fr;
        im[a] = pi + fi;
        re[c] = pr - fr;
        im[c] = pi - fi;
        re[b] = qr + gr;
        im[b] = qi + gi;
        re[d] = qr - gr;
        im[d] = qi - gi;
      }
    }
  }
}
