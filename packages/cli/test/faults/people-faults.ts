/** @file How each fault happens to a person: what the rig does to its process and its links, and how its hook lies. */
import type { Event, Lie } from "./hook.ts";
import type { Line } from "./line.ts";
import type { Partial, Proc } from "./process.ts";
import { PARTIES, type Person, type Rig, type Run, TIMEOUT } from "./rig.ts";
import type { Fault, Phase, Role } from "./table.ts";

/** One way in which a fault happens to a person. */
export interface Way {
  readonly name: string;
  readonly lie?: Lie;
  readonly hours?: number;
  readonly atStart?: boolean;
  readonly person?: Partial<Person>;
  /** A driver halts when so many parties have heard its command. */
  readonly told?: number;
  readonly out?: string;
  act?(at: Moment): void;
}

/** The moment of the fault. */
export interface Moment {
  readonly rig: Rig;
  readonly run: Run;
  readonly role: Role;
  readonly victim: Proc;
}

type OnLine = "cut" | "slow" | "garble" | "flip" | "oversize";
const onLines =
  (what: OnLine): NonNullable<Way["act"]> =>
  ({ run, role }) => {
    for (const line of linesOf(run, role)) line[what]();
  };
const linesOf = (run: Run, role: Role): Line[] => PARTIES.flatMap((_, i) => run.links.get(`${role} ${i}`) ?? []);

/** A driver may have told all parties, or one of them. */
const told = (role: Role, way: Way): readonly Way[] =>
  role !== "driver"
    ? [way]
    : [
        { ...way, name: "all are told", told: 3 },
        { ...way, name: "one is told", told: 1 },
      ];

export function waysOf(fault: Fault, role: Role): readonly Way[] {
  switch (fault) {
    case "killed":
    case "restarted":
      return told(role, { name: fault, act: ({ victim }) => victim.signal("SIGKILL") });
    case "stopped":
      return told(role, { name: fault, act: ({ victim }) => victim.signal("SIGSTOP") });
    case "cut off":
      return told(role, { name: fault, act: onLines("cut") });
    case "slow":
      return [{ name: fault, act: onLines("slow") }];
    case "garbage bytes":
      return [
        { name: "on the wire", act: onLines("garble") },
        { name: "in a message", lie: "garbage" },
      ];
    case "bit flips":
      return [
        { name: "on the wire", act: onLines("flip") },
        { name: "in a message", lie: "flip" },
      ];
    case "oversized frame":
      return [
        { name: "on the wire", act: onLines("oversize") },
        { name: "in a message", lie: "oversized" },
      ];
    case "wrong key":
      return [
        { name: "in its file", atStart: true, person: { keys: ["stranger.key"] } },
        { name: "in its messages", lie: "signature" },
      ];
    case "old version":
      return [{ name: fault, lie: "version" }];
    case "other policy":
      return [{ name: fault, atStart: true, person: { session: "other.json" } }];
    case "replayed handshake":
      return [{ name: fault, act: replayLines }];
    case "replayed input":
      return [{ name: fault, act: replayMessages }];
    case "disk full":
      return [{ name: fault, out: "results" }];
    default:
      return [
        { name: "behind", lie: "clock", hours: -5 },
        { name: "ahead", lie: "clock", hours: 5 },
      ];
  }
}

/** Its first bytes to each party again, over connections of the network's own. */
function replayLines({ run, role }: Moment): void {
  for (const line of linesOf(run, role)) void line.replay(line.recorded, TIMEOUT);
}

/** What it said inside its connections, said again in new ones. */
function replayMessages({ rig, victim }: Moment): void {
  for (const p of rig.ports) void rig.say(p.client, victim.sent);
}

/** What a person does in each phase when its fault comes. */
export function eventOf(role: Role, phase: Phase): Event {
  if (phase === "handshake") return "hello";
  if (role === "provider") return "input";
  if (role === "recipient") return phase === "reveal" ? "letter" : "letters";
  return phase === "reveal" || phase === "checkpoint" || phase === "resume" ? phase : "op";
}
