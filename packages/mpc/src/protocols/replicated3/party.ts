/** @file One party's side of replicated3: its memory, its shares between runs, and runs of Programs. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { Binding } from "@tacit/core/device";
import { expected, TacitError } from "@tacit/core/errors";
import type { Aval, Program } from "@tacit/core/program";
import { sizeOf } from "@tacit/core/program";
import type { PartyEnvironment, PartyInput, PreparedProgram, ProtocolParty, RunCounters, ShareValue } from "../protocol.ts";
import { check } from "./check.ts";
import { type Kernels, loadKernels } from "./kernels.ts";
import { makePlan, type Plan } from "./lower/plan.ts";
import { type Observer, Run } from "./lower/run.ts";
import { Held } from "./lower/value.ts";
import { Memory } from "./memory.ts";
import { Context, exportComponent, reshare, type Shares, toRaw } from "./primitives/index.ts";
import { widthOf } from "./range.ts";
import { components, payloadSizes } from "./shares.ts";
import { KeyStreams } from "./streams.ts";

/** A share at rest. */
class RestingShare implements ShareValue {
  readonly aval: Aval;
  readonly shares: Shares;
  live = true;

  constructor(aval: Aval, shares: Shares) {
    this.aval = aval;
    this.shares = shares;
  }
  get bytes(): number {
    return 16 * this.shares.n;
  }
}

class Prepared implements PreparedProgram {
  readonly plan: Plan;
  constructor(plan: Plan) {
    this.plan = plan;
  }
  get program(): Program {
    return this.plan.program;
  }
}

/** The op id under which a value is exported: no Program has so many nodes. */
const EXPORT_ID = 0xffffffff;

/** Elements that are re-shared at once: 32 MB of messages. */
const REFRESH_AT_ONCE = 4_194_304;

type Index = 0 | 1 | 2;

class Party implements ProtocolParty {
  readonly #environment: PartyEnvironment;
  readonly #me: Index;
  readonly #memory: Memory;
  readonly #kernels: Kernels;
  readonly #observe: Observer | undefined;
  /** Regions at rest: freed by the store, not by a run. */
  readonly #resting: Set<RestingShare> = new Set();
  #closed = false;

  constructor(environment: PartyEnvironment, memory: Memory, kernels: Kernels, observe?: Observer) {
    this.#environment = environment;
    this.#me = environment.index as Index;
    this.#memory = memory;
    this.#kernels = kernels;
    this.#observe = observe;
  }

  /** Bytes of share memory in use: after a run, what rests here and nothing else. */
  get memoryUsed(): number {
    return this.#memory.used;
  }

