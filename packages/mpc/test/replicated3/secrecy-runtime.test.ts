/** @file The runtime keeps no stale byte, sends no live buffer, and draws no keystream twice: across ops, runs and retries. */
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { loadKernels } from "../../src/protocols/replicated3/kernels.ts";
import { ARENA, Memory, PRIVATE } from "../../src/protocols/replicated3/memory.ts";
import * as r3 from "../../src/protocols/replicated3/primitives/index.ts";
import { KeyStreams, type Streams } from "../../src/protocols/replicated3/streams.ts";
import { Harness, INDICES, type Index, randomIntegers, randomWords } from "./primitives/harness.ts";

const n = 1300;

/** Several ops at once, with ids of their own. */
async function busy(h: Harness, x: readonly r3.Shares[], first: number): Promise<void> {
  await h.run((ctx, me) => {
    const mine = x[me]!;
    return Promise.all([
      r3.relu(ctx, first, mine),
      r3.relu(ctx, first + 8, mine),
      r3.truncate(ctx, first + 16, r3.mulRaw(ctx, mine, mine), 16),
      r3.truncateShares(ctx, first + 24, mine, 16),
      r3.reshare(ctx, first + 32, r3.mulRaw(ctx, mine, mine)),
      r3.signBits(ctx, first + 40, mine, { carryBits: 20, carryIntegers: true, integers: true }),
      r3.open(ctx, first + 48, mine),
    ]);
  });
}

describe("memory", () => {
  it("is zero when allocated, also where secrets lay, and behind the end of a value", async () => {
    const memory = new Memory(2 ** 22);
    const regions = [100, 64, 1, 5000].map((size) => memory.alloc(size));
    for (const at of regions) memory.bytes(at, 64).fill(0xaa);
    for (const at of regions.toReversed()) memory.free(at);
    expect(memory.used).toBe(0);
    const all = memory.alloc(2 ** 21);
    expect(memory.bytes(all, 2 ** 21).every((b) => b === 0)).toBe(true);
    expect(() => memory.alloc(2 ** 23)).toThrow(/memory: expected 8388608 free bytes/);
    expect(() => memory.free(all + 64)).toThrow(/live region/);
  });

  it("lets no view reach keys and keystream", () => {
    const memory = new Memory(2 ** 20);
    for (const at of [0, PRIVATE.states, PRIVATE.scratch, ARENA - 1]) expect(() => memory.bytes(at, 8)).toThrow(/arena/);
  });

  it("merges freed neighbours, so that any order of frees leaves one range", () => {
    const memory = new Memory(2 ** 20);
    for (const order of [
      [0, 1, 2, 3],
      [3, 1, 0, 2],
      [2, 0, 3, 1],
    ]) {
      const regions = [1000, 2000, 3000, 4000].map((size) => memory.alloc(size));
      for (const i of order) memory.free(regions[i]!);
      const whole = memory.alloc(2 ** 20 - 2 ** 16);
      memory.free(whole);
    }
    expect(memory.peak).toBeGreaterThanOrEqual(2 ** 20 - 2 ** 16);
  });

  it("sends no canary of freed values, no key, and pads values with zeros", async () => {
    const h = await Harness.start();
    const canary = new Uint8Array([0xca, 0x4a, 0x12, 0x77, 0xfe, 0x31, 0x9b, 0x05]);
    for (const { memory } of h.parties) {
      const at = memory.alloc(2 ** 23);
      const bytes = memory.bytes(at, 2 ** 23);
      for (let i = 0; i < bytes.length; i += 8) bytes.set(canary, i);
      memory.free(at);
    }
    const x = h.share(randomIntegers(n, 40));
    await busy(h, x, 0);
    const needles = [canary, ...h.keys.flatMap((k) => [0, 8, 16, 24].map((i) => k.subarray(i, i + 8)))].map((b) =>
      Buffer.from(b),
    );
    for (const f of h.frames) {
      const haystack = Buffer.from(f.bytes);
      for (const needle of needles) expect(haystack.includes(needle)).toBe(false);
    }
    const y = await h.run(async (ctx, me) => (await r3.relu(ctx, 1000, x[me]!)).y);
    for (const me of INDICES) {
      for (const at of [y[me]!.a, y[me]!.b]) {
        const padding = h.parties[me]!.memory.bytes(at + 8 * n, -(8 * n) & 63);
        expect(padding.every((b) => b === 0)).toBe(true);
      }
    }
  });

  it("opens exactly the words of a value", async () => {
    const h = await Harness.start();
    const x = h.share(randomWords(n));
    await h.run((ctx, me) => r3.open(ctx, 1, x[me]!));
    expect(h.frames.map((f) => f.bytes.length)).toEqual([8 * n, 8 * n, 8 * n]);
  });

  it("holds nothing after zeroise, and everything of a run is gone after destroy", async () => {
    const h = await Harness.start();
    const x = h.share(randomIntegers(n, 40));
    await busy(h, x, 0);
    for (const { ctx, memory } of h.parties) {
      ctx.destroy();
      expect(memory.used).toBe(0);
      memory.zeroise();
      expect(memory.bytes(ARENA, 2 ** 22).every((b) => b === 0)).toBe(true);
    }
  });
});

describe("messages", () => {
  it("are what was there at send(), though ops overwrite and free their buffers at once", async () => {
    const h = await Harness.start({ delay: 3 });
    const X = randomIntegers(n, 30);
    const x = h.share(X);
    const y = await h.run((ctx, me) => r3.truncate(ctx, 1, r3.mulRaw(ctx, x[me]!, x[me]!), 0));
    expect(h.reveal(y)).toEqual(X.map((v) => v * v));
  });
});

