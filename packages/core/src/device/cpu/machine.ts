/** @file Machine: memory that runs tables of kernel calls. WasmMachine is the one of the product; tests put a slow, plain one in its place. */
import { F32Engine, WORDS, writeInstruction } from "@tacit/kernels";
import { TacitError } from "../../errors.ts";
import type { Call } from "./steps.ts";

/** A table of calls in a machine's memory. */
export interface Table {
  /** Runs `count` calls from `first`; returns the error that kernels reported, if any. */
  run(first: number, count: number): void;
  release(): void;
}

export interface Machine {
  readonly u8: Uint8Array;
  readonly usedBytes: number;
  alloc(bytes: number): number;
  release(address: number, bytes: number): void;
  /** Writes a table; `old`, a table that this one replaces, gives its memory back. */
  write(calls: readonly Call[], old: Table | null): Table;
  /** Whether a kernel has met bad data since the last call. */
  takeError(): boolean;
  stop(): Promise<void>;
}

const INSTRUCTION_BYTES = WORDS * 4;

export class WasmMachine implements Machine {
  private readonly engine: F32Engine;
  private scratchBytes = 0;

  constructor(engine: F32Engine) {
    this.engine = engine;
  }

  /** @throws KERNEL_NO_THREADS for several threads where the first may not wait for the others: the main thread of a page. */
  static async start(options: { readonly threads: number; readonly relaxed: boolean | "auto" }): Promise<WasmMachine> {
    if (options.threads > 1 && !mayWait()) {
      throw new TacitError("KERNEL_NO_THREADS", "cpu: expected a thread that may wait, got the main thread of a page", {
        hint: "train in a Worker, or use one thread",
      });
    }
    return new WasmMachine(await F32Engine.create(options));
  }

  get u8(): Uint8Array {
    return this.engine.u8;
  }

  get usedBytes(): number {
    return this.engine.usedBytes;
  }

  alloc(bytes: number): number {
    return this.engine.alloc(bytes);
  }

  release(address: number, bytes: number): void {
    this.engine.release(address, bytes);
  }

  takeError(): boolean {
    return this.engine.takeError() !== undefined;
  }

  async stop(): Promise<void> {
    // Threads that idle do not keep a process alive; while they end, something must, or it would leave before this promise settles.
    const alive = setInterval(() => {}, 1000);
    try {
      await this.engine.stop();
    } finally {
      clearInterval(alive);
    }
  }

  write(calls: readonly Call[], old: Table | null): Table {
    old?.release();
    const { engine } = this;
    const scratch = calls.reduce((most, c) => Math.max(most, c.scratchBytes()), 0);
    if (scratch > this.scratchBytes) {
      engine.reserveScratch(scratch);
      this.scratchBytes = scratch;
    }
    const instructions = calls.map((c) => c.encode());
    const sides = instructions.reduce((n, i) => n + lines(i.side), 0);
    const bytes = instructions.length * INSTRUCTION_BYTES + sides;
    const table = engine.alloc(bytes);
    let side = table + instructions.length * INSTRUCTION_BYTES;
    instructions.forEach((instruction, i) => {
      writeInstruction(engine.views, table, i, instruction, side);
      side += lines(instruction.side);
    });
    let live = true;
    return {
      run: (first, count) => engine.run(table + first * INSTRUCTION_BYTES, count),
      release() {
        if (live) engine.release(table, bytes);
        live = false;
      },
    };
  }
}

/** Whether `Atomics.wait` works on this thread. Where nothing can be shared the kernels say so themselves. */
export function mayWait(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return true;
  try {
    // The word is not 1, so this returns at once.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of a side table, in whole 64-byte lines. */
const lines = (side: Int32Array | undefined): number => (side === undefined ? 0 : (side.byteLength + 63) & ~63);
