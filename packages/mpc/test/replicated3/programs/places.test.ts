/** @file What random Programs found: values that leave the place beside a public factor are warned of, and those that keep to it are right. */
import { type Expr, ops } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { expectClose, type Input, known, makeCase, secret } from "./ops.ts";
import { OPTIONS, Parties } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

type Build = (...args: Expr[]) => Expr | Expr[];
const lit = (x: Expr | undefined, v: number): Expr => ops.lit(x!, v);
const at = (v: number) => (): number => v;

function warned(inputs: readonly Input[], build: Build, bounds: readonly number[]): string {
  const c = makeCase(inputs, build);
  return replicated3
    .ranges(c.program, c.bindings, bounds, OPTIONS)
    .map((w) => w.message)
    .join("; ");
}

/** Inputs at their bounds, quiet and right; and bounds that are warned of. */
interface Found {
  readonly inputs: readonly Input[];
  readonly build: Build;
  readonly quiet: readonly number[];
  readonly loud: readonly number[];
  readonly message: RegExp;
}
const FACTOR = /waits for a public factor/;

const FOUND: Readonly<Record<string, Found>> = {
  "a matrix product of what waits for a factor": {
    inputs: [secret([2, 6, 9])],
    build: (x) => ops.matmul(ops.mul(x!, lit(x, 156.8)), x!, true, false),
    quiet: [2 ** 6],
    loud: [2 ** 8],
    message: FACTOR,
  },
  "the square of what waits for a factor while it is moved": {
    inputs: [known([]), secret([4, 8])],
    build: (c, x) => {
      const y = ops.permute(ops.mul(c!, x!), [1, 0]);
      return ops.mul(y, y);
    },
    quiet: [2 ** -7, 2 ** 7.9],
    loud: [2 ** -7, 2 ** 8],
    message: FACTOR,
  },
  "the square of a large sum beside a mean": {
    inputs: [secret([2504])],
    build: (x) => {
      const [mean, sum] = [ops.div(ops.sum(x!, [0]), lit(x, 2504)), ops.sum(x!, [0])];
      return ops.add(mean, ops.add(sum, ops.mul(sum, sum)));
    },
    quiet: [2 ** -4],
    loud: [2],
    message: /a product of 2\^24.6 is added to a value that waits/,
  },
  "a product times an integer": {
    inputs: [secret([5]), secret([5])],
    build: (x, y) => ops.div(ops.mul(x!, y!), lit(x, 2 ** -13)),
    quiet: [2 ** 8, 2 ** 8.9],
    loud: [2 ** 8, 2 ** 9],
    message: /a sum of products can reach 2\^30/,
  },
  "averages whose padding does not count, but whose windows are alike": {
    inputs: [secret([1, 1, 2, 2])],
    build: (x) => {
      const y = ops.avgPool2d(x!, [2, 1, 2, 1, 1, 0, 0]);
      return ops.matmul(y, y, false, true);
    },
    quiet: [2 ** 6],
    loud: [2 ** 10],
    message: FACTOR,
  },
  "a cross-entropy of a large target, times a rate": {
    inputs: [secret([3, 6]), secret([3, 6]), known([])],
    build: (z, t, c) => ops.mul(ops.softmaxCrossEntropy(z!, t!), c!),
    quiet: [4, 8, 2 ** -5],
    loud: [64, 8, 2 ** -5],
    message: FACTOR,
  },
  "a gradient of a cross-entropy of a large target, times a rate": {
    inputs: [secret([3, 6]), secret([3, 6]), known([])],
    build: (z, t, c) => ops.softmaxCrossEntropyGrad(z!, t!, ops.expand(c!, [3])),
    quiet: [4, 2 ** 11, 2 ** -5],
    loud: [4, 2 ** 13, 2 ** -5],
    message: FACTOR,
  },
};

describe("right below, warned of above", () => {
  test.each(Object.entries(FOUND))("%s", async (_name, { inputs, build, quiet, loud, message }) => {
    expect(warned(inputs, build, quiet)).toBe("");
    expect(warned(inputs, build, loud)).toMatch(message);
    const edge = inputs.map((x, i): Input => ({ ...x, values: at(quiet[i]!) }));
    await expectClose(parties, makeCase(edge, build), 2 ** -9, 2 ** -11);
  });
});