/** Streams that record (key, nonce) across runs. */
function recording(log: Map<string, number>): (inner: Streams, me: Index) => Streams {
  return (inner, me) => {
    const note = (key: string): void => void log.set(`${me} ${key}`, (log.get(`${me} ${key}`) ?? 0) + 1);
    return {
      begin: (id, op) => inner.begin(id, op),
      state: (which, id, piece, stream) => {
        note(`${current} k${(me + which) % 3} ${id} ${piece} ${stream}`);
        return inner.state(which, id, piece, stream);
      },
      common: (id, piece, stream) => inner.common(id, piece, stream),
    };
  };
}
/** Name of the keys in use. */
let current = "";

const runKeys = (run: number, attempt: number): Uint8Array[] =>
  INDICES.map((i) => new Uint8Array(createHmac("sha256", `pair ${i}`).update(`${run}/${attempt}`).digest()));

async function runs(h: Harness, at: readonly (readonly [run: number, attempt: number])[]): Promise<void> {
  for (const [run, attempt] of at) {
    const keys = runKeys(run, attempt);
    current = Buffer.from(keys[0]!).toString("hex");
    h.newRun(run, keys);
    const x = h.share(randomIntegers(n, 40));
    await busy(h, x, 0);
    for (const { ctx } of h.parties) ctx.destroy();
  }
}

describe("keystream", () => {
  it("is drawn once per holder over concurrent ops, a retry and a resumed run", async () => {
    const log = new Map<string, number>();
    const h = await Harness.start({ wrapStreams: recording(log) });
    await runs(h, [
      [1, 1],
      [1, 2],
      [2, 2],
      [3, 3],
    ]);
    expect(log.size).toBeGreaterThan(500);
    expect([...log.values()].every((count) => count === 1)).toBe(true);
  });

  it("is drawn twice when a run counter is reset or a retry keeps its attempt: the same log sees it", async () => {
    const log = new Map<string, number>();
    const h = await Harness.start({ wrapStreams: recording(log) });
    await runs(h, [
      [1, 1],
      [1, 1],
    ]);
    expect([...log.values()].every((count) => count === 2)).toBe(true);
  });

  it("is refused a second time: an op id read late, by two ops, throws at the second", async () => {
    const h = await Harness.start();
    const x = h.share(randomIntegers(n, 40));
    let counter = 0;
    const late = async (ctx: r3.Context, me: Index): Promise<unknown> => {
      const one = async (): Promise<unknown> => {
        counter = 1;
        await Promise.resolve();
        return r3.relu(ctx, counter, x[me]!);
      };
      return Promise.all([one(), one()]);
    };
    await expect(h.run(late)).rejects.toMatchObject({ code: "OP_REUSED" });
  });

  it("is refused by stream, and for ids and pieces that would not fit the nonce", () => {
    const memory = new Memory(2 ** 20);
    const key = new Uint8Array(32);
    const streams = new KeyStreams(memory, { low: key, high: key, common: key });
    streams.state(0, 7, 0, 1);
    streams.state(1, 7, 0, 1);
    streams.common(7, 0, 1);
    expect(() => streams.state(0, 7, 0, 1)).toThrow(expect.objectContaining({ code: "STREAM_REUSED" }));
    expect(() => streams.state(0, 7, 4096, 1)).toThrow(expect.objectContaining({ code: "OP_ID" }));
    expect(() => streams.begin(2 ** 32, "relu")).toThrow(expect.objectContaining({ code: "OP_ID" }));
    expect(() => new KeyStreams(memory, { low: key.subarray(1), high: key, common: key })).toThrow(/32 bytes/);
  });

  it("ends before the block counter wraps: the kernel traps", async () => {
    const memory = new Memory(2 ** 20);
    const kernels = await loadKernels(memory.wasm);
    kernels.setup(PRIVATE.scratch, 20);
    const at = memory.alloc(1024);
    const state = new Uint32Array(16);
    state[12] = 0xffffffff - 3;
    memory.writePrivate(PRIVATE.states, state);
    kernels.keystream(PRIVATE.states, at, 64);
    expect(() => kernels.keystream(PRIVATE.states, at, 512)).toThrow(WebAssembly.RuntimeError);
  });

  it("is ChaCha20 under (key, op, piece, stream), as an independent implementation computes it", async () => {
    const memory = new Memory(2 ** 20);
    const kernels = await loadKernels(memory.wasm);
    kernels.setup(PRIVATE.scratch, 20);
    const key = crypto.getRandomValues(new Uint8Array(32));
    const streams = new KeyStreams(memory, { low: key, high: key, common: key });
    const at = memory.alloc(1000);
    kernels.keystream(streams.state(0, 0xdeadbeef, 3, 17), at, 1000);
    // OpenSSL's IV: 4 bytes of counter, then the nonce, little endian.
    const iv = Buffer.alloc(16);
    iv.writeUInt32LE(0xdeadbeef, 4);
    iv.writeUInt32LE(3, 8);
    iv.writeUInt32LE(17, 12);
    const { createCipheriv } = await import("node:crypto");
    const want = createCipheriv("chacha20", key, iv).update(Buffer.alloc(1000));
    expect(Buffer.compare(Buffer.from(memory.bytes(at, 1000)), want)).toBe(0);
  });
});

describe("a lost party", () => {
  it("ends every pending op with an error that names it", async () => {
    const h = await Harness.start({ delay: 20 });
    const x = h.share(randomIntegers(n, 40));
    const run = h.run((ctx, me) => r3.relu(ctx, 77, x[me]!));
    setTimeout(() => h.closeLinks(), 30);
    await expect(run).rejects.toMatchObject({ code: "MPC_PARTY_LOST", message: expect.stringMatching(/party \d.*op 7[78]/) });
  });
});
