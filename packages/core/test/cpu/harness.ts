/** @file What the tests of the cpu device share: running a Program there and on the reference device, and comparing. */
import { type CpuDevice, type CpuOptions, cpu } from "../../src/device/cpu/index.ts";
import { mayWait } from "../../src/device/cpu/machine.ts";
import type { Binding, Executable, Job, Storage, Update } from "../../src/device/device.ts";
import { interpret } from "../../src/device/reference/reference.ts";
import { Expr } from "../../src/expr.ts";
import { type Shape, sizeOf } from "../../src/program/aval.ts";
import { DTYPE, type DType, type TypedArray } from "../../src/program/dtype.ts";
import type { Program } from "../../src/program/program.ts";
import { trace } from "../../src/transform/trace.ts";
import { PlainMachine } from "./plain-machine.ts";

/** "plain": the kernels' TypeScript instead of WebAssembly. */
export type Kind = "wasm" | "plain";

export const device = (kind: Kind = "wasm", options: CpuOptions = {}): CpuDevice =>
  cpu(kind === "plain" ? { ...options, machine: new PlainMachine(64 << 20) } : options);

/** Two threads, but on a page that may have only one. */
export const THREADS: number = typeof SharedArrayBuffer !== "undefined" && mayWait() ? 2 : 1;

/** A 32-bit generator (mulberry32): numbers in [0, 1). */
export function generator(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const input = (shape: Shape, dtype: DType = "f32"): Expr => Expr.placeholder({ shape, dtype });

/** Random values: floats in [-2, 2), integers in [-9, 9] or [0, 9], bools. */
export function values(random: () => number, shape: Shape, dtype: DType): TypedArray {
  const out = DTYPE[dtype].make(sizeOf(shape));
  for (let i = 0; i < out.length; i++) {
    const u = random();
    if (dtype === "f32") out[i] = u * 4 - 2;
    else if (dtype === "bool") out[i] = u < 0.5 ? 0 : 1;
    else if (out instanceof BigInt64Array || out instanceof BigUint64Array)
      out[i] = BigInt(Math.floor(u * 19) - (dtype === "i64" ? 9 : 0));
    else out[i] = Math.floor(u * 10) - (dtype === "i32" ? 4 : 0);
  }
  return out;
}

export const randomInputs = (random: () => number, program: Program): TypedArray[] =>
  program.inputs.map((a) => values(random, a.shape, a.dtype));

export async function prepare(
  on: CpuDevice,
  program: Program,
  bindings?: readonly Binding[],
  updates: readonly Update[] = [],
): Promise<Executable> {
  const job: Job = { program, bindings: bindings ?? program.inputs.map((): Binding => ({ kind: "public" })), updates };
  return on.prepare(job);
}

/** Outputs as arrays of the caller's own. */
export async function run(
  on: CpuDevice,
  program: Program,
  inputs: readonly TypedArray[],
  executable?: Executable,
): Promise<TypedArray[]> {
  const ready = executable ?? (await prepare(on, program));
  const out: readonly Storage[] = await ready.run(inputs.map((x, i) => on.put(x, program.inputs[i]!)));
  return out.map((s, i) => on.read(s, program.outputAvals[i]!).slice());
}

/** Throws where a value differs from what the reference device computes in f32 by more than `tolerance` of the largest. */
export function expectClose(got: readonly TypedArray[], program: Program, inputs: readonly TypedArray[], tolerance = 2e-5): void {
  const want = interpret(program, inputs, "f32");
  want.forEach((w, k) => {
    const g = got[k]!;
    if (g.constructor !== w.constructor || g.length !== w.length) {
      throw new Error(
        `output ${k}: expected ${w.constructor.name}[${w.length}], got ${g.constructor.name}[${g.length}]\n${program}`,
      );
    }
    let scale = 1;
    if (w instanceof Float32Array) for (const x of w) if (Number.isFinite(x)) scale = Math.max(scale, Math.abs(x));
    for (let i = 0; i < w.length; i++) {
      const [a, b] = [g[i]!, w[i]!];
      const same =
        Object.is(a, b) || a === b || (w instanceof Float32Array && Math.abs(Number(a) - Number(b)) <= tolerance * scale);
      if (!same) throw new Error(`output ${k}[${i}]: expected ${b}, got ${a}\n${program}`);
    }
  });
}

/** Traces, runs on a fresh run of `on` with random inputs, and compares with the reference. */
export async function check(
  on: CpuDevice,
  outputs: readonly Expr[],
  inputs: readonly Expr[],
  seed: number,
  tolerance?: number,
): Promise<void> {
  const { program } = trace(outputs, inputs);
  const given = randomInputs(generator(seed), program);
  expectClose(await run(on, program, given), program, given, tolerance);
}
