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
    expect(ran.stderr).toContain(
      "tacit: error[PRIVACY_AUDIT]: audit exposure: expected at most 10 bits (by extrapolation), got 19.93",
    );
    const printed = JSON.parse(ran.stdout) as object;
    expect(printed).toMatchObject({
      schema: 1,
      kind: "audit",
      audit: "exposure",
      failed: true,
      failAbove: 10,
      beyondSampling: true,
    });
    expect(JSON.parse(readFileSync(report, "utf8"))).toEqual(printed);
    expect(readFileSync(picture, "utf8")).toMatch(/^<svg[\s\S]*Largest exposure: 19\.9 bits/);
  });

  test("ends with 0 below it", async () => {
    expect((await tacit(["audit", "exposure", losses, "--fail-above", "21"])).code).toBe(0);
  });

  test("warns where only extrapolation can exceed the threshold, and says where its figure is from", async () => {
    const [out, within] = await Promise.all(
      [["15"], ["9"]].map((limit) => tacit(["audit", "exposure", losses, "--fail-above", ...limit])),
    );
    expect(out!.stderr).toContain(
      "warning: --fail-above 15 is above the 9.97 bits that 1000 candidates can show by sampling: only extrapolation can exceed it; score 32768",
    );
    expect(out!.stdout).toContain("largest exposure: 19.93 bits by extrapolation, which has no error rate");
    expect(out!.stdout).toContain("1 canary has so low a rank with chance 0.000999 at most");
    expect(within!.stderr).not.toContain("warning");
  });

  test("refuses a threshold that nothing could exceed, and lets one within sampling's reach fail on it alone", async () => {
    const humps = normals(300, 0).map((x, i) => x + 20 * (i % 2));
    const file = place.write("humps.json", JSON.stringify({ canaries: [-50], candidates: humps }));
    const [beyond, within] = await Promise.all(
      ["10", "8"].map((limit) => tacit(["audit", "exposure", file, "--fail-above", limit])),
    );
    expect(beyond!.code).toBe(1);
    expect(beyond!.stderr).toContain(
      "PRIVACY_AUDIT_DATA]: --fail-above: expected less than the 8.23 bits that 300 candidates can show by sampling, as the fit is rejected, got 10",
    );
    expect(beyond!.stderr).toContain("score 1024 candidates or more");
    expect(within!.code).toBe(3);
    expect(within!.stderr).toContain("expected at most 8 bits (by sampling), got 8.234");
    expect(within!.stdout).toContain("rejected, so that extrapolation does not count");
  });

  test("ends, within a minute, for a canary far below all candidates and for candidates that are equal but for one", async () => {
    const sines = Array.from({ length: 300 }, (_, i) => Math.sin(i));
    const equal = [...Array<number>(299).fill(5), 6];
    const files = {
      far: { canaries: [-1e9], candidates: sines },
      one: { canaries: [0], candidates: equal },
      low: { canaries: [0], candidates: equal.map((x) => -x) },
      constant: { canaries: [0], candidates: equal.map(() => 5) },
    };
    const ran = await Promise.all(
      Object.entries(files).map(([name, file]) =>
        tacit(["audit", "exposure", place.write(`${name}.json`, JSON.stringify(file)), "--json"], { seconds: 60 }),
      ),
    );
    expect(ran.map((r) => [r.code, r.signal])).toEqual([
      [0, null],
      [0, null],
      [0, null],
      [1, null],
    ]);
    expect(JSON.parse(ran[0]!.stdout)).toMatchObject({ canaries: [{ sampled: { rank: 1 } }], byChance: 1 / 301 });
    expect(ran[3]!.stderr).toContain("expected candidates of different losses, got equal ones");
  }, 90_000);

  test("refuses keys and groups that it does not read, and a space that is no number", async () => {
    const candidates = normals(300, 0);
    const files = [
      place.write("extra.json", JSON.stringify({ canaries: [1], candidates, spaces: 10 })),
      place.write("space.json", JSON.stringify({ canaries: [1], candidates, space: "1000" })),
      place.write("extra.csv", ["canary,1", "member,2", ...candidates.map((v) => `candidate,${v}`)].join("\n")),
    ];
    const [keys, space, groups] = await Promise.all(files.map((file) => tacit(["audit", "exposure", file])));
    expect(keys!.stderr).toContain("expected no keys but canaries, candidates, space, got another at position 2");
    expect(space!.stderr).toContain("space: expected a number, got something else");
    expect(groups!.stderr).toContain("expected groups named canary, candidate, got another name");
    expect([keys!.code, space!.code, groups!.code]).toEqual([1, 1, 1]);
  });

  test("takes a first line that begins with a group for data, whatever stands beside it", async () => {
    const candidates = normals(300, 0).map((v) => `candidate,${v}`);
    const [bad, head] = await Promise.all(
      [
        ["canary,NaN", "canary,1", ...candidates],
        ["group,loss", "canary,1", ...candidates],
      ].map((lines, i) => tacit(["audit", "exposure", place.write(`first-${i}.csv`, lines.join("\n")), "--json"])),
    );
    expect(bad!.code).toBe(1);
    expect(bad!.stderr).toContain("csv line 1");
    expect(JSON.parse(head!.stdout)).toMatchObject({ canaries: [{ loss: 1 }] });
    const quoted = place.write("first-2.csv", ['"Non-Member",oops', "member,1", "member,2", "non-member,1"].join("\n"));
    expect((await tacit(["audit", "membership", quoted, "--fpr", "0.5"])).stderr).toContain("csv line 1");
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

  test("reads CSV, draws a curve and fails on the lower end of the TPR at the lowest rate", async () => {
    const file = place.write("losses.csv", csv(normals(1500, 0), normals(1500, 3)));
    const ran = await tacit(["audit", "membership", file, "--fail-above", "0.1", "--fpr", "0.05,0.01"]);
    expect(ran.code).toBe(3);
    expect(ran.stdout).toContain("Membership inference");
    expect(ran.stdout).toMatch(/AUC 0\.98/);
    expect(ran.stdout).toContain("no shadow models: loss threshold alone");
    expect(ran.stderr).toMatch(/expected at most 0\.1 TPR at 1\.00 % FPR \(lower end of the interval\), got 0\.\d/);
  });

  test("fails a model whose members tie with a few non-members", async () => {
    const others = Array.from({ length: 1000 }, (_, i) => (i < 20 ? 0 : 1 + i));
    const file = place.write("ties.csv", csv(Array<number>(1000).fill(0), others));
    const ran = await tacit(["audit", "membership", file, "--fpr", "0.01", "--fail-above", "0.03"]);
    expect(ran.stdout).toContain("TPR at 1.00 % FPR: 50.0 %");
    expect(ran.code).toBe(3);
  });

  test("lets a model without leak pass whose estimate is above the threshold by chance", async () => {
    // 10 of 500 members below the fifth lowest of 500 others, where 5 are expected.
    const others = Array.from({ length: 500 }, (_, i) => i);
    const members = Array.from({ length: 500 }, (_, i) => (i < 10 ? 0.5 : i + 0.5));
    const file = place.write("chance.csv", csv(members, others));
    const ran = await tacit(["audit", "membership", file, "--fpr", "0.01", "--fail-above", "0.015", "--json"]);
    expect(ran.code).toBe(0);
    const report = JSON.parse(ran.stdout) as {
      measured: number;
      attacks: { rates: { tpr: number; interval: { low: number } }[] }[];
    };
    expect(report.attacks[0]!.rates[0]!.tpr).toBeGreaterThan(0.015);
    expect(report.measured).toBe(report.attacks[0]!.rates[0]!.interval.low);
  });

  test("refuses a threshold that so many scores cannot exceed, and says how many can", async () => {
    const files = [
      place.write("few-others.csv", csv(normals(500, 0), normals(436, 9))),
      place.write("few-members.csv", csv(normals(3, 0), normals(500, 9))),
    ];
    const ran = await Promise.all(
      files.map((file) => tacit(["audit", "membership", file, "--fpr", "0.01", "--fail-above", "0.3"])),
    );
    expect(ran.map((r) => r.code)).toEqual([1, 1]);
    expect(ran[0]!.stderr).toContain(
      "--fail-above: expected scores that can exceed 0.3, got 500 members and 436 non-members, which reach 0.00",
    );
    expect(ran[0]!.stderr).toContain("hint: 437 non-members at least");
    expect(ran[1]!.stderr).toContain("got 3 members and 500 non-members, which reach 0.184");
  });

  test("takes no file for one without shadow models that has them by another name or in another form", async () => {
    const [member, scores] = [
      [0, 1, 0, 1],
      [0.1, 0.9, 0.2, 0.8],
    ];
    const shadow = { scores, included: [1, 0, 1, 0] };
    const shapes: readonly object[] = [
      { member, scores, shadows: { a: shadow } },
      { member, scores, shadow: [shadow] },
      { member, scores, shadows: [{ ...shadow, include: [1, 1, 1, 1] }] },
      { members: scores, nonMembers: scores, Shadows: [shadow] },
      { member, scores, shadows: null },
    ];
    const said = await Promise.all(
      shapes.map(async (shape, i) => {
        const ran = await tacit(["audit", "membership", place.write(`shape-${i}.json`, JSON.stringify(shape)), "--fpr", "0.5"]);
        expect(ran.code).toBe(1);
        return ran.stderr;
      }),
    );
    expect(said[0]).toContain("PRIVACY_AUDIT_DATA]: shadows: expected an array of shadow models, got something else");
    expect(said[1]).toContain("LiRA: expected no keys but member, scores, shadows, got another at position 2");
    expect(said[2]).toContain("shadows[0]: expected no keys but scores, included, got another at position 2");
    expect(said[3]).toContain("expected no keys but members, nonMembers, got another at position 2");
    expect(said[4]).toContain("shadows: expected an array of shadow models, got something else");
  });

  test("says that there is the loss threshold alone where a file for LiRA has no shadow models", async () => {
    const file = place.write("alone.json", JSON.stringify({ member: [0, 1, 0, 1], scores: [0.1, 0.9, 0.2, 0.8] }));
    const ran = await tacit(["audit", "membership", file, "--fpr", "0.5"]);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain("no shadow models: loss threshold alone");
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
    expect(wrong!.stdout).toMatch(/claimed ε 1\.000: contradicted \(p 0\.0\d+\)/);
    expect(wrong!.stderr).not.toContain("warning");
    expect(right!.code).toBe(0);
    expect(right!.stdout).toContain("claimed ε 30.00: not contradicted (p 1.00)");
    expect(right!.stderr).toMatch(
      /warning: 500 canaries can show ε \d\.\d\d at most, so that a claim of 30\.00 cannot be contradicted/,
    );
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

  test("refuses options that it would ignore, as membership does", async () => {
    const one = place.write("idle.csv", noisy(20, 1));
    const losses = place.write("idle-losses.csv", ["member,1", "member,2", "non-member,1", "non-member,2"].join("\n"));
    const lines = [
      ["one-run", one, "--noise", "3"],
      ["membership", losses, "--fpr", "0.5", "--shadows", "4"],
      ["membership", losses, "--fpr", "0.5", "--offline"],
      ["membership", "--model", "m.safetensors", "--epochs", "3"],
    ];
    const ran = await Promise.all(lines.map((line) => tacit(["audit", ...line])));
    expect(ran.map((r) => /error\[ARGUMENT_INVALID\]: (.*)/.exec(r.stderr)?.[1])).toEqual([
      "audit one-run: expected no --noise with a file of scores, got one",
      "audit membership: expected no --shadows with a file of losses, got one",
      "audit membership: expected no --offline with no shadow models, got one",
      "audit membership: expected no --epochs with no --shadows, got one",
    ]);
    expect((await tacit(["audit", "membership", losses, "--fpr", "0.5"])).stdout).toContain("2 members, 2 non-members");
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