describe("terms grow with what is added up", () => {
  const four = [0, 1, 2, 3].map(() => secret([4, 4], at(255)));
  test("several products with one factor, moved, with another factor", async () => {
    const c = makeCase(four, (...xs) => {
      const factor = lit(xs[0], 0.7);
      const scaled = xs.map((x) => ops.mul(ops.mul(x, x), factor));
      const y = ops.permute(
        scaled.reduce((a, b) => ops.add(a, b)),
        [1, 0],
      );
      return ops.mul(y, lit(y, 1.1));
    });
    await expectClose(parties, c, 2 ** -9, 2 ** -12);
  });
  test("averages of integer multiples, and of places", async () => {
    const c = makeCase([secret([1, 1, 4, 4], at(127)), secret([29, 4], (i) => i)], (x, y) => [
      ops.avgPool2d(ops.mul(x!, lit(x, 128)), [4, 4, 1, 1, 0, 0, 1]),
      ops.avgPool2d(ops.reshape(ops.cast(ops.argmax(y!, 0, true), "f32"), [1, 1, 2, 2]), [2, 2, 1, 1, 0, 0, 1]),
    ]);
    await expectClose(parties, c, 2 ** -9, 2 ** -13);
  });
  test("gradients through windows that overlap, with a factor each", async () => {
    const attrs = [3, 3, 1, 1, 1, 1];
    const c = makeCase([secret([1, 1, 5, 5], at(16_000)), secret([1, 1, 5, 5], (i) => (i === 12 ? 9 : 0))], (g, x) => {
      const waits = ops.mul(g!, lit(g, 0.9));
      return [
        ops.mul(ops.maxPool2dGrad(waits, x!, ops.maxPool2d(x!, attrs), attrs), lit(g, 1.3)),
        ops.mul(ops.avgPool2dGrad(waits, [3, 3, 1, 1, 1, 1, 1, 5, 5]), lit(g, 1.3)),
      ];
    });
    await expectClose(parties, c, 2 ** -6, 2 ** -12);
  });
  test("a sum over axes that lie apart, of several products with one factor", async () => {
    const c = makeCase(
      [0, 1].map(() => secret([3, 4, 5], at(250))),
      (x, y) => {
        const factor = lit(x, 0.7);
        const both = [x!, y!].map((v) => ops.mul(ops.mul(v, v), factor)) as [Expr, Expr];
        const sum = ops.sum(ops.add(...both), [0, 2]);
        return ops.mul(sum, lit(sum, 1.3));
      },
    );
    await expectClose(parties, c, 2 ** -6, 2 ** -11);
  });
  test("a cross-entropy's gradient by secret rates, times a rate", async () => {
    const c = makeCase([secret([3, 4]), secret([3, 4], at(40)), secret([3], at(400))], (z, t, g) => {
      const y = ops.softmaxCrossEntropyGrad(z!, t!, g!);
      return ops.mul(y, lit(y, 1.9));
    });
    await expectClose(parties, c, 1, 2 ** -10);
  });
});

describe("factors that only a run knows keep their bits beside larger ones", () => {
  const terms = [1, 1, 250, 250].map((v) => secret([3], at(v)));
  test.each([0.3, 0.0214, 1.34e-3, 8.4e-5])("a product beside a product times a rate of %f", async (rate) => {
    const c = makeCase([...terms, known([], at(rate)), known([], at(0.7))], (x, y, z, w, c1, c2) => {
      const [small, large] = [ops.mul(x!, y!), ops.mul(ops.mul(z!, w!), c1!)];
      return [
        ops.add(small, large),
        ops.add(ops.mul(x!, y!), ops.sub(ops.mul(ops.mul(x!, y!), c2!), ops.mul(ops.mul(z!, w!), c1!))),
        // A common rate: one scale does.
        ops.add(ops.mul(ops.mul(ops.mul(x!, y!), lit(x, 0.9)), c1!), ops.mul(ops.mul(z!, w!), c1!)),
      ];
    });
    await expectClose(parties, c, 2 ** -13, 2 ** -13);
  });
});

test("a constant above 1 is applied before a product that is moved loses its bits", async () => {
  const c = makeCase([secret([64], (i) => (i - 32) / 2048)], (x) => {
    const y = ops.mul(x!, lit(x, -60.384));
    return [ops.slice(ops.mul(y, y), [1], [64]), ops.permute(ops.mul(ops.reshape(ops.mul(y, x!), [8, 8]), lit(x, 64)), [1, 0])];
  });
  await expectClose(parties, c, 2 ** -9);
});
