/** @file What each party saw, from its own transcript: Programs, runs, disclosures; never a value. */
import type { MpcSession } from "@tacit/mpc";
import { showMegabytes } from "../output/progress.ts";

/** One party's account. */
export interface Witness {
  readonly party: string;
  readonly runs: number;
  readonly programs: readonly string[];
  readonly disclosures: Readonly<Record<string, number>>;
  readonly sentBytes: number;
}

/** What one line says; null for one that is no account of a run or a disclosure. A party writes what it likes. */
function lineOf(text: string): { readonly program: string } | { readonly disclosed: string } | null {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(line)) return null;
  if (line.event === "run" && isRecord(line.bound)) return { program: words(line.bound.program) };
  return line.event === "reveal" ? { disclosed: `${words(line.why)} to ${words(line.to)}` } : null;
}

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> => typeof x === "object" && x !== null && !Array.isArray(x);
/** A party's words must not move the cursor or colour the terminal. */
const words = (x: unknown): string => (typeof x === "string" ? x.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?").slice(0, 256) : "?");

/** What the lines of one party's transcript add up to. */
export function accountOf(lines: readonly string[]): Pick<Witness, "runs" | "programs" | "disclosures"> {
  const programs = new Set<string>();
  const disclosures = new Map<string, number>();
  let runs = 0;
  for (const text of lines) {
    const line = lineOf(text);
    if (line === null) continue;
    if ("program" in line) {
      runs++;
      programs.add(line.program);
    } else disclosures.set(line.disclosed, (disclosures.get(line.disclosed) ?? 0) + 1);
  }
  return { runs, programs: [...programs], disclosures: Object.fromEntries(disclosures) };
}

/** Reads every party's transcript. */
export async function witnesses(session: MpcSession): Promise<Witness[]> {
  const transcripts = await session.transcript();
  const { bytesPerParty } = session.cost();
  return transcripts.map((lines, i) => {
    const party = session.session.file.parties[i]!.identity.name;
    return { party, ...accountOf(lines), sentBytes: bytesPerParty[i] ?? 0 };
  });
}

/** The account as text. */
export function showWitnesses(all: readonly Witness[]): string {
  const lines = all.map((w) => {
    const opened = Object.entries(w.disclosures).map(([what, n]) => `${what} (${n}x)`);
    const said = opened.length === 0 ? "nothing" : opened.join(", ");
    return `  ${w.party}: ${w.runs} runs of ${w.programs.length} Programs, ${showMegabytes(w.sentBytes)} sent in all; took part in disclosing: ${said}`;
  });
  return `what each party saw:\n${lines.join("\n")}`;
}
