/** @file Updates in place, reuse of plans and of the arena, residency, release. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, describe, expect, it } from "vitest";
import { type CpuDevice, makePlan } from "../../src/device/cpu/index.ts";
import type { Binding, Executable, Storage, Update } from "../../src/device/device.ts";
import { interpret } from "../../src/device/reference/reference.ts";
import type { Expr } from "../../src/expr.ts";
import * as op from "../../src/ops/emit.ts";
import { sizeOf } from "../../src/program/aval.ts";
import type { TypedArray } from "../../src/program/dtype.ts";
import type { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/trace.ts";
import { device, expectClose, generator, input, prepare, randomInputs, run, values } from "./harness.ts";
import { cnnStep, mlpStep, type TrainingStep } from "./models.ts";
import { PlainMachine } from "./plain-machine.ts";
import { randomProgram } from "./random-program.ts";

const on = device();
const two = device("wasm", { threads: 2 });
afterAll(async () => {
  await Promise.all([on.stop(), two.stop()]);
});

const PUBLIC: Binding = { kind: "public" };
const DONATED: Binding = { kind: "resident", donate: true };
const RESIDENT: Binding = { kind: "resident", donate: false };

const put = (at: CpuDevice, program: Program, data: readonly TypedArray[]): Storage[] =>
  data.map((x, i) => at.put(x.slice(), program.inputs[i]!));
const read = (at: CpuDevice, program: Program, i: number, s: Storage): number[] =>
  [...at.read(s, program.inputs[i]!)].map(Number);

/** Runs with updates and checks outputs and replaced inputs against the reference, which sees old values only. */
async function checkUpdates(outputs: Expr[], inputs: Expr[], updates: Update[], seed = 1): Promise<void> {
  const { program } = trace(outputs, inputs);
  const bindings = inputs.map((_, i) => (updates.some((u) => u.input === i) ? DONATED : PUBLIC));
  const data = randomInputs(generator(seed), program);
  for (const kind of ["plain", "wasm"] as const) {
    const at = kind === "plain" ? device("plain") : on;
    const executable = await prepare(at, program, bindings, updates);
    const storages = put(at, program, data);
    let want: TypedArray[] = data.map((x) => x.slice());
    for (let step = 0; step < 3; step++) {
      const got = await executable.run(storages);
      expectClose(
        got.map((s, i) => at.read(s, program.outputAvals[i]!)),
        program,
        want,
        1e-4,
      );
      const next = interpret(program, want, "f32");
      want = want.map((x, i) => next[updates.find((u) => u.input === i)?.output ?? -1] ?? x);
      for (const u of updates) expect(got[u.output]).toBe(storages[u.input]);
    }
  }
}

