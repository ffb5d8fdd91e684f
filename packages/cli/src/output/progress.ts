/** @file One progress line on stderr: a bar, the rate, the time left and whatever else the command wants said. */

/** Seconds as people read them: `8 s`, `2 min 05 s`, `1 h 12 min`. */
export function showSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
}

/** Decimal megabytes: `12.3 MB`. */
export const showMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;

/** Where a progress line goes. */
export interface ProgressTarget {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const BAR = 20;
/** A terminal is redrawn at most this often; a log gets a line at most this often. */
const REDRAW_MS = 100;
const LOG_MS = 10_000;
/** The rate is that of the last 20 s, looked at every 0.2 s: first steps compile, and a machine's load changes. */
const WINDOW_MS = 20_000;
const SAMPLE_MS = 200;
/** Fewer steps say nothing about the time left. */
const STEPS_TO_FORESEE = 5;

/** A progress line for `total` steps. On a terminal it redraws in place; elsewhere it prints a line every ten seconds. */
export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #target: ProgressTarget;
  readonly #started = performance.now();
  /** When how many steps were done: the first is where the window begins. */
  readonly #samples: { readonly at: number; readonly done: number }[];
  readonly #from: number;
  #drawn = Number.NEGATIVE_INFINITY;
  #width = 0;
  #done = 0;
  #fields = "";

  /** `from`: how many steps were done before, in another process: they say nothing about the rate. */
  constructor(label: string, total: number, target: ProgressTarget = process.stderr, from = 0) {
    this.#from = from;
    this.#samples = [{ at: this.#started, done: from }];
    this.#label = label;
    this.#total = total;
    this.#target = target;
  }

  /** Says that `done` steps are finished, with further fields such as `loss 0.123`. */
  update(done: number, fields: readonly string[] = []): void {
    this.#done = done;
    this.#fields = fields.join("  ");
    const now = performance.now();
    if (now - this.#samples.at(-1)!.at >= SAMPLE_MS) this.#samples.push({ at: now, done });
    while (this.#samples.length > 2 && this.#samples[1]!.at <= now - WINDOW_MS) this.#samples.shift();
    if (now - this.#drawn < (this.#target.isTTY ? REDRAW_MS : LOG_MS)) return;
    this.#drawn = now;
    this.#draw();
  }

  /** Draws the last state and ends the line. */
  finish(): void {
    this.#draw();
    if (this.#target.isTTY) this.#target.write("\n");
  }

  /** The line as it stands. */
  line(): string {
    const now = performance.now();
    const seconds = (now - this.#started) / 1000;
    const ended = this.#done >= this.#total;
    const from = ended ? { at: this.#started, done: this.#from } : this.#samples[0]!;
    const rate = (this.#done - from.done) / Math.max((now - from.at) / 1000, 1e-9);
    const share = this.#total > 0 ? Math.min(1, this.#done / this.#total) : 1;
    const full = Math.round(share * BAR);
    const bar = "█".repeat(full) + "░".repeat(BAR - full);
    const speed = rate >= 1 || rate === 0 ? `${rate.toFixed(1)}/s` : `${(1 / rate).toFixed(2)} s each`;
    const left = this.#done - this.#from >= STEPS_TO_FORESEE && rate > 0 ? showSeconds((this.#total - this.#done) / rate) : "?";
    const tail = ended ? `took ${showSeconds(seconds)}` : `${left} left`;
    return `${this.#label} ${bar} ${this.#done}/${this.#total}  ${speed}  ${tail}${this.#fields === "" ? "" : `  ${this.#fields}`}`;
  }

  #draw(): void {
    const line = this.line();
    if (!this.#target.isTTY) {
      this.#target.write(`${line}\n`);
      return;
    }
    const cut = line.slice(0, Math.max(20, (this.#target.columns ?? 120) - 1));
    this.#target.write(`\r${cut}${" ".repeat(Math.max(0, this.#width - cut.length))}`);
    this.#width = cut.length;
  }
}
