/** @file Prints a suite's rows as a table or JSON, and writes docs/benchmarks.md. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Row } from "./rows.ts";

/** One run of a suite. */
export interface Report {
  readonly schema: 1;
  readonly suite: string;
  readonly date: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  readonly rows: readonly Row[];
}

/** The report's frame for rows measured now. */
export function makeReport(suite: string, rows: readonly Row[]): Report {
  const all = cpus();
  return {
    schema: 1,
    suite,
    date: new Date().toISOString().slice(0, 10),
    machine: { cpu: all[0]?.model ?? "unknown", cores: all.length, node: process.versions.node },
    rows,
  };
}

const show = (x: number): string => (Math.abs(x) >= 100 ? x.toFixed(0) : Math.abs(x) >= 10 ? x.toFixed(1) : x.toPrecision(3));

function cells(row: Row): string[] {
  const peers = Object.entries(row.peers).map(
    ([name, value]) => `${name} ${show(value)} (${show(row.ratios[name] ?? Number.NaN)}x)`,
  );
  const wanted = [
    ...(row.target === undefined ? [] : [`${row.better === "lower" ? "≤" : "≥"} ${show(row.target)}`]),
    ...(row.mostBytes === undefined ? [] : [`≤ ${(row.mostBytes / 1e6).toFixed(1)} MB`]),
    ...(row.mostRounds === undefined ? [] : [`≤ ${row.mostRounds} rounds`]),
    ...Object.entries(row.wanted ?? {}).map(([name, r]) => `${show(r)}x ${name}`),
  ];
  const cost = row.bytesPerParty === undefined ? [] : [`${(row.bytesPerParty / 1e6).toFixed(2)} MB, ${row.rounds ?? "?"} rounds`];
  if (row.predicted !== undefined) {
    cost.push(`estimate ${show(row.predicted)} ${row.unit} on the wire (measured ${show(row.value / row.predicted)}x)`);
  }
  if (row.note !== undefined) peers.push(row.note);
  const meets = row.meets === null ? "" : row.meets ? "yes" : "**no**";
  const spread = `${show(row.min)}–${show(row.max)}`;
  const cpu = row.cpu === undefined ? "" : show(row.cpu);
  return [row.name, `${show(row.value)} ${row.unit}`, spread, cpu, cost.join(", "), peers.join(", "), wanted.join(", "), meets];
}

const HEAD = ["row", "median", "min–max", "CPU s", "sent per party", "peers (our speed over theirs)", "asked", "meets"];

/** A Markdown table of the report. */
export function table(report: Report): string {
  const lines = [HEAD, HEAD.map(() => "---"), ...report.rows.map(cells)];
  return lines.map((l) => `| ${l.join(" | ")} |`).join("\n");
}

const PREFACE = `# Benchmarks

Written by \`npm run bench -- --write\`; nothing here is edited by hand. A value is the median of interleaved runs, peers in the same
run, each in a process of its own: PyTorch from Debian's python3-torch with libopenblas0-pthread (with the reference BLAS its products
are 20 times slower), the JavaScript ones from \`npm run bench:peers\`. Bytes per party are payload plus frame headers, the maximum over the parties.
`;

/** The rows of a section as they stand, by name. */
function oldRows(section: string): Map<string, string> {
  const lines = section.split("\n").filter((l) => l.startsWith("| ") && !l.startsWith("| row ") && !l.startsWith("| ---"));
  return new Map(lines.map((l) => [l.split(" | ")[0]!.slice(2), l]));
}

/** Replaces this suite's section in docs/benchmarks.md; with `part`, only the rows that were measured. */
export function writeReport(report: Report, file: string, command: string, part = false): void {
  const old = existsSync(file) ? readFileSync(file, "utf8") : PREFACE;
  const sections = old.split(/^(?=## )/m);
  const title = `## ${report.suite}\n`;
  const { cpu, cores, node } = report.machine;
  const kept = part ? oldRows(sections.find((s) => s.startsWith(title)) ?? "") : new Map<string, string>();
  for (const row of report.rows) kept.set(row.name, `| ${cells(row).join(" | ")} |`);
  const lines = [HEAD, HEAD.map(() => "---")].map((l) => `| ${l.join(" | ")} |`);
  const section = `${title}\n${report.date}, ${cpu}, ${cores} cores, Node ${node}: \`${command}\`\n\n${[...lines, ...kept.values()].join("\n")}\n\n`;
  const at = sections.findIndex((s) => s.startsWith(title));
  if (at >= 0) sections[at] = section;
  else sections.push(section);
  writeFileSync(file, `${sections.map((s) => s.trimEnd()).join("\n\n")}\n`);
}
