/**
 * @file The floating-point attack (Mironov 2012, "On significance of the least significant bits for differential privacy"): a textbook Laplace
 * sampler, kept here only, gives away which of two neighbouring counts it was asked for; the same attack on the product's sampler learns no more than ε lets it.
 *
 * The textbook computes y = count + s (-b ln u) with u = j 2^-53. Of all doubles only some are -b ln u for such a u: about one in six between 1 and 2 at
 * b = 10. So whoever sees y tries both counts: is there a u, and do the roundings give exactly y? One count that cannot have made y is ruled out
 * for certain, where ε 0.1 promises odds of 1.105 at most.
 */
import { Random } from "@tacit/core/random";
import { discreteLaplace } from "@tacit/privacy";
import { number, privateTable, sum } from "@tacit/privacy/queries";
import { describe, expect, it } from "vitest";
import { planOf } from "../../src/queries/query.ts";
import { viewOf } from "../../src/queries/table.ts";
import { binomialEnd } from "./tester.ts";

const B = 10;
const EPSILON = 1 / B;
const UNIT = 2 ** -53;

/** What textbooks draw. 53 random bits, as Math.random gives them. */
function textbook(count: number, uniform: () => number, sign: () => number): number {
  return count + sign() * (-B * Math.log(uniform()));
}

/** Whether the textbook can have made y from `count`: tries the u whose logarithm is nearest, and some around it. */
function possible(y: number, count: number): boolean {
  const z = Math.abs(y - count);
  const near = Math.round(Math.exp(-z / B) / UNIT);
  for (let j = near - 64; j <= near + 64; j++) {
    if (j < 1 || j > 2 ** 53) continue;
    const noise = -B * Math.log(j * UNIT);
    if (count + noise === y || count - noise === y) return true;
  }
  return false;
}

type Guess = 0 | 1 | "unknown";

/** Names the only count that can have made y; where both can, it does not know. */
function attack(y: number): Guess {
  const [zero, one] = [possible(y, 0), possible(y, 1)];
  return zero === one ? "unknown" : zero ? 0 : 1;
}

interface Result {
  /** Of all answers: named, and named rightly. */
  readonly named: number;
  readonly right: number;
}

const SAMPLES = 4000;

function run(draw: (count: number) => number): Result {
  let [named, right] = [0, 0];
  for (let i = 0; i < SAMPLES; i++) {
    const truth = i % 2;
    const guess = attack(draw(truth));
    if (guess === "unknown") continue;
    named++;
    if (guess === truth) right++;
  }
  return { named, right };
}

describe("the floating-point attack", () => {
  it("names the true count from most single answers of a textbook sampler, and is never wrong", () => {
    const random = new Random(1);
    // 53 bits of two words, and never 0.
    const uniform = (): number => ((random.bits() >>> 11) * 2 ** 32 + (random.bits() >>> 0) + 1) * UNIT;
    const { named, right } = run((count) => textbook(count, uniform, () => (random.bits() % 2 === 0 ? -1 : 1)));
    expect(right).toBe(named);
    // ε 0.1 lets nobody be right more often than wrong by over (e^ε - 1)/(e^ε + 1) = 0.05; this one is, by 0.62 (nine deviations above 0.55).
    expect((2 * right - named) / SAMPLES).toBeGreaterThan(0.55);
    // Ten answers about one count, ε 1 in all: no guess may be right with more than e/(1 + e) = 0.73. This one knows, but for 0.38^10.
    expect(1 - (1 - named / SAMPLES) ** 10).toBeGreaterThan(0.999);
  });

  it("fails on a query: its guesses are right as often as ε allows, and no answer is out of reach of either count", () => {
    // A sum of values 0 to 1 in steps of 2^-20: many low bits to look at.
    const terms = {
      dataset: "d",
      unit: { name: "person" },
      neighbours: "add-remove",
      columns: { x: number({ bounds: [0, 1], grid: 2 ** -20 }) },
    } as const;
    const answers = [[], [{ x: 1 }]].map((rows) => {
      const table = privateTable(rows, terms);
      const query = sum(table, "x", { noise: { epsilon: EPSILON } });
      const plan = planOf(query);
      plan.ready();
      return (): number => plan.draw(viewOf(table)).value;
    });
    const { named, right } = run((count) => answers[count]!());
    const most = Math.tanh(EPSILON / 2);
    // Of the answers that it names: a chance of 1e-8 that a sound sampler looks better than ε allows.
    if (named > 0) expect(2 * binomialEnd(right, named, 1e-8, "lower") - 1).toBeLessThan(most);
    for (let i = 0; i < SAMPLES; i++) {
      const steps = answers[i % 2]!() * 2 ** 20;
      // y and y - 1 are both whole numbers of steps, and every whole number has its chance.
      expect(Number.isSafeInteger(steps) && Number.isSafeInteger(steps - 2 ** 20)).toBe(true);
    }
  });

  it("gains no more than ε from the discrete sampler with the best guess there is", () => {
    const noise = discreteLaplace(B);
    // The likelier count: 1 from y ≥ 1 on. Its advantage is Pr[right] - Pr[wrong] ≤ (e^ε - 1)/(e^ε + 1).
    const n = 200_000;
    let right = 0;
    for (let i = 0; i < n; i++) {
      const truth = i % 2;
      if (Number(truth + noise() >= 1) === truth) right++;
    }
    const most = Math.tanh(EPSILON / 2);
    expect(2 * binomialEnd(right, n, 1e-8, "lower") - 1).toBeLessThan(most);
    // It reaches that: the mechanism spends what it says.
    expect(2 * binomialEnd(right, n, 1e-8, "upper") - 1).toBeGreaterThan(most);
  });
});
