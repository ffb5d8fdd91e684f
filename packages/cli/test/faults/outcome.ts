/** @file What a cell tells, and how it is looked at: last words, values, a fresh run afterwards. */
import type { Step } from "./driver.ts";
import { EXPRESSIONS, expected, type Op } from "./expressions.ts";
import type { Proc } from "./process.ts";
import { type Rig, TIMEOUT } from "./rig.ts";
import type { GoesOn, Phase } from "./table.ts";

/** Milliseconds in which all others must have ended: three times the session's, and the slack of a machine on which others work too. */
export const DEADLINE: number = 3 * TIMEOUT + 20_000;
/** Seconds that parties wait for each other where all will come. */
export const WAIT = 60;

export interface Told {
  readonly problems: string[];
  /** What everybody said, for people who read the matrix. */
  readonly words: string[];
  /** Milliseconds until all others had ended, or gone on. */
  ms: number;
}

export const newTold = (): Told => ({ problems: [], words: [], ms: 0 });

export const within = <T>(work: Promise<T>, ms: number): Promise<T | null> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

export const lastWords = (p: Proc): string =>
  p.failure === null ? (p.over ? "ended" : "runs") : `[${p.failure.code}] ${p.failure.message} | ${p.failure.hint}`;

const near = (values: readonly number[], want: ArrayLike<number>): boolean =>
  values.every((v, i) => Math.abs(v - want[i]!) < 0.01);

/** What the driver was told against what the clear says. */
export function wrongValues(driver: Proc): string[] {
  return driver.stdout
    .split("\n")
    .filter((l) => l !== "")
    .flatMap((line) => {
      const { op, values = null } = JSON.parse(line) as { op: Op; values?: number[] | null };
      if (values === null) return [];
      const want = expected(op);
      return values.length === want.length && near(values, want) ? [] : [`${op}: wrong result`];
    });
}

/** What a recipient was given: of the step that a driver delivers to it. */
export function wrongDelivery(recipient: Proc): string[] {
  const { deliveries } = JSON.parse(recipient.stdout) as { deliveries: readonly { values: readonly number[] | null }[] };
  const want = expected("linear");
  const wrong = deliveries.filter(({ values }) => values?.length !== want.length || !near(values, want));
  if (deliveries.length === 0) return [`${recipient.name}: got nothing`];
  return wrong.length > 0 ? [`${recipient.name}: got a wrong result`] : [];
}

const stepsOf = (phase: Phase): readonly Step[] => {
  const run = { do: "run", op: phase in EXPRESSIONS ? (phase as Op) : "linear", to: "owner" } as const;
  if (phase === "checkpoint") return [run, { do: "checkpoint" }];
  return phase === "resume" ? [{ do: "resume" }, run, { do: "checkpoint" }] : [run];
};

/** The same keys, the same session, the same directories: everything works. */
export async function freshRun(rig: Rig, phase: Phase): Promise<string[]> {
  const problems: string[] = [];
  try {
    const run = await rig.begin({ wait: WAIT });
    const steps = stepsOf(phase);
    const driver = await rig.startDriver(run, steps);
    await Promise.all(run.parties.map((p) => p.says('"serving"')));
    if (phase !== "resume") await rig.give(run);
    driver.go();
    for (let i = 0; i <= steps.length; i++) driver.step();
    const all = [driver, ...run.parties];
    const ends = await within(Promise.all(all.map((p) => p.ended)), 60_000);
    if (ends === null) problems.push(`did not end: ${all.map(lastWords)}`);
    else if (ends.some((e) => e.code !== 0)) problems.push(`ended with ${ends.map((e) => e.code)}: ${all.map(lastWords)}`);
    problems.push(...wrongValues(driver));
    if (driver.stdout.split("\n").length < steps.length + 2) problems.push("not every step was done");
  } catch (e) {
    problems.push(e instanceof Error ? e.message : String(e));
  }
  await rig.end();
  return problems;
}

/** A checkpoint from which a later run goes on. */
export async function checkpointed(rig: Rig): Promise<void> {
  if (rig.hasCheckpoint) return;
  const problems = await freshRun(rig, "checkpoint");
  if (problems.length > 0) throw new Error(`no checkpoint to begin with: ${problems}`);
  rig.hasCheckpoint = true;
}

/** How the one at fault ends, where that is looked at: in time, with its codes, and an error that says who or where, and what to do. */
export async function checkVictim(victim: Proc, { exits, codes }: GoesOn, say: (problem: string) => void): Promise<void> {
  const end = await within(victim.ended, DEADLINE + 15_000);
  const f = victim.failure;
  if (end === null) return say(`${victim.name}: did not end in time`);
  if (exits?.includes(end.code ?? -1) !== true)
    return say(`${victim.name}: expected exit ${exits}, got ${end.code}: ${lastWords(victim)}`);
  if (end.code === 0) return;
  if (f === null) return say(`${victim.name}: expected an error as its last word, got ${victim.stderr.slice(-300)}`);
  if (!codes.includes(f.code)) say(`${victim.name}: expected one of ${codes}, got ${lastWords(victim)}`);
  if (!/party \d \(|session|key/.test(f.message) && end.code === 4) say(`${victim.name}: names nobody: ${lastWords(victim)}`);
  if (f.hint === "") say(`${victim.name}: does not say what to do: ${lastWords(victim)}`);
}

/** What a provider said to each party: as bytes of its connections, and as the messages inside them. */
export interface Recording {
  readonly bytes: readonly (readonly Uint8Array[])[];
  readonly messages: readonly Uint8Array[];
}

/** A provider's words in an earlier run of this session. */
export async function recorded(rig: Rig): Promise<Recording> {
  if (rig.recording !== null) return rig.recording;
  const run = await rig.begin({ wait: WAIT });
  await Promise.all(run.parties.map((p) => p.says('"serving"')));
  const provider = await rig.startProvider(run, rig.newInput(), { orders: { tellMessages: true } });
  provider.go();
  await provider.ended;
  const bytes = run.parties.map((_, i) => run.links.get(`provider ${i}`)?.recorded ?? []);
  rig.recording = { bytes, messages: provider.sent };
  await rig.end();
  return rig.recording;
}
