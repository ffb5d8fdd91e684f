/** @file Real Programs for tests: a device that records the jobs that nn and optim make, their inputs and their plain results. */
import { type Binding, type Device, type Executable, type Job, referenceDevice, type Storage } from "@tacit/core/device";
import type { Aval, TypedArray } from "@tacit/core/program";

/** One run of one job, in the clear. */
export interface Captured {
  readonly job: Job;
  readonly inputs: readonly TypedArray[];
  readonly outputs: readonly TypedArray[];
}

/** Computes like the reference in f32. What is moved here by `to` is bound as secret, what the engine puts here by itself as public. */
export function captureDevice(): { readonly device: Device; readonly runs: Captured[] } {
  const inner = referenceDevice("f32");
  const known = new WeakSet<Storage>();
  const runs: Captured[] = [];
  const values = (storages: readonly Storage[], avals: readonly Aval[]): TypedArray[] =>
    storages.map((s, i) => inner.read(s, avals[i]!) as TypedArray);
  const device: Device = {
    ...inner,
    name: "capture",
    put(array, aval) {
      const storage = inner.put(array, aval);
      known.add(storage);
      return storage;
    },
    share: (array, aval) => inner.put(array, aval),
    binding: (storage): Binding => (known.has(storage) ? { kind: "public" } : { kind: "secret", owners: ["owner"] }),
    async prepare(job): Promise<Executable> {
      const plain = await inner.prepare(job);
      return {
        async run(storages) {
          const inputs = values(storages, job.program.inputs);
          const results = await plain.run(storages);
          runs.push({ job, inputs, outputs: values(results, job.program.outputAvals) });
          return results;
        },
      };
    },
  };
  return { device, runs };
}
