/** @file The cpu device: Programs become plans of WebAssembly kernels. Values need no disposal. */
import { expected, TacitError } from "../../errors.ts";
import { type Aval, showAval } from "../../program/aval.ts";
import type { DType, TypedArray } from "../../program/dtype.ts";
import type { Program } from "../../program/program.ts";
import type { Binding, Device, Executable, Gap, Job, Storage } from "../device.ts";
import { CpuExecutable } from "./executable.ts";
import { bytesOf } from "./graph.ts";
import { type Machine, WasmMachine } from "./machine.ts";
import { makePlan } from "./plan.ts";
import { Profile, type ProfileOptions } from "./profile.ts";
import { Runtime, type StepListener } from "./runtime.ts";
import { CpuStorage, checkValues, fromBytes, own } from "./storage.ts";

export { describePlan, makePlan, type Plan } from "./plan.ts";
export type { Profile, ProfileOptions, ProfileRow } from "./profile.ts";
export type { TraceEvent, TraceFile } from "./trace-events.ts";

export interface CpuOptions {
  /** Threads that share the work of every kernel (default: TACIT_THREADS, else 1). Results are the same bit for bit. */
  readonly threads?: number;
  /** Fused multiply-add where the machine has it (default "auto"): faster, and rounding may differ between machines. */
  readonly relaxed?: boolean | "auto";
  /** false: one step per op, to see what fusion brings. */
  readonly fuse?: boolean;
  /** Where kernels run; default: WebAssembly. For tests. */
  readonly machine?: Machine;
}

const PUBLIC: Binding = { kind: "public" };
const RESIDENT: Binding = { kind: "resident", donate: false };

export class CpuDevice implements Device {
  readonly name = "cpu";
  readonly readable = true;
  readonly threads: number;
  private readonly options: CpuOptions;
  private readonly listeners = new Set<StepListener>();
  private runtime: Runtime | null = null;
  private starting: Promise<Runtime> | null = null;

  constructor(options: CpuOptions = {}) {
    this.options = options;
    this.threads = options.threads ?? threadsSetting();
    if (!Number.isInteger(this.threads) || this.threads < 1 || this.threads > 64) {
      expected("ATTR_INVALID", "cpu", "threads an integer in 1..64", `${this.threads}`);
    }
  }

  binding(storage: Storage): Binding {
    return own(storage).address === 0 ? PUBLIC : RESIDENT;
  }

  /** f64 lives on the reference device only. */
  supports(dtype: DType): boolean {
    return dtype !== "f64";
  }

  /** Keeps `values` (no copy). */
  put(values: TypedArray, aval: Aval): Storage {
    refuse64(aval);
    checkValues(values, aval);
    return new CpuStorage(aval.dtype, values);
  }

  /** The array itself while the value is one, a copy when it is resident. */
  read(storage: Storage, aval: Aval): TypedArray {
    const s = own(storage);
    if (s.values !== null) return s.values;
    const bytes = new Uint8Array(s.byteLength);
    bytes.set(this.runtime!.machine.u8.subarray(s.address, s.address + s.byteLength));
    return fromBytes(aval, bytes).values!;
  }

  check(program: Program, bindings: readonly Binding[]): readonly Gap[] {
    const gaps: Gap[] = [];
    bindings.forEach((b, i) => {
      if (b.kind === "secret") gaps.push({ node: -1, op: `input ${i}`, reason: "the cpu device keeps no secrets" });
    });
    const look = (node: number, op: string, a: Aval): void => {
      if (!this.supports(a.dtype)) gaps.push({ node, op, reason: F64_REASON });
      if (bytesOf(a) >= MOST_BYTES) gaps.push({ node, op, reason: `${showAval(a)} takes 2 GiB or more` });
    };
    program.inputs.forEach((a, i) => {
      look(-1, `input ${i}`, a);
    });
    program.nodes.forEach((n, i) => {
      look(i, n.op, n.aval);
    });
    return gaps;
  }

  /** Synchronous once the engine runs; the first call starts it. */
  prepare(job: Job): Executable | Promise<Executable> {
    const gap = this.check(job.program, job.bindings)[0];
    if (gap !== undefined)
      throw new TacitError("OP_UNSUPPORTED", `cpu: expected a Program for this device, got ${gap.op}: ${gap.reason}`);
    if (this.runtime !== null) return this.load(this.runtime, job);
    this.starting ??= this.start();
    return this.starting.then((runtime) => this.load(runtime, job));
  }

  onStep(listener: StepListener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Times every step of the plans that run from now on, until `stop()`. Steps then run one by one, a little slower. */
  profile(options: ProfileOptions = {}): Profile {
    return new Profile(this, options);
  }

  /** Bytes of WASM memory in use: tables, resident values, arena, scratch. */
  get usedBytes(): number {
    return this.runtime?.machine.usedBytes ?? 0;
  }

  /** The memory that all plans share; nothing in it outlives a run. */
  get arena(): { readonly address: number; readonly bytes: number } {
    return { address: this.runtime?.arenaAt ?? 0, bytes: this.runtime?.arenaBytes ?? 0 };
  }

  /** Bytes of values that updates keep in WASM memory. */
  get residentBytes(): number {
    return this.runtime?.residentBytes ?? 0;
  }

  /** Ends the worker threads; the device cannot run afterwards. */
  async stop(): Promise<void> {
    await (await this.starting)?.machine.stop();
  }

  private async start(): Promise<Runtime> {
    const { relaxed = "auto", machine } = this.options;
    this.runtime = new Runtime(machine ?? (await WasmMachine.start({ threads: this.threads, relaxed })), this.listeners);
    return this.runtime;
  }

  private load(runtime: Runtime, job: Job): Executable {
    const resident = job.bindings.map((b) => b.kind === "resident");
    const donated = job.updates.filter(({ input }) => {
      const binding = job.bindings[input]!;
      return binding.kind === "resident" && binding.donate;
    });
    return new CpuExecutable(runtime, makePlan(job.program, resident, donated, { fuse: this.options.fuse ?? true }));
  }
}

/** Kernels count and address in 32 bits. */
const MOST_BYTES = 2 ** 31;
const F64_REASON = "f64 lives on the reference device only";

function refuse64(aval: Aval): void {
  if (aval.dtype !== "f64") return;
  throw new TacitError("DTYPE_UNSUPPORTED", "cpu: expected a dtype other than f64, got f64", { hint: F64_REASON });
}

function threadsSetting(): number {
  const env = (globalThis as { process?: { env?: { TACIT_THREADS?: string } } }).process?.env;
  const setting = env?.TACIT_THREADS;
  return setting === undefined || setting === "" ? 1 : Number(setting);
}

/** A cpu device. The engine starts with the first Program. */
export function cpu(options: CpuOptions = {}): CpuDevice {
  return new CpuDevice(options);
}
