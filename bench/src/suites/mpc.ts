/** @file The mpc suite: three party processes on loopback with TLS 1.3, nothing revealed in the timed part. */
import { fileURLToPath } from "node:url";
import type { Contender } from "../harness.ts";
import type { Suite, TimedRow } from "./suite.ts";

const RUNS = 7;
const ours: Contender = {
  name: "tacit",
  command: [process.execPath, "--no-warnings", fileURLToPath(new URL("../contenders/mpc.ts", import.meta.url))],
};

/** Most seconds, and where they are asked for, most bytes per party and most rounds. */
interface Asked {
  readonly seconds: number;
  readonly bytes?: number;
  readonly rounds?: number;
}

const ASKED: Readonly<Record<string, Asked>> = {
  "mul-1e6": { seconds: 0.08, bytes: 12.1e6, rounds: 2 },
  "matmul-512": { seconds: 0.13, bytes: 3.2e6, rounds: 2 },
  "matmul-1024": { seconds: 0.65, bytes: 12.7e6 },
  "relu-1e6": { seconds: 0.16, bytes: 27e6, rounds: 7 },
  "lenet5-infer-1": { seconds: 0.02, rounds: 70 },
  "lenet5-infer-128": { seconds: 0.4, bytes: 33e6 },
  "mlp-step-128": { seconds: 0.1, bytes: 4e6, rounds: 65 },
  "lenet5-step-128": { seconds: 0.6, bytes: 48e6 },
};

function row(name: string, { seconds, bytes, rounds }: Asked): TimedRow {
  return {
    name,
    unit: "s",
    better: "lower",
    runs: RUNS,
    target: seconds,
    ...(bytes === undefined ? {} : { mostBytes: bytes }),
    ...(rounds === undefined ? {} : { mostRounds: rounds }),
    ours,
    peers: [],
  };
}

export const mpc: Suite = {
  name: "mpc",
  rows: async () => Object.entries(ASKED).map(([name, asked]) => row(name, asked)),
};
