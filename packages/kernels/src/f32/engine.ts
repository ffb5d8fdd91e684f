/** @file The f32 engine: WebAssembly memory, its allocator, threads, and the call that runs a plan. */
import { KernelError } from "../errors.ts";
import { loadModule } from "../modules.ts";
import { type Address, type DataError, ERRORS, type MemoryViews, viewsOf } from "./instruction.ts";
import { startThread, type Thread } from "./worker.ts";

export interface EngineOptions {
  /** Threads, this one included (default 1). More than one needs SharedArrayBuffer. */
  readonly threads?: number;
  /** Relaxed SIMD (fused multiply-add): "auto" (default) where the machine has it. Its rounding may differ between machines. */
  readonly relaxed?: boolean | "auto";
}

interface Exports {
  init(tid: number, threads: number): void;
  run(table: number, count: number): void;
  stop(): void;
}

const PAGE = 65536;
const INITIAL_PAGES = 64;
const MAXIMUM_PAGES = 65535;
// Page 0 holds the module's constants, and in its last KiB the control block of as/f32/threads.ts.
const FIRST: Address = PAGE;
const ERROR_WORD = (64512 + 320) / 4;
const SCRATCH_WORD = (64512 + 384) / 4;
// Vector loads may run past the end of the last buffer.
const SLACK = 4096;

const roundUp = (bytes: number): number => Math.max(64, Math.ceil(bytes / 64) * 64);

/**
 * Memory and threads that run f32 plans. One thread of JavaScript uses an engine; in a browser this may not be the main
 * thread if there are several (it waits). All results are bit-identical on any number of threads.
 */
export class F32Engine {
  readonly threads: number;
  readonly memory: WebAssembly.Memory;
  private readonly exports: Exports;
  private helpers: readonly Thread[] = [];
  private current: MemoryViews;
  private top: Address = FIRST;
  private freeBytes = 0;
  private readonly free = new Map<number, Address[]>();
  private scratch: { readonly address: Address; readonly perThread: number } = { address: 0, perThread: 0 };
  private stopped = false;

  private constructor(threads: number, memory: WebAssembly.Memory, module: WebAssembly.Module) {
    this.threads = threads;
    this.memory = memory;
    const imports = { env: { memory, abort: aborted } };
    this.exports = new WebAssembly.Instance(module, imports).exports as Exports & WebAssembly.Exports;
    this.current = viewsOf(memory.buffer);
    this.exports.init(0, threads);
    this.reserveScratch(1 << 20);
  }

  /** @throws KernelError `KERNEL_NO_SIMD`, `KERNEL_NO_THREADS`, `KERNEL_NOT_BUILT`, `KERNEL_OUT_OF_MEMORY`. */
  static async create(options: EngineOptions = {}): Promise<F32Engine> {
    const { threads = 1, relaxed = "auto" } = options;
    if (!Number.isInteger(threads) || threads < 1) {
      throw new KernelError("KERNEL_THREADS", `engine: expected at least 1 thread, got ${threads}`, "pass a whole number");
    }
    const shared = threads > 1;
    const module = await loadModule("f32", { shared, relaxed });
    const engine = new F32Engine(threads, createMemory(shared), module);
    const starts = Array.from({ length: threads - 1 }, (_, i) => ({ module, memory: engine.memory, tid: i + 1, threads }));
    engine.helpers = await Promise.all(starts.map(startThread));
    return engine;
  }

  /** Arrays over the whole memory. Take them anew after any `alloc`: growing the memory replaces them. */
  get views(): MemoryViews {
    if (this.current.u8.buffer !== this.memory.buffer) this.current = viewsOf(this.memory.buffer);
    return this.current;
  }
  get f32(): Float32Array {
    return this.views.f32;
  }
  get i32(): Int32Array {
    return this.views.i32;
  }
  get u32(): Uint32Array {
    return this.views.u32;
  }
  get u8(): Uint8Array {
    return this.views.u8;
  }

  /** Bytes that are allocated: buffers, tables and scratch memory. */
  get usedBytes(): number {
    return this.top - FIRST - this.freeBytes;
  }

  /** A buffer of at least `bytes`, 64-byte aligned and padded to 64 bytes; its contents are whatever was there. */
  alloc(bytes: number): Address {
    const size = roundUp(bytes);
    const reuse = this.free.get(size)?.pop();
    if (reuse !== undefined) {
      this.freeBytes -= size;
      return reuse;
    }
    const address = this.top;
    this.grow(address + size + SLACK);
    this.top = address + size;
    return address;
  }

  /** Gives a buffer back; `bytes` as at `alloc`. The last one shrinks the used range, others wait for the same size. */
  release(address: Address, bytes: number): void {
    const size = roundUp(bytes);
    if (address + size === this.top) {
      this.top = address;
      return;
    }
    const list = this.free.get(size);
    if (list) list.push(address);
    else this.free.set(size, [address]);
    this.freeBytes += size;
  }

  /** Makes sure that every thread has `bytes` of scratch memory (the largest `scratchBytes` of the plan's kernels). */
  reserveScratch(bytes: number): void {
    const perThread = roundUp(bytes);
    if (perThread <= this.scratch.perThread) return;
    if (this.scratch.perThread > 0) this.release(this.scratch.address, this.scratch.perThread * this.threads);
    this.scratch = { address: this.alloc(perThread * this.threads), perThread };
    this.views.i32[SCRATCH_WORD] = this.scratch.address;
    this.views.i32[SCRATCH_WORD + 1] = perThread;
  }

  /** Runs `count` instructions from byte `table`, on all threads; returns when all are done. */
  run(table: Address, count: number): void {
    if (this.stopped)
      throw new KernelError("KERNEL_STOPPED", "engine: expected a running engine, got a stopped one", "create another");
    this.exports.run(table, count);
  }

  /** The first bad datum that kernels met since the last call (label or index out of range), if any. */
  takeError(): DataError | undefined {
    const i32 = this.views.i32;
    const code = i32[ERROR_WORD]!;
    i32[ERROR_WORD] = 0;
    return code === 0 ? undefined : ERRORS[code as keyof typeof ERRORS];
  }

  /** Ends the threads; the engine cannot run afterwards. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.exports.stop();
    await Promise.all(this.helpers.map((h) => h.join()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private grow(bytes: number): void {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing <= 0) return;
    // A quarter more than is needed, so that a growing program does not replace its views at each step.
    const wanted = Math.ceil((missing + this.memory.buffer.byteLength / 4) / PAGE);
    if (!this.tryGrow(wanted) && !this.tryGrow(Math.ceil(missing / PAGE))) {
      const message = `engine: expected ${bytes} bytes of memory, got ${this.memory.buffer.byteLength}`;
      throw new KernelError("KERNEL_OUT_OF_MEMORY", message, "use smaller batches");
    }
  }

  private tryGrow(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch {
      return false;
    }
  }
}

function aborted(): never {
  throw new KernelError("KERNEL_ABORT", "engine: expected a valid plan, got an instruction that aborts", "report this");
}

/** The largest memory that the platform lets us reserve: some refuse 4 GiB of shared address space. */
function createMemory(shared: boolean): WebAssembly.Memory {
  for (let maximum = MAXIMUM_PAGES; maximum >= INITIAL_PAGES; maximum = Math.floor(maximum / 2)) {
    try {
      return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared });
    } catch {}
  }
  throw new KernelError("KERNEL_OUT_OF_MEMORY", "engine: expected memory of 4 MiB, got none", "free memory on this machine");
}
