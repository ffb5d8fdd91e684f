/** @file `tacit audit` as a process: pictures, reports, thresholds with exit code 3, refusals with their reason. */
import { readFileSync } from "node:fs";
import { Random } from "@tacit/core/random";
import { afterAll, describe, expect, test } from "vitest";
import { scratch, tacit } from "../process/tacit.ts";

const place = scratch();
afterAll(() => place[Symbol.dispose]());
const random = new Random(12);
const normals = (n: number, mean: number): number[] => Array.from(random.normal(n, mean, 1));

describe("tacit audit exposure", () => {
  const losses = place.write("losses.json", JSON.stringify({ canaries: [-20], candidates: normals(1000, 0), space: 1e6 }));

  test("prints JSON, writes report and picture, and ends with 3 above the threshold", async () => {
    const [report, picture] = [place.file("report.json"), place.file("exposure.svg")];
    const ran = await tacit([
      "audit",
      "exposure",
      losses,
      "--json",
      "--report",
      report,
      "--picture",
      picture,
      "--fail-above",
      "10",
    ]);
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain("tacit: error[PRIVACY_AUDIT]: audit exposure: expected at most 10 bits, got 19.93");
    const printed = JSON.parse(ran.stdout) as object;
    expect(printed).toMatchObject({ schema: 1, kind: "audit", audit: "exposure", failed: true, failAbove: 10 });
    expect(JSON.parse(readFileSync(report, "utf8"))).toEqual(printed);
    expect(readFileSync(picture, "utf8")).toMatch(/^<svg[\s\S]*Exposure: at most 19\.9 bits/);
  });

  test("ends with 0 below it", async () => {
    expect((await tacit(["audit", "exposure", losses, "--fail-above", "21"])).code).toBe(0);
  });

  test("refuses too few candidates, text that is no JSON, and values that are no numbers", async () => {
    const few = place.write("few.json", JSON.stringify({ canaries: [1], candidates: [2, 3] }));
    const words = place.write("words.json", JSON.stringify({ canaries: [null], candidates: [] }));
    const none = place.write("none.json", "{");
    const [a, b, c] = await Promise.all([few, words, none].map((file) => tacit(["audit", "exposure", file])));
    expect([a!.code, b!.code, c!.code]).toEqual([1, 1, 1]);
    expect(a!.stderr).toContain("PRIVACY_AUDIT_DATA]: exposure: expected at least 256 losses of candidates, got 2");
    expect(b!.stderr).toContain("canaries: expected an array of numbers, got something else at position 0");
    expect(c!.stderr).toContain("expected JSON, got text that is none");
  });
});

describe("tacit audit membership", () => {
  const csv = (members: number[], others: number[]): string =>
    [...members.map((v) => `member,${v}`), ...others.map((v) => `non-member,${v}`)].join("\n");

  test("reads CSV, draws a curve and fails on the TPR at the lowest rate", async () => {
    const file = place.write("losses.csv", csv(normals(1500, 0), normals(1500, 3)));
    const ran = await tacit(["audit", "membership", file, "--fail-above", "0.1"]);
    expect(ran.code).toBe(3);
    expect(ran.stdout).toContain("Membership inference");
    expect(ran.stdout).toMatch(/AUC 0\.98/);
    expect(ran.stderr).toMatch(/expected at most 0\.1 TPR at 0\.100 % FPR, got 0\.\d/);
  });

  test("asks for 1000 non-members at 0.1 %, and takes fewer at 1 %", async () => {
    const file = place.write("small.csv", csv(normals(500, 0), normals(500, 3)));
    const [all, one] = await Promise.all([[], ["--fpr", "0.01"]].map((rest) => tacit(["audit", "membership", file, ...rest])));
    expect(all!.code).toBe(1);
    expect(all!.stderr).toContain("expected at least 1000 non-members for a false-positive rate of 0.001, got 500");
    expect(one!.code).toBe(0);
  });

  test("reads scores of shadow models for LiRA", async () => {
    const n = 400;
    const coins = (): number[] => Array.from({ length: n }, () => (random.next() < 0.5 ? 1 : 0));
    const hard = normals(n, 0).map((x) => 10 * x);
    const scored = (c: number[]): number[] => c.map((x, i) => hard[i]! + 3 * x + random.gaussian());
    const member = coins();
    const shadows = Array.from({ length: 24 }, () => {
      const included = coins();
      return { included, scores: scored(included) };
    });
    const file = place.write("lira.json", JSON.stringify({ member, scores: scored(member), shadows }));
    const ran = await tacit(["audit", "membership", file, "--fpr", "0.01", "--json"]);
    const { attacks } = JSON.parse(ran.stdout) as { attacks: { name: string; auc: number }[] };
    expect(attacks.map((a) => a.name)).toEqual(["loss threshold", "LiRA, 24 shadow models"]);
    expect(attacks[1]!.auc).toBeGreaterThan(0.9);
    expect(attacks[0]!.auc).toBeLessThan(0.75);
  });
});

describe("tacit audit one-run", () => {
  const noisy = (n: number, deviation: number): string =>
    Array.from({ length: n }, () => {
      const c = random.next() < 0.5 ? 1 : 0;
      return `${c},${c + deviation * random.gaussian()}`;
    }).join("\n");

  test("contradicts a claim with exit code 3, and leaves a true one", async () => {
    const open = place.write("open.csv", noisy(500, 0.01));
    const [wrong, right] = await Promise.all(["1", "30"].map((claim) => tacit(["audit", "one-run", open, "--claim", claim])));
    expect(wrong!.code).toBe(3);
    expect(wrong!.stderr).toContain("hint: this contradicts the claimed guarantee");
    expect(right!.code).toBe(0);
  });

  test("audits DP-SGD of this build against its own claim", async () => {
    const ran = await tacit([
      "audit",
      "one-run",
      "--dp-sgd",
      "--canaries",
      "200",
      "--steps",
      "2",
      "--noise",
      "4",
      "--confidence",
      "0.9999999",
      "--json",
    ]);
    expect(ran.code).toBe(0);
    const report = JSON.parse(ran.stdout) as { epsilon: number; claimed: number };
    expect(report.epsilon).toBeLessThanOrEqual(report.claimed);
  });

  test("wants a file or --dp-sgd, coins that are coins, and a file that is one", async () => {
    const odd = place.write("odd.csv", Array.from({ length: 50 }, (_, i) => `${i % 3},1.5`).join("\n"));
    const [none, coins, gone] = await Promise.all([
      tacit(["audit", "one-run"]),
      tacit(["audit", "one-run", odd]),
      tacit(["audit", "one-run", place.file("gone.json")]),
    ]);
    expect(none.stderr).toContain("expected a file of scores, or --dp-sgd, got neither");
    expect(coins.stderr).toContain("expected coins of 0 or 1, got another value at position 2");
    expect(gone.stderr).toContain("error[FILE_READ]");
    expect([none.code, coins.code, gone.code]).toEqual([1, 1, 1]);
  });
});
