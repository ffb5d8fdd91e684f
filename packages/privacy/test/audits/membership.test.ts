/** @file Membership inference: curves with a known form, intervals that cover, LiRA on laws that are known. */
import { Random } from "@tacit/core/random";
import {
  highestLowEnd,
  leastForLowEnd,
  leastNonMembers,
  lira,
  logitScaled,
  lossThreshold,
  roc,
  type Shadow,
  tprAtFpr,
} from "@tacit/privacy/audits";
import { describe, expect, test } from "vitest";
import { normalCdf } from "../../src/math/normal.ts";
import { GOLDEN, near } from "./golden.ts";

const normals = (random: Random, n: number, mean = 0): Float64Array => Float64Array.from(random.normal(n, mean, 1));

describe("roc", () => {
  test("has the area and DeLong's error that numpy finds, ties included", () => {
    const { members, nonMembers, auc, error } = GOLDEN.auc;
    const curve = roc(members, nonMembers);
    near(curve.auc, auc, 1e-12);
    near(curve.aucError, error, 1e-9);
  });

  test("of two normal laws at distance d has TPR Φ(d - z) at FPR Φ(-z)", () => {
    // 50000 of each: TPR at 1 % has standard error about 0.005, at 0.1 % about 0.008; six of them leave 1e-8.
    const random = new Random(3);
    const curve = roc(normals(random, 50_000, 2), normals(random, 50_000));
    near(curve.auc, normalCdf(Math.SQRT2), 0.01);
    near(curve.advantage, 2 * normalCdf(1) - 1, 0.03);
    for (const [fpr, z] of [
      [0.01, 2.326348],
      [0.001, 3.090232],
    ] as const) {
      const at = tprAtFpr(curve, fpr);
      expect(Math.abs(at.tpr - normalCdf(2 - z))).toBeLessThan(0.05);
      expect(at.interval.low).toBeLessThan(normalCdf(2 - z));
      expect(at.interval.high).toBeGreaterThan(normalCdf(2 - z));
    }
  });

  test("of equal scores is one step: no threshold tells them apart", () => {
    const curve = roc([1, 1, 1], [1, 1]);
    expect(curve.points.map((p) => [p.fpr, p.tpr])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect([curve.auc, curve.advantage]).toEqual([0.5, 0]);
  });

  test("gives an interval at 1 % FPR that covers the truth at least as often as it says", () => {
    // Truth Φ(1 - 2.3263) = 0.0924. With coverage 0.9 or more, fewer than 165 of 200 trials cover with a chance of 5e-4; the interval is
    // conservative (0.98 and more), which makes that chance below 1e-9.
    const random = new Random(8);
    const truth = normalCdf(1 - 2.3263479);
    let covered = 0;
    for (let t = 0; t < 200; t++) {
      const { low, high } = tprAtFpr(roc(normals(random, 500, 1), normals(random, 1500), { confidence: 0.9 }), 0.01).interval;
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(165);
  });

  test("has an interval for the area that separated samples do not close: (a/2)^(1/k) for k pairs", () => {
    const [apart, below] = [roc([2, 3], [0, 1]), roc([0, 1], [2, 3])];
    expect([apart.auc, apart.aucInterval.high, below.auc, below.aucInterval.low]).toEqual([1, 1, 0, 0]);
    near(apart.aucInterval.low, 0.025 ** (1 / 2), 1e-9);
    near(below.aucInterval.high, 1 - 0.025 ** (1 / 2), 1e-9);
    near(roc(normals(new Random(1), 300, 50), normals(new Random(2), 400)).aucInterval.low, 0.025 ** (1 / 300), 1e-9);
  });

  test("has an interval for the area that covers it with samples of three, near its end too", () => {
    // At coverage 0.9, 400 runs cover fewer than 330 times with a chance of 1e-6. A normal approximation covers 3 % of the time at area 0.9998.
    for (const shift of [0, 1, 5]) {
      const random = new Random(20 + shift);
      const truth = normalCdf(shift / Math.SQRT2);
      let covered = 0;
      for (let t = 0; t < 400; t++) {
        const { low, high } = roc(normals(random, 3, shift), normals(random, 3), { confidence: 0.9 }).aucInterval;
        if (low <= truth && truth <= high) covered++;
      }
      expect(covered, `shift ${shift}`).toBeGreaterThanOrEqual(330);
    }
  });

  test("asks for 1000 non-members at 0.1 % and 100 at 1 %, and names the cure", () => {
    expect([leastNonMembers(0.001), leastNonMembers(0.01), leastNonMembers(0.003)]).toEqual([1000, 100, 334]);
    const curve = roc([1, 2, 3], new Float64Array(999));
    expect(() => tprAtFpr(curve, 0.001)).toThrow(
      "expected at least 1000 non-members for a false-positive rate of 0.001, got 999",
    );
  });
});

/** Chances of the scores 0, 1, 2, ... */
type Law = readonly number[];

function draws(random: Random, law: Law, n: number): Float64Array {
  return Float64Array.from({ length: n }, () => {
    let u = random.next();
    return Math.max(
      0,
      law.findIndex((p) => (u -= p) < 0),
    );
  });
}

/** TPR of the randomised threshold at an FPR: scores from the highest down, a share of the last. */
function truthAt(members: Law, others: Law, fpr: number): number {
  let [left, tpr] = [fpr, 0];
  for (let s = others.length - 1; s >= 0; s--) {
    const share = others[s] === 0 ? 1 : Math.min(1, left / others[s]!);
    tpr += share * members[s]!;
    left -= share * others[s]!;
  }
  return tpr;
}

describe("equal scores", () => {
  test("are split by a coin: a model whose members all tie with 2 % of the others is found", () => {
    const others = Float64Array.from({ length: 1000 }, (_, i) => (i < 20 ? 0 : -1 - i));
    const at = tprAtFpr(roc(new Float64Array(1000), others), 0.01);
    expect(at).toMatchObject({ tpr: 0.5, threshold: 0, share: 0.5 });
    expect(at.interval.low).toBeGreaterThan(0.05);
    expect(at.interval.high).toBeGreaterThan(0.5);
  });

  test("leave the rate alone where none cross it: the widest threshold with so few false positives", () => {
    const at = tprAtFpr(
      roc(
        [9, 8, 7, 1],
        Float64Array.from({ length: 200 }, (_, i) => 8.5 - i),
      ),
      0.01,
    );
    expect(at).toMatchObject({ tpr: 0.75, threshold: 7, share: 1 });
  });

  test("leave an interval that covers the rate of the randomised threshold, at either end, as often as it says", () => {
    // Each end may fail in 5 % of runs: of 300 more than 32 with a chance of 1e-4. Half and all of a step, a leak inside one, no leak.
    const cases: readonly (readonly [Law, Law])[] = [
      [
        [0, 1],
        [0.98, 0.02],
      ],
      [
        [0.5, 0.3, 0.2],
        [0.9, 0.095, 0.005],
      ],
      [
        [0.97, 0.03],
        [0.97, 0.03],
      ],
      [
        [0.2, 0.2, 0.2, 0.4],
        [0.985, 0.005, 0.005, 0.005],
      ],
    ];
    for (const [k, [members, others]] of cases.entries()) {
      const random = new Random(40 + k);
      const truth = truthAt(members, others, 0.01);
      let [above, below] = [0, 0];
      for (let t = 0; t < 300; t++) {
        const curve = roc(draws(random, members, 200), draws(random, others, 600), { confidence: 0.9 });
        const { low, high } = tprAtFpr(curve, 0.01).interval;
        if (low > truth) above++;
        if (high < truth) below++;
      }
      expect(above, `case ${k}`).toBeLessThanOrEqual(32);
      expect(below, `case ${k}`).toBeLessThanOrEqual(32);
    }
  });
});

describe("the lower end, which a build is judged by", () => {
  test("is above the rate of a model without leak in at most 2.5 % of runs; the estimate is above twice that rate in several times as many", () => {
    // 2.5 % of 400 is 10; more than 22 have a chance of 3e-4.
    const random = new Random(50);
    let [alarms, estimates] = [0, 0];
    for (let t = 0; t < 400; t++) {
      const at = tprAtFpr(roc(normals(random, 500), normals(random, leastForLowEnd(0.01, 0.95))), 0.01);
      if (at.interval.low > 0.01) alarms++;
      if (at.tpr > 0.02) estimates++;
    }
    expect(alarms).toBeLessThanOrEqual(22);
    expect(estimates).toBeGreaterThan(22);
  });

  test("is above 3 % for a model that leaks, with a thousand of each", () => {
    // TPR Φ(2 - 2.33) = 0.37 at 1 %: every one of 20 runs.
    const random = new Random(51);
    for (let t = 0; t < 20; t++)
      expect(tprAtFpr(roc(normals(random, 1000, 2), normals(random, 1000)), 0.01).interval.low).toBeGreaterThan(0.03);
  });

  test("is 0 for any scores with fewer non-members than are said to be needed, and not with as many", () => {
    expect([leastForLowEnd(0.001, 0.95), leastForLowEnd(0.01, 0.95)]).toEqual([4380, 437]);
    for (const [n, least] of [
      [436, 0],
      [437, 0.00625 ** (1 / 50)],
    ] as const) {
      const curve = roc(new Float64Array(50).fill(1), new Float64Array(n));
      expect(highestLowEnd(curve, 0.01)).toBe(least);
      expect(Math.abs(tprAtFpr(curve, 0.01).interval.low - least)).toBeLessThan(1e-9);
    }
  });
});

describe("the loss threshold", () => {
  test("takes the mean loss of members, and finds what a shift of the loss gives away", () => {
    const attack = lossThreshold([0.1, 0.2, 0.3], [0.15, 0.4, 0.5, 0.6]);
    near(attack.yeom.threshold, 0.2, 1e-12);
    near(attack.yeom.tpr, 2 / 3, 1e-12);
    expect(attack.yeom.fpr).toBe(0.25);
    near(attack.curve.auc, 10 / 12, 1e-12);
  });

  test("finds nothing where losses have one law", () => {
    // AUC of 5000 and 5000 has standard error 0.0058: six of them.
    const random = new Random(9);
    const { curve, yeom } = lossThreshold(normals(random, 5000), normals(random, 5000));
    expect(Math.abs(curve.auc - 0.5)).toBeLessThan(0.035);
    expect(Math.abs(yeom.advantage)).toBeLessThan(0.06);
  });

  test("refuses a NaN by its position, and says nothing of values", () => {
    expect(() => lossThreshold([1, Number.NaN], [1, 2])).toThrow(
      "membership: expected finite losses of members, got one that is not, at position 1",
    );
  });
});

describe("logit-scaled confidences", () => {
  test("are log p/(1-p) where p can be computed, and finite where it cannot", () => {
    const logits = [1, 2, 0.5, 100, -100, 0];
    const [a, b] = logitScaled(logits, [1, 0]);
    const p = Math.exp(2) / (Math.exp(1) + Math.exp(2) + Math.exp(0.5));
    near(a!, Math.log(p / (1 - p)), 1e-12);
    near(b!, 100, 1e-12);
  });

  test("refuse labels that are no class", () => {
    expect(() => logitScaled([1, 2, 3, 4], [0, 2])).toThrow("expected labels that are classes, got another at position 1");
    expect(() => logitScaled([1, 2, 3], [0, 0])).toThrow("expected logits of two classes or more");
  });
});

/**
 * Scores as LiRA supposes them: for each example a difficulty of its own, hugely different from one to the next, and a shift of
 * `effect` deviations where it was trained on.
 */
function world(random: Random, examples: number, shadows: number, effect: number): { target: Shadow; shadows: Shadow[] } {
  const difficulty = random.normal(examples, 0, 10);
  const model = (): Shadow => {
    const included = Uint8Array.from({ length: examples }, () => (random.next() < 0.5 ? 1 : 0));
    const scores = Float64Array.from(difficulty, (d, i) => d + effect * included[i]! + random.gaussian());
    return { included, scores };
  };
  return { target: model(), shadows: Array.from({ length: shadows }, model) };
}

const curveOf = (scores: Float64Array, included: ArrayLike<number>): ReturnType<typeof roc> =>
  roc(
    scores.filter((_, i) => included[i] === 1),
    scores.filter((_, i) => included[i] === 0),
  );

describe("LiRA", () => {
  const { target, shadows } = world(new Random(10), 6000, 64, 2);

  test("on normal laws has the curve of the exact likelihood ratio: Φ(d - z) at FPR Φ(-z)", () => {
    const curve = curveOf(lira(target.scores, shadows, { variance: "shared" }), target.included);
    // 3000 of each, and means of 32 models: AUC has standard error 0.004, TPR at 1 % and 0.1 % about 0.02 and 0.03.
    expect(Math.abs(curve.auc - normalCdf(Math.SQRT2))).toBeLessThan(0.03);
    expect(Math.abs(tprAtFpr(curve, 0.01).tpr - normalCdf(2 - 2.3263479))).toBeLessThan(0.12);
    expect(Math.abs(tprAtFpr(curve, 0.001).tpr - normalCdf(2 - 3.0902323))).toBeLessThan(0.15);
  });

  test("beats one threshold for all where examples differ in difficulty", () => {
    const alike = curveOf(Float64Array.from(target.scores), target.included);
    expect(alike.auc).toBeLessThan(0.58);
    expect(curveOf(lira(target.scores, shadows), target.included).auc).toBeGreaterThan(0.88);
  });

  test("offline, with models that never saw the example, has the same order on laws of one variance", () => {
    const curve = curveOf(lira(target.scores, shadows, { mode: "offline" }), target.included);
    near(curve.auc, normalCdf(Math.SQRT2), 0.03);
  });

  test("finds nothing where training leaves no trace", () => {
    // Standard error of the AUC 0.0065.
    const null_ = world(new Random(11), 8000, 40, 0);
    expect(Math.abs(curveOf(lira(null_.target.scores, null_.shadows), null_.target.included).auc - 0.5)).toBeLessThan(0.04);
  });

  test("refuses shadow models that are too few on either side, or whose coins are none", () => {
    const few = [
      { scores: [1, 2], included: [1, 0] },
      { scores: [1, 3], included: [0, 0] },
      { scores: [1, 2], included: [0, 0] },
    ];
    expect(() => lira([1, 2], few)).toThrow("expected at least 2 shadow models with each example, got 1 at one");
    expect(() => lira([1, 2], few, { mode: "offline" })).not.toThrow();
    expect(() => lira([1, 2], [{ scores: [1, 2], included: [0.5, 1] }])).toThrow("of 0 or 1, got another value at position 0");
    expect(() => lira([1, 2], [{ scores: [1], included: [1] }])).toThrow("expected 2 scores of each shadow model, got 1");
  });
});
