/**
 * @file The cells whose victim is the driver: the same three parties live through every phase while one driver after the other fails.
 * The parties stay, and the next driver finds the wheel free; where some were told what others were not, they may end and say so.
 */
import type { Step } from "./driver.ts";
import {
  checkpointed,
  checkVictim,
  DEADLINE,
  freshRun,
  lastWords,
  newTold,
  type Told,
  WAIT,
  within,
  wrongValues,
} from "./outcome.ts";
import { eventOf, type Way, waysOf } from "./people-faults.ts";
import type { Ending, Proc } from "./process.ts";
import type { Rig, Run } from "./rig.ts";
import { type Fault, type GoesOn, OPS, PHASES, type Phase } from "./table.ts";

const ORDER: readonly Phase[] = ["handshake", "input", ...OPS, "reveal", "checkpoint", "resume"];

const stepsOf = (phase: Phase): readonly Step[] => {
  const op = OPS.find((o) => o === phase) ?? "linear";
  if (phase === "resume") return [{ do: "resume" }];
  const run: Step = { do: "run", op, to: phase === "reveal" ? "owner" : null };
  return phase === "checkpoint" ? [run, { do: "checkpoint" }] : [run];
};

interface Scene {
  readonly rig: Rig;
  readonly run: Run;
  readonly fault: Fault;
  readonly way: Way;
  readonly phase: Phase;
  readonly cell: GoesOn;
}

async function open(rig: Rig, phase: Phase): Promise<Run> {
  if (phase === "resume") await checkpointed(rig);
  const run = await rig.begin({ wait: WAIT });
  await Promise.all(run.parties.map((p) => p.says('"serving"')));
  if (phase !== "resume") await rig.give(run);
  return run;
}

/** Returns whether the parties still serve. */
async function playPhase(scene: Scene, told: Told): Promise<boolean> {
  const { rig, run, way, phase, cell } = scene;
  const say = (problem: string): void => void told.problems.push(`${way.name}: ${problem}`);
  const { lie = null, hours = 0, atStart = false } = way;
  const half = way.told !== undefined && phase !== "handshake";
  const orders = { halt: atStart ? [] : [eventOf("driver", phase)], nth: half ? way.told! : 1, after: half, lie, hours };
  const steps = stepsOf(phase);
  const victim = await rig.startDriver(run, steps, { ...way.person, close: false, orders });
  const provider = phase === "input" ? await rig.startProvider(run, rig.newInput(), { orders: { halt: ["input"] } }) : null;
  provider?.go();
  await provider?.halted();
  victim.go();
  for (let i = 0; i < steps.length; i++) victim.step();
  // One that the fault does not hurt leaves when it has done all.
  if (cell.exits?.includes(0) === true) victim.step();
  if (!atStart) await victim.halted();
  way.act?.({ rig, run, role: "driver", victim });
  if (!atStart && !victim.over) victim.release(lie === null ? "go" : "lie");
  provider?.release();
  if (cell.exits === null) await within(victim.ended, 2000);
  else await checkVictim(victim, cell, say);
  told.words.push(`${way.name}: ${victim.name}: ${lastWords(victim)}`);
  const stays = phase === "resume" ? false : await nextDriver(scene, say);
  victim.signal("SIGKILL");
  if (provider !== null && stays && (await within(provider.ended, DEADLINE))?.code !== 0)
    say(`the provider: ${lastWords(provider)}`);
  return stays;
}

/** The next driver, as often as it finds the wheel taken: what a slow link still holds of the one before has to pass first. */
async function takeWheel(rig: Rig, run: Run): Promise<{ readonly next: Proc; readonly end: Ending | null }> {
  for (const late = performance.now() + DEADLINE; ; ) {
    const next = await rig.startDriver(run, [{ do: "run", op: "linear", to: "owner" }], { close: false });
    next.go();
    next.step();
    next.step();
    const end = await within(next.ended, DEADLINE);
    if (next.failure?.code !== "DRIVER_BUSY" || performance.now() > late) return { next, end };
  }
}

/** An honest driver takes the wheel; or all parties have ended with an error that names the driver. */
async function nextDriver({ rig, run, cell }: Scene, say: (problem: string) => void): Promise<boolean> {
  const { next, end } = await takeWheel(rig, run);
  // Parties that end tell their driver first, and exit a moment later.
  if (end?.code !== 0 && cell.mayEnd) await within(Promise.race(run.parties.map((p) => p.ended)), 2000);
  const over = run.parties.filter((p) => p.over);
  if (over.length === 0) {
    if (end?.code !== 0) say(`the next driver: ${lastWords(next)}`);
    for (const p of wrongValues(next)) say(p);
    return end?.code === 0;
  }
  const ends = await Promise.all(run.parties.map((p) => within(p.ended, DEADLINE)));
  for (const [i, p] of run.parties.entries()) {
    const f = p.failure;
    if (!cell.mayEnd) say(`${p.name} ended: ${lastWords(p)}`);
    else if (ends[i]?.code !== 4) say(`${p.name}: expected exit 4, got ${JSON.stringify(ends[i])}`);
    else if (f === null || !`${f.message} ${f.hint}`.includes("driver"))
      say(`${p.name}: does not name the driver: ${lastWords(p)}`);
  }
  return false;
}

/** Plays one fault of the driver in all phases that `cells` names. */
export async function playDriver(rig: Rig, fault: Fault, cells: ReadonlyMap<Phase, GoesOn>): Promise<ReadonlyMap<Phase, Told>> {
  const told = new Map(PHASES.flatMap((p) => (cells.has(p) ? [[p, newTold()] as const] : [])));
  for (const way of waysOf(fault, "driver")) {
    let run: Run | null = null;
    for (const phase of ORDER.filter((p) => cells.has(p))) {
      const began = performance.now();
      const of = told.get(phase)!;
      try {
        if (phase === "resume") run = await ended(rig);
        run ??= await open(rig, phase);
        if (!(await playPhase({ rig, run, fault, way, phase, cell: cells.get(phase)! }, of))) run = await ended(rig);
      } catch (e) {
        of.problems.push(`${way.name}: ${e instanceof Error ? e.message : String(e)}`);
        run = await ended(rig);
      }
      if (run === null) {
        for (const p of await rig.bound()) of.problems.push(`${way.name}: port ${p} is still bound`);
        for (const p of phase === "resume" ? await freshRun(rig, phase) : []) of.problems.push(`${way.name}: a fresh run: ${p}`);
      }
      of.ms = Math.max(of.ms, performance.now() - began);
    }
    await rig.end();
  }
  return told;
}

async function ended(rig: Rig): Promise<null> {
  await rig.end();
  return null;
}
