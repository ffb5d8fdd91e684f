/** @file Runs a kernel on every engine build, compares with its reference, and looks for stray writes. */
import { afterAll, beforeAll, expect } from "vitest";
import { type Address, F32Engine, type Kernel, type MemoryViews, viewsOf, writeInstruction } from "../../src/f32/index.ts";
import { type Reference, referenceOf } from "../../src/f32/reference/index.ts";

export interface Output {
  readonly address: Address;
  readonly n: number;
  readonly type: "f32" | "i32" | "u32" | "u8";
  /** Allowed |difference| per element: absolute plus relative times |expected|. Default 0: exact. */
  readonly absolute?: number;
  readonly relative?: number;
}
export interface Case<P> {
  readonly kernel: Kernel<P>;
  readonly params: P;
  readonly outputs: readonly Output[];
  /** Instead of the kernel's own. */
  readonly reference?: Reference<P>;
}
/** Hands out buffers of an engine's memory. */
export interface Buffers {
  f32(data: readonly number[] | Float32Array): Address;
  i32(data: readonly number[] | Int32Array): Address;
  u32(data: readonly number[] | Uint32Array): Address;
  u8(data: readonly number[] | Uint8Array): Address;
  /** Room for an output, filled with 0xff (NaN). */
  room(elements: number, bytes?: number): Address;
}

/** Deterministic numbers (xorshift32): tests are the same on every run. */
export class Numbers {
  private state: number;
  constructor(seed: number) {
    this.state = (seed * 2654435761) | 1;
  }
  bits(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }
  unit(): number {
    return this.bits() / 2 ** 32;
  }
  /** Whole number in low..high, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }
  /** n values in [-1, 1). */
  floats(n: number): Float32Array {
    return Float32Array.from({ length: n }, () => this.unit() * 2 - 1);
  }
  ints(n: number, low: number, high: number): number[] {
    return Array.from({ length: n }, () => this.int(low, high));
  }
}

class EngineBuffers implements Buffers {
  private readonly taken: { address: Address; bytes: number }[] = [];
  private readonly engine: F32Engine;
  constructor(engine: F32Engine) {
    this.engine = engine;
  }
  raw(bytes: number): Address {
    const address = this.engine.alloc(bytes);
    this.taken.push({ address, bytes });
    this.engine.u8.fill(0xff, address, address + Math.max(64, Math.ceil(bytes / 64) * 64));
    return address;
  }
  f32(data: readonly number[] | Float32Array): Address {
    const address = this.raw(4 * data.length);
    this.engine.f32.set(data, address / 4);
    return address;
  }
  i32(data: readonly number[] | Int32Array): Address {
    const address = this.raw(4 * data.length);
    this.engine.i32.set(data, address / 4);
    return address;
  }
  u32(data: readonly number[] | Uint32Array): Address {
    const address = this.raw(4 * data.length);
    this.engine.u32.set(data, address / 4);
    return address;
  }
  u8(data: readonly number[] | Uint8Array): Address {
    const address = this.raw(data.length);
    this.engine.u8.set(data, address);
    return address;
  }
  room(elements: number, bytes = 4): Address {
    return this.raw(elements * bytes);
  }
  end(): number {
    return Math.max(...this.taken.map((t) => t.address + t.bytes));
  }
  releaseAll(): void {
    for (const { address, bytes } of this.taken.reverse()) this.engine.release(address, bytes);
  }
}

interface Build {
  readonly threads: number;
  readonly relaxed: boolean;
}
const BUILDS: readonly Build[] = [
  { threads: 1, relaxed: false },
  { threads: 2, relaxed: false },
  { threads: 1, relaxed: true },
  { threads: 2, relaxed: true },
];
// Three threads share work unevenly; the machine may have fewer cores.
const MANY: Build = { threads: 3, relaxed: true };

export class Engines {
  private list: { engine: F32Engine; build: Build }[] = [];

