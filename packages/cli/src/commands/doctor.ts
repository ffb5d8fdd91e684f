/** @file tacit doctor: what this machine can do, with a fix for each lack; prints no secret and no path. */
import type { Command } from "commander";
import { CHECKS, type Check, type Finding } from "../doctor/checks.ts";
import { EXIT, result } from "../output/streams.ts";
import type { CommandRow } from "./command.ts";

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

export function showFindings(findings: readonly NamedFinding[]): string {
  const width = Math.max(...findings.map((f) => f.name.length));
  const lines = findings.map((f) => {
    const line = `${f.state.padEnd(5)} ${f.name.padEnd(width)}  ${f.says}`;
    return f.fix === undefined ? line : `${line}\n      ${" ".repeat(width)}  fix: ${f.fix}`;
  });
  const lacks = findings.filter((f) => f.state === "lack").length;
  const last = lacks === 0 ? "this machine can run everything on the list above" : `${lacks} to mend`;
  return `${lines.join("\n")}\n\n${last}`;
}

async function doctor(options: { readonly json?: boolean }): Promise<void> {
  const findings = await examine();
  const healthy = findings.every((f) => f.state !== "lack");
  result(options.json === true, "doctor", { healthy, findings }, () => showFindings(findings));
  if (!healthy) process.exitCode = EXIT.user;
}

export const doctorCommand: CommandRow = {
  name: "doctor",
  add: (program: Command) =>
    void program
      .command("doctor")
      .summary("say what this machine can do, with a fix for each lack")
      .description("Exit code 1 when something is lacking that a command needs; notes are no lack.")
      .option("--json", "print the result as one JSON object")
      .action(doctor),
};
