/** @file Noise from ε and δ, and the guards at the border. */
import {
  calibrate,
  deltaOf,
  discreteGaussian,
  epsilonOf,
  gaussianDelta,
  gaussianStdDev,
  type PrivacyEvent,
  reportNoisyMax,
} from "@tacit/privacy";
import { describe, expect, it } from "vitest";
import { event, gaussian, laplace } from "./events.ts";

describe("calibration", () => {
  it("gives the published least deviations of Gaussian noise", () => {
    expect(gaussianStdDev({ epsilon: 1, delta: 0.78760074 }, 1)).toBeCloseTo(1 / 3, 6);
    expect(gaussianStdDev({ epsilon: 1, delta: 0.78760074 }, 6, 25)).toBeCloseTo(10, 6);
  });

  it("finds noise that just fits, by every accountant", () => {
    for (const accountant of ["zcdp", "rdp", "pld"] as const) {
      const sigma = calibrate((s) => [gaussian(s, 1, 20)], { epsilon: 1, delta: 1e-6 }, { accountant });
      const at = (s: number): number => epsilonOf([gaussian(s, 1, 20)], { delta: 1e-6, accountant });
      expect(at(sigma)).toBeLessThanOrEqual(1);
      expect(at(sigma / 1.001)).toBeGreaterThan(1);
    }
  });

  it("reads the events ten times at most, from much noise to little, sampled or not", () => {
    for (const [epsilon, rate, steps] of [
      [1, 1, 20],
      [0.001, 1, 1],
      [50, 1, 1],
      [3, 0.01, 200],
    ] as const) {
      let readings = -2; // to see whether they depend on the noise
      const events = (s: number): readonly PrivacyEvent[] => {
        readings++;
        return [gaussian(s, rate, steps)];
      };
      const z = calibrate(events, { epsilon, delta: 1e-5 });
      const at = (s: number): number => epsilonOf([gaussian(s, rate, steps)], { delta: 1e-5 });
      expect(at(z)).toBeLessThanOrEqual(epsilon);
      expect(at(z / 1.0002)).toBeGreaterThan(epsilon);
      expect(readings, `${epsilon} ${rate}`).toBeLessThanOrEqual(10);
    }
  });

  it("is refused at once where the events do not depend on the noise, few where none is enough", () => {
    let readings = 0;
    expect(() => calibrate(() => [gaussian(0.5)], { epsilon: 0.1, delta: 1e-9 })).toThrow("depend on the noise");
    const floor = (s: number): readonly PrivacyEvent[] => {
      readings++;
      return [gaussian(s), laplace(1)];
    };
    expect(() => calibrate(floor, { epsilon: 0.5, delta: 1e-9 })).toThrow("that none does");
    expect(readings).toBeLessThan(14);
  });

  it("serves large ε: what PLD's grid does not hold counts as too little noise", () => {
    const found = calibrate((s) => [gaussian(s)], { epsilon: 200, delta: 1e-5 });
    expect(found / gaussianStdDev({ epsilon: 200, delta: 1e-5 }, 1)).toBeCloseTo(1, 2);
    // Here the grid ends before the target is reached: the least noise that PLD can read.
    const least = calibrate((s) => [gaussian(s)], { epsilon: 1000, delta: 1e-5 });
    expect(epsilonOf([gaussian(least)], { delta: 1e-5 })).toBeLessThanOrEqual(1000);
    expect(() => epsilonOf([gaussian(least / 1.001)], { delta: 1e-5 })).toThrow(
      expect.objectContaining({ code: "PRIVACY_GRID" }),
    );
  });

  it("orders the accountants: pld at most rdp at most about zcdp", () => {
    const events = [gaussian(4, 1, 10)];
    const at = (accountant: "pld" | "rdp" | "zcdp"): number => epsilonOf(events, { delta: 1e-5, accountant });
    expect(at("pld")).toBeLessThan(at("rdp"));
    expect(at("rdp") / at("zcdp")).toBeCloseTo(1, 2);
    expect(deltaOf(events, { epsilon: at("zcdp"), accountant: "zcdp" })).toBeCloseTo(1e-5, 9);
  });
});