  /** @throws TacitError DEVICE_UNSUPPORTED with every gap: a driver may not have asked `check` */
  prepare(program: Program, bindings: readonly Binding[]): PreparedProgram {
    const gaps = check(program, bindings, this.#environment.options);
    if (gaps.length > 0) {
      const listed = gaps.slice(0, 8).map((g) => `node ${g.node} (${g.op}): ${g.reason}`);
      expected("DEVICE_UNSUPPORTED", "replicated3", "a program that it can run", `${gaps.length} gaps: ${listed.join("; ")}`);
    }
    return new Prepared(makePlan(program, bindings));
  }

  async run(
    prepared: PreparedProgram,
    inputs: readonly PartyInput[],
    at: { readonly run: number; readonly attempt: number },
  ): Promise<{ outputs: readonly PartyInput[]; counters: RunCounters }> {
    if (!(prepared instanceof Prepared)) expected("MPC_INTERNAL", "run", "a program prepared by this party", "another");
    const ctx = this.#context(at.run, at.attempt);
    const before = this.#sent();
    try {
      const run = new Run(ctx.ctx, prepared.plan, {
        fractionBits: this.#environment.options.fractionBits,
        ...(this.#observe ? { observe: this.#observe } : {}),
      });
      const given = inputs.map((x) => ("share" in x ? this.#own(x.share).shares : x.values));
      const results = await run.execute(given);
      const avals = prepared.plan.program.outputAvals;
      const outputs = results.map(
        (x, i): PartyInput => (x instanceof Held ? { share: this.#keep(ctx.ctx, x, avals[i]!) } : { values: x }),
      );
      const after = this.#sent();
      const counters = {
        rounds: ctx.ctx.rounds,
        bytesSent: after.bytesSent - before.bytesSent,
        framesSent: after.framesSent - before.framesSent,
      };
      return { outputs, counters };
    } finally {
      ctx.streams.close();
    }
  }

  inputSizes(aval: Aval): { readonly payload: number; readonly share: number } {
    const [first, second] = payloadSizes(aval, this.#me);
    return { payload: first + second, share: 16 * sizeOf(aval.shape) };
  }

  importShare(payload: Uint8Array, aval: Aval): ShareValue {
    const n = sizeOf(aval.shape);
    // First the memory, within its limit: 64 bytes of payload may announce any number of elements.
    const shares = { a: this.#memory.alloc(8 * n), b: 0, n, depth: 0 };
    try {
      shares.b = this.#memory.alloc(8 * n);
      const [a, b] = components(payload, aval, this.#me);
      this.#memory.write(shares.a, a);
      this.#memory.write(shares.b, b);
      a.fill(0n);
      b.fill(0n);
    } catch (e) {
      for (const at of [shares.a, shares.b]) if (at !== 0) this.#memory.free(at);
      throw e;
    }
    return this.#rest(aval, shares);
  }

  exportShare(value: ShareValue, at: { readonly run: number; readonly attempt: number }): Uint8Array {
    const { shares } = this.#own(value);
    const { ctx, streams } = this.#context(at.run, at.attempt);
    try {
      return exportComponent(ctx, EXPORT_ID, shares);
    } finally {
      streams.close();
    }
  }

  componentHash(value: ShareValue, other: number): Uint8Array {
    const { shares } = this.#own(value);
    // Party i holds components i and i + 1: it shares i with party i - 1, and i + 1 with party i + 1.
    const at = other === (this.#me + 1) % 3 ? shares.b : shares.a;
    return sha256(this.#memory.bytes(at, 8 * shares.n));
  }

  saveShare(value: ShareValue): Uint8Array {
    const { shares } = this.#own(value);
    const bytes = new Uint8Array(16 * shares.n);
    bytes.set(this.#memory.bytes(shares.a, 8 * shares.n));
    bytes.set(this.#memory.bytes(shares.b, 8 * shares.n), 8 * shares.n);
    return bytes;
  }

  loadShare(bytes: Uint8Array, aval: Aval): ShareValue {
    const n = sizeOf(aval.shape);
    if (bytes.length !== 16 * n) expected("MPC_PAYLOAD", "loadShare", `${16 * n} bytes`, `${bytes.length}`);
    const a = this.#memory.alloc(8 * n);
    try {
      const b = this.#memory.alloc(8 * n);
      this.#memory.bytes(a, 8 * n).set(bytes.subarray(0, 8 * n));
      this.#memory.bytes(b, 8 * n).set(bytes.subarray(8 * n));
      return this.#rest(aval, { a, b, n, depth: 0 });
    } catch (e) {
      this.#memory.free(a);
      throw e;
    }
  }

  /**
   * x_0 + x_1 + x_2 is a 3-of-3 sharing of x: re-sharing it gives replicated shares that depend on x and the new keys alone.
   * As many values at once as REFRESH_AT_ONCE elements allow: each needs its size again while it is under way.
   */
  async refresh(
    values: readonly ShareValue[],
    at: { readonly run: number; readonly attempt: number },
  ): Promise<{ shares: readonly ShareValue[]; counters: RunCounters }> {
    const { ctx, streams } = this.#context(at.run, at.attempt);
    const before = this.#sent();
    const shares: ShareValue[] = [];
    try {
      for (let from = 0; from < values.length; ) {
        let [to, n] = [from, 0];
        while (to < values.length && (to === from || n + this.#own(values[to]!).shares.n <= REFRESH_AT_ONCE))
          n += this.#own(values[to++]!).shares.n;
        const group = values.slice(from, to).map((v, i) => this.#renew(ctx, from + i, v));
        shares.push(...(await Promise.all(group)));
        from = to;
      }
    } finally {
      streams.close();
    }
    const after = this.#sent();
    const bytesSent = after.bytesSent - before.bytesSent;
    return { shares, counters: { rounds: ctx.rounds, bytesSent, framesSent: after.framesSent - before.framesSent } };
  }

  async #renew(ctx: Context, id: number, value: ShareValue): Promise<ShareValue> {
    const raw = toRaw(ctx, this.#own(value).shares);
    this.free(value);
    const renewed = await reshare(ctx, id, raw);
    ctx.keep(renewed.a, renewed.b);
    return this.#rest(value.aval, { ...renewed, depth: 0 });
  }

  free(value: ShareValue): void {
    const own = this.#own(value);
    own.live = false;
    this.#resting.delete(own);
    this.#memory.free(own.shares.a);
    this.#memory.free(own.shares.b);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#memory.zeroise();
    for (const x of this.#resting) x.live = false;
    this.#resting.clear();
  }

  /** The context of one run and attempt, under keys of its own. */
  #context(run: number, attempt: number): { ctx: Context; streams: KeyStreams } {
    if (this.#closed) throw new TacitError("MPC_CLOSED", `party ${this.#me}: expected an open session, got a closed one`);
    const { links, options } = this.#environment;
    const me = this.#me;
    const key = (which: number): Uint8Array => this.#environment.runKey(which % 3, run, attempt);
    // A key that the parties alone know: nobody can choose shares with the offsets of truncation in view.
    const common = this.#environment.runKey(3, run, attempt);
    const streams = new KeyStreams(this.#memory, { low: key(me), high: key(me + 1), common });
    const { prgRounds } = options;
    const width = widthOf(options);
    const ctx = new Context({ me, links, kernels: this.#kernels, memory: this.#memory, streams, run, prgRounds, width });
    return { ctx, streams };
  }

  #sent(): { bytesSent: number; framesSent: number } {
    const total = { bytesSent: 0, framesSent: 0 };
    for (const link of this.#environment.links) {
      total.bytesSent += link?.counters.bytesSent ?? 0;
      total.framesSent += link?.counters.framesSent ?? 0;
    }
    return total;
  }

  /** An output that outlives its run. One that is also an input, or returned twice, is copied. */
  #keep(ctx: Context, held: Held, aval: Aval): RestingShare {
    const { shares } = held;
    if (held.sole) {
      ctx.keep(shares.a, shares.b);
      return this.#rest(aval, { ...shares, depth: 0 });
    }
    const n = shares.n;
    const copy = { a: this.#memory.alloc(8 * n), b: this.#memory.alloc(8 * n), n, depth: 0 };
    this.#kernels.addScalar64(shares.a, 0n, copy.a, n);
    this.#kernels.addScalar64(shares.b, 0n, copy.b, n);
    held.release();
    return this.#rest(aval, copy);
  }

  #rest(aval: Aval, shares: Shares): RestingShare {
    const value = new RestingShare(aval, shares);
    this.#resting.add(value);
    return value;
  }

  #own(value: ShareValue): RestingShare {
    if (!(value instanceof RestingShare) || !value.live || !this.#resting.has(value)) {
      expected("HANDLE_UNKNOWN", "replicated3", "a share that rests at this party", "another");
    }
    return value;
  }
}

/** Makes a party. `observe` sees every value of a run: for tests in one process only; ProtocolParty has no door to it. */
export async function createParty(environment: PartyEnvironment, observe?: Observer): Promise<Party> {
  if (environment.mode)
    expected("MPC_HANDSHAKE", "replicated3", "no mode: its shadow runs in one process, in tests", environment.mode);
  const memory = new Memory(environment.memoryLimit);
  return new Party(environment, memory, await loadKernels(memory.wasm), observe);
}
export type { Party };
