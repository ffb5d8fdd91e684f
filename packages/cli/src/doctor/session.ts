/** @file What `tacit doctor --session` says of a session and its parties: one finding per thing, each with what to do. */
import { mpc } from "@tacit/mpc";
import type { NamedFinding } from "../commands/doctor.ts";
import type { State } from "./checks.ts";

/** Clocks may differ by so much, besides what the measuring leaves open: expiry and grants depend on them. */
const CLOCK_MS = 2000;
const DAY_S = 86_400;

/** Why a command should end with a code other than 0. */
export type Lack = "network" | "expired" | "other";

export interface SessionFindings {
  readonly findings: readonly NamedFinding[];
  /** The gravest: a party that cannot be reached before everything else. */
  readonly lack: Lack | null;
}

const OBSTACLES: Readonly<Record<mpc.Obstacle, (p: mpc.Examined) => readonly [says: string, fix: string]>> = {
  name: (p) => [
    `the name in ${p.client} leads nowhere`,
    "see this machine's name service; if the name is wrong, agree on a session file with the right one",
  ],
  refused: (p) => [
    `nothing listens at ${p.client}`,
    `start ${p.name} there (tacit party --config party.json) and read its log; see that the address is its own`,
  ],
  timeout: (p) => [
    `no answer at ${p.client}`,
    "see whether that machine is on, whether a firewall lets this port through, and whether the process is stopped",
  ],
  protocol: (p) => [`something else listens at ${p.client}`, "see on that machine which program has the port"],
  key: (p) => [
    `another key at ${p.client} than the session file's`,
    `do not go on: compare fingerprints with ${p.name} by another channel (tacit session show); its key file may have been replaced`,
  ],
  version: (p) => [
    `the party at ${p.client} takes no probe`,
    `install Tacit ${mpc.SOFTWARE} there; or it has as many connections as it takes: ask again in a moment`,
  ],
};

class Findings {
  readonly list: NamedFinding[] = [];
  lack: Lack | null = null;

  say(state: State, name: string, says: string, fix?: string): void {
    this.list.push({ name, state, says, ...(fix !== undefined && { fix }) });
  }

  lacks(kind: Lack, name: string, says: string, fix: string): void {
    const gravest: readonly Lack[] = ["network", "expired", "other"];
    if (this.lack === null || gravest.indexOf(kind) < gravest.indexOf(this.lack)) this.lack = kind;
    this.say("lack", name, says, fix);
  }
}

const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
const megabits = (bits: number): string => `${(bits / 1e6).toFixed(bits < 1e7 ? 1 : 0)} Mbit/s`;

