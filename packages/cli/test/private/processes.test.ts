/** @file `tacit train --private` and `tacit predict --private` with three real party processes: what they come to, cost, and leave behind. */
import { readFileSync } from "node:fs";
import { decodeSafetensors } from "@tacit/core/io";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digitFiles, drawn, type Ran, scratch, tacit } from "../process/tacit.ts";
import { childrenOf, isRunning, watch } from "./children.ts";

const place = scratch();
afterAll(() => place[Symbol.dispose]());
const COUNT = 400;
const data = place.write("digits.safetensors", digitFiles(COUNT).safetensors);
const JOB = ["--data", data, "--model", "mlp", "--batch", "16", "--lr", "0.05"];
const CHANCE = Math.log(10);
/** Milliseconds for a training of forty steps on a machine that has other things to do; 6 s on a quiet one. */
const START = 120_000;

interface Cost {
  readonly rounds: number;
  readonly bytesPerParty: readonly number[];
  readonly framesPerParty: readonly number[];
  readonly runs: number;
  readonly reveals: number;
}

interface Training {
  readonly kind: string;
  readonly accuracy: number;
  readonly accuracyInTheClear: number;
  readonly confusion: null;
  readonly losses: readonly number[];
  readonly steps: number;
  readonly cost: { readonly training: Cost; readonly all: Cost };
  readonly parties: readonly { readonly party: string; readonly runs: number; readonly disclosures: Record<string, number> }[];
  readonly file: string | null;
}

interface Estimated {
  readonly rows: readonly { readonly runs: number }[];
  readonly total: Omit<Cost, "runs" | "reveals">;
  readonly reveals: number;
}

describe("a private training", () => {
  const model = place.file("private.safetensors");
  const args = [...JOB, "--steps", "40", "--test", "60", "--reveal-model"];
  let said: Ran;
  let result: Training;
  beforeAll(async () => {
    said = await tacit(["train", "--private", ...args, "--compare", "--out", model, "--json"]);
    expect(said).toMatchObject({ code: 0 });
    result = JSON.parse(said.stdout) as Training;
  }, START);

  test("learns: its disclosed mean losses fall far below chance", () => {
    expect(result).toMatchObject({ kind: "training", steps: 40, confusion: null, file: model });
    expect(result.losses).toHaveLength(4);
    expect(result.losses.at(-1)!).toBeLessThan(CHANCE / 2);
    expect(result.accuracy).toBeGreaterThan(0.6);
    expect(Math.abs(result.accuracy - result.accuracyInTheClear)).toBeLessThanOrEqual(2 / 60);
    expect(Number.isInteger(Math.round(result.accuracy * 60 * 1e9) / 1e9)).toBe(true);
  });

  test("costs exactly what was estimated before", async () => {
    const before = JSON.parse((await tacit(["estimate", ...args, "--json"])).stdout) as Estimated;
    const { rounds, bytesPerParty, framesPerParty, runs, reveals } = result.cost.all;
    expect({ rounds, bytesPerParty, framesPerParty }).toEqual({
      rounds: before.total.rounds,
      bytesPerParty: before.total.bytesPerParty,
      framesPerParty: before.total.framesPerParty,
    });
    expect(runs).toBe(before.rows.reduce((n, r) => n + r.runs, 0));
    expect(reveals).toBe(before.reveals);
  });

  test("shows each party runs and disclosures by reason, the same at all three", () => {
    const wanted = { "progress to model-owner": 4, "test accuracy to model-owner": 1, "final model to model-owner": 6 };
    expect(result.parties.map((p) => p.party)).toEqual(["party-a", "party-b", "party-c"]);
    for (const p of result.parties) expect(p).toMatchObject({ runs: result.cost.all.runs, disclosures: wanted });
  });

  test("says what a disclosed model gives away, and that three parties on one machine protect nothing", () => {
    expect(said.stderr).toContain("with the consent of data-owner");
    expect(said.stderr).toMatch(/starting three parties…\n.*sharing \d+ pictures to train on and 60 to test…\n/s);
    expect(said.stderr).toContain("a disclosed model can tell whether a picture was among those it learned");
    expect(said.stderr).toContain("three parties on one machine protect nothing");
  });

  test("keeps weights and pixels out of what it says", () => {
    const text = said.stderr + said.stdout;
    const { tensors } = decodeSafetensors(readFileSync(model));
    const weights = [...tensors.values()].flatMap((t) => Array.from(t.values.subarray(0, 50), Number)).filter((w) => w !== 0);
    expect(weights.length).toBeGreaterThan(200);
    for (const w of weights) expect(text).not.toContain(String(Math.abs(w)).slice(0, 8));
    for (const pixel of [0.1307, 0.3081, 2.8214, 0.4242]) expect(text).not.toContain(String(pixel));
  });

  test("saves a model that predicts the same in the clear and on shares, disclosed to the data owner alone", async () => {
    const { pictures } = drawn(8);
    const one = 3;
    const pixels = pictures.slice(one * 784, (one + 1) * 784);
    const png = place.write("digit.png", encode({ width: 28, height: 28, data: pixels, channels: 1, depth: 8 }));
    const plain = JSON.parse((await tacit(["predict", model, png, "--json"])).stdout) as {
      class: number;
      probabilities: number[];
    };
    const ran = await tacit(["predict", "--private", model, png, "--json"]);
    expect(ran.code).toBe(0);
    const secret = JSON.parse(ran.stdout) as Training & { class: number; probabilities: number[] };
    expect(secret.class).toBe(plain.class);
    for (const [i, p] of plain.probabilities.entries()) expect(Math.abs(p - secret.probabilities[i]!)).toBeLessThan(0.01);
    for (const p of secret.parties) expect(p.disclosures).toEqual({ "prediction to data-owner": 1 });
    const word = await tacit(["predict", "--private", "--class-only", model, png, "--json"]);
    expect(JSON.parse(word.stdout)).toMatchObject({ class: plain.class, probabilities: null });
  });
});

