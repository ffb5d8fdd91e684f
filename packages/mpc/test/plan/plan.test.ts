/** @file The plan: what a person must approve. */
import { Program } from "@tacit/core/program";
import { describe, expect, it } from "vitest";
import { type PlannedProgram, plan, showPlan } from "../../src/plan/plan.ts";
import { signGrant } from "../../src/session/grant.ts";
import { plain3 } from "../plain3.ts";
import { inAnHour, makeWorld } from "../support.ts";

const matrix = { shape: [100, 4], dtype: "f32" } as const;
const scalar = { shape: [], dtype: "f32" } as const;
const program = new Program(
  [matrix, scalar],
  [
    { op: "mul", attrs: [], args: [0, 1], aval: matrix },
    { op: "neg", attrs: [], args: [2], aval: matrix },
  ],
  [2, 3],
);
const planned = (): PlannedProgram => ({
  program,
  title: "training step",
  inputs: [
    {
      owners: ["data-owner"],
      sources: [
        { kind: "handle", handle: "images" },
        { kind: "result", program: program.id },
      ],
      rows: 100,
    },
    { owners: [], sources: [{ kind: "public", least: 0, most: 0.5, distinct: false }], rows: 1 },
  ],
  disclosures: [{ output: 1, to: "model-owner", why: "mean loss" }],
  runs: 300,
  reveals: 30,
});

describe("a plan", () => {
  it("names Programs, inputs by owner, rows, reveals, counts, cost and missing consent", async () => {
    const { session } = await makeWorld();
    const p = await plan(session, [planned()], { protocols: [plain3] });
    const text = showPlan(p);
    for (const part of [
      program.id,
      session.hex,
      "secret of data-owner; input images or a result of",
      "at least 100 rows",
      "public, 0 to 0.5",
      "output 0  f32[100,4]  stays shared",
      "output 1  f32[100,4]  disclosed to model-owner (mean loss)",
      "at most   300 runs, 30 reveals",
      "2 rounds",
      "missing: data-owner",
      "driver  SHA256:",
    ]) {
      expect(text).toContain(part);
    }
    expect(JSON.parse(JSON.stringify(p))).toEqual(p);
    expect(p.programs[0]!.cost).toEqual(
      await plain3.estimate(program, [{ kind: "secret", owners: ["data-owner"] }, { kind: "public" }], plain3.defaults),
    );
  });

  it("knows whose signature it has, and says what cannot run", async () => {
    const { session, people } = await makeWorld();
    const first = (await plan(session, [planned()], { protocols: [plain3] })).programs[0]!;
    const signed = await signGrant(session.id, first.grant, [people.get("data-owner")!]);
    expect(showPlan(await plan(session, [planned()], { protocols: [plain3], signed: [signed] }))).toContain("consent   complete");
    const sorted = new Program([matrix], [{ op: "argsort", attrs: [0, 0], args: [0], aval: { ...matrix, dtype: "i32" } }], [1]);
    const gap = { ...planned(), program: sorted, inputs: planned().inputs.slice(0, 1), expires: inAnHour() + 1e9 };
    const p = await plan(session, [gap], { protocols: [plain3] });
    expect(showPlan(p)).toContain("plain3 does not sort");
    expect(p.programs[0]!.grant.expires).toBe(session.file.expires);
  });
});
