/** @file Observe: who wants to know what the engine does. Nobody, most of the time: then a dispatch asks two fields and no more. */
import { type Site, sites } from "../debug/site.ts";
import type { Binding, Device, Executable, StepTime, Storage } from "../device/device.ts";
import type { Expr } from "../expr.ts";
import { type Aval, sizeOf } from "../program/aval.ts";
import { DTYPE } from "../program/dtype.ts";
import type { Program } from "../program/program.ts";

/** A run before it happens. */
export interface Plan {
  readonly device: Device;
  readonly program: Program;
  readonly bindings: readonly Binding[];
  readonly storages: readonly Storage[];
  /** Per node of the Program, where its op was made; null where that was not recorded. */
  readonly lines: readonly (Site | null)[];
}

/** A Program was prepared: a cache miss. Times are of `performance.now()`, in ms. */
export interface Prepared extends Plan {
  readonly executable: Executable;
  /** What the device runs, and owners approve: `program`, or that with the composites that the device lacks written out. */
  readonly runs: Program;
  readonly start: number;
  readonly end: number;
}

/** A Program ran. */
export interface Ran extends Plan {
  /** Start of the trace, of the run, and its end. */
  readonly traced: number;
  readonly start: number;
  readonly end: number;
  /** Bytes of the inputs that the host gave, and of the results that are no updates. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Kernel by kernel, where an observer asked for it and the device can. */
  readonly steps: readonly StepTime[];
  readonly executable: Executable;
}

export interface Observer {
  prepared?(event: Prepared): void;
  ran?(event: Ran): void;
  /** Wants `steps`: they then run one by one, a little slower. */
  readonly steps?: boolean;
}

/** Those who watch, and the one who looks into a run before it happens (and may throw). */
export const observing = {
  observers: [] as Observer[],
  inspect: null as ((plan: Plan) => Promise<void>) | null,
};

/** Starts to watch; returns the way to stop. */
export function observe(observer: Observer): () => void {
  observing.observers = [...observing.observers, observer];
  return () => {
    observing.observers = observing.observers.filter((o) => o !== observer);
  };
}

/** Whether anybody watches or looks. */
export const watched = (): boolean => observing.observers.length > 0 || observing.inspect !== null;

/** What the observers are told of one dispatch. */
export class Watch {
  private readonly traced = performance.now();
  private plan: Plan | null = null;

  /** The last trace is complete; `lines` are those of its nodes. */
  meet(
    device: Device,
    program: Program,
    nodes: readonly Expr[],
    storages: readonly Storage[],
    bindings: readonly Binding[],
  ): Plan {
    const lines = sites.every ? nodes.map((e) => e.site) : [];
    this.plan = { device, program, storages, bindings, lines };
    return this.plan;
  }

  /** A cache miss begins; call the result when the executable is there. */
  preparing(): (executable: Executable, runs: Program) => void {
    const start = performance.now();
    return (executable, runs) => {
      const event = { ...this.plan!, executable, runs, start, end: performance.now() };
      for (const o of observing.observers) o.prepared?.(event);
    };
  }

  /** Runs an executable. */
  run(executable: Executable, outputs: readonly Aval[]): readonly Storage[] | Promise<readonly Storage[]> {
    const plan = this.plan!;
    const steps: StepTime[] = [];
    const wanted = observing.observers.some((o) => o.steps === true);
    const stop = wanted ? plan.device.onStep?.((s) => void steps.push(s)) : undefined;
    const start = performance.now();
    const finish = (results: readonly Storage[]): readonly Storage[] => {
      const given = plan.program.inputs.filter((_, i) => plan.bindings[i]!.kind === "public");
      const bytes = { bytesIn: total(given), bytesOut: total(outputs) };
      const event = { ...plan, executable, traced: this.traced, start, end: performance.now(), steps, ...bytes };
      for (const o of observing.observers) o.ran?.(event);
      return results;
    };
    try {
      const results = executable.run(plan.storages);
      return results instanceof Promise ? results.then(finish) : finish(results);
    } finally {
      stop?.();
    }
  }
}

const total = (avals: readonly Aval[]): number => avals.reduce((n, a) => n + sizeOf(a.shape) * DTYPE[a.dtype].bytes, 0);
