/** @file Look: what a terminal can show, and how that is found out. */

/** "256": the xterm palette; "true": 24 bits. */
export type ColorDepth = "none" | "256" | "true";

export interface TextOptions {
  /** Columns. Default 80. */
  readonly width?: number;
  /** Lines of a drawing without a natural height (curves, points, histograms). */
  readonly height?: number | null;
  readonly color?: ColorDepth;
  /** Blocks and Braille; false: ASCII alone. Default true. */
  readonly unicode?: boolean;
}

export interface Look {
  readonly width: number;
  readonly height: number | null;
  readonly color: ColorDepth;
  readonly unicode: boolean;
}

/** What is asked of a stream of Node. */
export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Wider lines are hard to read. */
const MOST_COLUMNS = 120;

/** no-color.org: any value that is not empty. Terminals of 16 colours get none: theirs are not the ones meant. */
function depth(stream: TerminalStream, env: Environment): ColorDepth {
  if (stream.isTTY !== true || (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb") return "none";
  if (/^(truecolor|24bit)$/i.test(env.COLORTERM ?? "")) return "true";
  return /256/.test(env.TERM ?? "") || (env.WT_SESSION ?? "") !== "" ? "256" : "none";
}

/** A locale that says another encoding than UTF-8 gets ASCII; none at all is taken for UTF-8, as terminals are now. */
function unicode(env: Environment): boolean {
  if (env.TERM === "dumb") return false;
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((v) => v !== undefined && v !== "");
  return locale === undefined || /utf-?8/i.test(locale);
}

/** What can be shown on a stream; 80 columns where it is no terminal. */
export function lookAt(stream: TerminalStream, env: Environment): Look {
  const width = Math.min(MOST_COLUMNS, stream.columns || Number(env.COLUMNS) || 80);
  return { width: Math.max(20, width), height: null, color: depth(stream, env), unicode: unicode(env) };
}

/** The look of this process's stream; plain text of 80 columns where there are no processes. */
export function lookOf(name: "stdout" | "stderr"): Look {
  if (typeof process === "undefined" || process.stdout === undefined) return lookAt({}, {});
  return lookAt(process[name], process.env);
}