describe("a private training that does not come to its end", () => {
  const LONG = ["train", "--private", ...JOB, "--steps", "5000"];
  const BEGUN = " sent per party";

  test("stops at Ctrl-C with code 130, and no process is left", async () => {
    const run = watch(LONG);
    await run.until(BEGUN);
    const parties = childrenOf(run.process.pid!);
    expect(parties).toHaveLength(3);
    // A party alone does not end of it: only the driver ends parties.
    for (const party of parties) process.kill(party, "SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(parties.filter(isRunning)).toEqual(parties);
    // As a terminal does: to the whole group, parties too.
    process.kill(-run.process.pid!, "SIGINT");
    expect(await run.ended).toBe(130);
    expect(run.stdout()).toBe("");
    expect(run.stderr()).not.toContain("error[");
    expect(run.stderr()).toContain("nothing was saved; the shares ended with the session");
    expect(parties.filter(isRunning)).toEqual([]);
  });

  test("ends with code 4 and the party's name when one party is killed, and no process is left", async () => {
    const run = watch(LONG);
    await run.until(BEGUN);
    const parties = childrenOf(run.process.pid!);
    process.kill(parties[1]!, "SIGKILL");
    expect(await run.ended).toBe(4);
    expect(run.stdout()).toBe("");
    expect(run.stderr()).toMatch(/tacit: error\[MPC_PARTY_LOST\]: .*party 1 \(party-b\)/);
    expect(run.stderr()).not.toMatch(/\n\s+at /);
    expect(parties.filter(isRunning)).toEqual([]);
  });

  test("is refused before anything starts where an option belongs to the other kind", async () => {
    const revealed = await tacit(["train", "--reveal-model", ...JOB]);
    expect(revealed).toMatchObject({ code: 1, stdout: "" });
    expect(revealed.stderr).toContain("--reveal-model with --private, got --reveal-model without it");
  });
});
