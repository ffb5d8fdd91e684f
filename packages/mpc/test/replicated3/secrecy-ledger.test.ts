/** @file Every message of every op is masked, once, by keystream that its receiver cannot derive; and every mutant of it is caught. */
import { beforeAll, describe, expect, it } from "vitest";
import * as r3 from "../../src/protocols/replicated3/primitives/index.ts";
import { type Case, component, type Label, Ledger, type Mutation, nameOf, OP, type Region } from "./secrecy-ledger.ts";

const N = 130;
const F = 16;
const BLOCKS = Math.ceil(N / 128);
const whole =
  (mode: Region["mode"]): Case["regions"] =>
  (_message, bytes) => [{ from: 0, to: bytes, mode }];

/** Truncation: z and w masked as 64-bit words, corrections of F + 1 bits. */
const truncation: Case["regions"] = (message, bytes, _op, n) => {
  if (message === 0) return [{ from: 0, to: bytes, mode: "add" }];
  if (message === 1) return [{ from: 0, to: bytes, mode: { packed: F + 1, n } }];
  return [
    { from: 0, to: 8 * n, mode: "add" },
    { from: 8 * n, to: bytes, mode: { packed: F + 1, n } },
  ];
};

/** Levels of the tree carry the planes of the tree, then those of the carry (one line each). */
const signsOn =
  (digits: number): Case["regions"] =>
  (message, bytes) => {
    const level = message - 2;
    if (level < 1) return [{ from: 0, to: bytes, mode: "xor" }];
    const tree = (2 * (digits >> level) - 1) * 16 * BLOCKS;
    const regions: Region[] = [{ from: 0, to: tree, mode: "xor" }];
    for (let from = tree; from < bytes; from += 16 * BLOCKS) regions.push({ from, to: from + 16 * BLOCKS, mode: "xor" });
    return regions;
  };
const signs = signsOn(16);

/** Bits for ops on bits, made by ids below the op's own. */
const bitsOf = async (ctx: r3.Context, x: r3.Shares): Promise<r3.SplitBits> => (await r3.signBits(ctx, 1, x)).bits;

const CASES: readonly Case[] = [
  { name: "reshare", n: N, regions: whole("add"), run: (c, x, y) => r3.reshare(c, OP, r3.mulRaw(c, x, y)) },
  { name: "truncate", n: N, regions: truncation, run: (c, x, y) => r3.truncate(c, OP, r3.mulRaw(c, x, y), F) },
  {
    name: "truncate in three pieces of several tiles",
    n: 3200,
    regions: piecewise(truncation),
    run: (c, x, y) => r3.truncate(c, OP, r3.mulRaw(c, x, y), F),
  },
  { name: "party noise", n: N, regions: whole("add"), run: (c) => r3.noiseShares(c, OP, N, 1000) },
  { name: "truncateShares", n: N, regions: truncation, run: (c, x) => r3.truncateShares(c, OP, x, F) },
  { name: "signBits with a carry of 11 digits", n: N, regions: signs, run: (c, x) => r3.signBits(c, OP, x, { carryBits: 44 }) },
  { name: "signBits with a carry of 7 digits", n: N, regions: signs, run: (c, x) => r3.signBits(c, OP, x, { carryBits: 28 }) },
  {
    name: "signBits on 32 bits with a carry of 5 digits",
    n: N,
    regions: signsOn(8),
    run: (c, x) => r3.signBits(c, OP, x, { carryBits: 20, width: 32 }),
  },
  {
    name: "signBits on 32 bits, of values far outside",
    n: N,
    regions: signsOn(8),
    run: (c, x) => r3.signBits(c, OP, r3.mulPublicInteger(c, x, 2n ** 40n + 1n), { width: 32 }),
  },
  { name: "inject", n: N, regions: whole("add"), run: async (c, x, y) => r3.inject(c, OP, await bitsOf(c, x), y) },
  { name: "bitsToArithmetic", n: N, regions: whole("add"), run: async (c, x) => r3.bitsToArithmetic(c, OP, await bitsOf(c, x)) },
  {
    name: "conjunction",
    n: N,
    regions: whole("xor"),
    run: async (c, x, y) => {
      const [a, b] = await Promise.all([r3.signBits(c, 1, x), r3.signBits(c, 4, y)]);
      return r3.conjunction(c, OP, [a.bits, b.bits, r3.notBits(c, a.bits)]);
    },
  },
  {
    name: "conjunction of seven bits, by groups",
    n: N,
    regions: whole("xor"),
    run: async (c, x) => {
      const bits = await bitsOf(c, x);
      return r3.conjunction(c, OP, new Array<r3.SplitBits>(7).fill(bits));
    },
  },
  {
    name: "truncateSigns",
    n: N,
    regions: (message, bytes, op, n) => (op === OP ? truncation : op === OP + 1 ? signs : whole("add"))(message, bytes, op, n),
    run: (c, x, y) => r3.truncateSigns(c, OP, r3.mulRaw(c, x, y), F, { threshold: 1n, injectSelf: true }),
  },
  {
    name: "truncateSigns on 32 bits",
    n: N,
    regions: (message, bytes, op, n) =>
      (op === OP ? truncation : op === OP + 1 ? signsOn(8) : whole("add"))(message, bytes, op, n),
    run: (c, x, y) => r3.truncateSigns(c, OP, r3.mulRaw(c, x, y), F, { threshold: 1n, injectSelf: true, width: 32 }),
  },
  {
    name: "relu (with its injection)",
    n: N,
    regions: (message, bytes, op, n) => (op === OP ? signs : whole("add"))(message, bytes, op, n),
    run: (c, x) => r3.relu(c, OP, x),
  },
  {
    name: "relu on 32 bits (with its injection)",
    n: N,
    regions: (message, bytes, op, n) => (op === OP ? signsOn(8) : whole("add"))(message, bytes, op, n),
    run: (c, x) => r3.relu(c, OP, x, 32),
  },
];

