/**
 * @file The cells whose victim is a provider or a recipient: the same three parties and one driver live through every phase while it
 * fails in each. What runs meanwhile must come out right, and an honest person must find the place free afterwards.
 */
import { sharesFound } from "./check.ts";
import type { Step } from "./driver.ts";
import type { Event } from "./hook.ts";
import {
  checkpointed,
  checkVictim,
  DEADLINE,
  lastWords,
  newTold,
  type Told,
  WAIT,
  within,
  wrongDelivery,
  wrongValues,
} from "./outcome.ts";
import { eventOf, type Way, waysOf } from "./people-faults.ts";
import type { Proc } from "./process.ts";
import { PARTIES, type Rig, type Run } from "./rig.ts";
import { type Fault, type GoesOn, OPS, PHASES, type Phase } from "./table.ts";

export type Guest = "provider" | "recipient";
/** The party that halts in every op, reveal, checkpoint and resume, so that the fault falls into it. */
const WATCHED = 2;
const STOPS: readonly Event[] = ["op", "reveal", "checkpoint", "resume"];
/** A session is resumed before it runs anything. */
const ORDER: readonly Phase[] = ["handshake", "input", "resume", ...OPS, "reveal", "checkpoint"];

const stepOf = (phase: Phase, to: "owner" | "recipient"): Step | null => {
  const op = OPS.find((o) => o === phase);
  if (op !== undefined) return { do: "run", op, to: "owner" };
  if (phase === "reveal") return { do: "run", op: "linear", to };
  return phase === "checkpoint" || phase === "resume" ? { do: phase } : null;
};
const stopOf = (phase: Phase): Event => (phase === "reveal" || phase === "checkpoint" || phase === "resume" ? phase : "op");

/** Parties and a driver that go from phase to phase. */
class Stage {
  readonly run: Run;
  readonly driver: Proc;
  #halts = 0;
  #lines = 1;

  private constructor(run: Run, driver: Proc) {
    this.run = run;
    this.driver = driver;
  }

  static async open(rig: Rig, phases: readonly Phase[], role: Guest): Promise<Stage> {
    await checkpointed(rig);
    const resumes = phases.includes("resume");
    const run = await rig.begin({ orders: { [PARTIES[WATCHED]!]: { halt: STOPS, nth: 0 } }, wait: WAIT });
    const to = role === "recipient" ? "recipient" : "owner";
    const driver = await rig.startDriver(
      run,
      phases.flatMap((p) => stepOf(p, to) ?? []),
    );
    await Promise.all(run.parties.map((p) => p.says('"serving"')));
    if (!resumes) await rig.give(run);
    driver.go();
    const stage = new Stage(run, driver);
    await driver.lines(1);
    return stage;
  }