describe("what no accountant has a figure for", () => {
  it("is refused by naming the one that has", () => {
    const hint = (text: string): unknown => expect.objectContaining({ hint: expect.stringContaining(text) });
    expect(() => epsilonOf([gaussian(1)], { delta: 0 })).toThrow(hint('accountant: "pure"'));
    expect(() => epsilonOf([gaussian(1, 1, 1e9)], { delta: 1e-6 })).toThrow(hint('accountant: "rdp"'));
    expect(() => epsilonOf(laplace(1) as never, { delta: 1e-6 })).toThrow(hint("[event]"));
    // And that one has it.
    expect(epsilonOf([gaussian(1, 1, 1e9)], { delta: 1e-6, accountant: "rdp" })).toBeGreaterThan(1e8);
  });

  it("costs without end: Gaussian noise by pure, more δ of its own than there is, a δ below what pld can tell from 0", () => {
    expect(epsilonOf([gaussian(100)], { delta: 1e-6, accountant: "pure" })).toBe(Number.POSITIVE_INFINITY);
    const keys = event({ kind: "approximate", epsilon: 0, delta: 1e-5 }, 1, 1);
    for (const accountant of ["pure", "zcdp", "rdp", "pld"] as const)
      expect(epsilonOf([keys], { delta: 1e-6, accountant })).toBe(Number.POSITIVE_INFINITY);
    expect(epsilonOf([gaussian(100)], { delta: 1e-16 })).toBe(Number.POSITIVE_INFINITY);
    expect(epsilonOf([gaussian(100)], { delta: 1e-16, accountant: "rdp" })).toBeLessThan(1);
  });
});

describe("bad parameters", () => {
  const bad =
    (events: readonly PrivacyEvent[], delta: number): (() => number) =>
    () =>
      epsilonOf(events, { delta });
  const refused: readonly (readonly [string, () => unknown, string])[] = [
    ["a NaN noise multiplier", bad([gaussian(Number.NaN)], 1e-5), "PRIVACY_PARAMETER"],
    ["no noise", bad([gaussian(0)], 1e-5), "PRIVACY_PARAMETER"],
    ["a negative scale", bad([laplace(-1)], 1e-5), "PRIVACY_PARAMETER"],
    ["a rate above 1", bad([gaussian(1, 1.5)], 1e-5), "PRIVACY_PARAMETER"],
    ["a NaN rate", bad([gaussian(1, Number.NaN)], 1e-5), "PRIVACY_PARAMETER"],
    ["half a release", bad([gaussian(1, 1, 0.5)], 1e-5), "PRIVACY_PARAMETER"],
    ["δ 0 where it must be above", bad([gaussian(1)], 0), "PRIVACY_PARAMETER"],
    ["δ 1", bad([gaussian(1)], 1), "PRIVACY_PARAMETER"],
    ["a NaN δ", bad([gaussian(1)], Number.NaN), "PRIVACY_PARAMETER"],
    ["a negative ε", () => deltaOf([gaussian(1)], { epsilon: -1 }), "PRIVACY_PARAMETER"],
    ["an unknown relation", bad([{ ...gaussian(1), neighbours: "similar" as "add-remove" }], 1e-5), "PRIVACY_NEIGHBOURS"],
    ["two relations in one sum", bad([gaussian(1), { ...gaussian(1), neighbours: "replace-one" }], 1e-5), "PRIVACY_NEIGHBOURS"],
    ["sampling with replace-one", bad([{ ...gaussian(1, 0.1), neighbours: "replace-one" }], 1e-5), "PRIVACY_NEIGHBOURS"],
    ["sampling under zCDP", () => epsilonOf([gaussian(1, 0.1)], { delta: 1e-5, accountant: "zcdp" }), "PRIVACY_UNACCOUNTED"],
    ["an unknown accountant", () => epsilonOf([gaussian(1)], { delta: 1e-5, accountant: "prv" as "pld" }), "PRIVACY_PARAMETER"],
    [
      "a sampled ρ",
      () => epsilonOf([event({ kind: "concentrated", rho: 0.1 }, 0.1, 1)], { delta: 1e-5, accountant: "rdp" }),
      "PRIVACY_UNACCOUNTED",
    ],
    ["a negative μ", () => gaussianDelta(-1, 1), "PRIVACY_PARAMETER"],
    ["a NaN ε of a Gaussian", () => gaussianDelta(1, Number.NaN), "PRIVACY_PARAMETER"],
    ["a negative sensitivity", () => gaussianStdDev({ epsilon: 1, delta: 1e-5 }, -3), "PRIVACY_PARAMETER"],
    ["half a release of a Gaussian", () => gaussianStdDev({ epsilon: 1, delta: 1e-5 }, 1, 0.5), "PRIVACY_PARAMETER"],
    ["noise so wide that doubles have gaps", () => discreteGaussian(2 ** 46), "PRIVACY_PARAMETER"],
    ["a choice for next to no ε", () => reportNoisyMax([1, 2], { epsilon: 1e-15, sensitivity: 1 }), "PRIVACY_PARAMETER"],
    ["a target that no noise meets", () => calibrate(() => [gaussian(1)], { epsilon: 0.01, delta: 1e-9 }), "PRIVACY_PARAMETER"],
  ];
  for (const [what, make, code] of refused) {
    it(`refuse ${what}`, () => {
      expect(make).toThrow(expect.objectContaining({ code }));
    });
  }
});
