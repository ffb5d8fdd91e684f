/** @file What is signed by itself for owners whose keys are here, and what is not where one of them demands noise. */
import { Expr, ops, trace } from "@tacit/core/program";
import { describe, expect, it } from "vitest";
import { Approver } from "../../src/driver/approver.ts";
import type { BoundRun } from "../../src/session/consent.ts";
import { type Grant, signGrant } from "../../src/session/grant.ts";
import type { MechanismTerms } from "../../src/session/mechanism.ts";
import { errorOf, inAnHour, makeWorld } from "../support.ts";

const TERMS: MechanismTerms = {
  kind: "distributed-discrete-gaussian",
  neighbours: "add-remove",
  rows: [0],
  epsilon: 3,
  delta: 1e-5,
};
const rows = Expr.placeholder({ shape: [6, 2], dtype: "f32" });
const sums = trace([ops.partyNoise(ops.clippedSum(rows, [1, 0]), [4, 0]), ops.sum(rows, [0])], [rows]).program;
const grantOf = (disclosures: Grant["disclosures"]): Grant => ({
  program: sums.id,
  inputs: [{ owners: ["data-owner"], sources: [{ kind: "handle", handle: "data-owner/x" }], rows: 6 }],
  disclosures,
  runs: 5,
  reveals: 5,
  expires: inAnHour(),
});
const runOn = (program: string, source: BoundRun["inputs"][number]["source"], owner = "data-owner"): BoundRun => ({
  program,
  inputs: [{ owners: [owner], source, rows: 6 }],
});
const given = (handle: string): BoundRun["inputs"][number]["source"] => ({ kind: "handle", handle });
const SUM = { output: 0, to: "driver", why: "sum" } as const;

async function approverWith(...known: readonly Grant[]): Promise<Approver> {
  const { session, people } = await makeWorld({ protocol: "replicated3" });
  const owner = people.get("data-owner")!;
  const approver = new Approver(session, people);
  for (const g of known) await approver.learn(await signGrant(session.id, g, [owner]), session.id);
  return approver;
}

describe("an approver that knows of a demand for noise", () => {
  it("signs nothing without it: not for another reason or output, not for another program on the same rows or on results", async () => {
    const approver = await approverWith(grantOf([{ ...SUM, mechanism: TERMS }]));
    const run = runOn(sums.id, given("data-owner/x"));
    const other = "0".repeat(64);
    expect(await approver.forReveal(run, SUM)).toBeUndefined();
    for (const [r, wish] of [
      [run, { ...SUM, why: "Sum" }],
      [run, { ...SUM, output: 1 }],
      [run, { ...SUM, to: "model-owner" }],
      [runOn(other, given("data-owner/x")), SUM],
      [runOn(other, { kind: "result", program: sums.id }), SUM],
      [runOn("", given("data-owner/x")), SUM],
    ] as const) {
      const error = await errorOf(() => approver.forReveal(r, wish));
      expect(error).toMatchObject({ code: "POLICY_REFUSED" });
      expect(error.message).toMatch(/demands, noise and a budget/);
    }
  });

  it("signs for other data, and leaves to the parties what another grant lets out", async () => {
    const plain = { output: 1, to: "driver", why: "sum" };
    const approver = await approverWith(grantOf([{ ...SUM, mechanism: TERMS }, plain]));
    expect(await approver.forReveal(runOn(sums.id, given("data-owner/x")), plain)).toBeUndefined();
    const other = await approver.forReveal(runOn("0".repeat(64), given("data-owner/public-statistics")), SUM);
    expect(other?.grant.disclosures).toEqual([SUM]);
    const theirs = await approver.forReveal(runOn("0".repeat(64), { kind: "result", program: "" }, "model-owner"), SUM);
    expect(theirs?.grant.disclosures).toEqual([SUM]);
  });
});