describe("updates", () => {
  it("run in place, also several in one chain, and every output sees the old values", async () => {
    const [p, m, g, lr] = [input([7, 5]), input([7, 5]), input([7, 5]), input([])];
    const nextM = op.add(op.mul(m, op.lit(m, 0.9)), g);
    const nextP = op.sub(p, op.mul(lr, nextM));
    await checkUpdates(
      [op.sum(p, [0]), nextP, nextM, op.mul(p, m)],
      [p, m, g, lr],
      [
        { output: 1, input: 0 },
        { output: 2, input: 1 },
      ],
    );
    const { program } = trace([nextP, nextM], [p, m, g, lr]);
    const plan = makePlan(
      program,
      [true, true, false, false],
      [
        { output: 0, input: 0 },
        { output: 1, input: 1 },
      ],
    );
    expect(plan.steps.length).toBe(1);
  });

  it("copy where a later value needs old and new, where two are exchanged, and where nothing is computed", async () => {
    const [p, q, x] = [input([4, 3]), input([4, 3]), input([4, 3])];
    const next = op.add(p, x);
    await checkUpdates([next, op.matmul(op.sub(next, p), p, false, true)], [p, x], [{ output: 0, input: 0 }]);
    await checkUpdates(
      [q, p],
      [p, q],
      [
        { output: 0, input: 0 },
        { output: 1, input: 1 },
      ],
    );
    await checkUpdates([op.full([4, 3], "f32", 2), op.sum(p, [0, 1])], [p], [{ output: 0, input: 0 }]);
    await checkUpdates([op.reshape(op.permute(op.reshape(p, [3, 4]), [1, 0]), [4, 3])], [p], [{ output: 0, input: 0 }]);
    await checkUpdates(
      [next, next],
      [p, q, x],
      [
        { output: 0, input: 0 },
        { output: 1, input: 1 },
      ],
    );
    await checkUpdates([op.matmul(op.matmul(p, p, false, true), p)], [p], [{ output: 0, input: 0 }]);
    await checkUpdates(
      [op.slice(op.cat([x, p], 0), [4, 0], [8, 3]), op.slice(op.cat([p, x], 0), [0, 0], [4, 3])],
      [p, q, x],
      [
        { output: 0, input: 0 },
        { output: 1, input: 1 },
      ],
    );
    await checkUpdates([op.add(op.flip(p, [0]), x)], [p, x], [{ output: 0, input: 0 }]);
  });

  it("subtract a scaled product in place, or from a copy where the old value is still needed", async () => {
    const [p, a, b, lr] = [input([5, 7]), input([9, 5]), input([9, 7]), input([1, 1])];
    const next = op.sub(p, op.mul(op.matmul(a, b, true), lr));
    await checkUpdates([next, op.sum(p, [0])], [p, a, b, lr], [{ output: 0, input: 0 }]);
    await checkUpdates([next, op.mul(op.matmul(next, p, false, true), op.lit(p, 0.1))], [p, a, b, lr], [{ output: 0, input: 0 }]);
    const [q, x] = [input([4, 4]), input([4, 4])];
    await checkUpdates([op.sub(q, op.mul(op.lit(q, 0.1), op.matmul(q, x)))], [q, x], [{ output: 0, input: 0 }]);
    await checkUpdates(
      [op.sub(q, op.mul(op.lit(q, 0.1), op.matmul(x, op.permute(q, [1, 0]))))],
      [q, x],
      [{ output: 0, input: 0 }],
    );
    const batched = op.matmul(op.reshape(x, [1, 4, 4]), x);
    await checkUpdates([op.sub(q, op.reshape(op.mul(batched, op.lit(q, 0.1)), [4, 4]))], [q, x], [{ output: 0, input: 0 }]);
  });

  it("of random programs follow the reference over several steps", async () => {
    let updated = 0;
    for (let seed = 1; seed <= 120; seed++) {
      const program = randomProgram(seed, 30);
      const updates: Update[] = [];
      program.outputs.forEach((_, output) => {
        const aval = program.outputAvals[output]!;
        const target = program.inputs.findIndex(
          (a, i) => a.dtype === aval.dtype && a.shape.join() === aval.shape.join() && !updates.some((u) => u.input === i),
        );
        if (target >= 0) updates.push({ output, input: target });
      });
      updated += updates.length;
      const bindings = program.inputs.map((_, i) =>
        updates.some((u) => u.input === i) ? DONATED : seed % 2 ? PUBLIC : RESIDENT,
      );
      const executable = await prepare(on, program, bindings, updates);
      const data = randomInputs(generator(seed), program);
      const storages = put(on, program, data);
      const got = await executable.run(storages);
      expectClose(
        got.map((s, i) => on.read(s, program.outputAvals[i]!)),
        program,
        data,
        1e-4,
      );
      executable.release?.();
    }
    expect(updated).toBeGreaterThan(50);
  });

  it("leave a second handle on the same storage with the old value during the run", async () => {
    const [p, alias] = [input([3]), input([3])];
    const { program } = trace([op.add(p, op.lit(p, 1)), op.mul(alias, op.lit(p, 10))], [p, alias]);
    const executable = await prepare(on, program, [DONATED, RESIDENT], [{ output: 0, input: 0 }]);
    const s = on.put(Float32Array.of(1, 2, 3), program.inputs[0]!);
    for (const start of [1, 2]) {
      const [, times] = await executable.run([s, s]);
      expect(read(on, program, 1, times!)).toEqual([start * 10, start * 10 + 10, start * 10 + 20]);
    }
  });

  it("do nothing when a label is out of range", async () => {
    const [p, labels] = [input([3]), input([2], "i32")];
    const g = op.sum(op.oneHot(labels, 3, "f32"), [0]);
    const { program } = trace([op.sub(p, g)], [p, labels]);
    const executable = await prepare(on, program, [DONATED, PUBLIC], [{ output: 0, input: 0 }]);
    const storages = put(on, program, [Float32Array.of(1, 2, 3), Int32Array.of(1, 3)]);
    expect(() => executable.run(storages)).toThrow(/oneHot/);
    expect(read(on, program, 0, storages[0]!)).toEqual([1, 2, 3]);
  });
});

