/** @file tacit demo (npm start): the main job with its defaults. */
import type { Command } from "commander";
import { EXIT, result } from "../output/streams.ts";
import { DEFAULTS, PEOPLE } from "../private/job.ts";
import { mainJob, showMainJob } from "../private/main-job.ts";
import { positiveCount } from "./arguments.ts";
import type { CommandRow } from "./command.ts";

/** Encrypted test pictures without --full. */
const TEST = 1000;

interface DemoOptions {
  readonly data: string;
  readonly steps: number;
  readonly full?: boolean;
  readonly json?: boolean;
}

export const demoCommand: CommandRow = {
  name: "demo",
  add: (program: Command) =>
    void program
      .command("demo")
      .summary("the main job: train and test a CNN on pictures that nobody sees (npm start)")
      .option("--data <source>", "auto, mnist (downloads), digits (drawn here)", DEFAULTS.data)
      .option("--steps <n>", "training steps", positiveCount, DEFAULTS.steps)
      .option("--full", "test on every encrypted picture, not on 1,000")
      .option("--json", "print the result as one JSON object")
      .action(async (o: DemoOptions) => {
        const { steps: _, ...fixed } = DEFAULTS;
        const test = o.full === true ? null : TEST;
        const options = { ...fixed, data: o.data, length: { steps: o.steps }, test, owners: PEOPLE, out: "" };
        const r = await mainJob({ ...options, revealModel: false, compare: true });
        if (r === null) process.exitCode = EXIT.interrupted;
        else result(o.json === true, "main-job", r, () => showMainJob(r));
      }),
};
