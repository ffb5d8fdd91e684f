/**
 * @file Times of whole training steps on the cpu device, where they go, and what a step costs besides its kernels.
 * node packages/core/scripts/bench-step.ts [cnn|mlp|all] [threads] [steps] [--profile] [--no-fuse] [--plan]
 */
import { cpu, describePlan, makePlan } from "../src/device/cpu/index.ts";
import { type Machine, WasmMachine } from "../src/device/cpu/machine.ts";
import type { Storage } from "../src/device/device.ts";
import { sizeOf } from "../src/program/aval.ts";
import { generator } from "../test/cpu/harness.ts";
import { cnnStep, mlpStep, type TrainingStep } from "../test/cpu/models.ts";

const flags = process.argv.slice(2).filter((a) => a.startsWith("--"));
const [kind = "all", threads = "1", steps = "60"] = process.argv.slice(2).filter((a) => !a.startsWith("--"));
const median = (a: readonly number[]): number => a.toSorted((p, q) => p - q)[a.length >> 1]!;
const show = (a: readonly number[]): string => `median ${median(a).toFixed(3)} best ${Math.min(...a).toFixed(3)} ms`;
const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;

/** Storages for x, labels, lr and parameters from a seeded generator. */
function storages(device: ReturnType<typeof cpu>, { program, parameters }: TrainingStep): Storage[] {
  const random = generator(1);
  const uniform = (n: number, a: number): Float32Array => Float32Array.from({ length: n }, () => (random() * 2 - 1) * a);
  const [x, labels, lr] = program.inputs;
  const n = labels!.shape[0]!;
  return [
    device.put(uniform(sizeOf(x!.shape), 1.7), x!),
    device.put(
      Int32Array.from({ length: n }, () => Math.floor(random() * 10)),
      labels!,
    ),
    device.put(Float32Array.of(0.01), lr!),
    ...parameters.map((shape) => {
      const fan = sizeOf(shape.slice(1));
      return device.put(uniform(sizeOf(shape), 1 / Math.sqrt(fan)), { shape, dtype: "f32" });
    }),
  ];
}

/** A machine whose tables do nothing: what is left is binding, copies in and out, and the call. */
async function idle(): Promise<Machine> {
  const machine = await WasmMachine.start({ threads: 1, relaxed: "auto" });
  return {
    get u8() {
      return machine.u8;
    },
    get usedBytes() {
      return machine.usedBytes;
    },
    alloc: (bytes) => machine.alloc(bytes),
    release: (address, bytes) => machine.release(address, bytes),
    write: () => ({ run() {}, release() {} }),
    takeError: () => machine.takeError(),
    stop: () => machine.stop(),
  };
}

/** Microseconds of one run without kernels. */
async function overhead({ program, bindings, updates, parameters }: TrainingStep): Promise<number> {
  const device = cpu({ machine: await idle() });
  const executable = await device.prepare({ program, bindings, updates });
  const inputs = storages(device, { program, bindings, updates, parameters });
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    for (let k = 0; k < 20; k++) executable.run(inputs);
    times.push((performance.now() - start) / 20);
  }
  await device.stop();
  return median(times) * 1000;
}

async function bench(name: string, step: TrainingStep): Promise<void> {
  const device = cpu({ threads: Number(threads), fuse: !flags.includes("--no-fuse") });
  const planStart = performance.now();
  const resident = step.bindings.map((b) => b.kind === "resident");
  const plan = makePlan(step.program, resident, step.updates, { fuse: !flags.includes("--no-fuse") });
  const planMs = performance.now() - planStart;
  const { program, bindings, updates } = step;
  const executable = await device.prepare({ program, bindings, updates });
  const inputs = storages(device, step);
  const times: number[] = [];
  let loss = 0;
  for (let i = 0; i < Number(steps) + 10; i++) {
    const start = performance.now();
    const out = (await executable.run(inputs)) as readonly Storage[];
    loss = Number(device.read(out[0]!, { shape: [], dtype: "f32" })[0]);
    if (i >= 10) times.push(performance.now() - start);
  }
  console.log(`${name} threads ${threads}: ${show(times)} | loss ${loss.toFixed(5)} | plan ${planMs.toFixed(1)} ms`);
  console.log(
    `  ${plan.steps.length} steps of ${program.nodes.length} nodes, arena ${mb(plan.arenaBytes)} (unshared ${mb(plan.unsharedBytes)}), used ${mb(device.usedBytes)}`,
  );
  console.log(
    `  a run without kernels: ${(await overhead(step)).toFixed(1)} us (copies ${(step.program.inputs[0]!.shape[0]! * 784 * 4) / 1000} KB in)`,
  );
  if (flags.includes("--plan")) console.log(describePlan(plan));
  if (flags.includes("--profile")) {
    const profile = device.profile();
    for (let i = 0; i < 30; i++) await executable.run(inputs);
    for (const r of profile.rows()) {
      const rate = r.flops > 0 ? `${(r.flops / r.bestMs / 1e6).toFixed(1)} GF` : "";
      console.log(`  ${r.bestMs.toFixed(3).padStart(8)} ms ${rate.padStart(9)}  ${r.label} -> ${r.result}`);
    }
    console.log(
      `  ${profile
        .rows()
        .reduce((s, r) => s + r.bestMs, 0)
        .toFixed(3)} ms sum of bests`,
    );
    profile.stop();
  }
  await device.stop();
}

if (kind !== "mlp") await bench("cnn", cnnStep(64));
if (kind !== "cnn") await bench("mlp", mlpStep(64));
