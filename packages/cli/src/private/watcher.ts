/** @file Looking on while a job runs on a recorder. */
import type { mpc } from "@tacit/mpc";
import type { Watcher } from "./device.ts";

/** Looks on for a recorder: silent, never stops, takes note of what Programs are for. */
export function silentWatcher(recorder: mpc.Recorder): Watcher {
  return {
    stage: (title) => {
      recorder.title = title;
    },
    progress: () => ({ update: () => undefined, finish: () => undefined }),
    costs: () => [],
    stopped: false,
  };
}
