/** @file What every audit takes and gives: `--json`, `--report`, `--picture`, `--fail-above`; and how it ends. */
import { writeFile } from "node:fs/promises";
import { expected, TacitError } from "@tacit/core/errors";
import type { Figure } from "@tacit/plot";
import { type Command, InvalidArgumentError } from "commander";
import { checkWritable } from "../files.ts";
import { drawn } from "../output/pictures.ts";
import { result, say } from "../output/streams.ts";

export interface ReportWords {
  readonly json?: boolean;
  readonly report?: string;
  readonly picture?: string;
  readonly failAbove?: number;
}

/** A finite number, of either sign. */
function number(text: string): number {
  const n = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(n)) throw new InvalidArgumentError("expected a number");
  return n;
}

/** A chance between 0 and 1, both excluded. */
export function chance(text: string): number {
  const n = Number(text);
  if (!(text.trim() !== "" && n > 0 && n < 1)) throw new InvalidArgumentError("expected a number between 0 and 1");
  return n;
}

/** Refuses options that were given and would be ignored. @throws ARGUMENT_INVALID */
export function refuseIdle(command: Command, names: readonly string[], beside: string): void {
  const idle = names.find((name) => command.getOptionValueSource(name) === "cli");
  if (idle === undefined) return;
  const where = `audit ${command.name()}`;
  expected("ARGUMENT_INVALID", where, `no --${idle} with ${beside}`, "one", `it would change nothing: tacit ${where} --help`);
}

/** @param measures what `--fail-above` is compared with, with its unit */
export const withReportOptions = (command: Command, measures: string): Command =>
  command
    .option("--fail-above <x>", `exit with 3 where ${measures} is above x; the report is written first`, number)
    .option("--report <file>", "write the report there, as JSON")
    .option("--picture <file>", "write the picture there: .svg, .txt or .json")
    .option("--json", "print the report as one JSON object");

/** Sees, before any work, that report and picture can be written. @throws FILE_WRITE, ARGUMENT_INVALID */
export async function checkReport(words: ReportWords): Promise<void> {
  if (words.report !== undefined) await checkWritable(words.report, "--report");
  if (words.picture === undefined) return;
  if (!/\.(svg|txt|json)$/i.test(words.picture))
    expected("ARGUMENT_INVALID", "--picture", "a name that ends in .svg, .txt or .json", JSON.stringify(words.picture));
  await checkWritable(words.picture, "--picture");
}

/** What an audit came to. */
export interface Finding {
  /** `exposure`, `membership`, `inversion` or `one-run`. */
  readonly audit: string;
  /** Plain data; `{ schema, kind, audit, measured, ... }` is the report. */
  readonly report: object;
  /** What `--fail-above` looks at, and its unit. */
  readonly measured: number;
  readonly unit: string;
  readonly figure: Figure;
  /** For people, below the picture. */
  readonly text: string;
  /** A bound of the audit's own, beside --fail-above: a claim that what was measured contradicts. */
  readonly claim?: number;
}

const shown = (x: number): string =>
  Math.abs(x) >= 0.01 && Math.abs(x) < 1e6 ? `${Number(x.toPrecision(4))}` : x.toPrecision(3);

/** JSON has no infinity: it becomes null, as a PSNR of equal pictures does. */
const plain = (x: object): string => JSON.stringify(x);

/**
 * Prints and writes the report, then fails where too much was measured.
 * @throws TacitError PRIVACY_AUDIT (exit code 3)
 */
export async function conclude(words: ReportWords, f: Finding): Promise<void> {
  const { audit, measured, unit } = f;
  const limit = Math.min(words.failAbove ?? Number.POSITIVE_INFINITY, f.claim ?? Number.POSITIVE_INFINITY);
  const failed = measured > limit;
  const value = { audit, measured, unit, failAbove: words.failAbove ?? null, failed, ...f.report };
  if (words.report !== undefined) {
    await writeFile(words.report, `${plain({ schema: 1, kind: "audit", ...value })}\n`).catch((cause: unknown) => {
      throw new TacitError("FILE_WRITE", `${words.report}: expected a writable place, got an error`, { cause });
    });
    say(`report: ${words.report}`);
  }
  if (words.picture !== undefined) {
    await f.figure.save(words.picture);
    say(`picture: ${words.picture}`);
  }
  result(words.json === true, "audit", value, () => `${drawn(f.figure, "stdout")}\n\n${f.text}`);
  if (!failed) return;
  const hint = f.claim !== undefined && measured > f.claim ? "this contradicts the claimed guarantee: do not release" : undefined;
  throw new TacitError("PRIVACY_AUDIT", `audit ${audit}: expected at most ${shown(limit)} ${unit}, got ${shown(measured)}`, {
    ...(hint !== undefined && { hint }),
  });
}
