/** @file Cases: movement methods against index arithmetic. */
import type { Random } from "../../src/random.ts";
import { cat, stack } from "../../src/tensor/functions.ts";
import type { Range } from "../../src/tensor/movement.ts";
import type { Case } from "./harness.ts";
import { at, build, draw, type Nd, shapeOf, size } from "./oracle.ts";

const reshaped = (nd: Nd, shape: readonly number[]): Nd => ({ shape, values: nd.values });
const permuted = (nd: Nd, axes: readonly number[]): Nd =>
  build(
    axes.map((a) => nd.shape[a]!),
    (index) =>
      at(
        nd,
        nd.shape.map((_, d) => index[axes.indexOf(d)]!),
      ),
  );
const any = (random: Random, rank = random.integer(1, 5)): ReturnType<typeof draw> => draw(random, shapeOf(random, rank));
/** A dimension, and the same as a user may write it. */
const dimOf = (random: Random, rank: number): [number, number] => {
  const axis = random.integer(0, rank);
  return [axis, random.integer(0, 2) ? axis : axis - rank];
};

/** What Python's slice(start, stop, step) selects of n elements. */
function python(n: number, start: number | null, stop: number | null, step: number): number[] {
  const clip = (i: number): number => Math.max(0, Math.min(n, i < 0 ? i + n : i));
  const out: number[] = [];
  for (let i = start === null ? 0 : clip(start); i < (stop === null ? n : clip(stop)); i += step) out.push(i);
  return out;
}

