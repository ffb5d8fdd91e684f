/** @file tacit plan: what the owners must approve before a private job runs. Starts no party. */

import { expected } from "@tacit/core/errors";
import { mpc } from "@tacit/mpc";
import type { Command } from "commander";
import { result } from "../output/streams.ts";
import { type JobWords, jobOptions, type Purpose, purpose, withJobOptions } from "../private/options.ts";
import { exampleSession, NOTES, outline } from "../private/outline.ts";
import { count } from "./arguments.ts";
import type { CommandRow } from "./command.ts";

/** Of plan and estimate. */
export interface OutlineWords extends JobWords {
  readonly for: Purpose;
  readonly session?: string;
  readonly range?: number;
  readonly modelOwner?: string;
  readonly dataOwner?: string;
  readonly json?: boolean;
}

/** Options that plan and estimate share. */
export const withOutlineOptions = (command: Command): Command =>
  withJobOptions(command)
    .option("--for <job>", "train or predict", purpose, "train")
    .option("--session <file>", "for the people, protocol and limits of this session, not of an example")
    .option("--range <bits>", "as if the session agreed that compared values stay below 2^bits", count)
    .option("--model-owner <name>", "whose weights, by the session's name")
    .option("--data-owner <name>", "whose pictures, by the session's name")
    .option("--json", "print the result as one JSON object");

/** A session has its range already: another would be another session. @throws ARGUMENT_INVALID */
async function sessionOf(path: string, range: number | undefined): Promise<mpc.Session> {
  if (range === undefined) return mpc.readSession(path);
  return expected("ARGUMENT_INVALID", "plan", "--session or --range", "both", "the range stands in the session file");
}

/** Runs the job on a recorder. */
export async function outlineFor(w: OutlineWords): Promise<Awaited<ReturnType<typeof outline>>> {
  const session = w.session === undefined ? await exampleSession(w.range) : await sessionOf(w.session, w.range);
  const options = jobOptions(w);
  const owners = { model: w.modelOwner ?? options.owners.model, data: w.dataOwner ?? options.owners.data };
  return outline(session, { ...options, owners }, w.for);
}

async function plan(w: OutlineWords): Promise<void> {
  const { session, recorder } = await outlineFor(w);
  const planned = await mpc.plan(session, recorder.planned());
  result(w.json === true, "plan", { ...planned, notes: NOTES }, () => `${mpc.showPlan(planned)}\n${NOTES.join("\n")}`);
}

export const planCommand: CommandRow = {
  name: "plan",
  add: (program: Command) =>
    void withOutlineOptions(
      program
        .command("plan")
        .summary("print what the owners must approve before a private job runs")
        .description(
          "Examples:\n  tacit plan\n  tacit plan --data my.csv --model mlp --epochs 2 --reveal-model\n  tacit plan --for predict",
        ),
    ).action(plan),
};
