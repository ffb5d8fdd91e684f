/**
 * @file The fault matrix: every fault at every moment by everybody, with real processes. The default suite plays a sample; TACIT_LONG=1 plays
 * all cells and prints the picture. TACIT_FAULTS="killed,x driver" plays the cells whose names hold one of these.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, bundle } from "./bundle.ts";
import { Words } from "./check.ts";
import { playDriver } from "./driver-cell.ts";
import { computeClear } from "./expressions.ts";
import { freshRun, type Told } from "./outcome.ts";
import { playParty } from "./party-cell.ts";
import { playGuest } from "./people-cell.ts";
import { type Played, picture } from "./picture.ts";
import { Rig } from "./rig.ts";
import { type Cell, cellOf, FAULTS, type Fault, nameOf, PHASES, type Phase, ROLES, type Role } from "./table.ts";

interface Place {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly role: Role;
  readonly cell: Cell;
}

const ALL: readonly Place[] = ROLES.flatMap((role) =>
  FAULTS.flatMap((fault) => PHASES.map((phase) => ({ fault, phase, role, cell: cellOf(fault, phase, role) }))),
);
const possible = ALL.filter((p) => p.cell.kind !== "impossible");

/** Each fault, each phase and each role at least once. */
const SAMPLE: readonly string[] = [
  "killed x division x party",
  "stopped x input x party",
  "cut off x reveal x party",
  "slow x linear x recipient",
  "garbage bytes x sort x party",
  "bit flips x pooling x party",
  "oversized frame x convolution x driver",
  "wrong key x handshake x provider",
  "old version x handshake x party",
  "other policy x handshake x provider",
  "replayed handshake x comparison x provider",
  "replayed input x classOnly x provider",
  "restarted x checkpoint x driver",
  "disk full x checkpoint x party",
  "clock off x linear x party",
  "clock off x resume x provider",
];

const LONG = process.env.TACIT_LONG !== undefined || process.env.TACIT_FAULTS !== undefined;
/** Cells at once: each has four to six processes. */
const RIGS = Number(process.env.TACIT_FAULTS_RIGS ?? 2);

let code: Bundle;
beforeAll(async () => {
  await computeClear();
  code = await bundle();
}, 120_000);
afterAll(() => code[Symbol.dispose]());

/** What is played together: one cell of a party, or a person's fault in all phases. */
interface Unit {
  readonly role: Role;
  readonly fault: Fault;
  readonly places: readonly Place[];
}

function unitsOf(places: readonly Place[]): Unit[] {
  const units = new Map<string, Place[]>();
  for (const p of places) {
    const key = p.role === "party" ? nameOf(p.fault, p.phase, p.role) : `${p.fault} ${p.role}`;
    units.set(key, [...(units.get(key) ?? []), p]);
  }
  return [...units.values()].map((of) => ({ role: of[0]!.role, fault: of[0]!.fault, places: of }));
}

async function play(rig: Rig, { role, fault, places }: Unit): Promise<Played[]> {
  const began = performance.now();
  const played = (phase: Phase, told: Told): Played => ({
    name: nameOf(fault, phase, role),
    ...told,
    took: performance.now() - began,
  });
  if (role === "party") {
    const { phase, cell } = places[0]!;
    return [played(phase, await playParty(rig, fault, phase, cell))];
  }
  const cells = new Map(places.flatMap((p) => (p.cell.kind === "goes on" ? [[p.phase, p.cell] as const] : [])));
  const told = role === "driver" ? await playDriver(rig, fault, cells) : await playGuest(rig, fault, role, cells);
  return [...told].map(([phase, t]) => played(phase, t));
}

/** Plays units on several rigs; each takes the next that is left. */
async function playAll(units: readonly Unit[], rigs: number, each: (played: Played) => void): Promise<Played[]> {
  const left = [...units];
  const done: Played[] = [];
  const work = async (): Promise<void> => {
    const rig = await Rig.make(code);
    try {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        for (const p of await play(rig, next)) {
          done.push(p);
          each(p);
        }
      }
      const last = done.at(-1);
      for (const p of last === undefined ? [] : await freshRun(rig, "linear"))
        last?.problems.push(`a fresh run at the end: ${p}`);
    } finally {
      await rig.close();
    }
  };
  await Promise.all(Array.from({ length: rigs }, work));
  return done;
}

function judge(played: Played): void {
  expect(played.problems, played.words.join("\n")).toEqual([]);
}

test("the table has every cell, and a reason where there is none", () => {
  expect(ALL).toHaveLength(FAULTS.length * PHASES.length * ROLES.length);
  for (const { cell } of ALL) if (cell.kind === "impossible") expect(cell.because.length).toBeGreaterThan(20);
  const names = new Set(possible.map((p) => nameOf(p.fault, p.phase, p.role)));
  for (const name of SAMPLE) expect(names).toContain(name);
  const sample = possible.filter((p) => SAMPLE.includes(nameOf(p.fault, p.phase, p.role)));
  expect(new Set(sample.map((p) => p.fault)).size).toBe(FAULTS.length);
  expect(new Set(sample.map((p) => p.phase)).size).toBe(PHASES.length);
  expect(new Set(sample.map((p) => p.role)).size).toBe(ROLES.length);
});

test("a share is found wherever it stands, in bytes and in hexadecimal, and nothing else is", () => {
  const words = new Words();
  const share = crypto.getRandomValues(new Uint8Array(64));
  words.add(share);
  const [word, other] = [Buffer.from(share.subarray(24, 32)), Buffer.from(crypto.getRandomValues(new Uint8Array(8)))];
  for (const w of [word, Buffer.from(word.toString("hex")), Buffer.from(`a${word.toString("hex").toUpperCase()}`)])
    for (const before of [0, 1, 5])
      expect(words.standIn(Buffer.concat([Buffer.alloc(before, 120), w, Buffer.of(120)]))).toBe(true);
  for (const w of [other, Buffer.from(other.toString("hex")), word.subarray(0, 7), Buffer.alloc(0)])
    expect(words.standIn(w)).toBe(false);
});

/** Plays cells and says how each went. */
async function playAndSay(cells: readonly Place[]): Promise<Played[]> {
  const words = process.env.TACIT_FAULTS_WORDS !== undefined;
  return playAll(unitsOf(cells), RIGS, (p) => {
    const failed = p.problems.length > 0;
    if (!LONG && !failed) return;
    const sign = failed ? "FAIL" : "ok  ";
    process.stderr.write(`${sign} ${p.name}, ${Math.round(p.took / 100) / 10} s\n`);
    if (failed || words)
      process.stderr.write([...p.problems.map((t) => `     ! ${t}\n`), ...p.words.map((t) => `       ${t}\n`)].join(""));
  });
}

describe.runIf(!LONG)("a sample of the fault matrix", () => {
  test(`${SAMPLE.length} cells hold, of every fault, phase and role`, { timeout: 600_000 }, async () => {
    for (const p of await playAndSay(possible.filter((c) => SAMPLE.includes(nameOf(c.fault, c.phase, c.role))))) judge(p);
  });
});

describe.runIf(LONG)("the fault matrix", () => {
  const wanted = process.env.TACIT_FAULTS ?? "";
  const cells = possible.filter((p) => wanted.split(",").some((w) => nameOf(p.fault, p.phase, p.role).includes(w)));
  test(`${cells.length} cells hold`, { timeout: 7_200_000 }, async () => {
    const played = await playAndSay(cells);
    process.stderr.write(picture(played));
    for (const p of played) judge(p);
  });
});
