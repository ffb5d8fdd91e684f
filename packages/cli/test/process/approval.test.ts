/** @file Owners, driver and recipient whose keys never meet: each in a directory of its own, they plan, approve, train, predict and receive. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lay, NAMES, PartyProcess, type Place } from "./parties.ts";
import { digitFiles, type Ran, scratch, tacit } from "./tacit.ts";

const place = scratch();
const PEOPLE = ["driver", "model-owner", "hospital-a", "clinic"];
let laid: Place;
const running: PartyProcess[] = [];
beforeAll(async () => {
  laid = await lay(place, 20_000, PEOPLE);
  for (const name of PEOPLE) {
    mkdirSync(place.file(name), { mode: 0o700 });
    renameSync(place.file(`${name}.key`), join(place.file(name), `${name}.key`));
    writeFileSync(join(place.file(name), "session.json"), laid.session.toJson());
  }
  writeFileSync(join(place.file("hospital-a"), "digits.csv"), digitFiles(32).csv);
  running.push(...NAMES.map((n) => new PartyProcess(place.path, `${n}.json`)));
  await Promise.all(running.map((p) => p.says('"serving"')));
}, 60_000);
afterAll(async () => {
  await Promise.all(running.map((p) => p.kill()));
  place[Symbol.dispose]();
});

/** `who` runs a command in its own directory, with its own key alone. */
const run = (who: string, ...words: string[]): Promise<Ran> =>
  tacit([...words, "--session", "session.json", "--as", who], { cwd: place.file(who) });
const WEIGHTS = "model-owner/model";

/** `owners` approve what `words` plan; each makes the plan by itself. */
async function approved(owners: readonly string[], ...words: string[]): Promise<Ran[]> {
  return Promise.all(
    owners.map(async (who) => {
      const plan = await run(who, "plan", ...words, "--json");
      expect(plan).toMatchObject({ code: 0 });
      writeFileSync(join(place.file(who), "plan.json"), plan.stdout);
      return run(who, "approve", "plan.json", "--yes");
    }),
  );
}