function expiry(f: Findings, session: mpc.Session, now: number): void {
  const left = session.file.expires - now / 1000;
  const at = new Date(session.file.expires * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  if (left <= 0)
    f.lacks("expired", "expiry", `the session ended at ${at}`, "agree on a new session file, or set this machine's clock");
  else if (left < DAY_S)
    f.say("note", "expiry", `the session ends at ${at}, within a day`, "agree on a new session file in time");
  else f.say("ok", "expiry", `${at}, in ${Math.floor(left / DAY_S)} days`);
}

function clock(f: Findings, p: mpc.Examined): void {
  if (p.clock === null) return;
  const { ahead, uncertainty } = p.clock;
  const words = `${Math.abs(ahead / 1000).toFixed(1)} s ${ahead < 0 ? "behind" : "ahead of"} this machine's, ±${milliseconds(uncertainty)}`;
  const name = `${p.name}, clock`;
  if (Math.abs(ahead) - uncertainty > CLOCK_MS)
    f.say("note", name, words, "set both clocks by NTP (timedatectl set-ntp true): sessions and grants expire by them");
  else f.say("ok", name, words);
}

function party(f: Findings, session: mpc.Session, p: mpc.Examined): void {
  if (p.obstacle !== null) {
    const [says, fix] = OBSTACLES[p.obstacle.kind](p);
    f.lacks("network", p.name, `${says} (${p.obstacle.detail})`, fix);
    return;
  }
  if (p.error !== null) {
    f.lacks("network", p.name, p.error.message, `tacit explain ${p.error.code}`);
    return;
  }
  const reached = `${p.client} with its pinned key, ${milliseconds(p.roundTrip ?? 0)} there and back`;
  f.say("ok", p.name, p.up === null ? reached : `${reached}, ${megabits(p.up)} up, ${megabits(p.down ?? 0)} down`);
  const version = `Tacit ${p.software ?? "?"}${p.facts === null ? "" : `, Node ${p.facts.node}`}`;
  if (p.software === mpc.SOFTWARE) f.say("ok", `${p.name}, version`, version);
  else f.say("note", `${p.name}, version`, `${version}, here Tacit ${mpc.SOFTWARE}`, "install the same version everywhere");
  clock(f, p);
  if (p.facts !== null) state(f, session, p, p.facts);
}

function state(f: Findings, session: mpc.Session, p: mpc.Examined, facts: mpc.PartyFacts): void {
  const name = `${p.name}, state`;
  if (facts.joined === null || facts.waits.length > 0) {
    const missing = facts.waits.map((j) => session.partyName(j)).join(", ");
    const at = facts.waits.map((j) => session.file.parties[j]?.address ?? "?").join(", ");
    const says = missing === "" ? "is about to join the others" : `waits for ${missing}`;
    f.lacks(
      "network",
      name,
      says,
      `start ${missing || "all parties"}; if it runs, let it and ${p.name} reach each other (${at})`,
    );
    return;
  }
  const { attempt, memory, busy, grants } = facts.joined;
  const room = `${(memory / 1e6).toFixed(0)} MB of share memory free`;
  f.say("ok", name, `joined, attempt ${attempt}, ${room}, ${grants} grants${busy ? "; something runs now" : ""}`);
}

function grants(f: Findings, session: mpc.Session, parties: readonly mpc.Examined[]): void {
  const counts = parties.flatMap((p) => (p.facts?.joined ? [p.facts.joined.grants] : []));
  const inFile = session.file.grants.length;
  const most = Math.max(inFile, ...counts);
  if (most === 0)
    f.say("note", "grants", "none: nothing may run on anybody's data yet", "let every owner sign what tacit plan prints");
  else if (new Set(counts).size > 1)
    f.say(
      "note",
      "grants",
      `the parties hold ${counts.join(", ")}`,
      "hand the same grants to all parties, connected to all of them",
    );
  else f.say("ok", "grants", `${most} (${inFile} in the session file)`);
}

/** What was found, in the order in which one would mend it. `keyed`: somebody of the session asked. */
export function findingsOf(
  session: mpc.Session,
  parties: readonly mpc.Examined[],
  keyed: boolean,
  now: number = Date.now(),
): SessionFindings {
  const f = new Findings();
  f.say("ok", "session", `${session.hex.slice(0, 12)}, ${session.file.protocol.name}, ${parties.length} parties`);
  expiry(f, session, now);
  for (const p of parties) party(f, session, p);
  if (keyed) grants(f, session, parties);
  else
    f.say(
      "note",
      "key",
      "none given: only ports, pinned keys and versions were looked at",
      "name the key file of one of the session's people with --key",
    );
  return { findings: f.list, lack: f.lack };
}

/** Round trip and bandwidth from each party (rows) to each other. */
export function showLinks(parties: readonly mpc.Examined[]): string {
  if (parties.every((p) => p.links.length === 0)) return "";
  const cell = (from: mpc.Examined, to: mpc.Examined): string => {
    const link = from.links.find((l) => l.party === to.index);
    if (from === to || link === undefined) return "-";
    if (link.roundTrip === null) return "no answer";
    return `${milliseconds(link.roundTrip)}, ${link.bandwidth === null ? "?" : megabits(link.bandwidth)}`;
  };
  const rows = [
    ["from \\ to", ...parties.map((p) => p.name)],
    ...parties.map((a) => [a.name, ...parties.map((b) => cell(a, b))]),
  ];
  const width = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)));
  return rows
    .map((r) =>
      r
        .map((c, i) => c.padEnd(width[i]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
