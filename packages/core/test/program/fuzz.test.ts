/** @file Programs from strangers: mutated, random and hand-made hostile bytes are refused or valid; never a crash, a hang, a big allocation. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TacitError } from "../../src/errors.ts";
import { Program } from "../../src/program/program.ts";
import { CASES } from "../ops/cases.ts";
import { generator } from "../ops/harness.ts";
import { network, programOf } from "./harness.ts";

const RUNS = process.env.TACIT_LONG ? 1_000_000 : 10_000;
const SEEDS = [network().toBytes(), ...CASES.map((c) => programOf(c).toBytes())];

/** True when accepted: then the bytes are canonical. Throws only what no stranger should be able to cause. */
function accepts(bytes: Uint8Array): boolean {
  try {
    const p = Program.fromBytes(bytes);
    expect(Buffer.compare(p.toBytes(), bytes)).toBe(0);
    p.toString();
    return true;
  } catch (e) {
    if (!(e instanceof TacitError) || e.code !== "PROGRAM_INVALID") throw e;
    return false;
  }
}

/** Flips, sets, inserts, deletes and repeats some bytes. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  let out = [...bytes];
  const below = (n: number): number => Math.floor(random() * n);
  for (let k = 1 + below(3); k > 0; k--) {
    const at = below(out.length + 1);
    const kind = below(5);
    if (kind === 0 && at < out.length) out[at]! ^= 1 << below(8);
    else if (kind === 1 && at < out.length) out[at] = below(256);
    else if (kind === 2) out.splice(at, 0, below(256));
    else if (kind === 3) out.splice(at, 1 + below(4));
    else out = [...out.slice(0, at), ...out.slice(below(at + 1))];
  }
  return Uint8Array.from(out);
}

/** A CBOR head with an argument of 8 bytes. */
const head = (major: number, argument: bigint): number[] => [
  (major << 5) | 27,
  ...[7n, 6n, 5n, 4n, 3n, 2n, 1n, 0n].map((i) => Number((argument >> (8n * i)) & 255n)),
];

describe("Programs from strangers", () => {
  it(`are refused or valid under ${RUNS} mutations`, () => {
    const random = generator(20_26);
    let accepted = 0;
    for (let i = 0; i < RUNS; i++) if (accepts(mutate(SEEDS[i % SEEDS.length]!, random))) accepted++;
    // Some mutations only change a size or a literal: the fuzzer reaches behind the parser.
    expect(accepted).toBeGreaterThan(RUNS / 1000);
    expect(accepted).toBeLessThan(RUNS / 2);
  }, 600_000);

  it("are refused when they are random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => !accepts(bytes)),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["an array of 2^53 - 1 elements", head(4, 2n ** 53n - 1n)],
    ["an array of 2^64 - 1 elements", head(4, 2n ** 64n - 1n)],
    ["an array of 2^32 elements", head(4, 2n ** 32n)],
    ["text of 2^32 bytes", head(3, 2n ** 32n)],
    ["bytes of 2^40", head(2, 2n ** 40n)],
    ["a map of 2^40 pairs", head(5, 2n ** 40n)],
    ["a tag of a tag", [0xc1, 0xc1, 0xc1, 0x00]],
    ["a big integer by tag 2", [0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["an indefinite array", [0x9f, 0x9f, 0x9f]],
    ["a reserved length", [0x9c]],
    ["a float for an array", [0xfb, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["nothing", []],
  ])("do not make the loader allocate: %s", (_, bytes) => {
    const before = process.memoryUsage();
    expect(accepts(Uint8Array.from(bytes))).toBe(false);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(8e6);
  });

  it("do not overflow the stack with 16 million nested arrays", () => {
    const start = performance.now();
    expect(accepts(new Uint8Array(16 * 2 ** 20).fill(0x81))).toBe(false);
    expect(performance.now() - start).toBeLessThan(500);
  });

  it("are refused above 16 MiB without a look at them", () => {
    expect(accepts(new Uint8Array(16 * 2 ** 20 + 1))).toBe(false);
  });

  it("cost little when they are wide: an array of a million empty arrays in place of the inputs", () => {
    const wide = new Uint8Array(1_000_024).fill(0x80);
    wide.set([0x85, 0x6d, ...new TextEncoder().encode("tacit program"), 1, 0x9a, 0, 0x0f, 0x42, 0x40]);
    wide.set([0x80, 0x81, 0], 1_000_021);
    const start = performance.now();
    expect(accepts(wide)).toBe(false);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("are checked in time linear in their nodes: 100,000 of them load, one more does not", () => {
    const aval = { shape: [2], dtype: "f32" } as const;
    const chain = (n: number): Uint8Array =>
      new Program(
        [aval],
        Array.from({ length: n }, (_, i) => ({ op: "neg", attrs: [], args: [i], aval })),
        [n],
      ).toBytes();
    const start = performance.now();
    expect(accepts(chain(100_000))).toBe(true);
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(accepts(chain(100_001))).toBe(false);
  });

  it("cannot ask for more elements in all than the limit, by many values of legal size", () => {
    const aval = { shape: [2 ** 30], dtype: "f32" } as const;
    const many = new Program(
      [aval],
      Array.from({ length: 100 }, (_, i) => ({ op: "neg", attrs: [], args: [i], aval })),
      [100],
    );
    expect(accepts(many.toBytes())).toBe(false);
  });

  it("are refused when empty values have rows without end, for a loop over them would not end either", () => {
    const far = 2 ** 31 - 1;
    const hostile = (shape: number[]): Program =>
      new Program([{ shape, dtype: "f32" }], [{ op: "cumsum", attrs: [2], args: [0], aval: { shape, dtype: "f32" } }], [1]);
    const message = expect.stringContaining("at most 2147483648 elements");
    expect(() => Program.fromBytes(hostile([far, far, 5, 0]).toBytes())).toThrow(
      expect.objectContaining({ code: "PROGRAM_INVALID", message }),
    );
    expect(Program.fromBytes(hostile([3, 4, 5, 0]).toBytes()).nodes.length).toBe(1);
  });
});
