/** @file Sites: the user's line that made an op or that an error comes from, read from the stacks of V8, SpiderMonkey and JavaScriptCore. */

/** A captured stack. Engines write the text only when it is asked for. */
export interface Site {
  readonly stack?: string | undefined;
}

interface Process {
  readonly env?: Readonly<Record<string, string | undefined>>;
  cwd?(): string;
}
const host = (globalThis as { process?: Process }).process;

/** TACIT_DEBUG, 0 where it is not set or no number. */
export function debugSetting(): number {
  const n = Number(host?.env?.TACIT_DEBUG ?? 0);
  return Number.isInteger(n) && n > 0 ? Math.min(n, 4) : 0;
}

/** What decides which ops remember their line. */
export const sites: { every: boolean; none: boolean; inherited: Site | null } = {
  /** All of them: debugging is on. Else the few that may refuse data when they run (`refuses` in their row). */
  every: debugSetting() > 0,
  /** None: what the op could refuse was looked at already. A capture costs 4 microseconds, a tenth of a small step. */
  none: false,
  /** Set while a gradient is built: what the rule of an op makes stands for that op's line. */
  inherited: null,
};

/** Why lines are recorded from the start: TACIT_DEBUG, until the level is set. */
export const SETTING: object = {};
const reasons = new Set<object>(sites.every ? [SETTING] : []);

/** Every op remembers its line as long as somebody wants it: `reason` stands for them. */
export function recordLines(reason: object, wanted: boolean): void {
  if (wanted) reasons.add(reason);
  else reasons.delete(reason);
  sites.every = reasons.size > 0;
}

/** Runs `make` without recording lines: its data was checked. */
export function checkedData<T>(make: () => T): T {
  const before = sites.none;
  sites.none = true;
  try {
    return make();
  } finally {
    sites.none = before;
  }
}

interface V8 {
  stackTraceLimit?: number;
  captureStackTrace?(target: object, above?: (...args: never[]) => unknown): void;
}
const engine = Error as unknown as V8;
/** Frames between an op and the user's line: modules in modules, each two frames deep. */
const DEPTH = 30;

/** Raises the number of frames that a new error keeps; returns the former one, for `restoreFrames`. */
export function deepFrames(): number | undefined {
  const before = engine.stackTraceLimit;
  if (before !== undefined && before < DEPTH) engine.stackTraceLimit = DEPTH;
  return before;
}
export function restoreFrames(before: number | undefined): void {
  if (before !== undefined) engine.stackTraceLimit = before;
}

/** The stack from the caller of `above` on. */
export function captureSite(above: (...args: never[]) => unknown): Site {
  const before = deepFrames();
  try {
    if (engine.captureStackTrace === undefined) return new Error("site");
    const site: Site = {};
    engine.captureStackTrace(site, above);
    return site;
  } finally {
    restoreFrames(before);
  }
}

interface Frame {
  readonly path: string;
  readonly position: string;
}

/** The path of a URL or file, without scheme, host and query. */
function pathOf(location: string): string {
  const bare = location.replace(/[?#].*$/, "").replaceAll("\\", "/");
  const path = bare.replace(/^[a-z][a-z0-9+.-]+:\/\/[^/]*/i, "").replace(/^\/@fs\//, "/");
  if (path === bare) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** V8: `at f (url:1:2)`, `at async url:1:2`. SpiderMonkey and JavaScriptCore: `f@url:1:2`, `async*f@url:1:2`; with V8 such a line is the message. */
function frameOf(line: string, ofV8: boolean): Frame | null {
  const v8 = /^\s+at (?:async )?(.*)$/.exec(line);
  let where: string;
  if (v8 !== null) {
    const text = v8[1]!;
    const open = text.endsWith(")") ? text.indexOf(" (") : -1;
    where = open < 0 ? text : text.slice(open + 2, -1);
    // `eval at f (url:1:2), <anonymous>:1:1`: no place in a file.
    if (where.startsWith("eval at ")) return null;
  } else {
    const at = line.indexOf("@");
    if (at < 0 || ofV8) return null;
    where = line.slice(at + 1);
  }
  const parts = /^(.+?):(\d+):(\d+)$/.exec(where);
  if (parts === null || !/[/\\]/.test(parts[1]!) || parts[1]!.startsWith("node:")) return null;
  return { path: pathOf(parts[1]!), position: `${parts[2]}:${parts[3]}` };
}

const OWN = pathOf(import.meta.url);
/** Where the packages stand beside each other: packages/ here, node_modules/@tacit/ where they are installed. */
const ROOM = /^(.*\/)core\/(?:src|dist)\//.exec(OWN)?.[1];

/** Whether a file is Tacit's. In a bundle everything is one file: then no line is known to be the user's. */
function isTacit(path: string): boolean {
  if (ROOM === undefined) return path === OWN;
  return path.startsWith(ROOM) && /^(?:core|kernels|mpc|vision|plot|cli)\/(?:src|dist)\//.test(path.slice(ROOM.length));
}

/** Relative to the working directory where it lies below it; else the file's name. */
function shown({ path, position }: Frame): string {
  const here = host?.cwd?.().replaceAll("\\", "/");
  const local = /^\/[A-Za-z]:\//.test(path) ? path.slice(1) : path;
  if (here === undefined) return `${local.replace(/^\//, "")}:${position}`;
  const relative = local.startsWith(`${here}/`) ? local.slice(here.length + 1) : local.slice(local.lastIndexOf("/") + 1);
  return `${relative}:${position}`;
}

/**
 * The first line of a stack that is neither Tacit's nor an installed library's, else the first that is not Tacit's:
 * `src/my-model.ts:12:15`. undefined where there is none.
 */
export function userLine(stack: string | undefined): string | undefined {
  if (stack === undefined) return undefined;
  let library: Frame | null = null;
  const ofV8 = /\n\s+at /.test(stack);
  for (let start = 0; start < stack.length; ) {
    let end = stack.indexOf("\n", start);
    if (end < 0) end = stack.length;
    const frame = frameOf(stack.slice(start, end), ofV8);
    start = end + 1;
    if (frame === null || isTacit(frame.path)) continue;
    if (!frame.path.includes("/node_modules/")) return shown(frame);
    library ??= frame;
  }
  return library === null ? undefined : shown(library);
}

/** The user's line of a site; undefined where none was recorded. */
export const lineOf = (site: Site | null): string | undefined => (site === null ? undefined : userLine(site.stack));
