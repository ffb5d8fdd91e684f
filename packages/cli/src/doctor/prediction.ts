/** @file The time of a step on the parties of a session: the cost of its Program, and what the links and the machines were measured at. */
import { mpc } from "@tacit/mpc";
import { jobOptions } from "../private/options.ts";
import { type Outline, outline } from "../private/outline.ts";

/** What the parties are to each other: the worst link and the slowest machine, since every round waits for them. */
export interface Measured {
  /** Bits per second. */
  readonly bandwidth: number;
  /** Seconds one way. */
  readonly latency: number;
  /** Null where the protocol does not measure itself. */
  readonly speed: mpc.Speed | null;
}

/** One run of one Program. */
export interface Prediction {
  readonly title: string;
  readonly program: string;
  readonly rounds: number;
  /** Of the party that sends most. */
  readonly bytes: number;
  readonly wireSeconds: number;
  /** Null where no machine told its speed. */
  readonly computingSeconds: number | null;
  readonly seconds: number;
}

/** Null unless every link between two parties was measured in both directions. */
export function measuredOf(parties: readonly mpc.Examined[]): Measured | null {
  const links = parties.flatMap((p) => p.links);
  const whole = links.length === parties.length * (parties.length - 1);
  if (!whole || links.some((l) => l.roundTrip === null || l.bandwidth === null)) return null;
  const speeds = parties.flatMap((p) => (p.speed === null ? [] : [p.speed]));
  return {
    bandwidth: Math.min(...links.map((l) => l.bandwidth!)),
    latency: Math.max(...links.map((l) => l.roundTrip!)) / 2000,
    speed:
      speeds.length < parties.length
        ? null
        : { bytes: Math.min(...speeds.map((s) => s.bytes)), products: Math.min(...speeds.map((s) => s.products)) },
  };
}

/** Every Program of a job, one run of each. */
export async function predict(o: Outline, m: Measured, prefix = ""): Promise<Prediction[]> {
  const { options } = o.session.file.protocol;
  const all = [...o.recorder.recordings.values()].map(async (r): Promise<Prediction> => {
    // The last way of binding is that of a step in the middle: a first one starts from public zeros.
    const bindings = [...r.bound.values()].at(-1)!.bindings;
    const cost = await o.protocol.estimate(r.program, bindings, options);
    const wireSeconds = mpc.predictSeconds(cost, m);
    const computingSeconds = m.speed === null ? null : (o.protocol.computing?.(r.program, cost, m.speed) ?? null);
    return {
      title: `${prefix}${r.title}`,
      program: r.program.id,
      rounds: cost.rounds,
      bytes: Math.max(0, ...cost.bytesPerParty),
      wireSeconds,
      computingSeconds,
      seconds: wireSeconds + (computingSeconds ?? 0),
    };
  });
  return Promise.all(all);
}

/** What is asked for most: a step of the MLP with 128 pictures, and LeNet-5 on one picture. Drawn digits: their values do not matter. */
export async function predictUsual(session: mpc.Session, m: Measured): Promise<Prediction[]> {
  const words = { data: "digits", model: "mlp", batch: 128, steps: 1, test: 0 };
  const step = await outline(session, jobOptions(words), "train");
  const answer = await outline(session, jobOptions({ model: "lenet5" }), "predict");
  const steps = await predict(step, m, "MLP, 128 pictures: ");
  return [...steps.filter((p) => p.title.endsWith("training step")), ...(await predict(answer, m, "LeNet-5, 1 picture: "))];
}

const seconds = (s: number): string => `${s < 10 ? s.toFixed(3) : s.toFixed(0)} s`;

export function showPredictions(m: Measured, all: readonly Prediction[]): string {
  const head = ["", "rounds", "sent", "wire", "computing", "each"];
  const rows = all.map((p) => [
    p.title,
    String(p.rounds),
    `${(p.bytes / 1e6).toFixed(2)} MB`,
    seconds(p.wireSeconds),
    p.computingSeconds === null ? "?" : seconds(p.computingSeconds),
    seconds(p.seconds),
  ]);
  const width = head.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((c, i) => (i === 0 ? c.padEnd(width[i]!) : c.padStart(width[i]!))).join("  ");
  const worst = `${(m.latency * 1000).toFixed(1)} ms one way, ${(m.bandwidth / 1e6).toFixed(0)} Mbit/s`;
  return [
    line(head),
    ...rows.map(line),
    "",
    `by the worst link (${worst}) and the slowest party; computing is rough, within a factor of two`,
  ].join("\n");
}
