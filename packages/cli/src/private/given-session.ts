/** @file Driving a job on what owners gave, in a session of parties that run elsewhere; and the plan of what their owners must sign. */
import { TacitError } from "@tacit/core/errors";
import { type MpcSession, mpc, type SessionCost } from "@tacit/mpc";
import type { Person } from "../clients/person.ts";
import { onWaiting } from "../clients/person.ts";
import { showMegabytes } from "../output/progress.ts";
import { say } from "../output/streams.ts";
import { Interrupt } from "../training/interrupt.ts";
import { onlooker, type Watcher } from "./device.ts";
import { type Disclose, type Given, type GivenJob, handlesOf, predictOnGiven, trainOnGiven } from "./given.ts";
import type { JobResult } from "./job.ts";
import { type Keeper, sessionKeeper } from "./keeper.ts";
import type { Outline } from "./outline.ts";
import type { TrainingPlan } from "./training.ts";
import { silentWatcher } from "./watcher.ts";

/** What a job came to, as its driver knows it. */
export interface GivenResult {
  readonly session: string;
  readonly job: "train" | "predict";
  readonly to: string;
  /** Steps of a training. */
  readonly steps: number;
  readonly accuracy: number | null;
  readonly losses: readonly number[];
  /** A prediction's answer, where it came here. */
  readonly answer: readonly number[] | null;
  /** What waits at the parties for `to`. */
  readonly deliveries: readonly { readonly delivery: number; readonly why: string; readonly shape: readonly number[] }[];
  readonly cost: SessionCost;
}

/** With the disclosed weights, where they came here. */
export interface GivenOutcome {
  readonly shown: GivenResult;
  readonly weights: JobResult["weights"];
  readonly plan: TrainingPlan | null;
}

interface Ran {
  readonly plan: TrainingPlan | null;
  readonly steps: number;
  readonly result: JobResult | null;
  readonly answer: readonly number[] | null;
}

async function runJob(
  given: Given,
  disclose: Disclose,
  job: GivenJob,
  watcher: Watcher,
  keeperOf: (plan: TrainingPlan) => Keeper | null = () => null,
): Promise<Ran> {
  if (job.kind === "predict") {
    const values = await predictOnGiven(given, disclose, job, watcher);
    return { plan: null, steps: 0, result: null, answer: values === null ? null : Array.from(values, Number) };
  }
  const { plan, result } = await trainOnGiven(given, disclose, job, watcher, keeperOf);
  return { plan, steps: result?.trained.steps ?? plan.steps, result, answer: null };
}

/** The job on a recorder. `inputs`: what the parties hold. @throws HANDLE_UNKNOWN naming what is missing */
export async function outlineGiven(session: mpc.Session, job: GivenJob, inputs: readonly mpc.ListedInput[]): Promise<Outline> {
  const listed = new Map(inputs.map((i) => [i.handle, i]));
  const missing = handlesOf(job).filter((h) => !listed.has(h));
  if (missing.length > 0) {
    throw new TacitError("HANDLE_UNKNOWN", `plan: expected inputs that were given, got none called ${missing.join(", ")}`, {
      hint: "their shapes stand in the plan: their owners give them first (tacit give)",
    });
  }
  // Owners are the parties' word, and stand in what others sign.
  const stranger = handlesOf(job).find((h) => !listed.get(h)!.owners.every((o) => session.file.people.some((p) => p.name === o)));
  if (stranger !== undefined) {
    throw new TacitError("ENVELOPE_INVALID", `plan: expected owners of ${stranger} among the session's people, got others`, {
      hint: "the parties' software is at fault or lies: do not go on",
    });
  }
  const { name, options } = session.file.protocol;
  const protocol = mpc.PROTOCOLS.find((p) => p.name === name);
  if (protocol === undefined) throw new TacitError("PROTOCOL_UNKNOWN", `plan: expected a protocol that is here, got ${name}`);
  const recorder = new mpc.Recorder(protocol, options, "nobody");
  const tensors = new Map(handlesOf(job).map((h) => [h, recorder.listed(h, listed.get(h)!.aval, listed.get(h)!.owners)]));
  const disclose: Disclose = async (value, disclosure) => {
    await value.reveal(disclosure);
    return null;
  };
  const { steps } = await runJob((h) => tensors.get(h)!, disclose, job, silentWatcher(recorder));
  return { session, protocol, recorder, steps };
}

const OWNERS = (grant: mpc.Grant): string[] => [...new Set(grant.inputs.flatMap((i) => i.owners))];

/**
 * Waits until every owner has signed what the plan asks. Owners may have signed other grants that allow it too: after the time the
 * parties judge.
 */
