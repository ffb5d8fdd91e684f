/** @file Cases: products, convolution, pooling, indexing, against loops. */
import type { Random } from "../../src/random.ts";
import { Tensor } from "../../src/tensor/tensor.ts";
import type { Case } from "./harness.ts";
import { at, build, draw, drawInts, type Nd, zip } from "./oracle.ts";

const total = (n: number, f: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const pick = <T>(random: Random, ...list: readonly T[]): T => list[random.integer(0, list.length)]!;

/** a [...,M,K] times b [...,K,N], batches broadcast. */
function product(a: Nd, b: Nd): Nd {
  const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, b.shape.at(-1)!];
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = zip(
    () => 0,
    build(batchA, () => 0),
    build(batchB, () => 0),
  ).shape;
  const from = (shape: readonly number[], index: readonly number[]): number[] =>
    shape.map((s, d) => (s === 1 ? 0 : index[d + batch.length - shape.length]!));
  return build([...batch, m, n], (index) => {
    const [i, j] = [index.at(-2)!, index.at(-1)!];
    return total(k, (l) => at(a, [...from(batchA, index), i, l]) * at(b, [...from(batchB, index), l, j]));
  });
}

function window(random: Random): { k: [number, number]; s: [number, number]; p: [number, number] } {
  const k: [number, number] = [random.integer(1, 4), random.integer(1, 4)];
  const p: [number, number] = [random.integer(0, (k[0] >> 1) + 1), random.integer(0, (k[1] >> 1) + 1)];
  return { k, s: [random.integer(1, 5), random.integer(1, 4)], p };
}
/** The elements of each pooling window that lie inside the image. */
function pooled(nd: Nd, { k, s, p }: ReturnType<typeof window>, f: (vs: number[]) => number): Nd {
  const [n, c, h, w] = nd.shape as [number, number, number, number];
  const [oh, ow] = [Math.floor((h + 2 * p[0] - k[0]) / s[0]) + 1, Math.floor((w + 2 * p[1] - k[1]) / s[1]) + 1];
  return build([n, c, oh, ow], ([b, ch, y, x]) => {
    const inside: number[] = [];
    for (let i = 0; i < k[0] * k[1]; i++) {
      const [yy, xx] = [y! * s[0] - p[0] + Math.floor(i / k[1]), x! * s[1] - p[1] + (i % k[1])];
      if (yy >= 0 && yy < h && xx >= 0 && xx < w) inside.push(at(nd, [b!, ch!, yy, xx]));
    }
    return f(inside);
  });
}

