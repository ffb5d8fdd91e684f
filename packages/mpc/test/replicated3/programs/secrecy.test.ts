/** @file Messages of the functions, and of whole training steps, under the mask ledger: each masked once, by what its receiver lacks; mutants caught. */
import { Expr, ops, type Program, sizeOf, trace } from "@tacit/core/program";
import { beforeAll, describe, expect, it } from "vitest";
import { expRange, expWindow } from "../../../src/protocols/replicated3/functions/exp.ts";
import { maximum } from "../../../src/protocols/replicated3/functions/maximum.ts";
import { exchangeRows } from "../../../src/protocols/replicated3/functions/sort.ts";
import { truncateWide } from "../../../src/protocols/replicated3/functions/truncate-wide.ts";
import { makePlan } from "../../../src/protocols/replicated3/lower/plan.ts";
import { Run } from "../../../src/protocols/replicated3/lower/run.ts";
import * as r3 from "../../../src/protocols/replicated3/primitives/index.ts";
import type { Streams } from "../../../src/protocols/replicated3/streams.ts";
import type { Frame } from "../../../src/transport/memory-link.ts";
import { Harness } from "../primitives/harness.ts";
import { type Case, type Draw, drawObjections, type Label, Ledger, nameOf, OP, type Region } from "../secrecy-ledger.ts";
import { SECRET } from "./parties.ts";

const N = 130;
const F = 16;

function words(bytes: number): readonly Region[] {
  return [{ from: 0, to: bytes, mode: "add" }];
}

/** Messages of the wide truncation: z, corrections of 6 bytes, words with corrections. */
function wide(message: number, bytes: number): readonly Region[] {
  if (message === 0) return words(bytes);
  const from = message === 2 ? (8 * bytes) / 14 : 0;
  return [...(from > 0 ? words(from) : []), { from, to: bytes, mode: "add48" }];
}

/** Messages of the narrow one, given the sizes of corrections and of words with corrections: both follow from n and the shift. */
function narrow(message: number, bytes: number, correction: number, deal: number): readonly Region[] {
  if (message === 0) return words(bytes);
  const n = (deal - correction) / 8;
  const mode = { packed: correction / Math.ceil(n / 8), n };
  return message === 1 ? [{ from: 0, to: bytes, mode }] : [...words(8 * n), { from: 8 * n, to: bytes, mode }];
}

/** Tree planes, then the carry's lines; `blocks` from the pairs of a level. */
function signs(message: number, bytes: number, blocks = 2, digits = 16): readonly Region[] {
  const level = message - 2;
  if (level < 1) return [{ from: 0, to: bytes, mode: "xor" }];
  const tree = (2 * (digits >> level) - 1) * 16 * blocks;
  const regions: Region[] = [{ from: 0, to: tree, mode: "xor" }];
  for (let from = tree; from < bytes; from += 16 * blocks) regions.push({ from, to: from + 16 * blocks, mode: "xor" });
  return regions;
}

const product = (c: r3.Context, x: r3.Shares, y: r3.Shares): r3.Raw => r3.mulRaw(c, x, y);
const CASES: readonly Case[] = [
  {
    name: "truncateWide",
    n: N,
    regions: (message, bytes) => wide(message, bytes),
    run: (c, x, y) => truncateWide(c, OP, product(c, x, y), 40),
  },
  {
    name: "exp on its window",
    n: N,
    regions: (message, bytes, op) => (op === OP ? signs(message, bytes) : words(bytes)),
    run: (c, x) => expWindow(c, OP, x, F),
  },
  {
    name: "exp on both windows",
    n: N,
    regions: (message, bytes, op) => (op < OP + 6 ? signs(message, bytes) : words(bytes)),
    run: (c, x) => expRange(c, OP, x, F),
  },
  {
    name: "maximum of three classes",
    n: 384,
    regions: (message, bytes, op) =>
      op === OP ? signs(message, bytes, 3) : op === OP + 8 ? words(bytes) : [{ from: 0, to: bytes, mode: "xor" }],
    run: (c, x) => maximum(c, OP, x, 3),
  },
  {
    name: "a merge exchange of three rows",
    n: 3,
    regions: (message, bytes, op) => ((op - OP) % 3 === 0 ? signs(message, bytes, 1) : words(bytes)),
    run: async (c, x) => (await exchangeRows(c, OP, r3.copy(c, x), 3, true)).values,
  },
];

let ledger: Ledger;
beforeAll(async () => {
  ledger = await Ledger.start();
});

