/**
 * @file The mask ledger: finds, for every region of every message, the keystream that masks it, by changing one stream at a time.
 *
 * A region m is masked by stream s when replacing s by fresh keystream s', at both its holders, all else equal, changes m by exactly
 * s' - s (or s' ^ s): then m = f + s with f independent of s. The ledger demands that every region is masked by a stream whose key
 * the receiver does not hold, and that the masks of all regions are independent: the matrix of regions by streams has full row rank
 * modulo 2, so that what a party receives is uniform as a whole (a determinant that is odd is invertible modulo 2^64 as well).
 */
import { createHash } from "node:crypto";
import { type Kernels, loadKernels } from "../../src/protocols/replicated3/kernels.ts";
import { Memory, PRIVATE } from "../../src/protocols/replicated3/memory.ts";
import type { Context, Shares } from "../../src/protocols/replicated3/primitives/index.ts";
import type { Streams, Which } from "../../src/protocols/replicated3/streams.ts";
import type { Frame } from "../../src/transport/memory-link.ts";
import { Harness, INDICES, type Index } from "./primitives/harness.ts";

/** One stream: its key k_i (3: the common key) and nonce. */
export interface Label {
  readonly key: number;
  readonly id: number;
  readonly piece: number;
  readonly stream: number;
}

export const nameOf = (l: Label): string => `k${l.key}/op ${l.id}/piece ${l.piece}/stream ${l.stream}`;

/** What a mutant makes of a stream at a party: another one, or no mask at all ("zero"). */
export type Mutation = (label: Label, me: Index) => Label | "zero";

export interface Draw {
  readonly me: Index;
  readonly label: Label;
}

/** What the wrapped streams do; the tests change it between runs. */
export interface Plan {
  mutate: Mutation;
  /** Names of streams that are replaced by fresh ones. */
  rekeyed: ReadonlySet<string>;
  readonly draws: Draw[];
}

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
/** Pieces are below 4,096: a nonce with this bit is one that no op ever uses. */
const FRESH = 1 << 20;

function stateWords(keys: readonly Uint8Array[], label: Label, fresh: boolean): number[] {
  const key = new Uint32Array(keys[label.key]!.slice().buffer);
  return [...SIGMA, ...key, 0, label.id, fresh ? label.piece | FRESH : label.piece, label.stream];
}

/** Streams of one party that record what is drawn and obey the plan. Written apart from KeyStreams, without its checks. */
export class LedgerStreams implements Streams {
  readonly #memory: Memory;
  readonly #me: Index;
  readonly #keys: readonly Uint8Array[];
  readonly #plan: Plan;
  #slot = 0;

  constructor(memory: Memory, me: Index, keys: readonly Uint8Array[], plan: Plan) {
    this.#memory = memory;
    this.#me = me;
    this.#keys = keys;
    this.#plan = plan;
  }

  begin(): void {}
  state(which: Which, id: number, piece: number, stream: number): number {
    return this.#open({ key: (this.#me + which) % 3, id, piece, stream });
  }
  common(id: number, piece: number, stream: number): number {
    return this.#open({ key: 3, id, piece, stream });
  }

  #open(wanted: Label): number {
    const label = this.#plan.mutate(wanted, this.#me);
    if (label === "zero") return 0;
    this.#plan.draws.push({ me: this.#me, label });
    const at = PRIVATE.states + 64 * this.#slot;
    this.#slot = (this.#slot + 1) % PRIVATE.stateSlots;
    this.#memory.writePrivate(at, stateWords(this.#keys, label, this.#plan.rekeyed.has(nameOf(label))));
    return at;
  }
}

/** Words modulo 2^64, words of 6 bytes, bits, or n packed values of some bits. */
export type Mode = "add" | "add48" | "xor" | { readonly packed: number; readonly n: number };
/** A part of a message with one mask: bytes from..to of it. */
export interface Region {
  readonly from: number;
  readonly to: number;
  readonly mode: Mode;
}

/** An op under test: `prepare` runs first (other ids), then `run` with id OP; `regions` says how a message is made up. */
export interface Case {
  readonly name: string;
  readonly n: number;
  readonly run: (ctx: Context, x: Shares, y: Shares) => Promise<unknown>;
  readonly regions: (message: number, bytes: number, op: number, n: number) => readonly Region[];
}

export const OP = 64;
/** Ids below this prepare the op under test. */
const FIRST = OP;

export interface Covered {
  readonly region: string;
  readonly by: Label;
}

/** Deterministic bytes: inputs, keys. */
function bytes(seed: string, n: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("shake256", { outputLength: n }).update(seed).digest());
}

export class Ledger {
  readonly #harness: Harness;
  readonly #plan: Plan;
  readonly #keys: readonly Uint8Array[];
  readonly #memory: Memory;
  readonly #kernels: Kernels;

  private constructor(harness: Harness, plan: Plan, keys: readonly Uint8Array[], memory: Memory, kernels: Kernels) {
    this.#harness = harness;
    this.#plan = plan;
    this.#keys = keys;
    this.#memory = memory;
    this.#kernels = kernels;
  }

