/** @file Cases: reductions, softmax, sorting. */
import type { Random } from "../../src/random.ts";
import type { Case } from "./harness.ts";
import { along, at, build, draw, fold, map, type Nd, shapeOf } from "./oracle.ts";

const total = (vs: number[]): number => vs.reduce((a, b) => a + b, 0);

interface Choice {
  readonly dim: number | readonly number[] | undefined;
  readonly axes: readonly number[];
  readonly keepdim: boolean;
}
/** Dimensions as a user may write them, and what they mean. */
function choose(random: Random, rank: number): Choice {
  const keepdim = random.integer(0, 2) === 1;
  const kind = random.integer(0, 3);
  if (kind === 0 || rank === 0) return { dim: undefined, axes: Array.from({ length: rank }, (_, i) => i), keepdim };
  const one = random.integer(0, rank);
  if (kind === 1) return { dim: random.integer(0, 2) ? one : one - rank, axes: [one], keepdim };
  const two = (one + 1) % rank;
  return rank === 1 ? { dim: [0], axes: [0], keepdim } : { dim: [two - rank, one], axes: [one, two], keepdim };
}

type Name = "sum" | "prod" | "mean" | "amax" | "amin" | "all" | "any";
function reduction(name: Name, f: (vs: number[]) => number): Case {
  return {
    name,
    run(random) {
      const { x, nd } = draw(random, shapeOf(random, random.integer(0, 5)));
      const { dim, axes, keepdim } = choose(random, nd.shape.length);
      const flags = name === "all" || name === "any";
      const [input, plain] = flags ? [x.gt(1), map(nd, (v) => Number(v > 1))] : [x, nd];
      return { got: input[name](dim, { keepdim }), want: fold(plain, axes, keepdim, f) };
    },
  };
}
const variance =
  (correction: number) =>
  (vs: number[]): number => {
    const mean = total(vs) / vs.length;
    return total(vs.map((v) => (v - mean) ** 2)) / (vs.length - correction);
  };
const argBest = (vs: number[], better: (a: number, b: number) => boolean): number =>
  vs.reduce((k, v, i) => (better(v, vs[k]!) ? i : k), 0);
const greater = (a: number, b: number): boolean => a > b;
const less = (a: number, b: number): boolean => a < b;
const exps = (line: number[]): number[] => line.map((v) => Math.exp(v - Math.max(...line)));

/** One axis of a tensor of rank 1 to 3, and the same written from the end. */
function lineCase(random: Random): { x: ReturnType<typeof draw>["x"]; nd: Nd; axis: number; dim: number } {
  const { x, nd } = draw(random, shapeOf(random, random.integer(1, 4)));
  const axis = random.integer(0, nd.shape.length);
  return { x, nd, axis, dim: random.integer(0, 2) ? axis : axis - nd.shape.length };
}
const order = (line: number[], descending: boolean): number[] =>
  line.map((_, i) => i).sort((a, b) => (descending ? line[b]! - line[a]! : line[a]! - line[b]!) || a - b);

