/** @file What a run costs follows from the Program: a public factor may be 0, 1 or negative, and the estimate, which knows no value, is exact. */
import { ops } from "@tacit/core/program";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { replicated3 } from "../../../src/protocols/replicated3/index.ts";
import { type Case, expectClose, known, makeCase, secret } from "./ops.ts";
import { OPTIONS, Parties } from "./parties.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

type Build = Parameters<typeof makeCase>[1];
const turned: Build = (x, y, c) => ops.permute(ops.mul(ops.sub(ops.mul(x!, y!), ops.mul(y!, y!)), c!), [1, 0]);
/** Terms of one factor with integers of both signs before it or behind it. */
const PROGRAMS: readonly (readonly [name: string, rounds: number, build: Build])[] = [
  ["permute((x y - y y) c)", 2, turned],
  ["relu(permute((x y - y y) c))", 8, (...args) => ops.relu(turned(...args) as never)],
  ["relu(permute(x c - y c))", 8, (x, y, c) => ops.relu(ops.permute(ops.sub(ops.mul(x!, c!), ops.mul(y!, c!)), [1, 0]))],
  [
    "permute(2 (x y) c + (y y) c)",
    2,
    (x, y, c) => {
      const p = ops.mul(x!, y!);
      return ops.permute(ops.add(ops.mul(ops.mul(p, ops.lit(p, 2)), c!), ops.mul(ops.mul(y!, y!), c!)), [1, 0]);
    },
  ],
  [
    "permute(sum(-(x c) - y c, 0))",
    4,
    (x, y, c) => ops.permute(ops.sum(ops.sub(ops.neg(ops.mul(x!, c!)), ops.mul(y!, c!)), [0], true), [1, 0]),
  ],
];

const caseOf = (build: Build, c: number): Case =>
  makeCase([secret([2, 3]), secret([2, 3]), known([], () => c)], (x, y, c) => build(x!, y!, c!));

describe.each(PROGRAMS)("%s", (_name, rounds, build) => {
  test.each([0, 0.3, -2, 1])("costs what the estimate says where c is %f", async (c) => {
    const made = caseOf(build, c);
    expect((await replicated3.estimate(made.program, made.bindings, OPTIONS)).rounds).toBe(rounds);
    // A factor that waits has 14 fraction bits at least: 0.3 is off by 0.2 * 2^-14, beside values of up to 3 * 4 * 4.
    await expectClose(parties, made, 2 ** -10, 2 ** -12);
  });
});
