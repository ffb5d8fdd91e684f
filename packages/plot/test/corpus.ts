/** @file One figure of every kind and every odd case; all labels are hostile. */
import { nn, Random, Tensor } from "@tacit/core";
import { type Figure, plot } from "../src/index.ts";

/** Markup, quotes, entities, an ANSI sequence, a lone surrogate, a right-to-left override, NUL, wide letters. */
export const EVIL = "</text><script>alert(1)</script>\"'&lt;&#x0;\u001b[31m\ud800\u202e\u0000漢字";

/** Numbers in 0..1 that look random and are the same everywhere. */
export function numbers(count: number, seed = 1): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next());
}

const wave = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i / 7) + i / count);

/** Two convolutions with a sum around the second. */
export class Residual extends nn.Module {
  a: nn.Conv2d = nn.conv2d(1, 4, 3, { padding: 1 });
  b: nn.Conv2d = nn.conv2d(4, 4, 3, { padding: 1 });
  out: nn.Sequential = nn.sequential(nn.flatten(), nn.linear(4 * 36, 10));
  forward(x: Tensor): Tensor {
    const h = this.a(x).relu();
    return this.out(this.b(h).add(h));
  }
}

export const example = (): Tensor => Tensor.from(new Float32Array(36), [1, 1, 6, 6]);

const named = { title: EVIL, x: EVIL, y: EVIL };

export const CORPUS: Readonly<Record<string, () => Figure | Promise<Figure>>> = {
  "lines, everything": () =>
    plot.lines(
      { [EVIL]: wave(3000).map((v) => v + 1.2), val: { x: [1000, 3000], y: [2, 1] } },
      {
        ...named,
        log: true,
        smooth: 0.9,
        dashed: ["val"],
        marks: [{ at: 1000, label: EVIL }, 2000],
        right: { lr: wave(10) },
        rightLabel: EVIL,
      },
    ),
  "lines, none": () => plot.lines({}),
  "lines, empty": () => plot.lines([]),
  "lines, all gaps": () => plot.lines([Number.NaN, Number.POSITIVE_INFINITY]),
  "lines, one point": () => plot.lines([3]),
  "lines, constant": () => plot.lines([0, 0, 0]),
  "lines, nothing above 0 on a logarithmic axis": () => plot.lines([-1, 0, -5], { log: true }),
  "lines, subnormal to huge": () => plot.lines([5e-324, 1e300], { log: true }),
  "lines, huge": () => plot.lines([-1e308, 1e308]),
  "scatter, groups": () =>
    plot.scatter({ x: wave(300), y: numbers(300) }, { ...named, labels: wave(300).map((_, i) => i % 12), classes: [EVIL, "b"] }),
  "scatter, names": () =>
    plot.scatter(
      [
        [0, 1],
        [2, 3],
      ],
      { names: [EVIL, "queen"], labels: [EVIL, "x"] },
    ),
  "scatter, none": () => plot.scatter([]),
  bars: () => plot.bars({ [EVIL]: 1, b: -2, c: 0, d: null }, { title: EVIL, x: EVIL }),
  "bars, shares": () => plot.bars([0.1, 0.9], { percent: true }),
  "bars, none": () => plot.bars([]),
  histogram: () => plot.histogram(numbers(2000), { title: EVIL, x: EVIL }),
  "histogram, constant": () => plot.histogram([4, 4, 4]),
  "histogram, none": () => plot.histogram([]),
  "heat map": () =>
    plot.heatmap(
      [
        [0.1, -0.2, Number.NaN],
        [3, 4, 5],
      ],
      { ...named, rows: [EVIL, "r"], columns: ["a", EVIL, "c"] },
    ),
  "heat map, large": () => plot.heatmap({ values: wave(600 * 20), shape: [600, 20] }),
  "heat map, none": () => plot.heatmap([]),
  "heat map, constant": () => plot.heatmap([[0, 0]]),
  confusion: () =>
    plot.confusion(
      [
        [98, 1, 1],
        [0, 0, 0],
        [20, 0, 80],
      ],
      { title: EVIL, names: [EVIL, "b", "c"] },
    ),
  "confusion, none": () => plot.confusion([]),
  "confusion, many classes": () =>
    plot.confusion(Array.from({ length: 100 }, (_, i) => Array.from({ length: 100 }, (_, j) => (i === j ? 9 : 0)))),
  "images, gray": () =>
    plot.images({ values: numbers(20 * 64), shape: [20, 1, 8, 8] }, { title: EVIL, labels: Array<string>(20).fill(EVIL) }),
  "images, colour": () => plot.images({ values: numbers(2 * 3 * 64), shape: [2, 3, 8, 8] }),
  "images, one large": () => plot.images({ values: wave(100 * 80), shape: [80, 100] }),
  "images, none": () => plot.images({ values: [], shape: [0, 1, 28, 28] }),
  kernels: () => plot.kernels(nn.conv2d(3, 5, 3, { random: new Random(1) }).weight, { title: EVIL }),
  model: () => plot.model(new Residual(), example(), { title: EVIL }),
  "model, no example": () => plot.model(new Residual()),
};
