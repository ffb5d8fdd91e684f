/** @file A job run on a recorder: its Programs, bindings, disclosures and counts, without parties. The base of plans and estimates. */
import { Random } from "@tacit/core/random";
import { mpc } from "@tacit/mpc";
import { MODELS } from "../models.ts";
import { PIXELS } from "./batches.ts";
import { type JobOptions, outlineOf, PEOPLE, runJob } from "./job.ts";
import type { Purpose } from "./options.ts";
import { predictOnShares } from "./predict.ts";
import { checkpointSteps, REPORT_EVERY } from "./training.ts";
import { silentWatcher } from "./watcher.ts";

export interface Outline {
  readonly session: mpc.Session;
  readonly protocol: mpc.Protocol;
  readonly recorder: mpc.Recorder;
  /** Steps of the job; 0 for a prediction. */
  readonly steps: number;
}

const PARTIES = ["party-a", "party-b", "party-c"];
const MONTH = 30 * 86_400;

/** A session such as `mpc.local(3)` makes, with fresh keys that nobody uses. */
export async function exampleSession(range?: number): Promise<mpc.Session> {
  const protocol = protocolFor(PARTIES.length);
  const named = (names: readonly string[]): Promise<mpc.PublicIdentity[]> =>
    Promise.all(names.map(async (n) => (await mpc.Identity.generate(n)).public));
  const parties = await named(PARTIES);
  return new mpc.Session({
    parties: parties.map((identity) => ({ identity, address: "127.0.0.1:0", client: "127.0.0.1:0" })),
    people: await named(["driver", PEOPLE.model, PEOPLE.data]),
    driver: "driver",
    protocol: { name: protocol.name, options: { ...protocol.defaults, ...(range === undefined ? {} : { range }) } },
    limits: mpc.DEFAULT_LIMITS,
    expires: Math.floor(Date.now() / 1000) + MONTH,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    grants: [],
  });
}

/** The first protocol for so many parties, as `mpc.local` chooses. */
function protocolFor(parties: number): mpc.Protocol {
  const found = mpc.PROTOCOLS.find((p) => p.parties === parties);
  if (found === undefined) throw new Error(`no protocol for ${parties} parties`);
  return found;
}

/** Runs a job on a recorder. `session`: whose protocol and people are meant. */
export async function outline(session: mpc.Session, options: JobOptions, purpose: Purpose): Promise<Outline> {
  const { name, options: protocolOptions } = session.file.protocol;
  const protocol = mpc.PROTOCOLS.find((p) => p.name === name) ?? protocolFor(session.file.parties.length);
  const recorder = new mpc.Recorder(protocol, protocolOptions, options.owners.model);
  const watcher = silentWatcher(recorder);
  if (purpose === "predict") {
    const model = MODELS[options.model].build(10, { random: new Random(0) });
    const ask = { answer: "probabilities", owners: options.owners } as const;
    await predictOnShares(recorder, model, new Float32Array(PIXELS), ask, watcher);
    return { session, protocol, recorder, steps: 0 };
  }
  const job = await outlineOf(options);
  await runJob(recorder, job, watcher);
  return { session, protocol, recorder, steps: job.plan.steps };
}

/** What a person should know besides the Programs. */
export const NOTES: readonly string[] = [
  `the parties learn shapes, Program ids, public values (row numbers of batches, learning rates) and how long things take`,
  `a disclosed loss is the mean of ${REPORT_EVERY} steps; losses, accuracy and answers say something about the data they come from`,
];

/** The checkpoints of a training: no grant speaks of them. */
export interface CheckpointPlan {
  /** Steps between two: what was said, in whole tens. */
  readonly every: number;
  readonly count: number;
  /** Steps that one resume does again at most: what `--spare` is made of. */
  readonly again: number;
}

/** Null for a prediction, which takes none. */
export function checkpointsOf(steps: number, said: number): CheckpointPlan | null {
  if (steps === 0) return null;
  const every = checkpointSteps(said);
  return { every, count: Math.ceil(steps / every), again: Math.min(every, steps) };
}

const UNPLANNED =
  "checkpoints: none planned, and no grant bounds them: who drives may say --checkpoint-every, and each party then writes its own shares, sealed to itself, to its own disk";

/** What leaves the parties' memory, and how often. */
export function showCheckpoints(c: CheckpointPlan | null): string {
  if (c === null) return UNPLANNED;
  const times = c.count === 1 ? "one" : `${c.count}`;
  return [
    `checkpoints: ${times}, every ${c.every} steps and after the last; each party writes its own shares of inputs, weights and optimizer, sealed to itself, to its own disk`,
    "  what leaves: nothing to others; every party reads the note (step, options of the training, names), and no grant bounds how many are made",
    `  each resume does up to ${c.again} steps again: k resumes need --spare ${c.again === 1 ? "k" : `k x ${c.again}`}`,
  ].join("\n");
}