describe("the ledger of the functions", () => {
  it.each(CASES)("$name: every region is masked, once", async (test) => {
    const { objections, covered } = await ledger.check(test);
    expect(objections).toEqual([]);
    expect(covered.length).toBeGreaterThan(0);
  });

  it.each(CASES.slice(0, 2))("$name: a mask left out, or used again, is caught", async (test) => {
    const { covered } = await ledger.check(test);
    const labels = [...new Map(covered.map((c) => [nameOf(c.by), c.by])).values()];
    const same = (a: Label, b: Label): boolean => nameOf(a) === nameOf(b);
    for (const target of labels.filter((l) => test.name === "truncateWide" || l.id > OP)) {
      const zeroed = await ledger.check(test, (l) => (same(l, target) ? "zero" : l));
      expect(zeroed.objections.length, nameOf(target)).toBeGreaterThan(0);
      const other = labels.find((l) => l.key === target.key && !same(l, target))!;
      const reused = await ledger.check(test, (l) => (same(l, target) ? other : l));
      expect(reused.objections.length, nameOf(target)).toBeGreaterThan(0);
    }
  });
});

/** A training step of a small MLP and a pool, with every kind of layer that a benchmark has. */
function step(): Program {
  const leaf = (...shape: number[]): Expr => Expr.placeholder({ shape, dtype: "f32" });
  const [x, k, w, b, t, m] = [leaf(3, 1, 6, 6), leaf(2, 1, 3, 3), leaf(3, 8), leaf(3), leaf(3, 3), leaf(3, 8)];
  const window = [2, 2, 2, 2, 0, 0];
  const conv = [1, 1, 0, 0, 1, 1, 1];
  // Node 0 has no message: the ledger's ids begin at 64.
  const image = ops.neg(x);
  const r = ops.relu(ops.conv2d(image, k, conv));
  const pooled = ops.maxPool2d(r, window);
  const flat = ops.reshape(pooled, [3, 8]);
  const z = ops.relu(ops.add(ops.matmul(flat, w, false, true), b));
  const each = ops.full([3], "f32", 1 / 3);
  const g = ops.reluGrad(ops.softmaxCrossEntropyGrad(z, t, each), z);
  // A mean of squares: its factor is applied in two parts.
  const decay = ops.mul(ops.sum(ops.mul(m, m), [0, 1]), ops.lit(m, 1 / 24));
  const loss = ops.add(ops.mul(ops.sum(ops.softmaxCrossEntropy(z, t), [0]), ops.lit(z, 1 / 3)), decay);
  const dw = ops.matmul(g, flat, true, false);
  const momentum = ops.add(ops.mul(m, ops.lit(m, 0.9)), dw);
  const back = ops.reshape(ops.matmul(g, w), [3, 2, 2, 2]);
  const dr = ops.reluGrad(ops.maxPool2dGrad(back, r, pooled, window), r);
  const dk = ops.conv2dGradWeight(image, dr, [...conv, 3, 3]);
  const lr = ops.lit(w, 0.1);
  const next = (p: Expr, d: Expr): Expr => ops.sub(p, ops.mul(d, lr));
  const { program } = trace([loss, next(k, dk), momentum, next(w, momentum), next(b, ops.sum(g, [0]))], [x, k, w, b, t, m]);
  return program;
}

/** Sorting by rank, a table's rows at secret places, and what goes back to them. */
function order(): Program {
  const x = Expr.placeholder({ shape: [2, 3], dtype: "f32" });
  const moved = ops.neg(x);
  const at = ops.argsort(moved, 1, true);
  const first = ops.reshape(ops.slice(at, [0, 0], [2, 1]), [2]);
  const chosen = ops.indexSelect(moved, first, 1);
  const back = ops.scatterAdd(moved, at, ops.gather(moved, at, 1), 1);
  return trace([chosen, back], [x]).program;
}

/** A private sum of clipped rows: each row's factor, its check, and noise of all parties. */
function release(): Program {
  const x = Expr.placeholder({ shape: [3, 2], dtype: "f32" });
  return trace([ops.partyNoise(ops.clippedSum(ops.neg(x), [1, 0]), [1, 4])], [x]).program;
}
const PROGRAMS = { step, order, release } as const;