describe("people whose keys never meet", () => {
  test("predict: nothing runs before every owner has signed, and the answer reaches the recipient alone", {
    timeout: 400_000,
  }, async () => {
    const given = await Promise.all([
      run("model-owner", "give", "--model", "mlp"),
      run("hospital-a", "give", "digits.csv", "--classes", "10"),
    ]);
    expect(given.map((g) => g.code)).toEqual([0, 0]);
    expect(given[0]!.stdout).toContain("model-owner/model.1.weight  f32[128,784]\n");
    const job = ["predict", "--private", "--model", "mlp", WEIGHTS, "hospital-a/train-images", "--to", "clinic", "--spare", "1"];
    const early = await run("driver", ...job);
    expect(early).toMatchObject({ code: 3, stdout: "" });
    expect(early.stderr).toContain("error[POLICY_REFUSED]");
    expect(early.stderr).toContain("hospital-a, model-owner");

    // The driver is there first, and waits for both signatures.
    const waits = run("driver", ...job, "--wait", "300", "--json");
    const planned = [
      "--for",
      "predict",
      "--model",
      "mlp",
      "--weights",
      WEIGHTS,
      "--pictures",
      "hospital-a/train-images",
      "--to",
      "clinic",
      "--spare",
      "1",
    ];
    const approvals = await approved(["hospital-a", "model-owner"], ...planned);
    expect(approvals.map((a) => a.code)).toEqual([0, 0]);
    expect(approvals[0]!.stderr).toMatch(/^prediction: program [0-9a-f]{16} of \d+ ops\n/);
    expect(approvals[0]!.stderr).toContain("f32[32,1,28,28]: YOURS; input hospital-a/train-images, at least 32 rows");
    expect(approvals[0]!.stderr).toContain('OPENS  output 0 f32[32,10] to clinic, for "prediction", and to nobody else');
    expect(approvals.map((a) => a.stdout).join("")).toMatch(/grant [0-9a-f]{16} {2}complete, 2 runs and 2 disclosures left\n/);
    expect(approvals[0]!.stderr).toContain("no grant bounds checkpoints");
    const done = await waits;
    expect(done.code).toBe(0);
    const { deliveries } = JSON.parse(done.stdout) as { deliveries: { delivery: number }[] };
    expect(deliveries).toMatchObject([{ why: "prediction", shape: [32, 10] }]);
    const got = await run("clinic", "receive");
    expect(got).toMatchObject({ code: 0 });
    const rows = got.stdout.trim().split("\n");
    expect(rows[0]).toMatch(new RegExp(`^delivery ${deliveries[0]!.delivery}: "prediction", f32\\[32,10\\]`));
    expect(rows).toHaveLength(33);
    const sums = rows.slice(1).map((r) =>
      r
        .split("  largest")[0]!
        .trim()
        .split(" ")
        .reduce((a, v) => a + Number(v), 0),
    );
    for (const sum of sums) expect(sum).toBeCloseTo(1, 1);

    // The spare run; then the grant is used up, and its owner is told what to do.
    expect((await run("driver", ...job)).code).toBe(0);
    const [into, over] = await Promise.all([
      run("clinic", "receive", "--out", "results"),
      run("hospital-a", "approve", "plan.json", "--yes"),
    ]);
    expect(into!.code).toBe(0);
    expect(into!.stdout).toMatch(
      /^delivery \d+: "prediction", f32\[32,10\] \(output 0 of program [0-9a-f]{12}\)\n {2}written to results\/\d+-prediction\.safetensors\n$/,
    );
    expect(over!.stdout).toMatch(/USED UP: all of its 2 runs and 2 disclosures done; .* another --spare/);
    expect(await run("driver", ...job)).toMatchObject({ code: 3 });
  });

  test("an owner takes back what it signed: the driver is refused, and told whose signature is gone", {
    timeout: 200_000,
  }, async () => {
    const job = ["predict", "--private", "--model", "mlp", WEIGHTS, "hospital-a/train-images", "--to", "clinic", "--spare", "2"];
    const plan = ["--for", "predict", "--model", "mlp", "--weights", WEIGHTS, "--pictures", "hospital-a/train-images"];
    const [own] = await approved(["hospital-a", "model-owner"], ...plan, "--to", "clinic", "--spare", "2");
    const grant = /grant ([0-9a-f]{16}) /.exec(own!.stdout)![1]!;
    const back = await run("hospital-a", "approve", "--revoke", grant);
    expect(back).toMatchObject({ code: 0 });
    expect(back.stdout).toMatch(new RegExp(`^grant ${grant} {2}withdrawn`));
    const refused = await run("driver", ...job);
    expect(refused).toMatchObject({ code: 3, stdout: "" });
    expect(refused.stderr).toContain("error[POLICY_REFUSED]");
    expect(await run("hospital-a", "approve", "plan.json", "--yes")).toMatchObject({ code: 3 });
    expect(await run("hospital-a", "approve")).toMatchObject({ code: 1 });
  });

  test("a plan that was changed, or is for another session, is not signed", { timeout: 200_000 }, async () => {
    const file = join(place.file("hospital-a"), "plan.json");
    const plan = readFileSync(file, "utf8");
    for (const change of [
      (t: string) => t.replace('"to":"clinic"', '"to":"driver"'),
      (t: string) => t.replace(laid.session.hex, "0".repeat(64)),
    ]) {
      writeFileSync(file, change(plan));
      const refused = await run("hospital-a", "approve", "plan.json", "--yes");
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain("error[PLAN_INVALID]");
    }
    writeFileSync(file, plan);
    const unasked = await run("hospital-a", "approve", "plan.json");
    expect(unasked).toMatchObject({ code: 1, stdout: "" });
    expect(unasked.stderr).toContain("OPENS  output 0");
  });
});

// Two owners, each with a plan and an approval of its own, and a training: half a minute where processes share two cores.
describe.runIf(process.env.TACIT_LONG === "1")("people whose keys never meet, in a training", () => {
  test("train: the plan that owners approve is what then runs, and losses go to the model's owner", {
    timeout: 400_000,
  }, async () => {
    const job = ["--model", "mlp", "--weights", WEIGHTS, "--data", "hospital-a/train", "--steps", "20", "--batch", "16"];
    const more = ["--test-data", "hospital-a/train", "--lr", "0.1"];
    expect((await approved(["hospital-a", "model-owner"], ...job, ...more)).map((a) => a.code)).toEqual([0, 0]);
    const trained = await run("driver", "train", "--private", ...job, ...more, "--json");
    expect(trained).toMatchObject({ code: 0 });
    expect(JSON.parse(trained.stdout)).toMatchObject({
      kind: "given-job",
      to: "model-owner",
      steps: 20,
      accuracy: null,
      losses: [],
      file: null,
      deliveries: [{ why: "progress" }, { why: "progress" }, { why: "test accuracy" }],
    });
    const got = await run("model-owner", "receive", "--json");
    expect(got.code).toBe(0);
    const { deliveries } = JSON.parse(got.stdout) as { deliveries: { why: string; values: number[] }[] };
    expect(deliveries.map((d) => d.why)).toEqual(["progress", "progress", "test accuracy"]);
    const [first, second, right] = deliveries.map((d) => d.values[0]!);
    expect(second!).toBeLessThan(first!);
    expect(right).toBeGreaterThan(3);
    expect(right).toBeLessThanOrEqual(32);
  });
});
