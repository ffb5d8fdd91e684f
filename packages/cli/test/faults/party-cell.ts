/** @file One cell whose victim is a party: three `tacit party` processes, people, a fault at the moment of the phase, and what must hold then. */
import { disclosures, sharesFound } from "./check.ts";
import type { Step } from "./driver.ts";
import { EXPRESSIONS, type Op } from "./expressions.ts";
import type { Event, Orders } from "./hook.ts";
import { checkpointed, DEADLINE, freshRun, lastWords, recorded, type Told, WAIT, within, wrongValues } from "./outcome.ts";
import { type Variant, variantsOf } from "./party-faults.ts";
import type { Ending, Partial, Proc } from "./process.ts";
import { PARTIES, type Rig, type Run, type Setting } from "./rig.ts";
import { type Cell, type Ends, FAULTS, type Fault, PHASES, type Phase } from "./table.ts";

/** Seconds that parties wait for each other where one will not come. */
const SHORT_WAIT = 6;

const EVENTS: Readonly<Partial<Record<Phase, Event>>> = {
  handshake: "hello",
  input: "input",
  reveal: "reveal",
  checkpoint: "checkpoint",
  resume: "resume",
};
const eventOf = (phase: Phase): Event => EVENTS[phase] ?? "op";

/** Milliseconds in which all others must have ended. */
const deadline = (setting: Setting): number => DEADLINE + 1000 * (setting.wait === SHORT_WAIT ? SHORT_WAIT : 0);

const stepsOf = (phase: Phase): readonly Step[] => {
  const linear = { do: "run", op: "linear" } as const;
  if (phase in EXPRESSIONS) return [{ do: "run", op: phase as Op, to: null }];
  if (phase === "reveal") return [{ ...linear, to: "owner" }];
  if (phase === "checkpoint") return [{ ...linear, to: null }, { do: "checkpoint" }];
  return phase === "resume" ? [{ do: "resume" }] : [];
};

/** The place that an error of this phase must name. */
const WHERE: Readonly<Partial<Record<Phase, RegExp>>> = {
  // Once it has said its hello a party is in no run yet.
  handshake: /handshake|connect to|waiting for|counters|in no run/,
  // A party between two words on the input is in no run.
  input: /(input|accept) owner\/x\d+|in no run/,
  reveal: /reveal|run \d+/,
  checkpoint: /checkpoint|run \d+/,
  resume: /resume|checkpoint|held|run \d+|at op/,
};
/** A party that had no word with the victim in the op itself names the run, or says that its own part of it is over. */
const whereOf = (phase: Phase): RegExp => WHERE[phase] ?? / (in|of) run \d+| in no run| at op \d+ of \d+ \([a-zA-Z0-9]+\)/;

/** The next cell of the rig begins with an honest run on what this one leaves; where that would be none, it follows here. */
export async function playParty(rig: Rig, fault: Fault, phase: Phase, cell: Cell): Promise<Told> {
  const victim = (FAULTS.indexOf(fault) + PHASES.indexOf(phase)) % 3;
  const told: Told = { problems: [], words: [], ms: 0 };
  let ms = 0;
  if (phase === "resume") await checkpointed(rig);
  if (fault === "replayed input") await recorded(rig);
  for (const variant of variantsOf(fault, phase, victim)) {
    const goesOn = cell.kind === "goes on" || variant.hours === -5;
    const scene = { fault, phase, victim, variant, cell, goesOn };
    ms = Math.max(ms, await playOnce(rig, scene, told));
    await rig.end();
    for (const p of await rig.bound()) told.problems.push(`${variant.name}: port ${p} is still bound`);
    rig.disk(`${PARTIES[victim]}-data`)?.room();
  }
  const last = phase === "handshake" || phase === "input" || phase === "checkpoint" || phase === "resume";
  if (last) for (const p of await freshRun(rig, phase)) told.problems.push(`a fresh run: ${p}`);
  return { ...told, ms };
}

/** A machine that stands still for seconds breaks off what comes before the fault: that is begun again, twice at most. */
async function playOnce(rig: Rig, scene: Scene, told: Told): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return await playVariant(rig, scene, told);
    } catch (e) {
      const why = `${scene.variant.name}: ${e instanceof Error ? e.message : String(e)}`;
      if (tries === 3) {
        told.problems.push(why);
        return 0;
      }
      told.words.push(`try ${tries}: ${why.split("\n")[0]}`);
      await rig.end();
    }
  }
}

interface Scene {
  readonly fault: Fault;
  readonly phase: Phase;
  readonly victim: number;
  readonly variant: Variant;
  readonly cell: Cell;
  readonly goesOn: boolean;
}

