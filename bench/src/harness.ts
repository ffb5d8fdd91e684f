/** @file Interleaved measurement of contenders, each in a process of its own that answers one timed sample per request. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program that can be timed: it reads `{ "row": NAME }` lines and answers `{ "value": number, "cpu"?: seconds }` or `{ "error": text }`. */
export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One timed sample, in the row's unit. */
export interface Sample {
  readonly value: number;
  readonly cpu?: number;
  readonly bytesPerParty?: number;
  readonly rounds?: number;
  /** What `estimate` says for the emulated network: seconds on the wire. */
  readonly predicted?: number;
}

interface Answer extends Partial<Sample> {
  readonly error?: string;
}

/** A contender's running process. */
class Running {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string | null) => void)[] = [];

  constructor(contender: Contender) {
    const [file, ...args] = contender.command;
    this.#child = spawn(file!, args, { stdio: ["pipe", "pipe", "ignore"], env: { ...process.env, ...contender.env } });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      if (line.startsWith("{")) this.#waiting.shift()?.(line);
    });
    this.#child.on("error", () => this.#end());
    this.#child.on("exit", () => this.#end());
    this.#child.stdin!.on("error", () => {});
  }

  #end(): void {
    for (const w of this.#waiting.splice(0)) w(null);
  }

  /** Asks for one sample; null when the contender cannot do the row or has died. */
  async sample(row: string): Promise<Sample | null> {
    if (this.#child.exitCode !== null || this.#child.killed) return null;
    const line = await new Promise<string | null>((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(`${JSON.stringify({ row })}\n`);
    });
    if (line === null) return null;
    const answer = JSON.parse(line) as Answer;
    if (answer.error !== undefined || answer.value === undefined) {
      process.stderr.write(`bench: ${row}: ${answer.error ?? "no value"}\n`);
      return null;
    }
    return { ...answer, value: answer.value };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    await gone;
    clearTimeout(timer);
  }
}

/** All samples of one row by contender name; a contender that cannot do the row is absent. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/**
 * Measures `row` in `runs` interleaved passes over the contenders, after one warm-up pass.
 * A contender slower than `slowLimit` seconds per sample is measured once only, and says so in the row.
 */
export async function measure(row: string, contenders: readonly Contender[], runs: number): Promise<Samples> {
  const running = contenders.map((c) => ({ name: c.name, process: new Running(c) }));
  const samples = new Map<string, Sample[]>();
  const out = new Set<string>();
  try {
    for (let pass = -1; pass < runs; pass++) {
      for (const { name, process: child } of running) {
        if (out.has(name)) continue;
        const s = await child.sample(row);
        if (s === null) out.add(name);
        else if (pass >= 0) samples.set(name, [...(samples.get(name) ?? []), s]);
      }
    }
  } finally {
    await Promise.all(running.map((r) => r.process.stop()));
  }
  return samples;
}

/** The middle value; of an even count the lower middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}
