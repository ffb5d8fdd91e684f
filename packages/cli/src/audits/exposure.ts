/** @file tacit audit exposure: how many bits of planted secrets a model gives away, from losses that any training exported. */
import { expected } from "@tacit/core/errors";
import { type Figure, plot } from "@tacit/plot";
import { type CanaryExposure, cdfAt, type ExposureReport, exposure } from "@tacit/privacy/audits";
import type { Command } from "commander";
import { positive } from "../commands/arguments.ts";
import { say } from "../output/streams.ts";
import { chance, checkReport, conclude, type ReportWords, withReportOptions } from "./options.ts";
import { readScores } from "./scores.ts";

interface Words extends ReportWords {
  readonly space?: number;
  readonly confidence: number;
}

const POINTS = 200;

/** Chance that a random string of the format has at most this loss: counted, fitted, and where the canaries lie. */
function pictureOf(report: ExposureReport, canaries: Float64Array, candidates: Float64Array): Figure {
  const sorted = candidates.toSorted();
  const n = sorted.length;
  const [least, high] = [canaries.reduce((a, b) => Math.min(a, b), sorted[0]!), sorted[n - 1]!];
  const low = least - 0.04 * (high - least); // so that the most exposed canary's line is not on the edge
  const x = Float64Array.from({ length: POINTS }, (_, i) => low + ((high - low) * (i + 0.5)) / POINTS);
  const fitted = cdfAt(report.fit.law, x).map((p) => Math.max(p, 2 ** -64));
  const ranks = Array.from({ length: POINTS }, (_, i) => Math.floor(((i + 0.5) * n) / POINTS));
  const counted = (c: CanaryExposure): number =>
    report.fit.rejected ? c.sampled.bits : Math.max(c.sampled.bits, c.extrapolated.bits);
  const most = { x: Array.from(canaries), y: report.canaries.map((c) => 2 ** -counted(c)) };
  return plot.lines(
    {
      "candidates, counted": { x: ranks.map((r) => sorted[r]!), y: ranks.map((r) => (r + 1) / n) },
      "skew-normal fit": { x, y: fitted },
      ...(canaries.length > 8 && { canaries: sortedPairs(most) }),
    },
    {
      title: `Largest exposure: ${report.most.toFixed(1)} bits`,
      x: "loss",
      y: "share of candidates below",
      log: true,
      dashed: ["skew-normal fit"],
      marks: canaries.length > 8 ? [] : Array.from(canaries, (at) => ({ at, label: "canary" })),
    },
  );
}

function sortedPairs({ x, y }: { readonly x: number[]; readonly y: number[] }): { x: number[]; y: number[] } {
  const order = x.map((_, i) => i).sort((a, b) => x[a]! - x[b]!);
  return { x: order.map((i) => x[i]!), y: order.map((i) => y[i]!) };
}

const bits = (b: number): string => b.toFixed(2);
const LINES = 20;

function textOf(r: ExposureReport): string {
  const rows = r.canaries.slice(0, LINES).map((c, i) => {
    const { sampled: s, extrapolated: e } = c;
    const range = `[${bits(s.interval.low)}, ${s.interval.high === Number.POSITIVE_INFINITY ? "∞" : bits(s.interval.high)}]`;
    const seen = `${s.atLeast ? "≥ " : ""}${bits(s.bits)} bits by sampling ${range}`;
    return `canary ${i + 1}: rank ${s.rank} of ${r.candidates + 1}, ${seen}, ${bits(e.bits)}${e.full ? " (all there is)" : ""} by extrapolation`;
  });
  const { distance, pValue } = r.fit.test;
  const more = r.canaries.length > LINES ? [`… and ${r.canaries.length - LINES} more`] : [];
  const fate = r.fit.rejected ? "rejected, so that extrapolation does not count" : "not rejected";
  const from = r.mostFrom === "sampling" ? "by sampling" : "by extrapolation, which has no error rate";
  return [
    ...rows,
    ...more,
    `fit: skew-normal, Kolmogorov distance ${distance.toFixed(4)} (p ${pValue.toPrecision(3)}, taken at the fitted law): ${fate}`,
    `largest exposure: ${bits(r.most)} bits ${from}; sampling can show ${bits(r.visible)}`,
    `without memory the mean by sampling is 1.44, here ${bits(r.mean)}, and ${r.canaries.length === 1 ? "1 canary has" : `one of ${r.canaries.length} canaries has`} so low a rank with chance ${r.byChance.toPrecision(3)} at most`,
  ].join("\n");
}

/**
 * Whether the threshold is out of reach of sampling: then only extrapolation, which has no error rate, can exceed it.
 * @throws PRIVACY_AUDIT_DATA where nothing can: an audit that cannot fail says "safe" of everything
 */
function beyondSampling(limit: number | undefined, { visible, candidates, fit }: ExposureReport): boolean {
  if (limit === undefined || limit < visible) return false;
  const what = `${bits(visible)} bits that ${candidates} candidates can show by sampling`;
  const cure = `score ${Math.floor(2 ** limit)} candidates or more, or take a lower threshold`;
  if (fit.rejected)
    expected("PRIVACY_AUDIT_DATA", "--fail-above", `less than the ${what}, as the fit is rejected`, `${limit}`, cure);
  say(`warning: --fail-above ${limit} is above the ${what}: only extrapolation can exceed it; ${cure}`);
  return true;
}

async function run(path: string, words: Words): Promise<void> {
  await checkReport(words);
  const file = await readScores(path);
  const { canaries, candidates } = file.groups({ canaries: ["canary"], candidates: ["candidate"] }, "space");
  if (file.json?.space !== undefined && typeof file.json.space !== "number")
    expected("PRIVACY_AUDIT_DATA", "space", "a number", "something else");
  const space = words.space ?? file.json?.space;
  const report = exposure(canaries, candidates, { confidence: words.confidence, ...(space !== undefined && { space }) });
  const beyond = beyondSampling(words.failAbove, report);
  await conclude(words, {
    audit: "exposure",
    report: { ...report, beyondSampling: beyond },
    measured: report.most,
    unit: `bits (by ${report.mostFrom})`,
    figure: pictureOf(report, canaries, candidates),
    text: textOf(report),
  });
}

const DESCRIPTION = `Losses are negative log-likelihoods of whole secrets, in any one base. Candidates are random strings of the canaries' format that were
not trained on, 256 at least; n of them can show log2(n + 1) bits by sampling.

The largest exposure of any canary counts: by sampling, or by extrapolation where the skew-normal fit is not rejected. For sampling the report
has the chance that a model without memory shows as much (byChance). Extrapolation has no error rate: its figure is as good as the fit's tail,
which nothing tests. A threshold of b bits is in reach of sampling from 2^b candidates on; below, a warning says so, and it is refused where
the fit is rejected too, as nothing could exceed it.

The file: JSON {"canaries": [12.3], "candidates": [55.1, …], "space": 1000000}, or CSV with rows canary,12.3 and candidate,55.1.

Examples:
  tacit audit exposure losses.json --picture exposure.svg
  tacit audit exposure losses.csv --space 1e6 --fail-above 10`;

export function addExposure(audit: Command): void {
  const command = audit
    .command("exposure")
    .summary("how many bits of planted secrets a model gives away")
    .description(DESCRIPTION)
    .argument("<losses>", "a JSON or CSV file of losses of canaries and of candidates")
    .option("--space <n>", "how many strings the format has; more bits than its log2 are not there to be exposed", positive)
    .option("--confidence <p>", "of the intervals", chance, 0.95);
  withReportOptions(command, "the largest exposure in bits").action(run);
}
