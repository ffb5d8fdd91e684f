/** @file What a party works out of a grant that demands noise: for whom an output is noised, and each Program's analysis once. */
import { Expr, ops, type Program, trace } from "@tacit/core/program";
import { describe, expect, it } from "vitest";
import { manifestBytes, readManifest } from "../../src/party/checkpoints/manifest.ts";
import { Mechanisms } from "../../src/party/mechanisms.ts";
import { inputOf, type Stored } from "../../src/party/store.ts";
import type { ShareValue } from "../../src/protocols/protocol.ts";
import type { BoundRun } from "../../src/session/consent.ts";
import type { Grant } from "../../src/session/grant.ts";
import type { MechanismTerms } from "../../src/session/mechanism.ts";
import { codeOf } from "../support.ts";

const ROWS = { shape: [5, 2], dtype: "f32" } as const;
const WEIGHTS = { shape: [2], dtype: "f32" } as const;
const rows = (): Expr => Expr.placeholder(ROWS);
const noised = (x: Expr, deviation = 4): Expr => ops.partyNoise(ops.clippedSum(x, [1, 0]), [deviation, 0]);
const demand = (input: number): MechanismTerms => ({
  kind: "distributed-discrete-gaussian",
  neighbours: "add-remove",
  rows: [input],
  epsilon: 1e6,
  delta: 1e-5,
});
const share: ShareValue = { aval: ROWS, bytes: 0 };
const given = (owner: string, name: string, aval: Stored["aval"] = ROWS): Stored =>
  inputOf(`${owner}/${name}`, aval, share, owner);

/** A grant for `program` on `inputs` that demands `terms` of these outputs. */
const grantOf = (program: Program, inputs: readonly Stored[], demands: readonly [number, MechanismTerms][]): Grant => ({
  program: program.id,
  inputs: inputs.map((s) => ({ owners: s.owners, sources: [s.source], rows: 1 })),
  disclosures: demands.map(([output, mechanism]) => ({ output, to: "driver", why: "sum", mechanism })),
  runs: 1e9,
  reveals: 1e9,
  expires: 9e9,
});

describe("what a counted run releases", () => {
  const [a, b] = [rows(), rows()];
  // Noised for both, for the first alone, for the second alone, for nobody.
  const outputs = [ops.add(noised(a), noised(b)), ops.add(noised(a), ops.sum(b, [0])), ops.add(ops.sum(a, [0]), noised(b))];
  const { program } = trace([...outputs, ops.add(ops.sum(a, [0]), ops.sum(b, [0]))], [a, b]);
  const inputs = [given("anna", "x"), given("ben", "x")];
  const released = (demands: readonly [number, MechanismTerms][]): string[][] =>
    new Mechanisms(16).released(grantOf(program, inputs, demands), program, inputs);

  it("is each output for those whose data it holds through noise alone", () => {
    const both: [number, MechanismTerms][] = [
      [0, demand(0)],
      [0, demand(1)],
    ];
    expect(released(both)).toEqual([["anna", "ben"], ["anna"], ["ben"], []]);
    expect(released([[0, demand(1)]])).toEqual([["ben"], [], ["ben"], []]);
  });

  it("stands in what parties compare of a checkpoint, and is refused where it cannot be of that run", async () => {
    const of = (who: readonly (readonly string[])[], grant = "9d".repeat(32)): Uint8Array => {
      const bound = inputs.map(({ owners, source }) => ({ owners, source, rows: 5 }));
      const run: BoundRun = { program: program.id, inputs: bound, counted: { grant, released: who } };
      const source = { kind: "result", program: program.id } as const;
      const made = { run: 0, output: 1 };
      const value = { handle: "w", aval: WEIGHTS, owners: ["anna", "ben"], source, made, secret: true, bytes: 32, file: null };
      const head = { checkpoint: 1, step: 1, program: program.id, note: new Uint8Array(0), labels: [] };
      return manifestBytes({ ...head, runs: [run], values: [value] }, false);
    };
    const whole = of([["anna", "ben"], ["anna"]]);
    expect(readManifest(whole).runs[0]?.counted?.released).toEqual([["anna", "ben"], ["anna"]]);
    expect(of([["anna", "ben"], []])).not.toEqual(whole);
    const wrong = [of([[], ["carl"]]), of([[], ["ben", "anna"]]), of([[], ["ben", "ben"]]), of([["anna"]]), of([[], []], "9d")];
    for (const bytes of wrong) expect(await codeOf(() => readManifest(bytes))).toBe("CHECKPOINT_INVALID");
  });
});

/** A Program that counts how often somebody looks at its nodes. */
function watched(program: Program): { readonly program: Program; looks(): number } {
  let looks = 0;
  const get = (of: Program, key: string): unknown => {
    if (key === "nodes") looks++;
    return Reflect.get(of, key, of);
  };
  return { program: new Proxy(program, { get: get as ProxyHandler<Program>["get"] & object }), looks: () => looks };
}

describe("a Program that runs again and again", () => {
  it("is analysed once, however many of its outputs are demanded noised and however many noised weights go in", () => {
    const weights = Array.from({ length: 50 }, () => Expr.placeholder(WEIGHTS));
    const x = rows();
    const noise = noised(weights.reduce((t, w) => ops.mul(t, w), x));
    const { program } = trace(
      weights.map((w) => ops.add(w, noise)),
      [x, ...weights],
    );
    const mechanisms = new Mechanisms(16);
    const first = [given("anna", "x"), ...weights.map((_, k) => given("ben", `w${k}`, WEIGHTS))];
    const grant = grantOf(
      program,
      first,
      weights.map((_, k) => [k, demand(0)]),
    );
    const counted = { grant: "9d".repeat(32), released: weights.map(() => ["anna"]) };
    const run: BoundRun = { program: program.id, inputs: [], counted };
    const results = weights.map((_, output): Stored => ({ ...first[1]!, owners: ["anna", "ben"], made: { run, output } }));
    const { program: seen, looks } = watched(program);
    const judge = (runs: number): string | undefined => mechanisms.judge(grant, runs, seen, [first[0], ...results]);
    expect(judge(1)).toBe(undefined);
    // At the Program once, and at no more than three arguments of each node.
    const once = looks();
    expect(once).toBeGreaterThan(0);
    expect(once).toBeLessThan(4 * program.nodes.length);
    for (let runs = 2; runs <= 4; runs++) expect(judge(runs)).toBe(undefined);
    expect(looks()).toBe(once);
  });

  it("is analysed anew once many others ran meanwhile: what is kept of them does not grow", () => {
    const mechanisms = new Mechanisms(16);
    const inputs = [given("anna", "x")];
    const looksOf = (deviation: number): number => {
      const x = rows();
      const { program, looks } = watched(trace([noised(x, deviation)], [x]).program);
      expect(mechanisms.judge(grantOf(program, inputs, [[0, demand(0)]]), 1, program, inputs)).toBe(undefined);
      return looks();
    };
    expect(looksOf(100)).toBeGreaterThan(0);
    expect(looksOf(100)).toBe(0);
    for (let deviation = 101; deviation < 117; deviation++) looksOf(deviation);
    expect(looksOf(100)).toBeGreaterThan(0);
  });
});
