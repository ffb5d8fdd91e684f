/** @file tacit doctor: what this machine can do, and how the parties of a session are, with a fix for each lack; prints no secret. */
import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { openKey } from "../clients/person.ts";
import { CHECKS, type Check, type Finding } from "../doctor/checks.ts";
import { type Measured, measuredOf, type Prediction, predict, predictUsual, showPredictions } from "../doctor/prediction.ts";
import { findingsOf, type Lack, showLinks } from "../doctor/session.ts";
import { EXIT, result, say } from "../output/streams.ts";
import { withPassphraseOptions } from "../passphrase.ts";
import { positive } from "./arguments.ts";
import type { CommandRow } from "./command.ts";
import { type OutlineWords, outlineFor, withOutlineOptions } from "./plan.ts";

/** A finding with the name of its check. */
export type NamedFinding = { readonly name: string } & Finding;

/** Looks at everything; a check that fails is a lack, never an end. */
export async function examine(checks: readonly Check[] = CHECKS): Promise<NamedFinding[]> {
  const findings: NamedFinding[] = [];
  for (const check of checks) {
    const finding = await Promise.resolve()
      .then(() => check.look())
      .catch((cause: unknown): Finding => {
        const kind = cause instanceof Error ? cause.name : "an error";
        return { state: "lack", says: `could not be looked at (${kind})`, fix: "report this" };
      });
    findings.push({ name: check.name, ...finding });
  }
  return findings;
}

export function showFindings(
  findings: readonly NamedFinding[],
  healthy = "this machine can run everything on the list above",
): string {
  const width = Math.max(...findings.map((f) => f.name.length));
  const lines = findings.map((f) => {
    const line = `${f.state.padEnd(5)} ${f.name.padEnd(width)}  ${f.says}`;
    return f.fix === undefined ? line : `${line}\n      ${" ".repeat(width)}  fix: ${f.fix}`;
  });
  const lacks = findings.filter((f) => f.state === "lack").length;
  const last = lacks === 0 ? healthy : `${lacks} to mend`;
  return `${lines.join("\n")}\n\n${last}`;
}

interface Words extends OutlineWords {
  readonly patience: number;
}

/** Options that describe a job: with one of them that job is predicted, and not the usual two. */
const JOB_OPTIONS = [
  "weights",
  "pictures",
  "data",
  "labels",
  "model",
  "epochs",
  "batch",
  "steps",
  "momentum",
  "test",
  "revealModel",
  "for",
];

const EXITS: Readonly<Record<Lack, number>> = { network: EXIT.network, expired: EXIT.refused, other: EXIT.user };

async function predictions(w: Words, own: boolean, session: mpc.Session, measured: Measured): Promise<Prediction[]> {
  return own ? predict(await outlineFor(w), measured) : predictUsual(session, measured);
}

async function doctorOfSession(path: string, w: Words, own: boolean): Promise<void> {
  const session = await mpc.readSession(path);
  const who = w.key === undefined ? null : await openKey(w.key, w);
  if (who !== null && !session.everyone.has(who.name))
    expected("KEY_FILE", w.key!, "the keys of somebody in the session", `those of ${who.name}`);
  const parties = await mpc.examineParties(session, { who, patience: 1000 * w.patience, waiting: say });
  const { findings, lack } = findingsOf(session, parties, who !== null);
  const measured = measuredOf(parties);
  const foreseen = measured === null ? [] : await predictions(w, own, session, measured);
  const text = (): string =>
    [
      showFindings(findings, lack === null ? "all parties are there" : undefined),
      showLinks(parties),
      measured === null
        ? who === null
          ? ""
          : "no prediction: it needs all parties, joined, and nothing that runs"
        : showPredictions(measured, foreseen),
    ]
      .filter((part) => part !== "")
      .join("\n\n");
  const value = { healthy: lack === null, session: session.hex, findings, parties, measured, predictions: foreseen };
  result(w.json === true, "doctor", value, text);
  if (lack !== null) process.exitCode = EXITS[lack];
}

async function doctorOfMachine(json: boolean): Promise<void> {
  const findings = await examine();
  const healthy = findings.every((f) => f.state !== "lack");
  result(json, "doctor", { healthy, findings }, () => showFindings(findings));
  if (!healthy) process.exitCode = EXIT.user;
}

async function doctor(w: Words, command: Command): Promise<void> {
  const own = JOB_OPTIONS.some((name) => command.getOptionValueSource(name) === "cli");
  if (w.session !== undefined) return doctorOfSession(w.session, w, own);
  if (w.key !== undefined || own) expected("ARGUMENT_INVALID", "doctor", "--session with --key and with a job", "no --session");
  return doctorOfMachine(w.json === true);
}

const DESCRIPTION = `Without --session: this machine. Exit code 1 when something is lacking that a command needs; notes are no lack.
With --session: addresses, pinned keys, versions, clocks, the lines to the parties and between them, and from these the time of
one step (of the MLP with 128 pictures and of LeNet-5 on one, or of the job that the options describe). Without --key only ports,
keys and versions. Exit code 4 when a party cannot be reached or waits for another, 3 when the session has expired.

Examples:
  tacit doctor
  tacit doctor --session session.json --key driver.key
  tacit doctor --session session.json --key driver.key --model lenet5 --batch 64`;

export const doctorCommand: CommandRow = {
  name: "doctor",
  add: (program: Command) =>
    void withPassphraseOptions(
      withOutlineOptions(
        program
          .command("doctor")
          .summary("say what this machine can do, or how the parties of a session are, with a fix for each lack")
          .description(DESCRIPTION)
          .option("--key <file>", "who asks: the private key file of one of the session's people")
          .option("--patience <seconds>", "how long one party may take for one answer", positive, 5),
      ),
    ).action(doctor),
};
