/** @file What a cached CNN step costs besides its kernels: building the graph, backward, tracing, keying, dispatch, on a device without kernels. */
import { setDefaultDevice } from "@tacit/core";
import type { Device, Storage } from "@tacit/core/device";
import type { Sample } from "../harness.ts";
import { cnn } from "./models.ts";

const RESIDENT = { kind: "resident", donate: false } as const;

/** A device whose kernels do nothing. */
function stubDevice(): Device {
  return {
    name: "stub",
    readable: true,
    binding: () => RESIDENT,
    put: (values) => ({ values }),
    read: () => Float32Array.of(0),
    check: () => [],
    prepare: ({ program }) => {
      const outputs: readonly Storage[] = program.outputs.map(() => ({}));
      return { run: () => outputs };
    },
  };
}

let step: (() => Promise<number>) | undefined;

function prepare(): () => Promise<number> {
  setDefaultDevice(stubDevice());
  const t = cnn();
  const [x, y] = t.batch();
  return () => t.step(x, y);
}

/** Milliseconds per step over 500 steps; a first call warms up. */
export async function dispatchSample(): Promise<Sample> {
  if (step === undefined) {
    step = prepare();
    for (let i = 0; i < 3000; i++) await step();
  }
  const started = performance.now();
  for (let i = 0; i < 500; i++) await step();
  return { value: (performance.now() - started) / 500 };
}
