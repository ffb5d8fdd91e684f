/** @file PlainMachine: a Machine that runs the kernels' plain TypeScript, to tell a planner's mistakes from a kernel's. */
import { type MemoryViews, viewsOf } from "@tacit/kernels";
import { referenceOf } from "@tacit/kernels/reference";
import type { Machine, Table } from "../../src/device/cpu/machine.ts";
import type { Call } from "../../src/device/cpu/steps.ts";

export class PlainMachine implements Machine {
  private readonly views: MemoryViews;
  private top = 4096;
  private readonly free = new Map<number, number[]>();
  private error = 0;

  constructor(bytes: number) {
    this.views = viewsOf(new ArrayBuffer(bytes));
  }

  get u8(): Uint8Array {
    return this.views.u8;
  }

  get usedBytes(): number {
    return this.top;
  }

  alloc(bytes: number): number {
    const size = Math.max(64, Math.ceil(bytes / 64) * 64);
    const reuse = this.free.get(size)?.pop();
    if (reuse !== undefined) return reuse;
    const at = this.top;
    this.top += size;
    if (this.top > this.views.u8.length)
      throw new Error(`plain machine: expected ${this.top} bytes, got ${this.views.u8.length}`);
    return at;
  }

  release(address: number, bytes: number): void {
    const size = Math.max(64, Math.ceil(bytes / 64) * 64);
    this.free.set(size, [...(this.free.get(size) ?? []), address]);
  }

  write(calls: readonly Call[]): Table {
    return {
      run: (first, count) => {
        for (const c of calls.slice(first, first + count)) this.error ||= referenceOf(c.kernel)(c.params, this.views);
      },
      release() {},
    };
  }

  takeError(): boolean {
    const found = this.error !== 0;
    this.error = 0;
    return found;
  }

  async stop(): Promise<void> {}
}
