/** @file Words of other people on a terminal: nothing in them moves the cursor, hides, or looks like a line of ours. Errors see to theirs by themselves. */

/** Longer ones are cut: a name has at most 192 characters, a reason is a sentence. */
const MOST = 200;
/** What a name of a session, an input or a Program is made of. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._/:-]*$/;
/** Control and format characters (those that change the direction too), what has no meaning yet, and separators but the space. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function escaped(c: string): string {
  const code = c.codePointAt(0)!.toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}

/** In quotes, on one line, with everything escaped that a terminal would not show as it is. */
export function quoted(text: string): string {
  const letters = Array.from(text.slice(0, 2 * MOST));
  const cut = letters.length > MOST ? `${letters.slice(0, MOST).join("")}…` : text;
  return `"${cut.replaceAll(/["\\]/g, "\\$&").replaceAll(HIDDEN, escaped)}"`;
}

/** A name as it is where it is an ordinary one, else in quotes and escaped. */
export const named = (text: string): string => (text.length <= MOST && PLAIN.test(text) ? text : quoted(text));

/** Several, with commas. */
export const allNamed = (texts: readonly string[]): string => texts.map(named).join(", ");