function storagesOf(at: CpuDevice, { program, parameters }: TrainingStep, seed: number): Storage[] {
  const random = generator(seed);
  return program.inputs.map((a, i) => {
    if (a.dtype === "i32")
      return at.put(
        Int32Array.from({ length: sizeOf(a.shape) }, () => Math.floor(random() * 10)),
        a,
      );
    const x = values(random, a.shape, "f32") as Float32Array;
    if (i === 2) return at.put(Float32Array.of(0.05), a);
    if (i < 2) return at.put(x, a);
    const scale = 1 / Math.sqrt(sizeOf(parameters[i - 3]!.slice(1)));
    return at.put(
      x.map((v) => (v / 2) * scale),
      a,
    );
  });
}

async function losses(at: CpuDevice, step: TrainingStep, steps: number, executable?: Executable): Promise<number[]> {
  const ready = executable ?? (await prepare(at, step.program, step.bindings, step.updates));
  const inputs = storagesOf(at, step, 7);
  const out: number[] = [];
  for (let i = 0; i < steps; i++) {
    const results = await ready.run(inputs);
    out.push(Number(at.read(results[0]!, { shape: [], dtype: "f32" })[0]));
  }
  return out;
}

describe("training steps", () => {
  it("of a CNN and an MLP follow the f64 reference, bit for bit the same on 1 and 2 threads", async () => {
    for (const step of [cnnStep(4), mlpStep(8)]) {
      const got = await losses(on, step, 4);
      expect(await losses(two, step, 4)).toEqual(got);
      let data: TypedArray[] = storagesOf(on, step, 7).map((s, i) => on.read(s, step.program.inputs[i]!));
      for (const loss of got) {
        const out = interpret(step.program, data, "f64");
        expect(Math.abs(loss - Number(out[0]![0]))).toBeLessThan(2e-5 * Math.abs(loss));
        data = data.map((x, i) => out[step.updates.find((u) => u.input === i)?.output ?? -1] ?? x);
      }
    }
  }, 60_000);

  it("use every pattern, and fit the CNN of batch 64 into 10 MB", () => {
    const { program, bindings, updates } = cnnStep(64);
    const plan = makePlan(
      program,
      bindings.map((b) => b.kind === "resident"),
      updates,
    );
    const labels = plan.steps.map((s) => s.label);
    expect(labels.filter((l) => l === "maxPool2d bias relu index").length).toBe(2);
    expect(labels.filter((l) => l === "maxPool2dGrad").length).toBe(2);
    expect(labels.filter((l) => /^gemm .* bias relu$/.test(l)).length).toBe(1);
    expect(labels.filter((l) => l === "chain(mul sub)").length).toBe(6);
    expect(labels.filter((l) => /^gemm .* descent$/.test(l)).length).toBe(2);
    expect(plan.arenaBytes).toBeLessThan(10e6);
    expect(plan.arenaBytes).toBeLessThan(0.7 * plan.unsharedBytes);
  });

  it("keep memory flat, and old results of one plan do not change by runs of others", async () => {
    const step = mlpStep(8);
    const executable = await prepare(on, step.program, step.bindings, step.updates);
    const inputs = storagesOf(on, step, 3);
    await executable.run(inputs);
    const used = on.usedBytes;
    const [first] = await executable.run(inputs);
    const before = Number(on.read(first!, { shape: [], dtype: "f32" })[0]);
    for (let i = 0; i < (process.env.TACIT_LONG ? 5000 : 300); i++) await executable.run(inputs);
    expect(on.usedBytes).toBe(used);
    expect(Number(on.read(first!, { shape: [], dtype: "f32" })[0])).toBe(before);
    executable.release?.();
    expect(on.usedBytes).toBeLessThan(used);
    expect(() => executable.run(inputs)).toThrow(/released/);
  });
});

