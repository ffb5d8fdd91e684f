/** @file The dry run: the parties' own code with kernels that do nothing and links that carry only sizes and depths. Gives the exact cost. */
import { TacitError } from "@tacit/core/errors";
import { HEADER_BYTES, type Link, type LinkCounters, type Tag } from "../../transport/link.ts";
import type { Cost } from "../protocol.ts";
import { loadDryKernels } from "./kernels.ts";
import { DryMemory } from "./memory.ts";
import { Context } from "./primitives/context.ts";
import type { Width } from "./primitives/index.ts";
import { KeyStreams } from "./streams.ts";

interface Size {
  readonly depth: number;
  readonly bytes: number;
}

/** What a dry run finds: the cost, and every comparison by op id with its bits. */
export type DryCost = Omit<Cost, "comparisons"> & { readonly widths: ReadonlyMap<number, Width> };

/** A link that carries lengths. Tags are compared exactly, as on a real one. */
class DryLink implements Link {
  readonly counters: LinkCounters = { bytesSent: 0, framesSent: 0 };
  readonly #arrived: Map<string, Size> = new Map();
  readonly #waiting: Map<string, (size: Size) => void> = new Map();
  peer: DryLink | undefined;

  send(tag: Tag, depth: number, bytes: Uint8Array): void {
    this.counters.bytesSent += bytes.byteLength + HEADER_BYTES;
    this.counters.framesSent++;
    this.peer?.deliver(`${tag.op}.${tag.lane}`, { depth, bytes: bytes.byteLength });
  }

  async receive(tag: Tag, into: Uint8Array): Promise<number> {
    const key = `${tag.op}.${tag.lane}`;
    const size = this.#arrived.get(key) ?? (await new Promise<Size>((resolve) => this.#waiting.set(key, resolve)));
    this.#arrived.delete(key);
    if (size.bytes !== into.byteLength) {
      throw new TacitError(
        "MPC_FRAME_INVALID",
        `dry run: expected ${into.byteLength} bytes at op ${tag.op}, got ${size.bytes}`,
        {},
      );
    }
    return size.depth;
  }

  deliver(key: string, size: Size): void {
    const waiting = this.#waiting.get(key);
    if (!waiting) this.#arrived.set(key, size);
    else {
      this.#waiting.delete(key);
      waiting(size);
    }
  }
}

function dryLinks(): (DryLink | undefined)[][] {
  const links = [0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? undefined : new DryLink())));
  for (const [i, row] of links.entries()) {
    for (const [j, link] of row.entries()) if (link) link.peer = links[j]![i]!;
  }
  return links;
}

/**
 * Runs `program` for the three parties without data and returns what a run costs: rounds, bytes and frames exactly (message sizes
 * depend on shapes only), and the peak of share memory when every message arrives at once.
 */
export async function dryRun(
  program: (ctx: Context) => Promise<unknown>,
  options: { readonly memoryLimit?: number; readonly width?: Width } = {},
): Promise<DryCost> {
  const kernels = await loadDryKernels();
  const links = dryLinks();
  const key = new Uint8Array(32);
  const parties = ([0, 1, 2] as const).map((me) => {
    const memory = new DryMemory(options.memoryLimit ?? 2 ** 32 - 2 ** 20);
    const streams = new KeyStreams(memory, { low: key, high: key, common: key });
    const width = options.width ?? 64;
    const noise = () => (): number => 0;
    return { memory, ctx: new Context({ me, links: links[me]!, kernels, memory, streams, run: 0, width, noise }) };
  });
  await Promise.all(parties.map(({ ctx }) => program(ctx)));
  const sent = (me: number, what: keyof LinkCounters): number =>
    links[me]!.reduce((sum, link) => sum + (link?.counters[what] ?? 0), 0);
  return {
    rounds: Math.max(...parties.map(({ ctx }) => ctx.rounds)),
    bytesPerParty: [0, 1, 2].map((me) => sent(me, "bytesSent")),
    framesPerParty: [0, 1, 2].map((me) => sent(me, "framesSent")),
    peakMemory: Math.max(...parties.map(({ memory }) => memory.peak)),
    widths: parties[0]!.ctx.comparisons,
  };
}
