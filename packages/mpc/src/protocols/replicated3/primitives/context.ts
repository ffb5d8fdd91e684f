/** @file Context: one party in one run. Pieces, roles, messages, and the regions that a run owns. */
import { TacitError } from "@tacit/core/errors";
import type { Link } from "../../../transport/link.ts";
import type { Kernels } from "../kernels.ts";
import { PRIVATE, type ShareMemory } from "../memory.ts";
import { MAX_PIECES, type Streams, type Which } from "../streams.ts";
import { exactNoise, type NoiseSource } from "./noise.ts";
import type { Piece, Role, Shares } from "./values.ts";

export interface ContextOptions {
  readonly me: 0 | 1 | 2;
  /** Link to party j at [j]; undefined at [me]. */
  readonly links: readonly (Link | undefined)[];
  readonly kernels: Kernels;
  readonly memory: ShareMemory;
  readonly streams: Streams;
  /** The session's persisted run counter: part of every tag. Run and attempt are also in the keys of `streams`. */
  readonly run: number;
  /** ChaCha rounds, 20 (default) or 12: the same at all parties. */
  readonly prgRounds?: 20 | 12;
  /** Bits on which values are compared, 64 (default) or 32: what the session agreed on, the same at all parties. */
  readonly width?: 32 | 64;
  /** Where a party's own noise comes from: exact draws from the CSPRNG unless a test or a dry run says otherwise. */
  readonly noise?: NoiseSource;
}

/** Messages of one piece of one op; the lane of a tag is piece * 16 + message. */
const MESSAGES = 16;
/** Below this a tensor is one piece: three frames cost more than an even load gains. */
const ONE_PIECE = 3072;
/** Elements of a piece when there are many. Of 65,536, 120,000 and 350,000 this took least CPU (ReLU of 10^6: 9 pieces). */
const PIECE = 120_000;
/** Pieces begin at multiples of this many elements: whole tiles, whole blocks of bits. */
const UNIT = 512;

/** One party in one run of a Program. Not reusable: a new run, or a new attempt, makes a new Context with new keys. */
export class Context {
  readonly me: 0 | 1 | 2;
  readonly kernels: Kernels;
  readonly memory: ShareMemory;
  readonly streams: Streams;
  readonly run: number;
  /** Bits on which fixed-point values, and differences of two, are compared. */
  readonly width: 32 | 64;
  readonly noise: NoiseSource;
  readonly #links: readonly (Link | undefined)[];
  readonly #owned: Set<number> = new Set();
  readonly #comparisons: Map<number, 32 | 64> = new Map();
  #rounds = 0;

  constructor(options: ContextOptions) {
    this.me = options.me;
    this.kernels = options.kernels;
    this.memory = options.memory;
    this.streams = options.streams;
    this.run = options.run;
    this.width = options.width ?? 64;
    this.noise = options.noise ?? exactNoise;
    this.#links = options.links;
    this.kernels.setup(PRIVATE.scratch, options.prgRounds ?? 20);
  }

  /** Rounds so far at this party: the longest chain of messages that anything received ends. A run's rounds are the maximum over parties. */
  get rounds(): number {
    return this.#rounds;
  }

  /** Comparisons begun so far, by op id, and their bits. */
  get comparisons(): ReadonlyMap<number, 32 | 64> {
    return this.#comparisons;
  }
  compared(id: number, width: 32 | 64): void {
    this.#comparisons.set(id, width);
  }

  /** A zeroed region that belongs to this run until it is freed or kept. */
  alloc(bytes: number): number {
    const at = this.memory.alloc(bytes);
    this.#owned.add(at);
    return at;
  }

  /** Zeroises and frees. */
  release(...regions: readonly number[]): void {
    for (const at of regions) {
      this.#owned.delete(at);
      this.memory.free(at);
    }
  }

  /** The regions outlive the run (its outputs). */
  keep(...regions: readonly number[]): void {
    for (const at of regions) this.#owned.delete(at);
  }

