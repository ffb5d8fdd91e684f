/** @file Programs of many seeds, judged. */
import type { ProtocolOptions } from "../../../../src/protocols/protocol.ts";
import { OPTIONS, Parties } from "../parties.ts";
import { judge, type Verdict } from "./judge.ts";
import { makeTrial, type Trial } from "./make.ts";
import { shrink } from "./shrink.ts";

export const SESSIONS: readonly ProtocolOptions[] = [OPTIONS, { ...OPTIONS, range: 10 }];

export interface Found {
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

/** What a person wants to see of a failure. */
export function describe(seed: number, t: Trial, v: Verdict): string {
  const inputs = t.bounds.map(
    (b, i) => `%${i} ${t.bindings[i]!.kind}, up to 2^${Math.log2(b).toFixed(2)}: ${[...t.inputs[i]!.slice(0, 4)].join(" ")} ...`,
  );
  return [`seed ${seed} ${JSON.stringify(v)}`, `${t.program}`, ...inputs].join("\n");
}

/** Seeds from `first` on; even ones in a session of full range, odd ones on 32 bits. */
export async function sweep(first: number, count: number, say: (s: string) => void = () => {}): Promise<Found> {
  const counts: Record<string, number> = { right: 0, vague: 0, warned: 0, unknown: 0, refused: 0, wrong: 0 };
  const failures: string[] = [];
  const sessions = await Promise.all(SESSIONS.map((protocol) => Parties.start({ protocol })));
  try {
    for (let seed = first; seed < first + count; seed++) {
      const parties = sessions[seed % 2]!;
      const t = makeTrial(seed, parties.options);
      const v = await judge(t, parties);
      counts[v.kind]!++;
      if (v.kind === "right" && v.vague) counts.vague!++;
      if ((seed + 1 - first) % 1000 === 0) say(`${seed + 1 - first}: ${JSON.stringify(counts)}`);
      if (v.kind === "refused") say(`seed ${seed} refused: ${v.why}`);
      if (v.kind !== "wrong") continue;
      const small = await shrink(t, v, parties);
      const seen = small === t ? v : await judge(small, parties);
      // What is wrong now and then may be right this time: then the Program it was seen in is told.
      failures.push(seen.kind === "wrong" ? describe(seed, small, seen) : describe(seed, t, v));
      say(failures.at(-1)!);
    }
  } finally {
    for (const p of sessions) p.close();
  }
  return { counts, failures };
}