async function signatures(session: MpcSession, outline: Outline, spare: number, until: number): Promise<void> {
  const { programs } = await mpc.plan(session.session, outline.recorder.planned(spare));
  const grants = programs.map((p) => p.grant).filter((g) => OWNERS(g).length > 0);
  const all = new Set(grants.flatMap(OWNERS));
  let missing: string[] = [];
  const look = async (): Promise<void> => {
    for (;;) {
      const signed = await session.signed(grants);
      const lacks = grants.flatMap((g, i) => OWNERS(g).filter((o) => !signed[i]!.signers.includes(o)));
      missing = [...new Set(lacks)].map((o) => `the signature of ${o}`);
      if (missing.length === 0 || Date.now() >= until) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  await mpc.whileWaiting(look(), all.size, () => missing, onWaiting);
}

/** What waits for its recipient, as its driver knows it. */
type Deliveries = { delivery: number; why: string; shape: readonly number[] }[];

const discloser =
  (session: MpcSession, here: string, deliveries: Deliveries): Disclose =>
  async (value, disclosure) => {
    if (disclosure.to === here) return value.reveal(disclosure);
    const { run, why, shape } = await session.deliver(value, disclosure);
    deliveries.push({ delivery: run, why, shape });
    return null;
  };

const costsOf = (session: MpcSession) => (): string[] => {
  const cost = session.cost();
  return [`${showMegabytes(Math.max(...cost.bytesPerParty))} sent per party`, `${cost.rounds} rounds`];
};

/** Checkpoints of a training on given data: the parties keep them in their own directories. */
export interface KeepGiven {
  readonly every: number;
  readonly resume: boolean;
}

/** Runs a job as the driver of a session, and leaves the parties serving. Null: the user stopped it. */
export async function driveGiven(
  person: Person,
  job: GivenJob,
  grants: readonly mpc.SignedGrant[],
  keep: KeepGiven | null = null,
): Promise<GivenOutcome | null> {
  using interrupt = new Interrupt();
  const { session: file, identity, wait } = person;
  const until = Date.now() + (wait ?? file.timeout);
  const losses = new Map<number, number>();
  const options = {
    open: () => mpc.connect(file, { identity, waiting: onWaiting, ...(wait !== undefined && { wait }) }),
    end: (session: MpcSession) => session.leave(),
    times: keep === null ? 0 : mpc.TIMES,
    said: say,
    stopped: () => interrupt.requested,
  };
  try {
    return await mpc.persist(options, async (session, again) => {
      // First of all: it brings the inputs back.
      const resumed = keep?.resume || again > 0 ? await session.resume() : null;
      if (keep?.resume && resumed === null) say("no checkpoint to resume from: training from the start");
      const keeperOf = (plan: TrainingPlan): Keeper | null =>
        keep === null ? null : sessionKeeper(session, keep.every, resumed, { plan, losses, noted: false });
      const done = await drive(session, person, job, { grants, until, interrupt, keeperOf });
      if (keep !== null && done !== null) await session.forgetCheckpoints();
      return done;
    });
  } catch (e) {
    if (interrupt.requested) return null;
    throw e;
  }
}

interface Drive {
  readonly grants: readonly mpc.SignedGrant[];
  readonly until: number;
  readonly interrupt: Interrupt;
  readonly keeperOf: (plan: TrainingPlan) => Keeper | null;
}

async function drive(
  session: MpcSession,
  { session: file, identity, wait }: Person,
  job: GivenJob,
  { grants, until, interrupt, keeperOf }: Drive,
): Promise<GivenOutcome | null> {
  const deliveries: Deliveries = [];
  for (const g of grants) await session.grant(g);
  const names = handlesOf(job);
  const tensors = await session.inputs(names, { wait: Math.max(0, until - Date.now()), waiting: onWaiting });
  const given = new Map(names.map((n, i) => [n, tensors[i]!]));
  const outline = await outlineGiven(file, job, await session.listed());
  if (wait !== undefined) await signatures(session, outline, job.spare, until);
  const watcher = onlooker(interrupt, costsOf(session));
  const ran = await runJob((h) => given.get(h)!, discloser(session, identity.name, deliveries), job, watcher, keeperOf);
  if (interrupt.requested) return null;
  const waiting = deliveries.length === 1 ? "1 result waits" : `${deliveries.length} results wait`;
  if (deliveries.length > 0) say(`${waiting} at the parties for ${job.to}: tacit receive --as ${job.to}`);
  if (job.kind === "train" && !job.revealModel)
    say("the model stayed shared, and ends with this run: --reveal-model discloses it");
  const shown: GivenResult = {
    session: file.hex,
    job: job.kind,
    to: job.to,
    steps: ran.steps,
    accuracy: ran.result?.accuracy ?? null,
    losses: ran.result?.trained.losses ?? [],
    answer: ran.answer,
    deliveries,
    cost: session.cost(),
  };
  return { shown, weights: ran.result?.weights ?? null, plan: ran.plan };
}

/** The result for people. */
export function showGiven(r: GivenResult): string {
  const { rounds, bytesPerParty, seconds } = r.cost;
  const lines = r.deliveries.map((d) => `delivery ${d.delivery} for ${r.to}: ${d.why}, [${d.shape.join(",")}]`);
  if (r.answer !== null) lines.push(`answer: ${r.answer.map((v) => Number(v.toPrecision(5))).join(" ")}`);
  if (r.losses.length > 0) lines.push(`mean losses: ${r.losses.map((v) => v.toFixed(3)).join(" ")}`);
  if (r.accuracy !== null) lines.push(`accuracy: ${(100 * r.accuracy).toFixed(2)} %`);
  lines.push(`${rounds} rounds, ${showMegabytes(Math.max(0, ...bytesPerParty))} sent per party, ${seconds.toFixed(3)} s`);
  return lines.join("\n");
}
