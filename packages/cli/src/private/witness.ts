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

interface Line {
  readonly event: string;
  readonly bound?: { readonly program: string };
  readonly to?: string;
  readonly why?: string;
}

/** Reads every party's transcript. */
export async function witnesses(session: MpcSession): Promise<Witness[]> {
  const transcripts = await session.transcript();
  const { bytesPerParty } = session.cost();
  return transcripts.map((lines, i) => {
    const programs = new Set<string>();
    const disclosures: Record<string, number> = {};
    let runs = 0;
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      if (line.event === "run" && line.bound !== undefined) {
        runs++;
        programs.add(line.bound.program);
      }
      if (line.event === "reveal") {
        const key = `${line.why} to ${line.to}`;
        disclosures[key] = (disclosures[key] ?? 0) + 1;
      }
    }
    const party = session.session.file.parties[i]!.identity.name;
    return { party, runs, programs: [...programs], disclosures, sentBytes: bytesPerParty[i] ?? 0 };
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