/** Regions of a piece: its size follows from the bytes of its message. */
function piecewise(regions: Case["regions"]): Case["regions"] {
  return (message, bytes, op) => {
    // Sizes in bytes per 8 elements: z 64, correction 17, deal 81.
    const per = [64, F + 1, 64 + F + 1][message]!;
    return regions(message, bytes, op, (bytes / per) * 8);
  };
}

let ledger: Ledger;
beforeAll(async () => {
  ledger = await Ledger.start();
});

describe("the mask ledger", () => {
  it.each(CASES)("finds every region of $name masked once, from its receiver", async (test) => {
    const { covered, objections } = await ledger.check(test);
    expect(objections).toEqual([]);
    expect(covered.length).toBeGreaterThan(0);
  });
});

interface Mutant {
  readonly name: string;
  readonly mutate: Mutation;
  /** Streams that the mutant draws in place of the target. */
  readonly instead: readonly Label[];
}

const same = (a: Label, b: Label): boolean => nameOf(a) === nameOf(b);

/** Mask left out; taken from another stream of the op; taken under the party's other key (the receiver may hold it). */
function mutants(target: Label, others: readonly Label[]): Mutant[] {
  const reused = others.find((l) => l.key === target.key && !same(l, target));
  const list: Mutant[] = [
    { name: "zeroed", mutate: (l) => (same(l, target) ? "zero" : l), instead: [] },
    {
      name: "from the wrong pair",
      mutate: (l, me) => (same(l, target) ? { ...l, key: l.key === me ? (me + 1) % 3 : me } : l),
      instead: [0, 1, 2].map((key) => ({ ...target, key })),
    },
  ];
  if (reused) list.push({ name: "reused", mutate: (l) => (same(l, target) ? reused : l), instead: [reused] });
  return list;
}

describe("every mutant of a mask", () => {
  const small = CASES.filter((c) => c.n === N && !c.name.startsWith("relu"));
  it.each(small)("of $name is caught: zeroed, reused, from the wrong pair", async (test) => {
    const { covered } = await ledger.check(test);
    const labels = [...new Map(covered.map((c) => [nameOf(c.by), c.by])).values()];
    let tried = 0;
    for (const target of labels) {
      for (const mutant of mutants(target, labels)) {
        const limits = component(covered, [target, ...mutant.instead]);
        const { objections } = await ledger.check(test, mutant.mutate, limits);
        // The draws alone would show some; what counts is that words are seen to be unmasked, or masked with another's mask.
        const masks = objections.filter((o) => /is not masked|what masks others/.test(o));
        expect(masks.length, `${mutant.name}: ${nameOf(target)}`).toBeGreaterThan(0);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(labels.length);
  });

  it.each(CASES.filter((c) => c.name.startsWith("signBits")))(
    "that swaps k_0 and k_1 in the zero-shares of a level is caught: $name",
    async (test) => {
      const levels = (l: Label): boolean => l.id === OP && l.stream > 16 && l.stream < 24 && l.key < 2;
      const { objections } = await ledger.check(test, (l) => (levels(l) ? { ...l, key: 1 - l.key } : l));
      expect(objections.some((o) => o.includes("not masked"))).toBe(true);
    },
  );
});