/** A run of the step on ring integers, streams and names of ops observed. */
async function observed(
  program: Program,
  width: 32 | 64,
): Promise<{ draws: Draw[]; names: Map<number, string>; frames: readonly Frame[] }> {
  const plan = makePlan(
    program,
    program.inputs.map(() => SECRET),
  );
  const draws: Draw[] = [];
  const names = new Map<number, string>();
  const harness = await Harness.start({
    memoryLimit: 2 ** 26,
    width,
    wrapStreams: (inner, me): Streams => ({
      begin: (id, op) => {
        names.set(id, op);
        inner.begin(id, op);
      },
      state: (which, id, piece, stream) => {
        draws.push({ me, label: { key: (me + which) % 3, id, piece, stream } });
        return inner.state(which, id, piece, stream);
      },
      common: (id, piece, stream) => {
        draws.push({ me, label: { key: 3, id, piece, stream } });
        return inner.common(id, piece, stream);
      },
    }),
  });
  const ramp = (n: number): BigInt64Array => new BigInt64Array(n).map((_, i) => BigInt(i * 7919) % 65536n);
  const inputs = program.inputs.map((aval) => harness.share(ramp(sizeOf(aval.shape))));
  await harness.run((ctx, me) => new Run(ctx, plan, { fractionBits: F }).execute(inputs.map((x) => x[me]!)));
  return { draws, names, frames: harness.frames };
}

/** How every message of a run is made up, by its op's name and the sizes of the op's other messages. */
function formats(names: ReadonlyMap<number, string>, frames: readonly Frame[]): Case["regions"] {
  const sizes = new Map(frames.map((f) => [`${f.tag.op}.${f.tag.lane & 15}`, f.bytes.length]));
  const size = (op: number, message: number): number => sizes.get(`${op}.${message}`) ?? 0;
  return (message, bytes, op) => {
    const name = names.get(op);
    if (name === "truncateWide") return wide(message, bytes);
    if (name === "truncate" || name === "truncateShares") return narrow(message, bytes, size(op, 1), size(op, 2));
    if (name === "signBits") {
      // A comparison on 32 bits has one level less: no message 6.
      const digits = size(op, 6) > 0 ? 16 : 8;
      return signs(message, bytes, size(op, 1) / (16 * (2 * digits - 1)), digits);
    }
    if (name === "conjunction") return [{ from: 0, to: bytes, mode: "xor" }];
    return words(bytes);
  };
}

const SESSIONS = [
  ["step", 64],
  ["order", 64],
  ["step", 32],
  ["order", 32],
  ["release", 32],
] as const;
describe.each(SESSIONS)("a whole program: %s, comparisons on %i bits", (name, width) => {
  const made = PROGRAMS[name];
  it("draws every stream once, at exactly the two parties that hold its key, and opens nothing", async () => {
    const { draws, names, frames } = await observed(made(), width);
    expect(draws.length).toBeGreaterThan(100);
    // A comparison on 64 bits has one level more: message 6. Sorts and indices are compared on 64 in every session.
    const long = new Set(frames.filter((f) => (f.tag.lane & 15) === 6).map((f) => f.tag.op));
    const short = [...names].filter(([op, of]) => of === "signBits" && !long.has(op));
    expect(short.length > 0).toBe(width === 32 && name === "step");
    expect(drawObjections(draws)).toEqual([]);
    expect([...names.values()].some((n) => n === "open" || n === "exportComponent")).toBe(false);
  });

  it("masks every region of every message once, by what its receiver lacks", async () => {
    const program = made();
    const { names, frames } = await observed(program, width);
    const plan = makePlan(
      program,
      program.inputs.map(() => SECRET),
    );
    const at = program.inputs.map((_, i) => program.inputs.slice(0, i).reduce((n, a) => n + sizeOf(a.shape), 0));
    const n = program.inputs.reduce((sum, a) => sum + sizeOf(a.shape), 0);
    const run: Case["run"] = (ctx, x) => {
      const inputs = program.inputs.map((a, i) => r3.copy(ctx, r3.view(x, at[i]!, sizeOf(a.shape))));
      return new Run(ctx, plan, { fractionBits: F }).execute(inputs);
    };
    const { objections, covered } = await (await Ledger.start(width)).check({ name, n, regions: formats(names, frames), run });
    expect(objections).toEqual([]);
    expect(covered.length).toBeGreaterThanOrEqual(frames.length);
  }, 300_000);

  it("sends messages whose sizes, order and rounds do not depend on the values", async () => {
    const program = made();
    const plan = makePlan(
      program,
      program.inputs.map(() => SECRET),
    );
    const traces: string[] = [];
    for (const fill of [0n, 1n, -1n, 2n ** 40n]) {
      const harness = await Harness.start({ memoryLimit: 2 ** 26, width });
      const inputs = program.inputs.map((aval) => harness.share(new BigInt64Array(sizeOf(aval.shape)).fill(fill)));
      await harness.run((ctx, me) => new Run(ctx, plan, { fractionBits: F }).execute(inputs.map((x) => x[me]!)));
      const lines = harness.frames.map((f) => `${f.from}>${f.to} ${f.tag.op}.${f.tag.lane} ${f.depth} ${f.bytes.length}`);
      traces.push(lines.toSorted().join("\n"));
    }
    expect(new Set(traces).size).toBe(1);
  });
});