export const movement: readonly Case[] = [
  {
    name: "reshape",
    methods: ["reshape", "view", "flatten"],
    run(random) {
      const { x, nd } = any(random, 3);
      const [a, b, c] = nd.shape as [number, number, number];
      switch (random.integer(0, 5)) {
        case 0:
          return { got: x.reshape(-1, c), want: reshaped(nd, [a * b, c]) };
        case 1:
          return { got: x.view([1, a * b * c]), want: reshaped(nd, [1, a * b * c]) };
        case 2:
          return { got: x.flatten(1), want: reshaped(nd, [a, b * c]) };
        case 3:
          return { got: x.flatten(-3, -2), want: reshaped(nd, [a * b, c]) };
        default:
          return { got: x.sum().flatten().mul(0), want: { shape: [1], values: [0] } };
      }
    },
  },
  {
    name: "squeeze",
    methods: ["squeeze", "unsqueeze"],
    run(random) {
      const { x, nd } = any(random, 2);
      const [a, b] = nd.shape as [number, number];
      switch (random.integer(0, 3)) {
        case 0:
          return { got: x.unsqueeze(-1).unsqueeze(0), want: reshaped(nd, [1, a, b, 1]) };
        case 1:
          return { got: x.reshape(1, a, 1, b).squeeze(-2), want: reshaped(nd, [1, a, b]) };
        default:
          return {
            got: x.squeeze(),
            want: reshaped(
              nd,
              nd.shape.filter((n) => n !== 1),
            ),
          };
      }
    },
  },
  {
    name: "permute",
    methods: ["permute", "transpose", "T", "mT"],
    run(random) {
      const rank = random.integer(2, 5);
      const { x, nd } = any(random, rank);
      const axes = [...random.permutation(rank)];
      const reversed = axes.map((_, i) => rank - 1 - i);
      const last = axes.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
      switch (random.integer(0, 4)) {
        case 0:
          return { got: x.T, want: permuted(nd, reversed) };
        case 1:
          return { got: x.mT, want: permuted(nd, last) };
        case 2:
          return { got: x.transpose(rank - 1, -2), want: permuted(nd, last) };
        default:
          return { got: x.permute(axes.map((a, i) => (i % 2 ? a : a - rank))), want: permuted(nd, axes) };
      }
    },
  },
  {
    name: "expand",
    methods: ["expand", "expandAs", "broadcastTo"],
    run(random) {
      const n = random.integer(1, 5);
      const { x, nd } = draw(random, [1, n]);
      const want = build([3, 2, n], ([, , k]) => at(nd, [0, k!]));
      switch (random.integer(0, 3)) {
        case 0:
          return { got: x.expand(3, 2, -1), want };
        case 1:
          return { got: x.expandAs(draw(random, [3, 2, n]).x), want };
        default:
          return { got: x.broadcastTo([3, 2, n]), want };
      }
    },
  },
  {
    name: "repeat",
    run(random) {
      const { x, nd } = any(random, 2);
      const [a, b] = nd.shape as [number, number];
      return { got: x.repeat(2, 3, 1), want: build([2, 3 * a, b], ([, i, j]) => at(nd, [i! % a, j! % b])) };
    },
  },
  {
    name: "slice",
    run(random) {
      const { x, nd } = any(random, 3);
      const bound = (): number | null => (random.integer(0, 4) === 0 ? null : random.integer(-6, 7));
      const picks: number[][] = [];
      const ranges: Range[] = nd.shape.map((n) => {
        if (random.integer(0, 4) === 0) {
          const i = random.integer(-n, n);
          picks.push([i < 0 ? i + n : i]);
          return i;
        }
        const [start, stop, step] = [bound(), bound(), random.integer(1, 4)];
        picks.push(python(n, start, stop, step));
        return [start, stop, step];
      });
      const full = build(
        picks.map((p) => p.length),
        (index) =>
          at(
            nd,
            index.map((i, d) => picks[d]![i]!),
          ),
      );
      return {
        got: x.slice(...ranges),
        want: reshaped(
          full,
          full.shape.filter((_, d) => typeof ranges[d] !== "number"),
        ),
      };
    },
  },
  {
    name: "narrow",
    methods: ["narrow", "select", "unbind"],
    run(random) {
      const { x, nd } = any(random, 3);
      const [axis, dim] = dimOf(random, 3);
      const i = random.integer(0, nd.shape[axis]!);
      const want = build(nd.shape.with(axis, 1), (index) => at(nd, index.with(axis, i)));
      const dropped = reshaped(
        want,
        nd.shape.filter((_, d) => d !== axis),
      );
      switch (random.integer(0, 3)) {
        case 0:
          return { got: x.select(dim, i - nd.shape[axis]!), want: dropped };
        case 1:
          return { got: x.unbind(dim)[i]!, want: dropped };
        default:
          return { got: x.narrow(dim, i, 1), want };
      }
    },
  },
  {
    name: "split",
    methods: ["split", "chunk"],
    run(random) {
      const { x, nd } = draw(random, [2, 7]);
      const part = (from: number, n: number): Nd => build([2, n], ([i, j]) => at(nd, [i!, from + j!]));
      switch (random.integer(0, 3)) {
        case 0:
          return { got: x.split(3, -1)[2]!, want: part(6, 1) };
        case 1:
          return { got: x.split([1, 4, 2], 1)[1]!, want: part(1, 4) };
        default:
          return { got: x.chunk(3, 1)[1]!, want: part(3, 3) };
      }
    },
  },
  {
    name: "pad",
    run(random) {
      const { x, nd } = any(random, 3);
      const p = Array.from({ length: 2 * random.integer(1, 4) }, () => random.integer(0, 3));
      const lo = nd.shape.map((_, d) => p[2 * (2 - d)] ?? 0);
      const shape = nd.shape.map((n, d) => n + lo[d]! + (p[2 * (2 - d) + 1] ?? 0));
      const value = [0, 1.5, Number.NEGATIVE_INFINITY][random.integer(0, 2)]!;
      const want = build(shape, (index) => {
        const from = index.map((i, d) => i - lo[d]!);
        return from.every((i, d) => i >= 0 && i < nd.shape[d]!) ? at(nd, from) : value;
      });
      return { got: x.pad(p, value), want };
    },
  },
  {
    name: "flip",
    run(random) {
      const { x, nd } = any(random, 3);
      return {
        got: x.flip(-1, 0),
        want: build(nd.shape, ([i, j, k]) => at(nd, [nd.shape[0]! - 1 - i!, j!, nd.shape[2]! - 1 - k!])),
      };
    },
  },
  {
    name: "tril",
    methods: ["tril", "triu"],
    run(random) {
      const { x, nd } = any(random, 3);
      const k = random.integer(-2, 3);
      if (random.integer(0, 2)) return { got: x.tril(k), want: build(nd.shape, (i) => (i[2]! <= i[1]! + k ? at(nd, i) : 0)) };
      return { got: x.triu(k), want: build(nd.shape, (i) => (i[2]! >= i[1]! + k ? at(nd, i) : 0)) };
    },
  },
  {
    name: "cat and stack",
    methods: [],
    run(random) {
      const [a, b] = [draw(random, [2, 3]), draw(random, [2, random.integer(1, 4)])];
      if (random.integer(0, 2)) {
        const want = build([2, 3 + b.nd.shape[1]!], ([i, j]) => (j! < 3 ? at(a.nd, [i!, j!]) : at(b.nd, [i!, j! - 3])));
        return { got: cat([a.x, b.x], -1), want };
      }
      return { got: stack([a.x, a.x.neg()], -1), want: build([2, 3, 2], ([i, j, k]) => at(a.nd, [i!, j!]) * (1 - 2 * k!)) };
    },
  },
  {
    name: "clone",
    methods: ["clone", "detach"],
    run(random) {
      const { x, nd } = any(random);
      return { got: size(nd.shape) % 2 ? x.clone() : x.mul(1).detach(), want: nd };
    },
  },
];
