/** @file Three parties in this process, for tests of the primitives: shares made and put together, streams and frames observable. */
import { randomBytes } from "node:crypto";
import { type Kernels, loadKernels } from "../../../src/protocols/replicated3/kernels.ts";
import { Memory } from "../../../src/protocols/replicated3/memory.ts";
import {
  Context,
  free,
  type NoiseSource,
  type Shares,
  type SplitBits,
} from "../../../src/protocols/replicated3/primitives/index.ts";
import { KeyStreams, type StreamKeys, type Streams } from "../../../src/protocols/replicated3/streams.ts";
import { type Frame, type MemoryLinkOptions, memoryLinks } from "../../../src/transport/memory-link.ts";

export type Index = 0 | 1 | 2;
export const INDICES: readonly Index[] = [0, 1, 2];

export interface HarnessOptions extends MemoryLinkOptions {
  readonly memoryLimit?: number;
  readonly prgRounds?: 20 | 12;
  /** Bits of a session's comparisons; 64 by default. */
  readonly width?: 32 | 64;
  /** Keys k_0, k_1, k_2; fresh random ones by default. */
  readonly keys?: readonly Uint8Array[];
  /** Wraps the streams of a party: the tests' only way to see or corrupt masks. Production code has no such door. */
  readonly wrapStreams?: (streams: Streams, me: Index) => Streams;
  /** Shows a party's memory as soon as it is made. */
  readonly onMemory?: (memory: Memory, me: Index) => void;
  /** Wraps the kernels of a party. */
  readonly wrapKernels?: (kernels: Kernels, me: Index) => Kernels;
  /** A party's own noise, instead of exact draws. */
  readonly noise?: (me: Index) => NoiseSource;
}

export interface TestParty {
  readonly me: Index;
  readonly memory: Memory;
  readonly kernels: Kernels;
  ctx: Context;
}

export class Harness {
  readonly parties: readonly TestParty[];
  readonly keys: readonly Uint8Array[];
  readonly frames: Frame[] = [];
  readonly #options: HarnessOptions;
  #links: ReturnType<typeof memoryLinks>;

  private constructor(parties: TestParty[], keys: readonly Uint8Array[], options: HarnessOptions) {
    this.parties = parties;
    this.keys = keys;
    this.#options = options;
    this.#links = this.#connect();
    this.newRun(0);
  }

  static async start(options: HarnessOptions = {}): Promise<Harness> {
    const keys = options.keys ?? INDICES.map(() => new Uint8Array(randomBytes(32)));
    const parties = await Promise.all(
      INDICES.map(async (me) => {
        const memory = new Memory(options.memoryLimit ?? 2 ** 28);
        options.onMemory?.(memory, me);
        const plain = await loadKernels(memory.wasm);
        const kernels = options.wrapKernels?.(plain, me) ?? plain;
        return { me, memory, kernels } as TestParty;
      }),
    );
    return new Harness(parties, keys, options);
  }

  #connect(): ReturnType<typeof memoryLinks> {
    const record = (frame: Frame): void => {
      this.frames.push(frame);
      this.#options.record?.(frame);
    };
    return memoryLinks(3, { ...this.#options, record });
  }

  /** New contexts (a new run or attempt); keys stay unless given. */
  newRun(run: number, keys: readonly Uint8Array[] = this.keys): void {
    this.#links = this.#connect();
    for (const party of this.parties) {
      const { me, memory, kernels } = party;
      const own: StreamKeys = { low: keys[me]!, high: keys[(me + 1) % 3]!, common: new Uint8Array(32).fill(run + 1) };
      const plain = new KeyStreams(memory, own);
      const streams = this.#options.wrapStreams?.(plain, me) ?? plain;
      const prgRounds = this.#options.prgRounds ?? 20;
      party.ctx = new Context({
        me,
        links: this.#links.links[me]!,
        kernels,
        memory,
        streams,
        run,
        prgRounds,
        width: this.#options.width ?? 64,
        ...(this.#options.noise ? { noise: this.#options.noise(me) } : {}),
      });
    }
  }

  closeLinks(): void {
    this.#links.close();
  }

  /** Runs the same code at the three parties, each with its own shares. */
  run<T>(code: (ctx: Context, me: Index) => Promise<T> | T): Promise<T[]> {
    return Promise.all(this.parties.map(async (p) => code(p.ctx, p.me)));
  }

  /** Random replicated shares of ring integers, at [party]. */
  share(values: BigInt64Array): Shares[] {
    return this.shareComponents(splitRandomly(values));
  }

  /** Shares with the given components x_0, x_1, x_2. */
  shareComponents(components: readonly BigInt64Array[]): Shares[] {
    const n = components[0]!.length;
    return this.parties.map(({ me, ctx, memory }) => {
      const [a, b] = [ctx.alloc(8 * n), ctx.alloc(8 * n)];
      memory.write(a, components[me]!);
      memory.write(b, components[(me + 1) % 3]!);
      return { a, b, n, depth: 0 };
    });
  }

  /** Frees values at every party. */
  async free(...all: readonly (readonly (Shares | SplitBits)[])[]): Promise<void> {
    for (const x of all) await this.run((ctx, me) => free(ctx, x[me]!));
  }

  words(me: Index, at: number, n: number): BigInt64Array {
    return new BigInt64Array(this.parties[me]!.memory.bytes(at, 8 * n).slice().buffer);
  }

  /** x_0 + x_1 + x_2, after checking that both holders of each component hold the same. */
  reveal(x: readonly Shares[]): BigInt64Array {
    const n = x[0]!.n;
    const out = new BigInt64Array(n);
    for (const me of INDICES) {
      const mine = this.words(me, x[me]!.a, n);
      const theirs = this.words(((me + 2) % 3) as Index, x[(me + 2) % 3]!.b, n);
      for (let i = 0; i < n; i++) {
        if (mine[i] !== theirs[i]) throw new Error(`component ${me} differs at element ${i}`);
        out[i]! += mine[i]!;
      }
    }
    return out;
  }

  get rounds(): number {
    return Math.max(...this.parties.map(({ ctx }) => ctx.rounds));
  }
  bytesSent(): number[] {
    return this.#links.links.map((row) => row.reduce((s, link) => s + (link?.counters.bytesSent ?? 0), 0));
  }
  framesSent(): number[] {
    return this.#links.links.map((row) => row.reduce((s, link) => s + (link?.counters.framesSent ?? 0), 0));
  }
}

export function randomWords(n: number): BigInt64Array {
  const out = new BigInt64Array(n);
  const bytes = new Uint8Array(out.buffer);
  for (let i = 0; i < bytes.length; i += 65536) crypto.getRandomValues(bytes.subarray(i, i + 65536));
  return out;
}

/** Random integers with `bits` bits, sign included. */
export function randomIntegers(n: number, bits: number): BigInt64Array {
  const shift = BigInt(64 - bits);
  return randomWords(n).map((v) => v >> shift);
}

export function splitRandomly(values: BigInt64Array): BigInt64Array[] {
  const x0 = randomWords(values.length);
  const x1 = randomWords(values.length);
  return [x0, x1, values.map((v, i) => v - x0[i]! - x1[i]!)];
}
