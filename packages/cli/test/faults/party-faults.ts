/** @file How each fault happens to a party: what the rig does to its process and its links, and how its hook lies. */
import type { Lie } from "./hook.ts";
import { Line } from "./line.ts";
import { PARTIES, type Rig, type Run, TIMEOUT } from "./rig.ts";
import { type Fault, PHASES, type Phase } from "./table.ts";

/** One way in which a fault happens. */
export interface Variant {
  readonly name: string;
  /** What the victim's hook does. */
  readonly lie?: Lie;
  readonly bit?: number;
  readonly hours?: number;
  /** The victim's configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** A connection that it breaks before all are joined is looked for again: everything goes on. */
  readonly passes?: boolean;
  /** The fault is there from the victim's start: it halts nowhere. */
  readonly atStart?: boolean;
  /** What the rig does while the victim is halted. */
  act?(run: Run, victim: number, rig: Rig): void | Promise<void>;
}

type OnLine = "cut" | "slow" | "garble" | "flip" | "oversize";

/** A machine that is cut off or slow is so for everybody; what is garbled here are the links between parties. */
const onLinks =
  (what: OnLine): NonNullable<Variant["act"]> =>
  (run, victim) => {
    const everybody = what === "cut" || what === "slow";
    for (const [name, line] of run.links) {
      if ((everybody || /^\d \d$/.test(name)) && name.includes(String(victim))) line[what]();
    }
  };

/** Bits of a frame's header, one for each cell in turn: of its length, its run and its op. */
const BITS = [31, 3, 40, 70, 22] as const;

export function variantsOf(fault: Fault, phase: Phase, victim: number): readonly Variant[] {
  const first = phase === "handshake";
  switch (fault) {
    case "killed":
    case "restarted":
      return [{ name: fault, act: (run) => run.parties[victim]!.signal("SIGKILL") }];
    case "stopped":
      return [{ name: fault, act: (run) => run.parties[victim]!.signal("SIGSTOP") }];
    case "cut off":
      return [{ name: fault, act: onLinks("cut") }];
    case "slow":
      return [{ name: fault, act: onLinks("slow") }];
    case "garbage bytes":
      return [
        { name: "on the wire", act: onLinks("garble"), passes: true },
        { name: "in a frame", lie: "garbage" },
      ];
    case "bit flips":
      return [
        { name: "on the wire", act: onLinks("flip"), passes: true },
        { name: "in a frame", lie: "flip", bit: BITS[PHASES.indexOf(phase) % BITS.length]! },
      ];
    case "oversized frame":
      return [
        { name: "on the wire", act: onLinks("oversize"), passes: true },
        { name: "in a frame", lie: "oversized" },
      ];
    case "wrong key":
      return [
        { name: "of nobody", atStart: true, config: { key: "stranger.key" } },
        { name: "of another party", atStart: true, config: { key: `${PARTIES[(victim + 1) % 3]}.key` } },
      ];
    case "old version":
      return [{ name: fault, lie: "version" }];
    case "other policy":
      return [{ name: fault, atStart: true, config: { session: "other.json" } }];
    case "replayed handshake":
      return [
        {
          name: fault,
          act: replay((run) => [...run.links].filter(([n]) => n.endsWith(` ${victim}`) && /^\d/.test(n)).map(([, l]) => l)),
        },
      ];
    case "replayed input":
      return [{ name: fault, act: (_run, at, rig) => void replayInput(rig, at) }];
    case "disk full":
      return [{ name: fault, act: (_run, victim, rig) => rig.disk(`${PARTIES[victim]}-data`)?.fill(), lie: "disk" }];
    default:
      return [
        { name: "behind", lie: "clock", hours: -5, ...(first && { atStart: true }) },
        // Past the session's end no driver is served: an input that comes then has nobody to use it.
        ...(phase === "input" ? [] : [{ name: "ahead", lie: "clock", hours: 5, ...(first && { atStart: true }) } as const]),
      ];
  }
}

const replay =
  (
    of: (
      run: Run,
    ) => readonly { recorded: readonly Uint8Array[]; replay(bytes: readonly Uint8Array[], ms: number): Promise<void> }[],
  ): NonNullable<Variant["act"]> =>
  async (run) => {
    // While the victim is halted nobody answers: the bytes lie in its socket, and are read when it goes on.
    for (const link of of(run)) void link.replay(link.recorded, TIMEOUT);
  };

/** Once as the network saw it, once as whoever had the keys of its connection. */
async function replayInput(rig: Rig, victim: number): Promise<void> {
  const { client } = rig.ports[victim]!;
  const { bytes, messages } = rig.recording ?? { bytes: [], messages: [] };
  const line = await Line.to(client);
  await Promise.all([line.replay(bytes[victim] ?? [], TIMEOUT), rig.say(client, messages)]);
  await line.close();
}
