/** @file tacit plan: what the owners must approve before a private job runs. Starts no party. */

import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { onWaiting } from "../clients/person.ts";
import { result } from "../output/streams.ts";
import { type GivenWords, givenJob, personOfJob, withGivenOptions } from "../private/given-options.ts";
import { outlineGiven } from "../private/given-session.ts";
import { type JobWords, jobOptions, type Purpose, purpose, withJobOptions } from "../private/options.ts";
import { checkpointsOf, exampleSession, NOTES, type Outline, outline, showCheckpoints } from "../private/outline.ts";
import { count, positiveCount } from "./arguments.ts";
import type { CommandRow } from "./command.ts";

/** Of plan and estimate. */
export interface OutlineWords extends JobWords, GivenWords {
  readonly for: Purpose;
  readonly range?: number;
  readonly modelOwner?: string;
  readonly dataOwner?: string;
  readonly checkpointEvery?: number;
  readonly json?: boolean;
}

/** Options that describe a job, for doctor too. */
export const withOutlineOptions = (command: Command): Command =>
  withJobOptions(command)
    .option("--for <job>", "train or predict", purpose, "train")
    .option("--session <file>", "for the people, protocol and limits of this session, not of an example")
    .option("--range <bits>", "as if the session agreed that compared values stay below 2^bits", count)
    .option("--model-owner <name>", "whose weights, by the session's name")
    .option("--data-owner <name>", "whose pictures, by the session's name")
    .option("--json", "print the result as one JSON object");

/** Options that plan and estimate share: of jobs on what owners gave as well. */
export const withAllOutlineOptions = (command: Command): Command =>
  withGivenOptions(withOutlineOptions(command))
    .option("--pictures <owner/name>", "of --for predict: the given pictures")
    .option("--class-only", "of --for predict: disclose just the class");

/** A session has its range already: another would be another session. @throws ARGUMENT_INVALID */
async function sessionOf(path: string, range: number | undefined): Promise<mpc.Session> {
  if (range === undefined) return mpc.readSession(path);
  return expected("ARGUMENT_INVALID", "plan", "--session or --range", "both", "the range stands in the session file");
}

/** Runs the job on a recorder; one on given data asks the parties for their shapes. */
export async function outlineFor(w: OutlineWords): Promise<Outline> {
  if (w.weights !== undefined) {
    const { session, identity, wait } = await personOfJob(w);
    const at = { identity, waiting: onWaiting, ...(wait !== undefined && { wait }) };
    return outlineGiven(session, givenJob(w, w.for), (await mpc.look(session, at)).inputs);
  }
  const session = w.session === undefined ? await exampleSession(w.range) : await sessionOf(w.session, w.range);
  const options = jobOptions(w);
  const owners = { model: w.modelOwner ?? options.owners.model, data: w.dataOwner ?? options.owners.data };
  return outline(session, { ...options, owners }, w.for);
}

/** With those whose signatures the parties have by now. */
async function withSigners(planned: mpc.Plan, session: mpc.Session, w: OutlineWords): Promise<mpc.Plan> {
  if (w.weights === undefined) return planned;
  const { identity } = await personOfJob(w);
  const { signed } = await mpc.look(session, { identity, grants: planned.programs.map((p) => p.grant) });
  const programs = planned.programs.map((p, i) => ({ ...p, signed: [...new Set([...p.signed, ...signed[i]!.signers])].sort() }));
  return { ...planned, programs };
}

async function plan(w: OutlineWords): Promise<void> {
  const { session, recorder, steps } = await outlineFor(w);
  if (w.checkpointEvery !== undefined && steps === 0)
    expected("ARGUMENT_INVALID", "plan", "--checkpoint-every with --for train", "a prediction, which takes none");
  const checkpoints = w.checkpointEvery === undefined ? null : checkpointsOf(steps, w.checkpointEvery);
  const notes = steps === 0 ? NOTES : [...NOTES, ...showCheckpoints(checkpoints).split("\n")];
  const planned = await withSigners(await mpc.plan(session, recorder.planned(w.spare)), session, w);
  result(w.json === true, "plan", { ...planned, checkpoints, notes }, () => `${mpc.showPlan(planned)}\n${notes.join("\n")}`);
}

export const planCommand: CommandRow = {
  name: "plan",
  add: (program: Command) =>
    void withAllOutlineOptions(
      program
        .command("plan")
        .summary("print what the owners must approve before a private job runs")
        .description(
          "Examples:\n  tacit plan\n  tacit plan --data my.csv --model mlp --epochs 2 --reveal-model\n  tacit plan --for predict\n  tacit plan --session session.json --as hospital-a --weights model-owner/model --data hospital-a/train --json",
        ),
    )
      .option(
        "--checkpoint-every <n>",
        "say what checkpoints leave, and how often, as train --private would make them",
        positiveCount,
      )
      .action(plan),
};
