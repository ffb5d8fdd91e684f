/** @file Every rule of rows against values, on random shapes and attributes; and wrong rules, each of which that must find out. */
import { OPS } from "@tacit/core/program";
import { describe, expect, it } from "vitest";
import { SHARED_OPS } from "../../../src/protocols/replicated3/lower/ops.ts";
import { meet, type Place, type Rule, type Site } from "../../../src/release/rows/domain.ts";
import { RULES } from "../../../src/release/rows/index.ts";
import { MAKERS } from "./makers.ts";
import { tryRule } from "./trials.ts";

/** Trials that must hold for each op, each with every row drawn anew. */
const HELD = process.env.TACIT_LONG ? 2000 : 100;

/** Ops whose arguments can hold rows together: all of several arguments, but a selection by row numbers of persons. */
const TOGETHER: ReadonlySet<string> = new Set([...RULES.keys()].filter((op) => OPS.get(op)!.arity !== 1 && op !== "indexSelect"));

describe("rules of rows", () => {
  it("are there for every op that runs on shares, but for the two that leave the rows; each is tried", () => {
    const ruled = [...RULES.keys()].sort();
    expect(ruled).toEqual([...SHARED_OPS].filter((op) => op !== "clippedSum" && op !== "partyNoise").sort());
    expect([...MAKERS.keys()].sort()).toEqual(ruled);
  });

  it.each([...RULES.keys()])("%s: data of one row change what is said to be that row's, and nothing else", (op) => {
    const together = TOGETHER.has(op) ? HELD / 5 : 0;
    const found = tryRule(op, RULES.get(op)!, { held: HELD, together, most: 1000 * HELD });
    expect(found.wrong).toBeUndefined();
    expect(found.held).toBeGreaterThanOrEqual(HELD);
    expect(found.together).toBeGreaterThanOrEqual(together);
  });
});

const whole = (place: Place): Place => place;
/** Where a rule looks at argument `i` alone, as if all others agreed. */
const only =
  (op: string, i: number): Rule =>
  (s) =>
    s.args[i] === undefined ? RULES.get(op)!(s) : RULES.get(op)!({ ...s, args: s.args.map((a, k) => (k === i ? a : undefined)) });

/** Channels of x and of the result in a group. */
const perGroup = (s: Site, channels: number, out: number): [number, number] => [
  channels / s.node.attrs[6]!,
  out / s.node.attrs[6]!,
];