describe("the arena", () => {
  it("carries nothing from one run to the next: poisoned in between, results stay the same", async () => {
    const machine = new PlainMachine(64 << 20);
    const plain = device("plain", { machine });
    for (let seed = 1; seed <= 40; seed++) {
      const program = randomProgram(seed, 30);
      const data = randomInputs(generator(seed), program);
      const executable = await prepare(plain, program);
      await run(plain, program, data, executable);
      const { address, bytes } = plain.arena;
      machine.u8.fill(0xff, address, address + bytes); // every f32 is a NaN
      expectClose(await run(plain, program, data, executable), program, data, 1e-4);
    }
  });

  it("gives values that live at the same time different places", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const program = randomProgram(seed, 40);
      const plan = makePlan(
        program,
        program.inputs.map(() => false),
        [],
      );
      const writtenBy = new Map<number, number>();
      plan.steps.forEach((s, i) => {
        for (const r of s.reads) {
          const from = writtenBy.get(r);
          // A part of another value has no writer of its own.
          if (from === undefined && r >= program.inputs.length) continue;
          for (const between of plan.steps.slice((from ?? -1) + 1, i)) {
            for (const w of between.writes) expect(overlaps(plan, r, w), `v${w} over v${r}, seed ${seed}`).toBe(false);
          }
        }
        for (const v of s.writes) writtenBy.set(v, i);
      });
    }
  });
});

function overlaps(plan: ReturnType<typeof makePlan>, a: number, b: number): boolean {
  const [p, q] = [plan.places[a], plan.places[b]];
  if (p?.space !== "arena" || q?.space !== "arena") return false;
  const bytes = (v: number): number => sizeOf(plan.avals[v]!.shape) * (plan.avals[v]!.dtype === "bool" ? 1 : 4);
  return p.offset < q.offset + bytes(b) && q.offset < p.offset + bytes(a);
}

describe("resident values", () => {
  it("are also large values that run after run reads; small ones and fresh ones stay typed arrays", async () => {
    const fresh = device();
    const [w, b] = [input([300, 300]), input([300])];
    const { program } = trace([op.add(op.matmul(w, w), b)], [w, b]);
    const data = randomInputs(generator(5), program);
    const storages = put(fresh, program, data);
    const executable = await prepare(fresh, program);
    for (let i = 0; i < 6; i++) {
      const got = await executable.run(storages);
      expectClose(
        got.map((s) => fresh.read(s, program.outputAvals[0]!)),
        program,
        data,
      );
      await executable.run([fresh.put(data[0]!, program.inputs[0]!), storages[1]!]);
    }
    expect(storages.map((s) => fresh.binding(s).kind)).toEqual(["resident", "public"]);
    expect(fresh.residentBytes).toBe(360_000);
    const next = await prepare(
      fresh,
      program,
      storages.map((s) => fresh.binding(s)),
    );
    expectClose([fresh.read((await next.run(storages))[0]!, program.outputAvals[0]!)], program, data);
    expect(read(fresh, program, 0, storages[0]!).slice(0, 9)).toEqual([...data[0]!].slice(0, 9));
  });

  it("of a dropped model are freed", async () => {
    const x = input([100_000]);
    const { program } = trace([op.neg(x)], [x]);
    const fresh = device();
    await (async () => {
      const executable = await prepare(fresh, program, [DONATED], [{ output: 0, input: 0 }]);
      await executable.run([fresh.put(new Float32Array(100_000), program.inputs[0]!)]);
      expect(fresh.residentBytes).toBe(400_000);
      executable.release?.();
    })();
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    for (let i = 0; i < 100 && fresh.residentBytes > 0; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(fresh.residentBytes).toBe(0);
  });
});
