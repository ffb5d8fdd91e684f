/** @file CpuExecutable: a plan in WASM memory. Copies inputs in, runs its segments, copies results out. */
import { TacitError } from "../../errors.ts";
import type { TypedArray } from "../../program/dtype.ts";
import type { Executable, Storage } from "../device.ts";
import { bytesOf } from "./graph.ts";
import type { Table } from "./machine.ts";
import { describePlan, type Place, type Plan } from "./plan.ts";
import type { Runtime } from "./runtime.ts";
import type { Guard, HostStep, Step } from "./steps.ts";
import { type CpuStorage, fromBytes, own, typed } from "./storage.ts";

// Copying 256 KiB takes some 10 microseconds, as long as everything else that a run does besides its kernels.
const LARGE = 1 << 18;
const MANY = 4;

/** Calls first..first+count, in one call; or a host step. */
interface Segment {
  readonly step: Step;
  first: number;
  count: number;
  readonly host: HostStep | null;
  guard: Guard | null;
}

export class CpuExecutable implements Executable {
  readonly plan: Plan;
  private readonly runtime: Runtime;
  /** Per input: where its resident buffer was when the table was written. */
  private readonly addresses: Float64Array;
  private readonly updated: readonly number[];
  private segments: Segment[] = [];
  private perStep: Segment[] = [];
  private arenaAt = -1;
  private table: Table | null = null;
  private literals = 0;
  private readonly shadows = new Map<number, number>();
  private released = false;

  constructor(runtime: Runtime, plan: Plan) {
    this.runtime = runtime;
    this.plan = plan;
    this.addresses = new Float64Array(plan.inputs.length).fill(-1);
    this.updated = plan.outputs.flatMap((o) => (o.input >= 0 ? [o.input] : []));
  }

  run(inputs: readonly Storage[]): readonly Storage[] {
    if (this.released) throw new TacitError("PLAN_RELEASED", "cpu: expected a live executable, got a released one");
    const { plan, runtime } = this;
    runtime.reserve(plan.arenaBytes);
    this.bind(inputs);
    if (this.arenaAt !== runtime.arenaAt) this.write();
    this.copyIn(inputs);
    if (runtime.listeners.size > 0) this.runTimed();
    else for (const s of this.segments) this.runSegment(s);
    return this.copyOut(inputs);
  }

  describe(): string {
    return describePlan(this.plan);
  }

  /** Frees the plan's tables and literals. */
  release(): void {
    if (this.released) return;
    this.released = true;
    const { machine } = this.runtime;
    this.table?.release();
    if (this.literals > 0) machine.release(this.literals, this.plan.literalBytes);
    for (const [i, at] of this.shadows) machine.release(at, bytesOf(this.plan.inputs[i]!));
  }

  /** Resident inputs move into WASM memory for good; where one lies elsewhere than the table says, the table is void. */
  private bind(inputs: readonly Storage[]): void {
    const { plan, runtime } = this;
    const run = ++runtime.runs;
    for (const i of this.updated) own(inputs[i]).replaced = run;
    for (let i = 0; i < plan.resident.length; i++) {
      const storage = own(inputs[i]);
      if (!plan.resident[i]) {
        // Weights of a model that only predicts, a data set that batches are cut from: the next plan reads them where they lie.
        if (storage.byteLength >= LARGE && ++storage.copies >= MANY) runtime.makeResident(storage);
        continue;
      }
      const shared = storage.replaced === run && !this.updated.includes(i);
      const at = shared ? this.shadow(i) : runtime.makeResident(storage);
      if (this.addresses[i] === at) continue;
      this.addresses[i] = at;
      this.arenaAt = -1;
    }
  }

  /** Input i is also an updated input under another name: it is read from a copy, so that it keeps the old value. */
  private shadow(i: number): number {
    let at = this.shadows.get(i);
    if (at === undefined) {
      at = this.runtime.machine.alloc(bytesOf(this.plan.inputs[i]!));
      this.shadows.set(i, at);
    }
    return at;
  }

  private at(place: Place | undefined): number {
    if (place === undefined) return 0;
    if (place.space === "arena") return this.runtime.arenaAt + place.offset;
    return (place.space === "literal" ? this.literals : this.addresses[place.index]!) + place.offset;
  }