  /** The driver's next step; `during` happens while the watched party halts at `event`. */
  async step(event: Event | null, during: () => Promise<void>): Promise<void> {
    const watched = this.run.parties[WATCHED]!;
    const line = this.driver.lines(++this.#lines);
    let [done, over] = [event === null, false];
    const finished = line.finally(() => {
      over = true;
    });
    this.driver.step();
    while (!over) {
      const halt = watched.halted(this.#halts + 1).then(() => "halted");
      const what = await Promise.race([halt, finished.then(() => "line")]);
      halt.catch(() => undefined);
      if (what === "line") break;
      this.#halts++;
      if (!done && watched.event(this.#halts) === event) {
        done = true;
        await during();
      }
      watched.release();
    }
    await finished;
    if (!done) throw new Error(`the watched party never came to ${event}`);
  }

  async close(): Promise<string[]> {
    this.driver.step();
    const all = [this.driver, ...this.run.parties];
    const ends = await Promise.all(all.map((p) => within(p.ended, DEADLINE)));
    const bad = all.filter((_, i) => ends[i]?.code !== 0);
    return [...bad.map((p) => `${p.name}: expected to end in good order, got ${lastWords(p)}`), ...wrongValues(this.driver)];
  }
}

interface Scene {
  readonly rig: Rig;
  readonly stage: Stage;
  readonly fault: Fault;
  readonly role: Guest;
  readonly way: Way;
  readonly phase: Phase;
  readonly cell: GoesOn;
  readonly input: string;
}

const start = (
  { rig, stage, role, input }: Scene,
  more: Parameters<Rig["startProvider"]>[2] & { out?: string },
): Promise<Proc> => (role === "provider" ? rig.startProvider(stage.run, input, more) : rig.startRecipient(stage.run, more));

async function playPhase(scene: Scene, say: (problem: string) => void): Promise<Proc> {
  const { rig, stage, fault, role, way, phase } = scene;
  const replayed = fault.startsWith("replayed") && role === "provider";
  const { lie = null, hours = 0, atStart = false, out } = way;
  const halts = !atStart && !replayed && out === undefined;
  const orders = { halt: halts ? [eventOf(role, phase)] : [], lie, hours, tellMessages: replayed };
  const victim = await start(scene, { ...way.person, orders, ...(out !== undefined && { out }) });
  const act = async (): Promise<void> => {
    way.act?.({ rig, run: stage.run, role, victim });
    if (halts && !victim.over) victim.release(lie === null ? "go" : "lie");
  };
  const late = role === "recipient" && phase === "reveal";
  if (late) await stage.step(null, async () => undefined);
  victim.go();
  if (replayed) await within(victim.ended, DEADLINE);
  else if (halts) await victim.halted();
  const step = late ? null : stepOf(phase, "owner");
  if (step === null) await act();
  else await stage.step(stopOf(phase), act);
  await outcome(scene, victim, say);
  await honest(scene, victim, say);
  return victim;
}

/** Long enough for what went out over a broken connection to be refused, and asked again over a new one. */
const ASKED_AGAIN_MS = 1500;

/** A recipient for whom nothing has come waits on, which is right; what comes to it is the result. */
async function outcome({ role, phase, cell }: Scene, victim: Proc, say: (problem: string) => void): Promise<void> {
  if (cell.exits === null) return void victim.signal("SIGKILL");
  const waits = role === "recipient" && phase !== "reveal" && cell.exits.includes(0);
  if (waits && (await within(victim.ended, ASKED_AGAIN_MS)) === null) return void victim.signal("SIGKILL");
  await checkVictim(victim, cell, say);
  if (role === "recipient" && victim.child.exitCode === 0) for (const p of wrongDelivery(victim)) say(p);
}

/** The same person, without the fault. */
async function honest(scene: Scene, victim: Proc, say: (problem: string) => void): Promise<void> {
  const { role, phase, fault, way } = scene;
  const own = role === "provider" ? phase === "input" || phase === "handshake" || fault === "restarted" : phase === "reveal";
  if (!own || victim.child.exitCode === 0) return;
  // What it could not write it left with the parties.
  if (way.out !== undefined) scene.rig.disk(way.out)?.room();
  const after = await start(scene, { orders: {} });
  after.go();
  const end = await within(after.ended, DEADLINE);
  if (end?.code !== 0) say(`an honest ${role} afterwards: ${lastWords(after)}`);
  else if (role === "recipient") for (const p of wrongDelivery(after)) say(`an honest one afterwards: ${p}`);
}

/** Plays one fault of a provider or a recipient in all phases that `cells` names. */
export async function playGuest(
  rig: Rig,
  fault: Fault,
  role: Guest,
  cells: ReadonlyMap<Phase, GoesOn>,
): Promise<ReadonlyMap<Phase, Told>> {
  const told = new Map(PHASES.flatMap((p) => (cells.has(p) ? [[p, newTold()] as const] : [])));
  for (const way of waysOf(fault, role)) {
    const left = ORDER.filter((p) => cells.has(p));
    while (left.length > 0) await playStage(rig, { fault, role, way, cells, told }, left);
  }
  return told;
}

interface Play {
  readonly fault: Fault;
  readonly role: Guest;
  readonly way: Way;
  readonly cells: ReadonlyMap<Phase, GoesOn>;
  readonly told: ReadonlyMap<Phase, Told>;
}

/** As many phases as one set of parties lives through; removes them from `left`. */
async function playStage(rig: Rig, { fault, role, way, cells, told }: Play, left: Phase[]): Promise<void> {
  const began = performance.now();
  let phase = left[0]!;
  const say = (problem: string): void => void told.get(phase)!.problems.push(`${way.name}: ${problem}`);
  const procs: Proc[] = [];
  try {
    const stage = await Stage.open(rig, left, role);
    while (left.length > 0) {
      phase = left.shift()!;
      const scene = { rig, stage, fault, role, way, phase, cell: cells.get(phase)!, input: rig.newInput() };
      const victim = await playPhase(scene, say);
      procs.push(victim);
      told.get(phase)!.words.push(`${way.name}: ${victim.name}: ${lastWords(victim)}`);
    }
    for (const p of await stage.close()) say(p);
    const all = [stage.driver, ...stage.run.parties, ...procs];
    const shares = [...rig.shares, ...procs.flatMap((p) => p.shares)];
    for (const s of sharesFound(
      rig,
      shares,
      all.map((p) => (p.name === "recipient" ? p.stderr : p.stdout + p.stderr)),
    ))
      say(s);
  } catch (e) {
    if (left[0] === phase) left.shift();
    say(e instanceof Error ? e.message : String(e));
  }
  await rig.end();
  for (const p of await rig.bound()) say(`port ${p} is still bound`);
  told.get(phase)!.ms = performance.now() - began;
}
