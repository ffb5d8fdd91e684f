/** @file The privacy suite: exact samples a second, and how long many events take to account for, what a private step costs beside a plain one. */
import { fileURLToPath } from "node:url";
import type { Contender } from "../harness.ts";
import type { Suite, TimedRow } from "./suite.ts";

const ours: Contender = {
  name: "tacit",
  command: [process.execPath, "--no-warnings", fileURLToPath(new URL("../contenders/privacy.ts", import.meta.url))],
};

const row = (name: string, unit: string, better: "lower" | "higher", target: number): TimedRow => ({
  name,
  unit,
  better,
  runs: 5,
  target,
  ours,
  peers: [],
});

export const privacy: Suite = {
  name: "privacy",
  rows: async () => [
    row("gaussian-samples", "M/s", "higher", 1),
    row("gaussian-samples-1e6", "M/s", "higher", 1),
    row("compose-1e5", "s", "lower", 2),
    row("compose-1e5-distinct", "s", "lower", 2),
    row("dp-sgd-overhead", "x plain step", "lower", 3),
    row("dp-sgd-overhead-poisson", "x plain step", "lower", 3),
  ],
};
