/** @file The DEBUG ladder: 1 what is prepared and why, 2 each run, 3 Program and plan, 4 each step of a run. Lines, never values. */
import type { Device } from "../device/device.ts";
import { type Observer, observe, type Prepared, type Ran } from "../engine/observe.ts";
import { showAval } from "../program/aval.ts";
import { type Known, REMEMBERED, whyMissed } from "./missed.ts";
import { debugSetting, lineOf, recordLines, SETTING } from "./site.ts";

type LineHandler = (line: string) => void;

interface Stderr {
  readonly stderr?: { write(text: string): void };
}

/** stderr where there is one, else the console of the page. */
function toStderr(line: string): void {
  const { stderr } = (globalThis as { process?: Stderr }).process ?? {};
  if (stderr === undefined) console.debug(line);
  else stderr.write(`${line}\n`);
}

const state: { level: number; say: LineHandler; stop: (() => void) | null } = { level: 0, say: toStderr, stop: null };

/** Where lines go; returns the former place. */
export function onLine(next: LineHandler | null): LineHandler {
  const former = state.say;
  state.say = next ?? toStderr;
  return former;
}

export const sayLine = (text: string): void => state.say(`tacit: ${text}`);

const ms = (t: number): string => `${t.toPrecision(3)} ms`;
const UNITS = ["B", "kB", "MB", "GB"];
function bytes(n: number): string {
  const i = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(n, 1)) / 3)));
  return `${i === 0 ? n : (n / 1000 ** i).toPrecision(3)} ${UNITS[i]}`;
}
const many = (n: number, word: string): string => `${n} ${word}${n === 1 ? "" : "s"}`;

const known = new WeakMap<Device, Known[]>();

function prepared({ device, program, bindings, lines, executable, runs, start, end }: Prepared): void {
  const before = known.get(device) ?? [];
  const why = whyMissed({ program, bindings }, before, (node) => lineOf(lines[node] ?? null));
  known.set(device, [...before, { program, bindings }].slice(-REMEMBERED));
  const size = `${many(program.nodes.length, "node")}, ${many(program.inputs.length, "input")}`;
  // Grants and transcripts name what runs.
  const written = runs === program ? "" : ` (written out as ${runs.id.slice(0, 8)}, ${many(runs.nodes.length, "node")})`;
  sayLine(`prepare ${program.id.slice(0, 8)} on ${device.name}: ${size}${written}, ${ms(end - start)}; ${why}`);
  if (state.level < 3) return;
  const indented = (text: string): string => text.replaceAll("\n", "\n  ");
  sayLine(`Program ${program.id.slice(0, 8)}\n  ${indented(String(program))}`);
  const plan = executable.describe?.();
  if (plan !== undefined) sayLine(`plan of ${program.id.slice(0, 8)}\n  ${indented(plan)}`);
}

function ran(e: Ran): void {
  if (state.level < 2) return;
  const id = e.program.id.slice(0, 8);
  const size = `${bytes(e.bytesIn)} in, ${bytes(e.bytesOut)} out`;
  sayLine(`run ${id} on ${e.device.name}: ${ms(e.end - e.start)}, ${size}`);
  for (const s of e.steps) {
    const rate = s.flops > 0 && s.ms > 0 ? `, ${(s.flops / s.ms / 1e6).toPrecision(3)} GFLOP/s` : "";
    const line = lineOf(e.lines[s.node] ?? null);
    sayLine(`step ${s.label} -> ${showAval(s.result)}: ${ms(s.ms)}${rate}${line === undefined ? "" : `, at ${line}`}`);
  }
}

const ladder: Observer = {
  prepared,
  ran,
  get steps() {
    return state.level >= 4;
  },
};

/** The level in force; 0 is off. */
export const ladderLevel = (): number => state.level;

/** Sets the level: from now on. */
export function setLadderLevel(level: number): void {
  state.level = level;
  recordLines(ladder, level > 0);
  recordLines(SETTING, false);
  if (level > 0) state.stop ??= observe(ladder);
  else {
    state.stop?.();
    state.stop = null;
  }
}

/** Takes up TACIT_DEBUG, once. */
let read = false;
export function readSetting(): void {
  if (read) return;
  read = true;
  const level = debugSetting();
  if (level > 0 && state.level === 0) setLadderLevel(level);
}
