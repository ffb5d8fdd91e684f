/** @file Warnings about classic mistakes: each is said once, with what to do about it. */

export interface Warning {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

type Handler = (warning: Warning) => void;

let handler: Handler = ({ code, message, hint }) => console.warn(`tacit: warning[${code}]: ${message}\nhint: ${hint}`);
const said = new Set<string>();

/** Sends warnings to `next` (null: nowhere), and lets each be said again. Returns the former handler. */
export function onWarning(next: Handler | null): Handler {
  const former = handler;
  handler = next ?? (() => undefined);
  said.clear();
  return former;
}

/** Says a warning, unless its code was said before. */
export function warnOnce(code: string, message: string, hint: string): void {
  if (said.has(code)) return;
  said.add(code);
  handler({ code, message, hint });
}
