/** @file stdout is data, stderr is everything else; `--json` prints one versioned object. Exit codes and how errors are said. */
import { TacitError } from "@tacit/core/errors";

/** What the process's exit code means. */
export const EXIT = { done: 0, user: 1, bug: 2, refused: 3, network: 4, verification: 5, interrupted: 130 } as const;

/** Codes that are not the user's own mistake, by their prefix. */
const EXIT_BY_PREFIX: readonly (readonly [string, number])[] = [
  ["POLICY_", EXIT.refused],
  ["MPC_", EXIT.network],
  ["RUN_MISMATCH", EXIT.network],
  ["INPUT_UNEQUAL", EXIT.network],
  ["VERIFY_", EXIT.verification],
  ["BUG_", EXIT.bug],
];

/** The exit code for an error: ours is 2, a TacitError's follows its code. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof TacitError)) return EXIT.bug;
  return EXIT_BY_PREFIX.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? EXIT.user;
}

/** Says an error on stderr: `tacit: error[CODE]: message`, then the hint. A bug shows its stack. */
export function sayError(error: unknown): void {
  if (error instanceof TacitError) {
    process.stderr.write(`tacit: error[${error.code}]: ${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
    process.stderr.write(`more: tacit explain ${error.code}\n`);
    return;
  }
  process.stderr.write(
    `tacit: error[BUG_UNEXPECTED]: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}

/** A line for people, on stderr. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** A result: text on stdout, or one JSON object under `--json`. */
export function result(json: boolean, schema: string, value: object, text: () => string): void {
  process.stdout.write(json ? `${JSON.stringify({ schema: 1, kind: schema, ...value })}\n` : `${text()}\n`);
}
