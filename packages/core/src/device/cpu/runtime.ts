/** @file Runtime: a machine with the one arena that all plans share, and the resident buffers. */

import type { StepTime } from "../device.ts";
import type { Machine } from "./machine.ts";
import type { CpuStorage } from "./storage.ts";

export type StepListener = (time: StepTime) => void;

interface Buffer {
  readonly address: number;
  readonly bytes: number;
}

export class Runtime {
  readonly machine: Machine;
  /** Who is told the time of every step; while there is one, steps run one by one. */
  readonly listeners: Set<StepListener>;
  /** Runs so far. */
  runs = 0;
  arenaAt = 0;
  arenaBytes = 0;
  /** Bytes of the resident buffers. */
  residentBytes = 0;
  // The few values that updates keep in WASM memory: parameters and optimizer state. The net under a dropped model.
  private readonly registry = new FinalizationRegistry<Buffer>((b) => this.free(b));

  constructor(machine: Machine, listeners: Set<StepListener> = new Set()) {
    this.machine = machine;
    this.listeners = listeners;
  }

  /** Makes the arena at least this big. One serves all plans: only one runs at a time, and nothing in it outlives a run. */
  reserve(bytes: number): void {
    if (bytes <= this.arenaBytes) return;
    if (this.arenaBytes > 0) this.machine.release(this.arenaAt, this.arenaBytes);
    // The memory may refuse: then there is no arena, and no plan may believe in the old one.
    this.arenaBytes = 0;
    this.arenaAt = this.machine.alloc(bytes);
    this.arenaBytes = bytes;
  }

  /** The storage's address in WASM memory; moves it there when it is a typed array. */
  makeResident(storage: CpuStorage): number {
    if (storage.address !== 0) return storage.address;
    const bytes = storage.byteLength;
    const address = this.machine.alloc(bytes);
    this.machine.u8.set(storage.bytes!, address);
    storage.address = address;
    storage.values = null;
    storage.bytes = null;
    this.residentBytes += bytes;
    this.registry.register(storage, { address, bytes });
    return address;
  }

  private free(buffer: Buffer): void {
    this.machine.release(buffer.address, buffer.bytes);
    this.residentBytes -= buffer.bytes;
  }
}