  /** Writes the table of calls for the present addresses. */
  private write(): void {
    const { plan, runtime } = this;
    // Until the table stands, the next run must write it anew: memory may refuse half-way.
    this.arenaAt = -1;
    if (this.literals === 0 && plan.literalBytes > 0) this.writeLiterals();
    const at = (v: number): number => this.at(plan.places[v]);
    const calls = plan.steps.map((s) => (s.kind === "kernel" ? s.calls(at) : []));
    this.table = runtime.machine.write(calls.flat(), this.table);
    if (this.perStep.length === 0) this.cut(calls.map((c) => c.length));
    this.arenaAt = runtime.arenaAt;
  }

  private writeLiterals(): void {
    const { plan, runtime } = this;
    this.literals = runtime.machine.alloc(plan.literalBytes);
    for (const [v, data] of plan.literals) {
      runtime.machine.u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), this.at(plan.places[v]));
    }
  }

  /** Steps between host steps and guards run in one call. */
  private cut(counts: readonly number[]): void {
    let first = 0;
    this.plan.steps.forEach((step, i) => {
      const count = counts[i]!;
      const host = step.kind === "host" ? step : null;
      const guard = step.kind === "kernel" ? (step.guard ?? null) : null;
      this.perStep.push({ step, first, count, host, guard });
      const last = this.segments.at(-1);
      if (host !== null || last === undefined || last.host !== null || last.guard !== null) {
        this.segments.push({ step, first, count, host, guard });
      } else {
        last.count += count;
        last.guard = guard;
      }
      first += count;
    });
  }

  private copyIn(inputs: readonly Storage[]): void {
    const { plan, runtime } = this;
    const memory = runtime.machine.u8;
    for (let i = 0; i < plan.inputs.length; i++) {
      if (plan.resident[i]) {
        const shadow = this.shadows.size > 0 ? this.shadows.get(i) : undefined;
        if (shadow === undefined || this.addresses[i] !== shadow) continue;
        const from = own(inputs[i]);
        memory.copyWithin(shadow, from.address, from.address + from.byteLength);
        continue;
      }
      const storage = own(inputs[i]);
      const to = runtime.arenaAt + plan.places[i]!.offset;
      if (storage.bytes !== null) memory.set(storage.bytes, to);
      else memory.copyWithin(to, storage.address, storage.address + storage.byteLength);
    }
  }

  private runSegment(s: Segment): void {
    if (s.host !== null) this.runHost(s.host);
    else if (s.count > 0) this.table!.run(s.first, s.count);
    if (s.guard !== null && this.runtime.machine.takeError()) throw new TacitError(s.guard.code, s.guard.message);
  }

  private runHost(step: HostStep): void {
    const result = step.run(step.reads.map((v) => this.load(v)));
    const at = this.at(this.plan.places[step.writes[0]!]);
    this.runtime.machine.u8.set(new Uint8Array(result.buffer, result.byteOffset, result.byteLength), at);
  }

  private load(v: number): TypedArray {
    const { plan, runtime } = this;
    const aval = plan.avals[v]!;
    const at = this.at(plan.places[v]);
    return typed(aval.dtype, copyBytes(runtime.machine.u8, at, bytesOf(aval)));
  }

  private runTimed(): void {
    const { avals, origins } = this.plan;
    for (const s of this.perStep) {
      const start = performance.now();
      this.runSegment(s);
      const ms = performance.now() - start;
      const { step } = s;
      const made = step.writes[0]!;
      // What the plan added (a copy) stands for what it reads.
      const node = origins[made]! >= 0 ? origins[made]! : (origins[step.reads[0] ?? made] ?? -1);
      const flops = step.kind === "kernel" ? (step.flops ?? 0) : 0;
      const time = { step, label: step.label, result: avals[made]!, start, ms, flops, node };
      for (const listener of this.runtime.listeners) listener(time);
    }
  }

  private copyOut(inputs: readonly Storage[]): Storage[] {
    const { plan, runtime } = this;
    const memory = runtime.machine.u8;
    const out = new Array<CpuStorage>(plan.outputs.length);
    for (let i = 0; i < out.length; i++) {
      const { value, aval, input } = plan.outputs[i]!;
      out[i] = input >= 0 ? own(inputs[input]) : fromBytes(aval, copyBytes(memory, this.at(plan.places[value]), bytesOf(aval)));
    }
    return out;
  }
}

/** A copy in memory of its own, also when `memory` is shared between threads. */
function copyBytes(memory: Uint8Array, at: number, n: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(n);
  out.set(memory.subarray(at, at + n));
  return out;
}
