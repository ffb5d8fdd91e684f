/** @file stdout is data, stderr is everything else; `--json` prints one versioned object. Exit codes and how errors are said. */
import { TacitError } from "@tacit/core/errors";
import { KernelError } from "@tacit/kernels";
import { entryOf } from "../errors/catalogue.ts";

/** What the process's exit code means. */
export const EXIT = { done: 0, user: 1, bug: 2, refused: 3, network: 4, verification: 5, interrupted: 130 } as const;

/** An error with a code of the catalogue, and what it says besides. */
export interface CodedError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

/** What a command may throw that has a code of the catalogue: a TacitError, or one of the kernels, whose message holds its hint. */
export function codedError(error: unknown): CodedError | null {
  if (error instanceof TacitError) {
    const { code, message, hint } = error;
    return { code, message, ...(hint !== undefined && { hint }) };
  }
  return error instanceof KernelError ? { code: error.code, message: error.message } : null;
}

/** The exit code for an error: the catalogue's for its code, and ours (2) for what nobody expected. */
export function exitCodeOf(error: unknown): number {
  const coded = codedError(error);
  return coded === null ? EXIT.bug : (entryOf(coded.code)?.exit ?? EXIT.user);
}

/** Says an error on stderr: `tacit: error[CODE]: message`, then the hint. No script of the user's runs here: no line of one. A bug shows its stack. */
export function sayError(error: unknown): void {
  const coded = codedError(error);
  if (coded === null) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`tacit: error[BUG_UNEXPECTED]: ${text}\n`);
    return;
  }
  process.stderr.write(`tacit: error[${coded.code}]: ${coded.message}\n`);
  if (coded.hint) process.stderr.write(`hint: ${coded.hint}\n`);
  process.stderr.write(`more: tacit explain ${coded.code}\n`);
}

/** A line for people, on stderr. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** A result: text on stdout, or one JSON object under `--json`. */
export function result(json: boolean, schema: string, value: object, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify({ schema: 1, kind: schema, ...value })}\n` : `${text()}\n`);
}
