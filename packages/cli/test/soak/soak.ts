/** @file A soak: three `tacit party` processes under a supervisor that restarts whichever ended, one driver, and what all of them hold. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { lay, NAMES, PartyProcess } from "../process/parties.ts";
import type { scratch } from "../process/tacit.ts";
import type { SoakLine, SoakOrder } from "./driver.ts";

/** What a process of Linux holds: resident bytes and open files; undefined once it is gone, and on other systems. */
interface Held {
  readonly rss: number;
  readonly files: number;
}

export interface Sample {
  readonly step: number;
  /** In order of the parties; undefined for one that was down. */
  readonly parties: readonly (Held | undefined)[];
  readonly driver: Held | undefined;
  readonly heap: number;
  readonly buffers: number;
  readonly handles: number;
}

export interface Soaked {
  readonly samples: readonly Sample[];
  readonly shares: readonly { readonly step: number; readonly bytes: readonly number[] }[];
  /** Steps at which a party was killed, and how the driver was told. */
  readonly killed: readonly { readonly step: number; readonly party: string }[];
  readonly lost: readonly string[];
  readonly resumed: readonly number[];
  /** Processes of each party that were started. */
  readonly starts: readonly number[];
  readonly accuracy: number;
  /** Steps that were done again after a resume. */
  readonly redone: number;
  readonly seconds: number;
  /** Bytes in each data directory at the end, by kind of file. */
  readonly disk: readonly Readonly<Record<string, number>>[];
}

function held(pid: number | undefined): Held | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return { rss: 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]), files: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return undefined;
  }
}

/** One party's place: whatever ends there is started again, as systemd would. */
class Supervised {
  starts = 0;
  #process: PartyProcess | null = null;
  #stopped = false;
  readonly #cwd: string;
  readonly #name: string;

  constructor(cwd: string, name: string) {
    this.#cwd = cwd;
    this.#name = name;
    this.#start();
  }

