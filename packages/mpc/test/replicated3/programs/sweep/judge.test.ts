/** @file What the sweep's judge does not forgive: a wrong result that is seen once, a run that costs something else than was estimated. */
import { ops } from "@tacit/core/program";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCase } from "../ops.ts";
import { Parties } from "../parties.ts";
import { judge, type Runner } from "./judge.ts";
import type { Trial } from "./make.ts";

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.start();
});
afterAll(() => parties.close());

const product = makeCase(
  [
    { shape: [4], values: (i) => i },
    { shape: [4], values: (i) => 2 - i },
  ],
  (x, y) => ops.mul(x!, y!),
);
const trial: Trial = { ...product, bounds: [4, 4] };

type Outcome = Awaited<ReturnType<Runner["compute"]>>;
/** The parties, with the k-th run's outcome changed. */
function changing(change: (run: number, x: Outcome) => Outcome): Runner {
  let run = 0;
  return { options: parties.options, compute: async (...args) => change(run++, await parties.compute(...args)) };
}

test("a Program that runs as estimated, with the clear results, is right", async () => {
  expect(
    await judge(
      trial,
      changing((_, x) => x),
    ),
  ).toEqual({ kind: "right", vague: false });
});

test("a result that is wrong once and right in every run after is wrong, and said to be intermittent", async () => {
  const once = changing((run, x) => (run === 0 ? { ...x, values: [Float32Array.of(0, 1, 0.5, -3)] } : x));
  expect(await judge(trial, once)).toMatchObject({
    kind: "wrong",
    first: { output: 0, element: 2, want: 0, got: 0.5 },
    rightAgain: "5 of 5",
  });
});

test("a run with one round, byte or frame more than estimated is wrong", async () => {
  for (const what of ["rounds", "bytesSent", "framesSent"] as const) {
    const dear = changing((_, x) => ({ ...x, counters: x.counters.map((c) => ({ ...c, [what]: c[what] + 1 })) }));
    expect(await judge(trial, dear)).toMatchObject({ kind: "wrong", cost: expect.stringContaining("estimated") });
  }
});
