/** @file The matrix as people see it: a row per fault and role, a letter per phase, then counts and what does not hold. */
import { cellOf, FAULTS, nameOf, PHASES, ROLES } from "./table.ts";

export interface Played {
  readonly name: string;
  readonly problems: string[];
  readonly words: readonly string[];
  /** Milliseconds until all others had ended, and of the whole cell with its fresh run. */
  readonly ms: number;
  readonly took: number;
}

const count = (n: number, what: string): string => `${n} ${what}`;

/** `+` holds, `x` does not, `.` no such cell, a space: not played. */
export function picture(played: readonly Played[]): string {
  const by = new Map(played.map((p) => [p.name, p]));
  const sign = (name: string, impossible: boolean): string => {
    if (impossible) return ".";
    const p = by.get(name);
    if (p === undefined) return " ";
    return p.problems.length === 0 ? "+" : "x";
  };
  const lines = ["", `the fault matrix: ${PHASES.map((p, i) => `${i + 1} ${p}`).join(", ")}`, ""];
  const head = PHASES.map((_, i) => String(i + 1).padStart(3)).join("");
  for (const role of ROLES) {
    lines.push(`${role.padEnd(20)}${head}`);
    for (const fault of FAULTS) {
      const signs = PHASES.map((phase) => sign(nameOf(fault, phase, role), cellOf(fault, phase, role).kind === "impossible"));
      lines.push(`  ${fault.padEnd(18)}${signs.map((s) => s.padStart(3)).join("")}`);
    }
    lines.push("");
  }
  const all = ROLES.flatMap((role) => FAULTS.flatMap((fault) => PHASES.map((phase) => cellOf(fault, phase, role))));
  const none = all.filter((c) => c.kind === "impossible").length;
  const failed = played.filter((p) => p.problems.length > 0);
  const slowest = played.reduce((n, p) => Math.max(n, p.ms), 0);
  lines.push(
    [
      count(all.length, "cells"),
      count(none, "impossible"),
      count(played.length, "played"),
      count(played.length - failed.length, "hold"),
      count(failed.length, "fail"),
      `the others ended within ${Math.round(slowest / 100) / 10} s`,
    ].join(", "),
    ...failed.map((p) => `  FAIL: ${p.name}: ${p.problems[0]}`),
    "",
  );
  return `${lines.join("\n")}\n`;
}
