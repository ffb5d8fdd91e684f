/** @file TacitError: every error of the project has a stable code, says `where: expected X, got Y`, and may carry a hint. */

/** What a caller may add to an error. */
export interface TacitErrorOptions {
  /** What to do next, one sentence, lower case. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error with a stable code. The message names sizes and types, never a secret value. */
export class TacitError extends Error {
  readonly code: string;
  /** Present only where one was given. */
  declare readonly hint?: string;

  constructor(code: string, message: string, options: TacitErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TacitError";
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
  }
}

/** Throws `where: expected X, got Y`. */
export function expected(code: string, where: string, want: string, got: string, hint?: string): never {
  throw new TacitError(code, `${where}: expected ${want}, got ${got}`, hint === undefined ? {} : { hint });
}