/** Wrong rules: op, what is wrong, rule. */
const MUTANTS: readonly (readonly [string, string, Rule])[] = [
  ["add", "counts axes from the left", (s) => meet(s, whole)],
  ["add", "looks at the first argument alone", only("add", 0)],
  ["where", "looks at the condition alone", only("where", 0)],
  ["expand", "counts axes from the left", (s) => meet(s, whole)],
  ["reshape", "keeps the axis", (s) => meet(s, whole)],
  ["permute", "keeps the axis", (s) => meet(s, whole)],
  ["permute", "keeps the places", (s) => s.args[0]],
  ["permute", "moves the axis the other way", (s) => meet(s, ({ axis, inner }) => ({ axis: s.node.attrs[axis]!, inner }))],
  ["slice", "starts anywhere", (s) => meet(s, whole)],
  [
    "slice",
    "starts at a multiple of inner alone",
    (s) =>
      meet(s, (p) =>
        s.node.attrs[p.axis]! % p.inner === 0 && s.node.attrs.at(p.axis - s.shapes[0]!.length) === 1 ? p : undefined,
      ),
  ],
  ["slice", "steps", (s) => meet(s, (p) => (s.node.attrs[p.axis] === 0 ? p : undefined))],
  ["pad", "starts anywhere", (s) => meet(s, whole)],
  ["pad", "has gaps", (s) => meet(s, (p) => (s.node.attrs[p.axis] === 0 ? p : undefined))],
  ["cat", "is along any axis", (s) => meet(s, whole)],
  ["flip", "turns rows", (s) => meet(s, whole)],
  ["sum", "keeps the axis", (s) => meet(s, (p) => (s.node.attrs.includes(p.axis, 1) ? undefined : p))],
  ["sum", "is over rows", (s) => meet(s, whole)],
  [
    "amax",
    "never keeps an axis of size 1",
    (s) => RULES.get("amax")!({ ...s, node: { ...s.node, attrs: [0, ...s.node.attrs.slice(1)] } }),
  ],
  ["argmax", "keeps the axis", (s) => meet(s, (p) => (p.axis === s.node.attrs[0] ? undefined : p))],
  ...["softmax", "cumsum", "sort", "argsort"].map((op) => [op, "is along rows", ((s) => meet(s, whole)) as Rule] as const),
  ["softmaxCrossEntropy", "has rows as classes", (s) => meet(s, (p) => ({ axis: 0, inner: p.inner }))],
  ["softmaxCrossEntropyGrad", "has rows as classes", (s) => meet(s, whole)],
  [
    "matmul",
    "has rows in the contraction",
    (s) => meet(s, (p, i) => ({ axis: s.node.aval.shape.length - 2 + i, inner: p.inner })),
  ],
  ["matmul", "does not see transposed arguments", (s) => RULES.get("matmul")!({ ...s, node: { ...s.node, attrs: [0, 0] } })],
  ["matmul", "looks at the first argument alone", only("matmul", 0)],
  [
    "conv2d",
    "has groups that straddle rows",
    (s) => {
      const [c, o] = perGroup(s, s.shapes[0]![1]!, s.shapes[1]![0]!);
      return meet(s, (p, i) =>
        i === 1 ? { axis: 1, inner: p.inner } : { axis: 1, inner: Math.max(1, Math.round(p.inner / c)) * o },
      );
    },
  ],
  ["conv2d", "has rows at channels that all groups read", (s) => meet(s, (p, i) => (i === 0 ? p : undefined))],
  ["conv2d", "has rows along the height", (s) => meet(s, (p, i) => (i === 0 && p.axis !== 1 ? p : undefined))],
  [
    "conv2d",
    "has rows at channels of filters",
    (s) => meet(s, (p, i) => (i === 1 && p.axis < 2 ? { axis: 1, inner: p.inner } : undefined)),
  ],
  ["conv2d", "looks at the image alone", only("conv2d", 0)],
  ["conv2d", "looks at the filters alone", only("conv2d", 1)],
  [
    "conv2dGradInput",
    "has filters of several rows in a group",
    (s) => {
      const [c, o] = perGroup(s, s.node.aval.shape[1]!, s.shapes[1]![0]!);
      return meet(s, (p, i) =>
        i === 1 && p.axis === 0 ? { axis: 1, inner: Math.max(1, Math.round(p.inner / o)) * c } : undefined,
      );
    },
  ],
  [
    "conv2dGradInput",
    "has filters as channels of the result",
    (s) => meet(s, (p, i) => (i === 1 && p.axis === 0 ? { axis: 1, inner: p.inner } : undefined)),
  ],
  ["conv2dGradInput", "looks at the gradient alone", only("conv2dGradInput", 0)],
  ["conv2dGradWeight", "has images as rows", (s) => meet(s, (p) => (p.axis === 0 ? p : undefined))],
  [
    "conv2dGradWeight",
    "has groups that straddle rows",
    (s) => {
      const [c, o] = perGroup(s, s.shapes[0]![1]!, s.node.aval.shape[0]!);
      return meet(s, (p, i) =>
        i === 0 && p.axis === 1 ? { axis: 0, inner: Math.max(1, Math.round(p.inner / c)) * o } : undefined,
      );
    },
  ],
  ["conv2dGradWeight", "looks at the gradient alone", only("conv2dGradWeight", 1)],
  ["maxPool2d", "is over rows", (s) => meet(s, whole)],
  ["avgPool2d", "is over rows", (s) => meet(s, whole)],
  ["maxPool2dGrad", "looks at the gradient alone", only("maxPool2dGrad", 0)],
  ["avgPool2dGrad", "is over rows", (s) => meet(s, whole)],
  ["gather", "is across rows", (s) => meet(s, whole)],
  ["gather", "looks at the index alone", only("gather", 1)],
  ["scatter", "is across rows", (s) => meet(s, whole)],
  ["scatterAdd", "looks at the base alone", only("scatterAdd", 0)],
  ["indexSelect", "is across rows", (s) => meet(s, (p, i) => (i === 0 ? p : undefined))],
  [
    "indexSelect",
    "selects rows by their order",
    (s) => {
      const answer = RULES.get("indexSelect")!(s);
      return answer && { ...answer, chosen: -1 };
    },
  ],
  ["indexSelect", "selects rows twice", (s) => RULES.get("indexSelect")!({ ...s, distinct: () => true })],
  [
    "indexAdd",
    "has rows in the index",
    (s) => meet(s, (p, i) => (i === 1 ? { axis: s.node.attrs[0]!, inner: p.inner } : undefined)),
  ],
  ["indexAdd", "adds across rows", (s) => meet(s, (p, i) => (i === 1 ? undefined : p))],
  ["oneHot", "keeps the places", (s) => s.args[0]],
];

describe("a wrong rule is found out", () => {
  it.each(MUTANTS)("%s that %s", (op, _what, rule) => {
    expect(tryRule(op, rule, { held: 10_000, most: 20_000 }).wrong).toMatch(/data of row|not whole/);
  });
});
