/** @file tacit audit exposure: how many bits of planted secrets a model gives away, from losses that any training exported. */
import { type Figure, plot } from "@tacit/plot";
import { cdfAt, type ExposureReport, exposure } from "@tacit/privacy/audits";
import type { Command } from "commander";
import { positive } from "../commands/arguments.ts";
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
  const most = { x: Array.from(canaries), y: report.canaries.map((c) => 2 ** -Math.max(c.sampled.bits, c.extrapolated.bits)) };
  return plot.lines(
    {
      "candidates, counted": { x: ranks.map((r) => sorted[r]!), y: ranks.map((r) => (r + 1) / n) },
      "skew-normal fit": { x, y: fitted },
      ...(canaries.length > 8 && { canaries: sortedPairs(most) }),
    },
    {
      title: `Exposure: at most ${report.most.toFixed(1)} bits`,
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
  return [
    ...rows,
    ...more,
    `fit: skew-normal, Kolmogorov distance ${distance.toFixed(4)} (p ${pValue.toPrecision(3)}, taken at the fitted law)`,
    `sampling can show ${bits(r.visible)} bits; without memory the mean is 1.44, and ${r.canaries.length} canaries reach ${bits(r.most)} with chance ${r.byChance.toPrecision(3)}`,
  ].join("\n");
}

async function run(path: string, words: Words): Promise<void> {
  await checkReport(words);
  const file = await readScores(path);
  const [canaries, candidates] = [file.group("canaries", "canary"), file.group("candidates", "candidate")];
  const space = words.space ?? (typeof file.json?.space === "number" ? file.json.space : undefined);
  const report = exposure(canaries, candidates, { confidence: words.confidence, ...(space !== undefined && { space }) });
  await conclude(words, {
    audit: "exposure",
    report,
    measured: report.most,
    unit: "bits",
    figure: pictureOf(report, canaries, candidates),
    text: textOf(report),
  });
}

const DESCRIPTION = `Losses are negative log-likelihoods of whole secrets, in any one base. Candidates are random strings of the canaries' format that were
not trained on, 256 at least; n of them can show log2(n + 1) bits by sampling. The largest exposure, by sampling or by extrapolation, counts.

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
