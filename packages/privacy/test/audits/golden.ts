/** @file vectors/audits.json, typed, and comparison by relative error. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";

export interface Golden {
  readonly tails: readonly { readonly trials: number; readonly k: number; readonly odds: number; readonly p: number }[];
  readonly oneRun: readonly {
    readonly canaries: number;
    readonly guesses: number;
    readonly correct: number;
    readonly odds: number;
    readonly delta: number;
    readonly p: number;
  }[];
  readonly intervals: readonly {
    readonly hits: number;
    readonly trials: number;
    readonly confidence: number;
    readonly low: number;
    readonly high: number;
  }[];
  readonly skewTails: readonly { readonly x: number; readonly shape: number; readonly log: number }[];
  readonly fits: readonly {
    readonly sample: readonly number[];
    readonly shape: number;
    readonly location: number;
    readonly scale: number;
    readonly logLikelihood: number;
    readonly distance: number;
  }[];
  readonly pictures: readonly {
    readonly height: number;
    readonly width: number;
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly ssim: number;
    readonly psnr: number;
  }[];
  readonly auc: {
    readonly members: readonly number[];
    readonly nonMembers: readonly number[];
    readonly auc: number;
    readonly error: number;
  };
}

export const GOLDEN = JSON.parse(readFileSync(new URL("../../../../vectors/audits.json", import.meta.url), "utf8")) as Golden;

/** |got - want| ≤ error · |want|. */
export function near(got: number, want: number, error: number): void {
  expect(Math.abs(got - want), `${got} for ${want}`).toBeLessThanOrEqual(error * Math.abs(want));
}