function settingOf(rig: Rig, scene: Scene): Setting {
  const { fault, phase, victim, variant, goesOn } = scene;
  const { lie, bit, hours, atStart = false, config } = variant;
  const name = PARTIES[victim]!;
  const wants: Partial<Orders> = {
    halt: atStart ? [] : [lie === "version" ? "hello" : eventOf(phase)],
    nth: HONEST_EVENTS[eventOf(phase)] ?? 1,
    ...(lie !== undefined && { lie }),
    ...(bit !== undefined && { bit }),
    ...(hours !== undefined && { hours }),
  };
  return {
    orders: atStart && lie === undefined ? {} : { [name]: wants },
    // It listens where it always does, whosever key it has.
    ...(config !== undefined && { config: { [name]: { ...config, listen: rig.addressesOf(victim) } } }),
    wait: early(scene) && !goesOn ? SHORT_WAIT : WAIT,
    ...(fault === "disk full" && { smallDisk: name }),
  };
}

/** What runs and is disclosed, as it should be, before the fault: on the keys, files and ports that the cell before has left. */
const HONEST: Step = { do: "run", op: "linear", to: "owner" };
/** The victim halts at this event of its kind, counted from 1, since the honest run has some: one op, a word on its disclosure to each peer. */
const HONEST_EVENTS: Readonly<Partial<Record<Event, number>>> = { op: 2, reveal: 3 };
const isHonestFirst = (scene: Scene): boolean => !early(scene) && scene.phase !== "input" && scene.phase !== "resume";

/** Whether a cell is over before the parties serve: with one that is wrong from its start. */
const early = ({ phase, variant, goesOn }: Scene): boolean =>
  phase === "handshake" || (variant.atStart === true && !goesOn) || variant.lie === "version";

/** The people of a cell: the phase says who is there. */
interface People {
  readonly driver: Proc | null;
  readonly provider: Proc | null;
}

/** Brings everybody up to the phase, where the victim halts. */
async function reachPhase(rig: Rig, run: Run, scene: Scene): Promise<People> {
  const { phase, victim, variant } = scene;
  const hooked = run.parties[victim]!;
  const honest = isHonestFirst(scene);
  const provider = phase === "input" ? await rig.startProvider(run, run.input) : null;
  const driver = phase === "input" ? null : await rig.startDriver(run, [...(honest ? [HONEST] : []), ...stepsOf(phase)]);
  if (early(scene)) {
    if (variant.atStart !== true) await hooked.halted();
    return { driver, provider };
  }
  await Promise.all(run.parties.map((p) => p.says('"serving"')));
  provider?.go();
  if (driver !== null) {
    if (phase !== "resume") await rig.give(run);
    driver.go();
    driver.step();
    if (honest) await honestRun(driver);
    for (let i = 0; i < 4; i++) driver.step();
  }
  await hooked.halted();
  return { driver, provider };
}

async function honestRun(driver: Proc): Promise<void> {
  await driver.lines(2);
  const [wrong] = wrongValues(driver);
  if (wrong !== undefined) throw new Error(`the run before the fault: ${wrong}`);
}

/** Lets a halted victim go on. A full disk may have room in the last block of a file: there the hook says what the system says elsewhere. */
function release(hooked: Proc, { lie, atStart }: Variant): void {
  if (atStart !== true && !hooked.over) hooked.release(lie === undefined ? "go" : "lie");
}

/** People who come now meet what is left, or everything as it should be. */
async function goOn(rig: Rig, run: Run, scene: Scene, { driver, provider }: People): Promise<void> {
  const { phase, goesOn } = scene;
  if (phase === "handshake" && goesOn) {
    await Promise.all(run.parties.map((p) => p.says('"serving"')));
    await rig.give(run);
  }
  if (early(scene)) driver?.go();
  if (early(scene)) for (let i = 0; i < 4; i++) driver?.step();
  if (phase === "input" && goesOn) {
    await provider?.ended;
    const after = await rig.startDriver(run, []);
    after.go();
    after.step();
  }
}

/** Whether a connection that was broken in the handshake has been replaced in time. */
const allJoin = (run: Run, { phase }: Scene): Promise<boolean> =>
  phase !== "handshake"
    ? Promise.resolve(false)
    : Promise.all(run.parties.map((p) => p.says('"serving"'))).then(
        () => true,
        () => false,
      );