  #start(): void {
    if (this.#stopped) return;
    this.starts++;
    const started = new PartyProcess(this.#cwd, `${this.#name}.json`);
    this.#process = started;
    void started.ended.then(() => setTimeout(() => this.#start(), 100));
  }

  get pid(): number | undefined {
    return this.#process?.child.pid;
  }

  kill(): void {
    this.#process?.child.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#process?.kill("SIGKILL");
  }
}

/** Bytes in a data directory by the endings of its files. */
function diskOf(path: string): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const f of readdirSync(path)) {
    const kind = f.split(".").at(-1) ?? "";
    sizes[kind] = (sizes[kind] ?? 0) + statSync(join(path, f)).size;
  }
  return sizes;
}

export interface SoakOptions extends Pick<SoakOrder, "steps" | "save" | "say"> {
  /** A party is killed every so many steps, each in turn; 0: none. */
  readonly kill: number;
}

/** Reads the driver's lines to its end. */
async function listen(driver: ChildProcess, on: (line: SoakLine) => void): Promise<void> {
  const ended = new Promise<number | null>((resolve) => driver.once("close", resolve));
  for await (const text of createInterface({ input: driver.stdout! })) on(JSON.parse(text) as SoakLine);
  const code = await ended;
  if (code !== 0) throw new Error(`the driver ended with code ${code}`);
}

/**
 * Node's young generation doubles when it likes, up to some 50 MB, at any step: with 2 MB what is resident tells of what is kept. The
 * heap after a full collection is flat without this too.
 */
const YOUNG = "--max-semi-space-size=2";

/** Runs a soak in `place` to its end; nothing it started is left. */
export async function soak(place: ReturnType<typeof scratch>, options: SoakOptions): Promise<Soaked> {
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = YOUNG;
  try {
    return await run(place, options);
  } finally {
    if (before === undefined) Reflect.deleteProperty(process.env, "NODE_OPTIONS");
    else process.env.NODE_OPTIONS = before;
  }
}

async function run(place: ReturnType<typeof scratch>, options: SoakOptions): Promise<Soaked> {
  await lay(place, 20_000);
  const parties = NAMES.map((n) => new Supervised(place.path, n));
  const { steps, save, say, kill } = options;
  const order: SoakOrder = { session: "session.json", driver: "driver.key", owner: "owner.key", steps, save, say };
  const driver = spawn(process.execPath, [join(import.meta.dirname, "driver.ts"), JSON.stringify(order)], {
    cwd: place.path,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const out = {
    samples: [] as Sample[],
    shares: [] as Soaked["shares"][number][],
    lost: [] as string[],
    resumed: [] as number[],
  };
  const killed: Soaked["killed"][number][] = [];
  let end: Extract<SoakLine, { kind: "done" }> | null = null;
  const began = performance.now();
  const step = (line: Extract<SoakLine, { kind: "step" }>): void => {
    const { step: at, heap, buffers, handles } = line;
    out.samples.push({ step: at, parties: parties.map((p) => held(p.pid)), driver: held(driver.pid), heap, buffers, handles });
    // Between two checkpoints, so that steps are done again; not behind the last one.
    if (kill === 0 || at < (killed.length + 1) * kill || at >= steps) return;
    const i = killed.length % NAMES.length;
    killed.push({ step: at, party: NAMES[i]! });
    parties[i]!.kill();
  };
  try {
    await listen(driver, (line) => {
      if (line.kind === "step") step(line);
      else if (line.kind === "shares") out.shares.push(line);
      else if (line.kind === "lost") out.lost.push(line.code);
      else if (line.kind === "resumed") out.resumed.push(line.step);
      else end = line;
    });
  } finally {
    driver.kill("SIGKILL");
    await Promise.all(parties.map((p) => p.stop()));
  }
  const { accuracy, redone } = end ?? { accuracy: 0, redone: 0 };
  const seconds = (performance.now() - began) / 1000;
  const disk = NAMES.map((n) => diskOf(place.file(`${n}-data`)));
  return { ...out, killed, starts: parties.map((p) => p.starts), accuracy, redone, seconds, disk };
}

/** Median of a quantity in the samples of steps from `from` to `to`. */
export function median(samples: readonly Sample[], from: number, to: number, of: (s: Sample) => number | undefined): number {
  const values = samples.filter((s) => s.step > from && s.step <= to).flatMap((s) => of(s) ?? []);
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** What a soak came to, in lines. */
export function showSoak(s: Soaked, steps: number): string {
  const windows = [...Array(5).keys()].map((i) => [(i * steps) / 5, ((i + 1) * steps) / 5] as const);
  const row = (name: string, of: (x: Sample) => number | undefined, show: (n: number) => string): string =>
    `${name.padEnd(22)}${windows.map(([a, b]) => show(median(s.samples, a, b, of)).padStart(11)).join("")}`;
  return [
    `${steps} steps in ${s.seconds.toFixed(0)} s; killed ${s.killed.length} times (${s.killed.map((k) => `${k.party} at ${k.step}`).join(", ") || "never"})`,
    `processes started: ${s.starts.join(", ")}; resumed from ${s.resumed.join(", ") || "nothing"}; ${s.redone} steps done again; told: ${[...new Set(s.lost)].join(", ") || "nothing"}`,
    `accuracy ${(100 * s.accuracy).toFixed(1)} %`,
    `${"median in steps".padEnd(22)}${windows.map(([, b]) => `..${b}`.padStart(11)).join("")}`,
    ...NAMES.map((n, i) => row(`${n}, resident`, (x) => x.parties[i]?.rss, mb)),
    ...NAMES.map((n, i) => row(`${n}, open files`, (x) => x.parties[i]?.files, String)),
    row("driver, resident", (x) => x.driver?.rss, mb),
    row("driver, heap", (x) => x.heap, mb),
    row("driver, buffers", (x) => x.buffers, mb),
    row("driver, open files", (x) => x.driver?.files, String),
    row("driver, handles", (x) => x.handles, String),
    `shares at rest: ${s.shares.map((x) => `${x.bytes[0]} at ${x.step}`).join(", ")}`,
    `disk at the end: ${s.disk
      .map(
        (d, i) =>
          `${NAMES[i]} ${Object.entries(d)
            .map(([k, n]) => `${k} ${n}`)
            .join(", ")}`,
      )
      .join("; ")}`,
  ].join("\n");
}