  static async start(width: 32 | 64 = 64): Promise<Ledger> {
    const plan: Plan = { mutate: (l) => l, rekeyed: new Set(), draws: [] };
    const keys = [0, 1, 2, 3].map((i) => bytes(`key ${i}`, 32));
    const memories: Memory[] = [];
    const harness = await Harness.start({
      keys: keys.slice(0, 3),
      memoryLimit: 2 ** 25,
      width,
      // A party's own noise is no mask: it stays the same while streams are changed.
      noise: (me) => (stdDev) => {
        let i = 0;
        return () => Math.round(stdDev * Math.sin(3 * me + ++i));
      },
      wrapStreams: (_inner, me) => new LedgerStreams(memories[me]!, me, keys, plan),
      onMemory: (memory, me) => {
        memories[me] = memory;
      },
    });
    const memory = new Memory(2 ** 25);
    const kernels = await loadKernels(memory.wasm);
    kernels.setup(PRIVATE.scratch, 20);
    return new Ledger(harness, plan, keys, memory, kernels);
  }

  /** Runs a case once under a mutation, with some streams replaced; gives the frames of its op and the draws. */
  async run(test: Case, mutate: Mutation, rekeyed: readonly string[]): Promise<{ frames: Frame[]; draws: Draw[] }> {
    this.#plan.mutate = mutate;
    this.#plan.rekeyed = new Set(rekeyed);
    this.#plan.draws.length = 0;
    this.#harness.frames.length = 0;
    this.#harness.newRun(1);
    const input = (name: string): Shares[] =>
      this.#harness.shareComponents([0, 1, 2].map((i) => new BigInt64Array(bytes(`${name} ${i}`, 8 * test.n).buffer)));
    const [x, y] = [input("x"), input("y")];
    await this.#harness.run((ctx, me) => test.run(ctx, x[me]!, y[me]!));
    for (const { ctx } of this.#harness.parties) ctx.destroy();
    const frames = this.#harness.frames.filter((f) => f.tag.op >= FIRST);
    return { frames, draws: this.#plan.draws.filter((d) => d.label.id >= FIRST) };
  }

  #keystream(label: Label, fresh: boolean, length: number): Uint8Array<ArrayBuffer> {
    this.#memory.writePrivate(PRIVATE.states, stateWords(this.#keys, label, fresh));
    const at = this.#memory.alloc(length);
    this.#kernels.keystream(PRIVATE.states, at, length);
    const out = this.#memory.bytes(at, length).slice();
    this.#memory.free(at);
    return out;
  }

  /** Does replacing `label` change this region by exactly the difference of keystreams? */
  #masks(label: Label, region: Region, before: Uint8Array<ArrayBuffer>, after: Uint8Array<ArrayBuffer>): boolean {
    const [a, b] = [before.slice(region.from, region.to), after.slice(region.from, region.to)];
    const length = 8 * a.length + 64;
    const [s, t] = [this.#keystream(label, false, length), this.#keystream(label, true, length)];
    if (region.mode === "xor") return a.every((v, i) => (v ^ b[i]!) === (s[i]! ^ t[i]!));
    if (region.mode === "add") return differ(wide(a), wide(b), wide(s), wide(t), 64);
    if (region.mode === "add48") return differ(six(a), six(b), wide(s).slice(0, a.length / 6), wide(t), 48);
    const { packed: w, n } = region.mode;
    return differ(unpack(a, n, w), unpack(b, n, w), narrow(s, n), narrow(t, n), w);
  }

  /**
   * All coverings by the streams in `only` (default: every stream drawn), and what the ledger objects to. `expected` limits the
   * demand "every region is masked" to those regions.
   */
  async check(
    test: Case,
    mutate: Mutation = (l) => l,
    limits: { readonly only?: readonly string[]; readonly regions?: ReadonlySet<string> } = {},
  ): Promise<{ covered: Covered[]; objections: string[] }> {
    const base = await this.run(test, mutate, []);
    const labels = distinct(base.draws).filter((l) => l.key < 3 && (limits.only?.includes(nameOf(l)) ?? true));
    const objections = drawObjections(base.draws);
    const covered: Covered[] = [];
    for (const label of labels) {
      const other = await this.run(test, mutate, [nameOf(label)]);
      for (const [i, frame] of ordered(base.frames).entries()) {
        // Party j holds k_j and k_{j+1}: what it receives must be masked by the third key.
        if ((frame.to + 2) % 3 !== label.key) continue;
        const after = ordered(other.frames)[i]!;
        for (const region of test.regions(frame.tag.lane & 15, frame.bytes.length, frame.tag.op, test.n)) {
          if (!this.#masks(label, region, frame.bytes, after.bytes)) continue;
          covered.push({ region: regionName(frame, region), by: label });
        }
      }
    }
    const all = base.frames.flatMap((f) =>
      test.regions(f.tag.lane & 15, f.bytes.length, f.tag.op, test.n).map((r) => regionName(f, r)),
    );
    objections.push(...maskObjections(limits.regions ? all.filter((r) => limits.regions?.has(r)) : all, covered));
    return { covered, objections };
  }
}

function regionName(frame: Frame, region: Region): string {
  return `op ${frame.tag.op} lane ${frame.tag.lane} from ${frame.from} to ${frame.to} bytes ${region.from}..${region.to}`;
}

/** Frames in an order that does not depend on when microtasks ran. */
function ordered(frames: readonly Frame[]): Frame[] {
  const rank = (f: Frame): number => ((f.tag.op * 65536 + f.tag.lane) * 3 + f.from) * 3 + f.to;
  return [...frames].sort((a, b) => rank(a) - rank(b));
}

function distinct(draws: readonly Draw[]): Label[] {
  return [...new Map(draws.map((d) => [nameOf(d.label), d.label])).values()];
}

/** Each stream at most once per party, and by exactly the holders of its key. */
export function drawObjections(draws: readonly Draw[]): string[] {
  const objections: string[] = [];
  const parties = new Map<string, Index[]>();
  for (const { me, label } of draws) parties.set(nameOf(label), [...(parties.get(nameOf(label)) ?? []), me]);
  for (const label of distinct(draws)) {
    const drew = parties.get(nameOf(label))!.toSorted();
    const holders = label.key === 3 ? INDICES : [label.key, (label.key + 2) % 3].toSorted();
    if (new Set(drew).size !== drew.length) objections.push(`${nameOf(label)} drawn twice by a party`);
    else if (drew.join() !== holders.join())
      objections.push(`${nameOf(label)} drawn by ${drew.join()}, held by ${holders.join()}`);
  }
  return objections;
}

/** Regions whose masks depend on those of regions before them (or that have none): Gaussian elimination modulo 2. */
function maskObjections(regions: readonly string[], covered: readonly Covered[]): string[] {
  const names = [...new Set(covered.map((c) => nameOf(c.by)))];
  const basis: bigint[] = [];
  const objections: string[] = [];
  for (const region of regions) {
    let row = 0n;
    for (const c of covered) if (c.region === region) row |= 1n << BigInt(names.indexOf(nameOf(c.by)));
    const own = row;
    for (const b of basis) if ((row ^ b) < row) row ^= b;
    if (row !== 0n) basis.push(row);
    else objections.push(own === 0n ? `${region} is not masked from its receiver` : `${region} is masked with what masks others`);
  }
  return objections;
}

/** The regions and streams that hang together with a stream, through common masks. */
export function component(covered: readonly Covered[], start: readonly Label[]): { only: string[]; regions: Set<string> } {
  const only = new Set(start.map(nameOf));
  const regions = new Set<string>();
  for (let size = -1; size !== only.size + regions.size; ) {
    size = only.size + regions.size;
    for (const c of covered) if (only.has(nameOf(c.by))) regions.add(c.region);
    for (const c of covered) if (regions.has(c.region)) only.add(nameOf(c.by));
  }
  return { only: [...only], regions };
}

const wide = (b: Uint8Array<ArrayBuffer>): bigint[] => [...new BigUint64Array(b.slice(0, b.length & ~7).buffer)];
const six = (b: Uint8Array<ArrayBuffer>): bigint[] =>
  Array.from({ length: b.length / 6 }, (_, i) => b.slice(6 * i, 6 * i + 6).reduceRight((sum, v) => (sum << 8n) | BigInt(v), 0n));
const narrow = (b: Uint8Array<ArrayBuffer>, n: number): bigint[] => [...new Uint32Array(b.slice(0, 4 * n).buffer)].map(BigInt);

/** after - before = sign (t - s) modulo 2^w, one sign for all words. */
function differ(before: bigint[], after: bigint[], s: bigint[], t: bigint[], w: number): boolean {
  const mod = (v: bigint): bigint => BigInt.asUintN(w, v);
  return [1n, -1n].some((sign) => before.every((v, i) => mod(after[i]! - v) === mod(sign * (t[i]! - s[i]!))));
}

/** The packed format, read bit by bit: tiles of 512 values, rounded up to 8; 16-bit words, a byte, then bit planes. */
export function unpack(bytes: Uint8Array<ArrayBuffer>, n: number, w: number): bigint[] {
  const out: bigint[] = [];
  let at = 0;
  for (let tile = 0; tile < n; tile += 512) {
    const m = Math.min(512, n - tile);
    const count = (m + 7) & ~7;
    const values = new Array<bigint>(count).fill(0n);
    let bit = 0;
    for (; bit + 16 <= w; bit += 16, at += 2 * count) {
      for (let i = 0; i < count; i++) values[i]! |= BigInt(bytes[at + 2 * i]! | (bytes[at + 2 * i + 1]! << 8)) << BigInt(bit);
    }
    if (bit + 8 <= w) {
      for (let i = 0; i < count; i++) values[i]! |= BigInt(bytes[at + i]!) << BigInt(bit);
      bit += 8;
      at += count;
    }
    for (; bit < w; bit++, at += count / 8) {
      for (let i = 0; i < count; i++) values[i]! |= BigInt((bytes[at + (i >> 3)]! >> (i & 7)) & 1) << BigInt(bit);
    }
    out.push(...values.slice(0, m));
  }
  return out;
}