async function playVariant(rig: Rig, planned: Scene, told: Told): Promise<number> {
  const { victim, variant } = planned;
  const begun = await rig.begin(settingOf(rig, planned));
  const hooked = begun.parties[victim]!;
  const say = (problem: string): void => void told.problems.push(`${variant.name}: ${problem}`);
  const people = await reachPhase(rig, begun, planned);
  const before = disclosures(rig);
  await variant.act?.(begun, victim, rig);
  const began = performance.now();
  release(hooked, variant);
  const again = planned.fault === "restarted" ? rig.startParty(victim, begun, true) : null;
  // Who comes again before anything has begun takes its place.
  const run = again !== null && planned.goesOn ? { ...begun, parties: begun.parties.with(victim, again) } : begun;
  const scene = { ...planned, goesOn: planned.goesOn || (variant.passes === true && (await allJoin(run, planned))) };
  const { goesOn } = scene;
  await goOn(rig, run, scene, people);
  const all = [...run.parties, people.driver, people.provider].filter((p) => p !== null);
  const others = goesOn ? all : all.filter((p) => p !== hooked);
  const ends = await Promise.all(others.map((p) => within(p.ended, deadline(run.setting))));
  const ms = Math.max(0, ...others.map((p) => p.endedAt - began));
  told.words.push(...all.map((p) => `${variant.name}: ${p.name}: ${lastWords(p)}`));
  if (goesOn) checkGoesOn(people.driver, ends, others, say);
  else await checkEnds(run, scene, ends, others, say);
  if (!goesOn && disclosures(rig).every((n, i) => n > before[i]!)) say("all parts were given away");
  const shares = [...rig.shares, ...(people.provider?.shares ?? [])];
  for (const s of sharesFound(
    rig,
    shares,
    all.map((p) => p.stdout + p.stderr),
  ))
    say(s);
  if (again !== null && !goesOn) await checkAgain(again, say);
  return ms;
}

/** One that was started again waits for the others: they find it when they are. */
async function checkAgain(again: Proc, say: (problem: string) => void): Promise<void> {
  await again.says("waiting for").catch((e: unknown) => say(String(e)));
}

function checkGoesOn(
  driver: Proc | null,
  ends: readonly (Ending | null)[],
  others: readonly Proc[],
  say: (problem: string) => void,
): void {
  for (const [i, e] of ends.entries()) {
    const p = others[i]!;
    if (e?.code !== 0) say(`${p.name}: expected to end in good order, got ${JSON.stringify(e)} ${lastWords(p)}`);
  }
  for (const p of driver === null ? [] : wrongValues(driver)) say(p);
}

async function checkEnds(
  run: Run,
  scene: Scene,
  ends: readonly (Ending | null)[],
  others: readonly Proc[],
  say: (problem: string) => void,
): Promise<void> {
  const { victim, cell } = scene;
  const want = cell as Ends;
  const where = whereOf(early(scene) ? "handshake" : scene.phase);
  const who = `party ${victim} (${PARTIES[victim]})`;
  for (const [i, e] of ends.entries()) {
    const p = others[i]!;
    if (e === null) {
      say(`${p.name}: did not end in time`);
      continue;
    }
    const isParty = PARTIES.includes(p.name);
    // A driver that finds nobody says so of the first that does not serve.
    const late = !isParty && early(scene);
    if (e.code !== want.exit) say(`${p.name}: expected exit ${want.exit}, got ${e.code ?? e.signal}`);
    const f = p.failure;
    if (f === null) {
      say(`${p.name}: expected an error as its last word, got ${JSON.stringify(p.stderr.slice(-300))}`);
      continue;
    }
    if (!late && !want.codes.includes(f.code)) say(`${p.name}: expected one of ${want.codes}, got ${f.code}: ${f.message}`);
    const names = want.either ? PARTIES.some((n, j) => f.message.includes(`party ${j} (${n})`)) : f.message.includes(who);
    if (!late && !names) say(`${p.name}: names nobody, or another than ${who}: ${f.message}`);
    if (!where.test(f.message)) say(`${p.name}: does not say where: ${f.message}`);
    if (f.hint === "") say(`${p.name}: does not say what to do: ${f.message}`);
  }
  const honest = isHonestFirst(scene) ? 1 : 0;
  for (const p of others) if (p.stdout.split('"values":[').length - 1 > honest) say(`${p.name} was told a result`);
  if (want.victim === null) return;
  const own = await within(run.parties[victim]!.ended, deadline(run.setting));
  if (own === null) say("the victim did not end in time");
  else if (!want.victim.includes(own.code ?? -1)) say(`the victim: expected exit ${want.victim}, got ${own.code ?? own.signal}`);
}
