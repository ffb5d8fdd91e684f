/** @file tacit audit one-run: a lower bound on ε, from scores that any training exported or of DP-SGD in this build. */
import { expected, quantity } from "@tacit/core/errors";
import { type Figure, plot } from "@tacit/plot";
import { auditDpSgd, type OneRunReport, oneRun, pValueOfClaim } from "@tacit/privacy/audits";
import type { Command } from "commander";
import { positive, positiveCount } from "../commands/arguments.ts";
import { Progress } from "../output/progress.ts";
import { say } from "../output/streams.ts";
import { chance, checkReport, conclude, type ReportWords, refuseIdle, withReportOptions } from "./options.ts";
import { readScores } from "./scores.ts";

interface Words extends ReportWords {
  readonly dpSgd?: boolean;
  readonly canaries: number;
  readonly noise: number;
  readonly steps: number;
  readonly rate: number;
  readonly delta: number;
  readonly guesses?: number;
  readonly claim?: number;
  readonly confidence: number;
}

/** The bound by number of guesses, beside the claim. */
function pictureOf(r: OneRunReport, claim: number | undefined): Figure {
  const tried = r.tried.toSorted((a, b) => a.guesses - b.guesses);
  const x = tried.map((t) => t.guesses);
  return plot.lines(
    {
      "lower bound on ε": { x, y: tried.map((t) => t.epsilon) },
      ...(claim !== undefined && { "claimed ε": { x, y: x.map(() => claim) } }),
    },
    {
      title: `One run, ${r.canaries} canaries: ε ≥ ${r.epsilon.toFixed(2)}`,
      x: "guesses",
      y: "ε",
      logX: true,
      dashed: ["claimed ε"],
    },
  );
}

function textOf(r: OneRunReport, claim: number | undefined): string {
  const { guesses, correct } = r.outcome;
  const lines = [
    `ε ≥ ${r.epsilon.toFixed(3)} at δ ${r.delta} with ${100 * r.confidence} % confidence: ${correct} of ${quantity(guesses, "guess", "guesses")} right, ${r.canaries} canaries`,
    `so many canaries could have shown ε ${r.visible.toFixed(2)} at most`,
  ];
  if (claim !== undefined) {
    const verdict = r.epsilon > claim ? "contradicted" : "not contradicted";
    lines.push(`claimed ε ${claim.toPrecision(4)}: ${verdict} (p ${pValueOfClaim(r, claim).toPrecision(3)})`);
  }
  return lines.join("\n");
}

/** From a file. */
async function ofFile(path: string, words: Words): Promise<OneRunReport> {
  const { coins, scores } = (await readScores(path)).coins();
  const { delta, confidence, guesses } = words;
  return oneRun(scores, coins, { delta, confidence, ...(guesses !== undefined && { guesses }) });
}

/** A claim out of reach is never contradicted, whatever the build does. */
function warnBeyond(claim: number | undefined, { visible, canaries }: OneRunReport): void {
  if (claim === undefined || claim < visible) return;
  const reach = `${canaries} canaries can show ε ${visible.toFixed(2)} at most`;
  say(`warning: ${reach}, so that a claim of ${claim.toPrecision(4)} cannot be contradicted: take more canaries`);
}

async function run(path: string | undefined, words: Words, command: Command): Promise<void> {
  if (path !== undefined) refuseIdle(command, ["canaries", "noise", "steps", "rate"], "a file of scores");
  await checkReport(words);
  if ((path === undefined) === (words.dpSgd !== true)) {
    const got = path === undefined ? "neither" : "both";
    expected("ARGUMENT_INVALID", "audit one-run", "a file of scores, or --dp-sgd", got, "tacit audit one-run --help");
  }
  let [claim, report, statement] = [words.claim, null as OneRunReport | null, null as string | null];
  if (path !== undefined) report = await ofFile(path, words);
  else {
    const progress = new Progress("DP-SGD", words.steps);
    const { canaries, steps, rate, delta, confidence, guesses } = words;
    const audited = await auditDpSgd({
      canaries,
      steps,
      rate,
      noiseMultiplier: words.noise,
      delta,
      confidence,
      ...(guesses !== undefined && { guesses }),
      onStep: (step) => progress.update(step),
    });
    progress.finish();
    report = audited.report;
    statement = audited.statement;
    claim ??= audited.claimed;
  }
  warnBeyond(claim, report);
  await conclude(words, {
    audit: "one-run",
    report: { ...report, claimed: claim ?? null, ...(statement !== null && { statement }) },
    measured: report.epsilon,
    unit: "as ε",
    figure: pictureOf(report, claim),
    text: textOf(report, claim) + (statement === null ? "" : `\n${statement}`),
    ...(claim !== undefined && { claim }),
  });
}

const DESCRIPTION = `Each canary was put into the training by a fair coin of its own; scores say, from the result alone, how much it looks as if it was
in (higher: in). The bound holds with the confidence; it stays below the true ε of a correct build, which it contradicts otherwise: exit
code 3 where it is above the claim (--claim, or with --dp-sgd what the accountant says).

With --dp-sgd: this build's own DP-SGD (makePrivate) is run on canaries whose gradients each point along a coordinate of their own, ten
times longer than the clipping norm, so that noise, clipping, sampling and accounting are measured together.

Without --guesses, several numbers of guesses are tried, and the confidence is divided among them.

The file: JSON {"included": [0, 1, …], "scores": [0.3, 2.1, …]}, or CSV with rows 1,2.1.

Examples:
  tacit audit one-run scores.csv --delta 1e-5 --claim 2
  tacit audit one-run --dp-sgd --noise 1 --steps 10 --canaries 2000`;

export function addOneRun(audit: Command): void {
  const command = audit
    .command("one-run")
    .summary("a lower bound on ε from one training with canaries put in by coins")
    .description(DESCRIPTION)
    .argument("[scores]", "a JSON or CSV file of coins and scores")
    .option("--delta <delta>", "δ of the claim", chance, 1e-5)
    .option("--claim <epsilon>", "the ε that is claimed at that δ", positive)
    .option("--guesses <n>", "how many guesses, fixed before the scores were seen", positiveCount)
    .option("--confidence <p>", "of the bound", chance, 0.95)
    .option("--dp-sgd", "audit DP-SGD of this build; options below are for it")
    .option("--canaries <n>", "how many", positiveCount, 1000)
    .option("--noise <z>", "noise multiplier", positive, 1)
    .option("--steps <n>", "steps of DP-SGD", positiveCount, 10)
    .option("--rate <q>", "Poisson sampling rate, above 0 to 1", positive, 1);
  withReportOptions(command, "the lower bound on ε").action(run);
}
