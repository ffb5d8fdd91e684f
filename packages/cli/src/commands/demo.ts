/** @file tacit demo (npm start): the main job with its defaults. */
import type { Command } from "commander";
import { EXIT, result } from "../output/streams.ts";
import type { CommandRow } from "./command.ts";

/** LeNet-5, 600 steps of 32: over 95 % in under four minutes on two cores. */
export const MAIN_JOB = { data: "auto", model: "lenet5", steps: 600, batch: 32, lr: 0.1, momentum: 0, seed: 0 } as const;

interface DemoOptions {
  readonly data: string;
  readonly full?: boolean;
  readonly json?: boolean;
}

export const demoCommand: CommandRow = {
  name: "demo",
  add: (program: Command) =>
    void program
      .command("demo")
      .summary("the main job: train and test a CNN on pictures that nobody sees (npm start)")
      .option("--data <source>", "auto, mnist (downloads), digits (drawn here)", MAIN_JOB.data)
      .option("--full", "test on every encrypted picture, not on 1,000")
      .option("--json", "print the result as one JSON object")
      .action(async (o: DemoOptions) => {
        // Loaded here: the parties' code (X.509, HPKE, WebSocket) is a third of every command's start, 0.27 s of 0.77.
        const { mainJob, showMainJob } = await import("../private/main-job.ts");
        const r = await mainJob({ ...MAIN_JOB, data: o.data, test: o.full === true ? null : 1000, compare: true });
        if (r === null) process.exitCode = EXIT.interrupted;
        else result(o.json === true, "main-job", r, () => showMainJob(r));
      }),
};
