/** @file Profile: time per step of the plans that run while it is on, as rows, as a table, and as events for a trace viewer. */
import { lineOf, recordLines } from "../../debug/site.ts";
import { type Observer, observe, type Prepared, type Ran } from "../../engine/observe.ts";
import { showAval } from "../../program/aval.ts";
import type { Device, StepTime } from "../device.ts";
import { type TraceEvent, type TraceFile, traceFile } from "./trace-events.ts";

export interface ProfileOptions {
  /** Every op remembers the user's line that made it; some 5 microseconds per op. Default false. */
  readonly lines?: boolean;
  /** Events kept for `trace()`, the first ones (default 200,000: some 30 MB of JSON); rows count on. */
  readonly events?: number;
}

export interface ProfileRow {
  readonly label: string;
  /** Type of the step's first result. */
  readonly result: string;
  calls: number;
  totalMs: number;
  bestMs: number;
  /** Floating-point operations of one call; 0 where not counted. */
  readonly flops: number;
  /** The user's line that made the op, where lines are recorded. */
  line?: string;
}

const GIGA = 1e6; // flops per ms in a GFLOP/s

export class Profile {
  private readonly byStep = new Map<object, ProfileRow>();
  private readonly events: TraceEvent[] = [];
  private readonly limit: number;
  private readonly device: Device;
  private readonly zero = performance.now();
  private readonly ends: (() => void)[];
  /** Events of the run that is under way, with the node that each stands for: their lines come with its end. */
  private open: { readonly time: StepTime; readonly event: TraceEvent }[] = [];
  private preparing: TraceEvent | null = null;
  private left = 0;

  constructor(device: Device, options: ProfileOptions = {}) {
    this.device = device;
    this.limit = options.events ?? 200_000;
    const mine = (e: { readonly device: Device }): boolean => e.device === device;
    const observer: Observer = {
      prepared: (e) => void (mine(e) && this.prepared(e)),
      ran: (e) => void (mine(e) && this.ran(e)),
    };
    const lines = options.lines ?? false;
    recordLines(this, lines);
    this.ends = [
      observe(observer),
      device.onStep?.((time) => this.step(time)) ?? (() => undefined),
      () => recordLines(this, false),
    ];
  }

  private keep(event: TraceEvent): TraceEvent {
    if (this.events.length < this.limit) this.events.push(event);
    else this.left++;
    return event;
  }

  private span(tid: number, name: string, start: number, end: number, args: TraceEvent["args"]): TraceEvent {
    const [ts, stop] = [this.micros(start), this.micros(end)];
    return {
      name,
      cat: tid === 1 ? "engine" : "kernel",
      ph: "X",
      ts,
      dur: Math.round((stop - ts) * 1000) / 1000,
      pid: 1,
      tid,
      args,
    };
  }

  /** Microseconds since the profile began, to the nanosecond: spans that touch must not overlap by a rounding. */
  private micros(ms: number): number {
    return Math.round((ms - this.zero) * 1e6) / 1000;
  }

  private step(time: StepTime): void {
    const { step, label, result, start, ms, flops } = time;
    let row = this.byStep.get(step);
    if (row === undefined) {
      row = { label, result: showAval(result), calls: 0, totalMs: 0, bestMs: Number.POSITIVE_INFINITY, flops };
      this.byStep.set(step, row);
    }
    row.calls++;
    row.totalMs += ms;
    row.bestMs = Math.min(row.bestMs, ms);
    const rate = flops > 0 && ms > 0 ? { "GFLOP/s": Number((flops / ms / GIGA).toFixed(2)) } : {};
    const event = this.keep(this.span(2, label, start, start + ms, { result: row.result, ...rate }));
    this.open.push({ time, event });
    // Without the engine no end of a run is heard.
    if (this.open.length > 10_000) this.open = [];
  }

  private prepared({ start, end, program }: Prepared): void {
    const args = { program: program.id, nodes: program.nodes.length };
    this.preparing = this.span(1, "prepare", start, end, args);
  }

  private ran({ traced, start, end, program, lines, bytesIn, bytesOut }: Ran): void {
    const id = program.id.slice(0, 8);
    this.keep(this.span(1, `dispatch ${id}`, traced, end, { program: program.id }));
    const before = this.preparing;
    this.keep(
      this.span(1, "trace", traced, before === null ? start : this.zero + before.ts / 1000, { nodes: program.nodes.length }),
    );
    if (before !== null) this.keep(before);
    this.keep(this.span(1, "run", start, end, { program: program.id, bytesIn, bytesOut }));
    this.preparing = null;
    const open = this.open;
    this.open = [];
    for (const { time, event } of open) {
      if (time.start < start) continue; // of a run that failed: its nodes are those of another Program
      const row = this.byStep.get(time.step)!;
      row.line ??= lineOf(lines[time.node] ?? null)!;
      if (row.line === undefined) delete row.line;
      else event.args.line = row.line;
    }
  }

  /** One row per step, in order of execution. */
  rows(): readonly ProfileRow[] {
    return [...this.byStep.values()];
  }

  /** The rows as text, the slowest first. */
  table(): string {
    const rows = this.rows().toSorted((a, b) => b.totalMs - a.totalMs);
    const all = rows.reduce((n, r) => n + r.totalMs, 0);
    const lines = rows.map((r) => {
      const rate = r.flops > 0 && r.bestMs > 0 ? (r.flops / r.bestMs / GIGA).toFixed(1) : "";
      const share = all > 0 ? ((100 * r.totalMs) / all).toFixed(1) : "0.0";
      return [r.totalMs.toFixed(3), share, `${r.calls}`, r.bestMs.toFixed(4), rate, `${r.label} -> ${r.result}`, r.line ?? ""];
    });
    const cells = [["total ms", "%", "calls", "best ms", "GFLOP/s", "step", ""], ...lines];
    const width = cells[0]!.map((_, i) => Math.max(...cells.map((c) => c[i]!.length)));
    return cells
      .map((c) =>
        c
          .map((x, i) => (i < 5 ? x.padStart(width[i]!) : x.padEnd(width[i]!)))
          .join("  ")
          .trimEnd(),
      )
      .join("\n");
  }

  /** Trace events as Chrome's trace viewer and Perfetto read them: `JSON.stringify(profile.trace())` is the file. */
  trace(): TraceFile {
    return traceFile(this.device.name, this.events, this.left);
  }

  /** Steps run in one call again. What was measured stays. */
  stop(): void {
    for (const end of this.ends) end();
  }
}
