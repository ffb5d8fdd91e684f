/** @file Trace files: what a profile measured, as a file that a trace viewer opens. */
import type { TraceFile } from "../device/cpu/trace-events.ts";
import { files } from "./tensors.ts";

/** Writes `profile.trace()` as JSON for ui.perfetto.dev or chrome://tracing. Throws FILE_WRITE; what was there before then remains. */
export async function saveTrace(path: string, trace: TraceFile): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(trace));
  await (await files("saveTrace")).writeAtomic(path, bytes);
}