  async start(): Promise<void> {
    const all = await Promise.all([...BUILDS, MANY].map((b) => F32Engine.create(b)));
    this.list = all.map((engine, i) => ({ engine, build: [...BUILDS, MANY][i]! }));
  }
  async stop(): Promise<void> {
    await Promise.all(this.list.map(({ engine }) => engine.stop()));
  }

  /** `make` must build the same case each time. Returns the error that the reference expects (checked already). */
  check<P>(make: (buffers: Buffers) => Case<P>): void {
    const seen = new Map<boolean, Uint8Array[]>();
    for (const { engine, build } of this.list) {
      const bytes = runOne(engine, make);
      const other = seen.get(build.relaxed);
      if (other) expect(bytes, `threads ${build.threads}: bit-identical`).toEqual(other);
      else seen.set(build.relaxed, bytes);
    }
  }
}

/** Engines for the tests of one file. */
export function engines(): Engines {
  const all = new Engines();
  beforeAll(() => all.start());
  afterAll(() => all.stop());
  return all;
}

function runOne<P>(engine: F32Engine, make: (buffers: Buffers) => Case<P>): Uint8Array[] {
  const buffers = new EngineBuffers(engine);
  const { kernel, params, outputs, reference = referenceOf(kernel.name) } = make(buffers);
  const instruction = kernel.encode(params);
  const side = instruction.side ? buffers.raw(instruction.side.byteLength) : 0;
  const table = buffers.raw(128);
  engine.reserveScratch(kernel.scratchBytes(params));
  const scratch = { from: engine.i32[(64512 + 384) / 4]!, bytes: engine.i32[(64512 + 384) / 4 + 1]! * engine.threads };
  engine.u8.fill(0xff, scratch.from, scratch.from + Math.min(scratch.bytes, 1 << 22));
  writeInstruction(engine.views, table, 0, instruction, side);
  const end = Math.max(buffers.end(), scratch.from + scratch.bytes) + 4096;
  const expected = viewsOf(engine.u8.slice(0, end).buffer);
  engine.run(table, 1);
  const error = reference(params, expected);
  expect(engine.takeError() !== undefined).toBe(error !== 0);
  compare(engine.views, expected, outputs);
  noStrayWrites(engine.u8, expected.u8, outputs, scratch, end);
  const result = outputs.map((o) => engine.u8.slice(o.address, o.address + o.n * (o.type === "u8" ? 1 : 4)));
  buffers.releaseAll();
  return result;
}

function compare(actual: MemoryViews, expected: MemoryViews, outputs: readonly Output[]): void {
  for (const { address, n, type, absolute = 0, relative = 0 } of outputs) {
    const at = type === "u8" ? address : address / 4;
    for (let i = at; i < at + n; i++) {
      const a = actual[type][i]!;
      const e = expected[type][i]!;
      if (Object.is(a, e) || a === e) continue;
      const close = Number.isFinite(e) && Math.abs(a - e) <= absolute + relative * Math.abs(e);
      if (!close) expect.fail(`element ${i - at} of ${n}: expected ${e}, got ${a}`);
    }
  }
}

function noStrayWrites(
  actual: Uint8Array,
  expected: Uint8Array,
  outputs: readonly Output[],
  scratch: { from: number; bytes: number },
  end: number,
): void {
  const allowed = outputs.map((o) => ({ from: o.address, bytes: Math.ceil((o.n * (o.type === "u8" ? 1 : 4)) / 64) * 64 }));
  const ranges = [...allowed, scratch].sort((a, b) => a.from - b.from);
  let from = 65536;
  for (const { from: start, bytes } of [...ranges, { from: end, bytes: 0 }]) {
    const same = Buffer.compare(actual.subarray(from, start), expected.subarray(from, start)) === 0;
    if (!same) expect.fail(`stray write between ${from} and ${start}`);
    from = start + bytes;
  }
}
