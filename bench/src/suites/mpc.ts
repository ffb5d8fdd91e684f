/** @file The mpc suite: three party processes on loopback with TLS 1.3, nothing revealed in the timed part. */
import { fileURLToPath } from "node:url";
import type { Contender } from "../harness.ts";
import type { Suite, TimedRow } from "./suite.ts";

const RUNS = 7;
const contender = (...options: readonly string[]): Contender => ({
  name: "tacit",
  command: [process.execPath, "--no-warnings", fileURLToPath(new URL("../contenders/mpc.ts", import.meta.url)), ...options],
});
const ours = contender();
/** The same parties with an emulated network between them: 40 ms there and back, 352 Mbit/s on each link. */
const distant = contender("wan");
/** A session that agreed on a range of values: comparisons on 32 bits. Beside the rows without. */
const narrow = contender("range");

/** Most seconds, and where they are asked for, most bytes per party and most rounds. */
interface Asked {
  readonly seconds: number;
  readonly bytes?: number;
  readonly rounds?: number;
  readonly ours?: Contender;
  readonly published?: string;
}

/** A training step of this MLP over such a network, by those who published it; they had 3 times 4 cores. Not measured here. */
const PUBLISHED_MLP = "published, 3x4 cores: MP-SPDZ 9.7 s, TF Encrypted 4.5 s";

const ASKED: Readonly<Record<string, Asked>> = {
  "mul-1e6": { seconds: 0.08, bytes: 12.1e6, rounds: 2 },
  "matmul-512": { seconds: 0.13, bytes: 3.2e6, rounds: 2 },
  "matmul-1024": { seconds: 0.65, bytes: 12.7e6 },
  "relu-1e6": { seconds: 0.16, bytes: 27e6, rounds: 7 },
  "relu-1e6-range": { seconds: 0.16, bytes: 19e6, rounds: 6, ours: narrow },
  "lenet5-infer-1": { seconds: 0.02, rounds: 70 },
  "lenet5-infer-1-range": { seconds: 0.02, rounds: 40, ours: narrow },
  "lenet5-infer-128": { seconds: 0.4, bytes: 33e6 },
  "mlp-step-128": { seconds: 0.1, bytes: 4e6, rounds: 65 },
  "lenet5-step-128": { seconds: 0.6, bytes: 48e6 },
  "mlp-step-128-wan": { seconds: 1.8, bytes: 4e6, rounds: 65, ours: distant, published: PUBLISHED_MLP },
  "lenet5-infer-1-wan": { seconds: 1.6, rounds: 70, ours: distant },
};

function row(name: string, asked: Asked): TimedRow {
  const { seconds, bytes, rounds, published } = asked;
  return {
    name,
    unit: "s",
    better: "lower",
    runs: RUNS,
    target: seconds,
    ...(bytes === undefined ? {} : { mostBytes: bytes }),
    ...(rounds === undefined ? {} : { mostRounds: rounds }),
    ...(published === undefined ? {} : { note: published }),
    ours: asked.ours ?? ours,
    peers: [],
  };
}

export const mpc: Suite = {
  name: "mpc",
  rows: async () => Object.entries(ASKED).map(([name, asked]) => row(name, asked)),
};
