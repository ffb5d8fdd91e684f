/** @file A reference device that counts what the engine asks of it, and may be slow, secret, or unable. */
import type { Binding, Device, Gap, Job, Storage } from "../../src/device/device.ts";
import { referenceDevice } from "../../src/device/reference/index.ts";

export interface Probe extends Device {
  readonly jobs: Job[];
  runs: number;
  released: number;
  /** Runs that are under way now, and the most there ever were. */
  active: number;
  peak: number;
}

export interface ProbeOptions {
  readonly name?: string;
  /** `prepare` and `run` return promises that take this many turns of the event loop. */
  readonly turns?: number;
  readonly secret?: boolean;
  readonly check?: (job: Job["program"]) => readonly Gap[];
  readonly binding?: (storage: Storage) => Binding;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function probe(options: ProbeOptions = {}): Probe {
  const inner = referenceDevice("f32");
  const wait = async <T>(value: () => T): Promise<T> => {
    for (let i = 0; i < (options.turns ?? 0); i++) await turn();
    return value();
  };
  const device: Probe = {
    ...inner,
    name: options.name ?? "probe",
    readable: !options.secret,
    jobs: [],
    runs: 0,
    released: 0,
    active: 0,
    peak: 0,
    binding: options.binding ?? inner.binding,
    check: (program) => options.check?.(program) ?? [],
    prepare(job) {
      device.jobs.push(job);
      const executable = inner.prepare(job);
      if (executable instanceof Promise) throw new Error("the reference device is synchronous");
      const made = {
        run(inputs: readonly Storage[]): readonly Storage[] | Promise<readonly Storage[]> {
          device.runs++;
          device.peak = Math.max(device.peak, ++device.active);
          const finish = (): readonly Storage[] => {
            device.active--;
            return executable.run(inputs) as readonly Storage[];
          };
          return options.turns === undefined ? finish() : wait(finish);
        },
        release: () => {
          device.released++;
        },
      };
      return options.turns === undefined ? made : wait(() => made);
    },
  };
  return device;
}