export const reductions: readonly Case[] = [
  reduction("sum", total),
  reduction("prod", (vs) => vs.reduce((a, b) => a * b, 1)),
  reduction("mean", (vs) => total(vs) / vs.length),
  reduction("amax", (vs) => Math.max(...vs)),
  reduction("amin", (vs) => Math.min(...vs)),
  reduction("all", (vs) => Number(vs.every((v) => v !== 0))),
  reduction("any", (vs) => Number(vs.some((v) => v !== 0))),
  {
    name: "var",
    methods: ["var", "std"],
    run(random) {
      const { x, nd } = draw(
        random,
        shapeOf(random, 3).map((n) => n + 1),
      );
      const { dim, axes, keepdim } = choose(random, 3);
      const correction = random.integer(0, 2);
      if (correction === 1)
        return { got: x.std(dim, { keepdim }), want: fold(nd, axes, keepdim, (vs) => Math.sqrt(variance(1)(vs))) };
      return { got: x.var(dim, { keepdim, correction }), want: fold(nd, axes, keepdim, variance(correction)) };
    },
  },
  {
    name: "norm",
    run(random) {
      const { x, nd } = draw(random, shapeOf(random, 2));
      const { dim, axes, keepdim } = choose(random, 2);
      const p = [1, 2, 3, Number.POSITIVE_INFINITY][random.integer(0, 4)]!;
      const norm = (vs: number[]): number =>
        p === Number.POSITIVE_INFINITY ? Math.max(...vs.map(Math.abs)) : total(vs.map((v) => Math.abs(v) ** p)) ** (1 / p);
      return { got: x.norm(p, dim, { keepdim }), want: fold(nd, axes, keepdim, norm) };
    },
  },
  {
    name: "argmax",
    methods: ["argmax", "argmin"],
    run(random) {
      const { x, nd, axis, dim } = lineCase(random);
      const keepdim = random.integer(0, 2) === 1;
      if (random.integer(0, 3) === 0) {
        const all = nd.shape.map((_, i) => i);
        return { got: x.argmax(undefined, { keepdim }), want: fold(nd, all, keepdim, (vs) => argBest(vs, greater)) };
      }
      if (keepdim) return { got: x.argmin(dim, { keepdim }), want: fold(nd, [axis], true, (vs) => argBest(vs, less)) };
      return { got: x.argmax(dim), want: fold(nd, [axis], false, (vs) => argBest(vs, greater)) };
    },
  },
  {
    name: "max",
    methods: ["max", "min"],
    run(random) {
      const { x, nd, axis, dim } = lineCase(random);
      switch (random.integer(0, 5)) {
        case 0:
          return {
            got: x.max(),
            want: fold(
              nd,
              nd.shape.map((_, i) => i),
              false,
              (vs) => Math.max(...vs),
            ),
          };
        case 1:
          return { got: x.min(x.neg()), want: map(nd, (v) => Math.min(v, -v)) };
        case 2:
          return { got: x.min(dim, { keepdim: true }).values, want: fold(nd, [axis], true, (vs) => Math.min(...vs)) };
        case 3:
          return { got: x.min(dim).indices, want: fold(nd, [axis], false, (vs) => argBest(vs, less)) };
        default:
          return { got: x.max(dim).values, want: fold(nd, [axis], false, (vs) => Math.max(...vs)) };
      }
    },
  },
  {
    name: "cumsum",
    run(random) {
      const { x, nd, axis, dim } = lineCase(random);
      return { got: x.cumsum(dim), want: along(nd, axis, (line) => line.map((_, i) => total(line.slice(0, i + 1)))) };
    },
  },
  {
    name: "softmax",
    methods: ["softmax", "logSoftmax"],
    run(random) {
      const { x, nd, axis, dim } = lineCase(random);
      if (random.integer(0, 2))
        return { got: x.softmax(dim), want: along(nd, axis, (line) => exps(line).map((e) => e / total(exps(line)))) };
      return { got: x.logSoftmax(dim), want: along(nd, axis, (line) => exps(line).map((e) => Math.log(e / total(exps(line))))) };
    },
  },
  {
    name: "logsumexp",
    run(random) {
      const { x, nd, axis, dim } = lineCase(random);
      const keepdim = random.integer(0, 2) === 1;
      const big = map(nd, (v) => v * 100);
      return {
        got: x.mul(100).logsumexp(dim, { keepdim }),
        want: fold(big, [axis], keepdim, (vs) => Math.max(...vs) + Math.log(total(exps(vs)))),
      };
    },
  },
  {
    name: "softmaxCrossEntropy",
    run(random) {
      const [n, c] = [random.integer(1, 5), random.integer(2, 6)];
      const [logits, target] = [draw(random, [n, c]), draw(random, [n, c], 0, 1)];
      const want = build([n], ([i]) => {
        const line = Array.from({ length: c }, (_, j) => at(logits.nd, [i!, j]));
        const log = Math.max(...line) + Math.log(total(exps(line)));
        return total(line.map((v, j) => at(target.nd, [i!, j]) * (log - v)));
      });
      return { got: logits.x.softmaxCrossEntropy(target.x), want };
    },
  },
  {
    name: "sort",
    methods: ["sort", "argsort", "topk"],
    run(random) {
      const { x, nd, axis, dim } = lineCase(random);
      const coarse = map(nd, Math.round);
      const input = x.round();
      const descending = random.integer(0, 2) === 1;
      switch (random.integer(0, 4)) {
        case 0:
          return { got: input.argsort(dim, { descending }), want: along(coarse, axis, (line) => order(line, descending)) };
        case 1:
          return { got: input.sort(dim, { descending }).indices, want: along(coarse, axis, (line) => order(line, descending)) };
        case 2: {
          const sorted = along(nd, axis, (line) => order(line, true).map((i) => line[i]!));
          return { got: x.topk(1, dim).values, want: fold(sorted, [axis], true, (vs) => vs[0]!) };
        }
        default:
          return {
            got: x.sort(dim, { descending }).values,
            want: along(nd, axis, (line) => order(line, descending).map((i) => line[i]!)),
          };
      }
    },
  },
];