export const linear: readonly Case[] = [
  {
    name: "matmul",
    methods: ["matmul", "mm", "bmm", "dot"],
    run(random) {
      const [m, k, n] = [random.integer(1, 5), random.integer(1, 6), random.integer(1, 5)];
      const batches = pick(
        random,
        [[], []],
        [[3], []],
        [[], [2]],
        [[2, 1], [3]],
        [[2], [2]],
        [
          [1, 2],
          [3, 1],
        ],
      ) as [number[], number[]];
      const [a, b] = [draw(random, [...batches[0], m, k]), draw(random, [...batches[1], k, n])];
      const want = product(a.nd, b.nd);
      if (batches[0].length + batches[1].length === 0) {
        const [u, v] = [draw(random, [k]), draw(random, [k])];
        const [row, column] = [
          { shape: [1, k], values: u.nd.values },
          { shape: [k, 1], values: v.nd.values },
        ];
        switch (random.integer(0, 4)) {
          case 0:
            return { got: u.x.dot(v.x), want: { ...product(row, column), shape: [] } };
          case 1:
            return { got: u.x.matmul(b.x), want: { ...product(row, b.nd), shape: [n] } };
          case 2:
            return { got: a.x.matmul(v.x), want: { ...product(a.nd, column), shape: [m] } };
          default:
            return { got: a.x.mm(b.x), want };
        }
      }
      return { got: batches[0].length === 1 && batches[1].length === 1 ? a.x.bmm(b.x) : a.x.matmul(b.x), want };
    },
  },
  {
    name: "outer",
    run(random) {
      const [a, b] = [draw(random, [3]), draw(random, [4])];
      return { got: a.x.outer(b.x), want: build([3, 4], ([i, j]) => at(a.nd, [i!]) * at(b.nd, [j!])) };
    },
  },
  {
    name: "linear",
    run(random) {
      const lead = pick(random, [], [4], [2, 3]);
      const [x, w, b] = [draw(random, [...lead, 5]), draw(random, [3, 5]), draw(random, [3])];
      const bias = random.integer(0, 2) === 1;
      const want = build([...lead, 3], (index) => {
        const o = index.at(-1)!;
        return total(5, (i) => at(x.nd, [...index.slice(0, -1), i]) * at(w.nd, [o, i])) + (bias ? at(b.nd, [o]) : 0);
      });
      return { got: x.x.linear(w.x, bias ? b.x : null), want };
    },
  },
  {
    name: "conv2d",
    run(random) {
      const groups = random.integer(1, 3);
      const [cin, cout] = [random.integer(1, 3) * groups, random.integer(1, 3) * groups];
      const two = (low: number, high: number): [number, number] => [random.integer(low, high), random.integer(low, high)];
      const [k, s, p, d] = [two(1, 4), two(1, 5), two(0, 3), two(1, 3)];
      const [x, w, b] = [draw(random, [2, cin, 7, 6]), draw(random, [cout, cin / groups, ...k]), draw(random, [cout])];
      const out = (n: number, i: 0 | 1): number => Math.floor((n + 2 * p[i] - d[i] * (k[i] - 1) - 1) / s[i]) + 1;
      const want = build([2, cout, out(7, 0), out(6, 1)], ([n, o, y, xx]) => {
        const g = Math.floor(o! / (cout / groups)) * (cin / groups);
        const taps = total((cin / groups) * k[0] * k[1], (t) => {
          const [c, i, j] = [Math.floor(t / (k[0] * k[1])), Math.floor(t / k[1]) % k[0], t % k[1]];
          const [yy, xi] = [y! * s[0] - p[0] + i * d[0], xx! * s[1] - p[1] + j * d[1]];
          if (yy < 0 || yy >= 7 || xi < 0 || xi >= 6) return 0;
          return at(x.nd, [n!, g + c, yy, xi]) * at(w.nd, [o!, c, i, j]);
        });
        return taps + at(b.nd, [o!]);
      });
      return { got: x.x.conv2d(w.x, b.x, { stride: s, padding: p, dilation: d, groups }), want };
    },
  },
  {
    name: "maxPool2d",
    methods: ["maxPool2d", "avgPool2d"],
    run(random) {
      const { x, nd } = draw(random, [2, 2, random.integer(4, 8), random.integer(4, 8)]);
      const win = window(random);
      const options = { stride: win.s, padding: win.p };
      switch (random.integer(0, 4)) {
        case 0:
          return { got: x.maxPool2d(2), want: pooled(nd, { k: [2, 2], s: [2, 2], p: [0, 0] }, (vs) => Math.max(...vs)) };
        case 1:
          return { got: x.maxPool2d(win.k, options), want: pooled(nd, win, (vs) => Math.max(...vs)) };
        case 2:
          return {
            got: x.avgPool2d(win.k, options),
            want: pooled(nd, win, (vs) => vs.reduce((a, b) => a + b, 0) / (win.k[0] * win.k[1])),
          };
        default:
          return {
            got: x.avgPool2d(win.k, { ...options, countIncludePad: false }),
            want: pooled(nd, win, (vs) => vs.reduce((a, b) => a + b, 0) / vs.length),
          };
      }
    },
  },
  {
    name: "gather",
    methods: ["gather", "scatterAdd"],
    run(random) {
      const [x, index, src] = [draw(random, [4, 3]), drawInts(random, [2, 3], 0, 4), draw(random, [2, 3])];
      if (random.integer(0, 2))
        return { got: x.x.gather(-2, index.x.long()), want: build([2, 3], ([i, j]) => at(x.nd, [at(index.nd, [i!, j!]), j!])) };
      const want = build(
        [4, 3],
        ([i, j]) => at(x.nd, [i!, j!]) + total(2, (r) => (at(index.nd, [r, j!]) === i ? at(src.nd, [r, j!]) : 0)),
      );
      return { got: x.x.scatterAdd(0, index.x, src.x), want };
    },
  },
  {
    name: "indexSelect",
    methods: ["indexSelect", "indexAdd"],
    run(random) {
      const [x, index, src] = [draw(random, [3, 4]), drawInts(random, [5], 0, 4), draw(random, [3, 5])];
      if (random.integer(0, 2))
        return { got: x.x.indexSelect(-1, index.x), want: build([3, 5], ([i, j]) => at(x.nd, [i!, at(index.nd, [j!])])) };
      const want = build(
        [3, 4],
        ([i, j]) => at(x.nd, [i!, j!]) + total(5, (k) => (at(index.nd, [k]) === j ? at(src.nd, [i!, k]) : 0)),
      );
      return { got: x.x.indexAdd(1, index.x, src.x), want };
    },
  },
  {
    name: "oneHot",
    run(random) {
      const index = drawInts(random, pick(random, [4], [2, 3], []), 0, 5);
      const input = pick(random, index.x, index.x.long(), index.x.byte());
      return {
        got: input.oneHot(5),
        want: build([...index.nd.shape, 5], (i) => Number(at(index.nd, i.slice(0, -1)) === i.at(-1))),
      };
    },
  },
  {
    name: "randomBits",
    run(random) {
      const generator = random.fork(random.bits());
      const key = Tensor.from(Uint32Array.from(generator.state().key), [2], { public: true });
      const offset = random.integer(0, 3);
      for (let i = 0; i < 4 * offset; i++) generator.bits();
      const got = key.randomBits(Tensor.from(Uint32Array.of(offset), [1], { public: true }), [3, 3]);
      return { got, want: build([3, 3], () => generator.bits()) };
    },
  },
];
