/** @file tacit estimate: rounds, bytes, memory and seconds of a private job, before anything runs. Starts no party. */
import type { Command } from "commander";
import { result } from "../output/streams.ts";
import { estimate, showEstimate } from "../private/estimate.ts";
import { positive } from "./arguments.ts";
import type { CommandRow } from "./command.ts";
import { type OutlineWords, outlineFor, withAllOutlineOptions } from "./plan.ts";

interface EstimateWords extends OutlineWords {
  readonly bandwidth: number;
  readonly latency: number;
}

async function estimateJob(w: EstimateWords): Promise<void> {
  const e = await estimate(await outlineFor(w), { bandwidth: w.bandwidth, latency: w.latency });
  result(w.json === true, "estimate", e, () => showEstimate(e));
}

export const estimateCommand: CommandRow = {
  name: "estimate",
  add: (program: Command) =>
    void withAllOutlineOptions(
      program
        .command("estimate")
        .summary("rounds, bytes, memory and seconds of a private job")
        .description("Examples:\n  tacit estimate\n  tacit estimate --batch 128 --epochs 1 --bandwidth 100 --latency 20")
        .option("--bandwidth <Mbit/s>", "what each party can send", positive, 1000)
        .option("--latency <ms>", "of a message, one way", positive, 0.5),
    ).action(estimateJob),
};
