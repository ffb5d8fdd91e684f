/** @file TacitError: every error of the project has a stable code, says `where: expected X, got Y`, and may carry a hint. */
import { deepFrames, restoreFrames, userLine } from "./debug/site.ts";

/** What a caller may add to an error. */
export interface TacitErrorOptions {
  /** What to do next, one sentence, lower case. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** The user's line, where another one is meant than the one that led here. */
  readonly at?: string | undefined;
}

/**
 * What must not reach a terminal or a log from a stranger's bytes, whichever message names them: control and format characters (colours,
 * cursors, right-to-left), line separators, halves of surrogate pairs. New lines are ours.
 */
const UNPRINTABLE = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu;

/** An error with a stable code. The message names sizes and types, never a secret value. */
export class TacitError extends Error {
  readonly code: string;
  /** The user's line that it comes from: `src/my-model.ts:12:15`. Present only where one is known. */
  declare readonly at?: string;
  /** Present only where one was given. */
  declare readonly hint?: string;

  constructor(code: string, message: string, options: TacitErrorOptions = {}) {
    const frames = deepFrames();
    super(message.replace(UNPRINTABLE, "?"), options.cause === undefined ? undefined : { cause: options.cause });
    restoreFrames(frames);
    this.name = "TacitError";
    this.code = code;
    const at = options.at ?? userLine(this.stack);
    if (at !== undefined) this.at = at;
    if (options.hint !== undefined) this.hint = options.hint.replace(UNPRINTABLE, "?");
  }
}

/** Says of an error that came later which line of the user's it comes from. */
export function locate(error: TacitError, at: string): void {
  (error as { at?: string }).at = at;
}

/** Throws `where: expected X, got Y`. */
export function expected(code: string, where: string, want: string, got: string, hint?: string): never {
  throw new TacitError(code, `${where}: expected ${want}, got ${got}`, hint === undefined ? {} : { hint });
}

/** What a value of plain JavaScript is, for messages: never the value. */
export function kindOf(x: unknown): string {
  if (x === null) return "null";
  if (Array.isArray(x)) return "an array";
  if (x instanceof Promise) return "a promise";
  return typeof x === "object" ? (x.constructor?.name ?? "an object") : typeof x;
}

/** A number and what it counts: "1 row", "3 rows". */
export const quantity = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** What may be said of options that are no such object, or have a name that is none. */
export interface OptionHints {
  /** Where something else was given than an object. */
  readonly object?: string;
  /** For names that are known from elsewhere. */
  readonly names?: Readonly<Record<string, string>>;
}

/**
 * Options of a public function. Node strips types without looking at them: a misspelt option would be ignored, and leave another at its default.
 * @throws TacitError `code` for what is no object, or has a name that is not `known`
 */
export function checkOptions(
  code: string,
  where: string,
  options: unknown,
  known: readonly string[],
  hints: OptionHints = {},
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    expected(code, where, `an object of options (${known.join(", ")})`, kindOf(options), hints.object);
  const names = hints.names ?? {};
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const hint = Object.hasOwn(names, name) ? names[name] : undefined;
    expected(code, where, `options among ${known.join(", ")}`, JSON.stringify(name), hint);
  }
}
