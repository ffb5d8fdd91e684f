/** @file Warnings about classic mistakes: each is said once, with what to do about it and the user's line. */
import { captureSite, lineOf } from "./site.ts";

export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** The user's line: `src/my-model.ts:12:15`. Present only where one is known. */
  readonly at?: string;
}

type Handler = (warning: Warning) => void;

/** As the command line prints errors: what, where, what to do. */
function sayOnConsole({ code, message, hint, at }: Warning): void {
  console.warn(`tacit: warning[${code}]: ${message}\n${at === undefined ? "" : `at: ${at}\n`}hint: ${hint}`);
}

let handler: Handler = sayOnConsole;
const said = new Set<string>();

/** Sends warnings to `next` (null: nowhere), and lets each be said again. Returns the former handler. */
export function onWarning(next: Handler | null): Handler {
  const former = handler;
  handler = next ?? (() => undefined);
  said.clear();
  return former;
}

/** Whether a warning was said already: looking for the mistake again is then needless. */
export const wasSaid = (code: string): boolean => said.has(code);

/** Says a warning, unless its code was said before. `at`: the user's line, where it is not the one that led here. */
export function warnOnce(code: string, message: string, hint: string, at?: string): void {
  if (said.has(code)) return;
  said.add(code);
  const line = at ?? lineOf(captureSite(warnOnce));
  handler({ code, message, hint, ...(line !== undefined && { at: line }) });
}
