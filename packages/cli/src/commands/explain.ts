/** @file tacit explain: what an error code means and what to do, without a network. */
import { expected } from "@tacit/core/errors";
import type { Command } from "commander";
import { CATALOGUE, type Entry, entryOf, nearestCodes } from "../errors/catalogue.ts";
import { EXIT, result } from "../output/streams.ts";
import type { CommandRow } from "./command.ts";

/** What an exit code stands for, in words. */
const EXIT_WORDS: Readonly<Record<number, string>> = {
  [EXIT.user]: "something to put right here",
  [EXIT.bug]: "a bug of Tacit",
  [EXIT.refused]: "refused by policy",
  [EXIT.network]: "a peer or the network",
  [EXIT.verification]: "a verification failed",
};

export function showEntry(code: string, entry: Entry): string {
  const exit = entry.exit ?? EXIT.user;
  const kind = entry.warning ? "a warning; the program goes on" : `exit code ${exit}: ${EXIT_WORDS[exit]}`;
  const word = entry.warning ? "warning" : "error";
  return `${code} (${kind})\n\n${entry.means}\nWhat to do: ${entry.fix}\n\nExample:\n  tacit: ${word}[${code}]: ${entry.example}`;
}

function explain(word: string | undefined, options: { readonly json?: boolean }): void {
  const json = options.json === true;
  if (word === undefined) {
    const codes = Object.keys(CATALOGUE).sort();
    result(json, "error-codes", { codes }, () => codes.map((c) => `${c.padEnd(28)} ${CATALOGUE[c]!.means}`).join("\n"));
    return;
  }
  const code = word.toUpperCase();
  const entry = entryOf(code);
  if (entry === undefined) {
    const hint = `near it: ${nearestCodes(word).join(", ")}; tacit explain without a code lists all`;
    expected("ARGUMENT_INVALID", "explain", "an error code", JSON.stringify(word.slice(0, 64)), hint);
  }
  const { means, fix, example, exit = EXIT.user, warning = false } = entry;
  result(json, "error-code", { code, means, fix, example, exit: warning ? null : exit, warning }, () => showEntry(code, entry));
}

export const explainCommand: CommandRow = {
  name: "explain",
  add: (program: Command) =>
    void program
      .command("explain")
      .summary("say what an error code means and what to do")
      .description("Examples:\n  tacit explain LOSS_NOT_FINITE\n  tacit explain")
      .argument("[code]", "as it stands in error[CODE]; without it, all codes are listed")
      .option("--json", "print the result as one JSON object")
      .action(explain),
};
