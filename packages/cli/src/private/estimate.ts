/** @file What a job will cost: rounds, bytes, memory and seconds on the wire, from dry runs of the protocol's own code. */
import { TacitError } from "@tacit/core/errors";
import { type Aval, DTYPE } from "@tacit/core/program";
import { mpc } from "@tacit/mpc";
import { showMegabytes, showSeconds } from "../output/progress.ts";
import type { Outline } from "./outline.ts";

export interface Network {
  /** Megabits per second that each party can send. */
  readonly bandwidth: number;
  /** Milliseconds that a message takes one way. */
  readonly latency: number;
}

/** Cost of one run or of many. */
export interface WireCost {
  readonly rounds: number;
  readonly bytesPerParty: readonly number[];
  readonly framesPerParty: readonly number[];
  /** Wire time alone: rounds one after the other, and the fullest party's bytes through its line. */
  readonly seconds: number;
}

export interface EstimateRow extends WireCost {
  readonly title: string;
  readonly program: string;
  readonly runs: number;
  /** Of one run. */
  readonly each: WireCost;
  readonly peakMemory: number;
  /** Nodes that compare, by the bits they do it on: what the session's range decides. */
  readonly comparisons: Readonly<Record<string, number>>;
}

export interface Estimate {
  readonly protocol: string;
  readonly network: Network;
  readonly steps: number;
  readonly rows: readonly EstimateRow[];
  readonly total: WireCost;
  /** Bytes that go to each party for the inputs, and rest there. */
  readonly inputBytes: number;
  /** The most share memory of any run, besides the inputs at rest. */
  readonly peakMemory: number;
  readonly reveals: number;
}

const NONE: WireCost = { rounds: 0, bytesPerParty: [], framesPerParty: [], seconds: 0 };

const addLists = (a: readonly number[], b: readonly number[], times: number): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + times * (b[i] ?? 0));

const plus = (a: WireCost, b: WireCost, times = 1): WireCost => ({
  rounds: a.rounds + times * b.rounds,
  bytesPerParty: addLists(a.bytesPerParty, b.bytesPerParty, times),
  framesPerParty: addLists(a.framesPerParty, b.framesPerParty, times),
  seconds: a.seconds + times * b.seconds,
});

/** One Program: its runs with different bindings (a state that is public zeros at first) may differ in cost. */
async function rowsOf({ session, protocol }: Outline, r: mpc.Recording, network: Network): Promise<EstimateRow[]> {
  const { options } = session.file.protocol;
  const wire = { bandwidth: network.bandwidth * 1e6, latency: network.latency / 1000 };
  const row = async ({ bindings, runs }: mpc.BoundRuns, i: number): Promise<EstimateRow> => {
    const cost = await protocol.estimate(r.program, bindings, options);
    const { rounds, bytesPerParty, framesPerParty, peakMemory } = cost;
    const each = { rounds, bytesPerParty, framesPerParty, seconds: mpc.predictSeconds(cost, wire) };
    const title = i === 0 && r.bound.size > 1 ? `${r.title}, first` : r.title;
    const comparisons: Record<string, number> = {};
    for (const { bits } of cost.comparisons ?? []) comparisons[bits] = (comparisons[bits] ?? 0) + 1;
    return { title, program: r.program.id, runs, each, ...plus(NONE, each, runs), peakMemory, comparisons };
  };
  return Promise.all([...r.bound.values()].map(row));
}

/** Values that sharing is tried on to learn the size of a share. */
const TRIAL = 64;

/** Bytes for each party of one shared value. */
function bytesPerValue({ session, protocol }: Outline): number {
  const aval: Aval = { shape: [TRIAL], dtype: "f32" };
  const payloads = protocol.share(DTYPE.f32.make(TRIAL), aval, session.file.protocol.options);
  return Math.max(...payloads.map((p) => p.length)) / TRIAL;
}

/** @throws DEVICE_UNSUPPORTED with every gap, where the protocol cannot run the job */
export async function estimate(o: Outline, network: Network): Promise<Estimate> {
  const gaps = o.recorder.gaps();
  if (gaps.length > 0) {
    const list = gaps.map((g) => `${g.op} at node ${g.node} (${g.reason})`).join("; ");
    throw new TacitError("DEVICE_UNSUPPORTED", `estimate: expected ops that ${o.protocol.name} can run, got ${list}`);
  }
  const recordings = [...o.recorder.recordings.values()];
  const rows = (await Promise.all(recordings.map((r) => rowsOf(o, r, network)))).flat();
  const values = o.recorder.given.reduce((n, g) => n + g.aval.shape.reduce((a, b) => a * b, 1), 0);
  return {
    protocol: o.protocol.name,
    network,
    steps: o.steps,
    rows,
    total: rows.reduce((sum, r) => plus(sum, r), NONE),
    inputBytes: Math.round(values * bytesPerValue(o)),
    peakMemory: Math.max(0, ...rows.map((r) => r.peakMemory)),
    reveals: recordings.reduce((n, r) => n + r.reveals, 0),
  };
}

const most = (c: WireCost): number => Math.max(0, ...c.bytesPerParty);
const time = (s: number): string => (s < 10 ? `${s.toFixed(3)} s` : showSeconds(s));

/** The estimate for people. */
export function showEstimate(e: Estimate): string {
  const head = ["", "compares on", "runs", "rounds each", "sent each", "memory", "wire each", "wire all"];
  const body = e.rows.map((r) => [
    `${r.title} (${r.program.slice(0, 12)})`,
    Object.entries(r.comparisons)
      .map(([bits, count]) => `${count}x${bits} bits`)
      .join(", "),
    String(r.runs),
    String(r.each.rounds),
    showMegabytes(most(r.each)),
    showMegabytes(r.peakMemory),
    time(r.each.seconds),
    time(r.seconds),
  ]);
  const width = head.map((h, i) => Math.max(h.length, ...body.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((c, i) => (i === 0 ? c.padEnd(width[i]!) : c.padStart(width[i]!))).join("  ");
  const { total, network } = e;
  return [
    line(head),
    ...body.map(line),
    "",
    `all: ${total.rounds} rounds, ${showMegabytes(most(total))} sent per party, ${e.reveals} disclosures`,
    `inputs: ${showMegabytes(e.inputBytes)} to each party, and at rest there`,
    `on the wire at ${network.bandwidth} Mbit/s and ${network.latency} ms one way: ${time(total.seconds)}; computing comes on top`,
  ].join("\n");
}