  /** Zeroises and frees all that the run still owns. After a failure, first end the links: a late message must find no buffer. */
  destroy(): void {
    for (const at of this.#owned) this.memory.free(at);
    this.#owned.clear();
  }

  /** Begins the interactive op `id`; throws OP_REUSED when it began before in this run. */
  begin(id: number, op: string): Op {
    this.streams.begin(id, op);
    return new Op(this, id, op);
  }

  /** The link to party j. */
  link(j: number): Link {
    const link = this.#links[j];
    if (!link) throw new TacitError("MPC_LINK", `party ${this.me}: expected a link to party ${j}, got none`, {});
    return link;
  }

  /** Counts a message of this depth; returns the depth of what was made with it. */
  received(depth: number): number {
    this.#rounds = Math.max(this.#rounds, depth + 1);
    return depth + 1;
  }
}

/**
 * How n elements are cut for op `id` at party `me`: a function of sizes only. Roles rotate from piece to piece and from op to
 * op, so that the load is even.
 */
export function planPieces(n: number, me: number, id: number): Piece[] {
  const units = Math.ceil(n / UNIT);
  const many = Math.max(3, 3 * Math.round(n / (3 * PIECE)));
  const count = n < ONE_PIECE ? Math.min(1, n) : Math.min(many, MAX_PIECES);
  const pieces: Piece[] = [];
  for (let index = 0; index < count; index++) {
    const lo = Math.floor((units * index) / count) * UNIT;
    const hi = Math.min(n, Math.floor((units * (index + 1)) / count) * UNIT);
    pieces.push({ index, role: ((me + index + id) % 3) as Role, lo, n: hi - lo });
  }
  return pieces;
}

/** An interactive op under way. */
export class Op {
  readonly ctx: Context;
  readonly id: number;
  readonly name: string;

  constructor(ctx: Context, id: number, name: string) {
    this.ctx = ctx;
    this.id = id;
    this.name = name;
  }

  /** Runs every piece at once; resolves with the largest depth that a piece returns (at least `depth`). */
  async each(pieces: readonly Piece[], depth: number, run: (part: Part) => Promise<number> | number): Promise<number> {
    const depths = await Promise.all(pieces.map((piece) => run(new Part(this, piece))));
    return Math.max(depth, ...depths);
  }
}

/** One piece of an op at this party: its streams and its messages. */
export class Part {
  readonly ctx: Context;
  readonly kernels: Kernels;
  readonly role: Role;
  readonly lo: number;
  readonly n: number;
  readonly piece: Piece;
  readonly #op: Op;

  constructor(op: Op, piece: Piece) {
    this.ctx = op.ctx;
    this.kernels = op.ctx.kernels;
    this.role = piece.role;
    this.lo = piece.lo;
    this.n = piece.n;
    this.#op = op;
    this.piece = piece;
  }

  /** The roles before and after this one. */
  get previous(): Role {
    return ((this.role + 2) % 3) as Role;
  }
  get next(): Role {
    return ((this.role + 1) % 3) as Role;
  }

  /** This piece of a tensor of shares. */
  of(x: Shares): Shares {
    return { a: x.a + 8 * this.lo, b: x.b + 8 * this.lo, n: this.n, depth: x.depth };
  }

  /** ChaCha state under the key shared with the party of the role before (role - 1). */
  low(stream: number): number {
    return this.#state(0, stream);
  }
  /** ChaCha state under the key shared with the party of the next role (role + 1). */
  high(stream: number): number {
    return this.#state(1, stream);
  }
  /** ChaCha state under the key that all parties know. */
  common(stream: number): number {
    return this.ctx.streams.common(this.#op.id, this.piece.index, stream);
  }
  #state(which: Which, stream: number): number {
    return this.ctx.streams.state(which, this.#op.id, this.piece.index, stream);
  }

  /** Sends exactly `bytes` bytes, copied, to the party that plays `role`. */
  send(role: Role, message: number, depth: number, at: number, bytes: number): void {
    this.ctx.link(this.#party(role)).send(this.#tag(message), depth, this.ctx.memory.bytes(at, bytes));
  }
  /**
   * The same, before the message is needed: one that comes early then goes straight to its place, and needs no buffer of the
   * link. Where another failure comes first nobody looks at this one: its rejection counts as seen.
   */
  expect(role: Role, message: number, at: number, bytes: number): Promise<number> {
    const coming = this.receive(role, message, at, bytes);
    coming.catch(() => {});
    return coming;
  }
  /** Receives exactly `bytes` bytes; resolves with the depth of what is made with them. */
  async receive(role: Role, message: number, at: number, bytes: number): Promise<number> {
    const into = this.ctx.memory.bytes(at, bytes);
    return this.ctx.received(await this.ctx.link(this.#party(role)).receive(this.#tag(message), into));
  }

  #party(role: Role): number {
    return (this.ctx.me + 3 + role - this.role) % 3;
  }
  #tag(message: number): { run: number; op: number; lane: number } {
    return { run: this.ctx.run, op: this.#op.id, lane: this.piece.index * MESSAGES + message };
  }
}
