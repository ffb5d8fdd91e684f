/** @file Trace events: the JSON object format of Chrome's trace viewer ("Trace Event Format", 2016), which Perfetto reads too. */

/** A complete event (`ph` X: a span of time) or metadata (M: the name of a process or track). Times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: "X" | "M";
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Record<string, string | number>;
}

export interface TraceFile {
  readonly displayTimeUnit: "ms";
  readonly otherData: Readonly<Record<string, string | number>>;
  readonly traceEvents: readonly (Omit<TraceEvent, "dur"> & { readonly dur?: number })[];
}

const TRACKS: readonly (readonly [number, string])[] = [
  [1, "engine"],
  [2, "kernels"],
];

/** The file of these events: in order of time, an outer span before the spans in it. */
export function traceFile(device: string, events: readonly TraceEvent[], left: number): TraceFile {
  const meta = (name: string, tid: number, value: string): TraceFile["traceEvents"][number] => ({
    name,
    cat: "__metadata",
    ph: "M",
    ts: 0,
    pid: 1,
    tid,
    args: { name: value },
  });
  const spans = events.toSorted((a, b) => a.ts - b.ts || b.dur - a.dur);
  return {
    displayTimeUnit: "ms",
    otherData: { producer: "tacit", device, eventsLeftOut: left },
    traceEvents: [
      meta("process_name", 0, `tacit ${device}`),
      ...TRACKS.map(([tid, name]) => meta("thread_name", tid, name)),
      ...spans,
    ],
  };
}
