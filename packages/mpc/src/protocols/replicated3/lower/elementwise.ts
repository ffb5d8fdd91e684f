/** @file Elementwise ops: linear ones are local and keep public factors aside; comparisons and what is built on them. */
import { OPS, sameShape, sizeOf, type TypedArray } from "@tacit/core/program";
import { ROOT_BITS } from "../bounds.ts";
import { exponentOf, log2 } from "../functions/clear.ts";
import {
  add,
  addPublic,
  free,
  fromPublic,
  inject,
  mulPublicInteger,
  mulRaw,
  neg,
  notBits,
  relu as reluOf,
  reshare,
  type Shares,
  type SplitBits,
  signBits,
  sub,
  truncateSigns,
} from "../primitives/index.ts";
import { asRaw, combine, NEVER } from "./combine.ts";
import { toRing } from "./fixed-point.ts";
import { product } from "./linear.ts";
import { broadcast } from "./movement.ts";
import { fractionBitsOf, type Handler, type NodeRun } from "./run.ts";
import { EXACT_LIMIT, MOST_SHIFT, NARROW_SHIFT, SHARE_BITS } from "./size.ts";
import { Held, integerOf, SecretBits, SecretValue, type Term, timesKnown, type Value } from "./value.ts";

/** Public values of argument i, broadcast to the result's shape. */
export async function publicOperand(n: NodeRun, i: number): Promise<TypedArray> {
  const values = await n.publicValues(i);
  const { shape, dtype } = n.arg(i);
  if (sameShape(shape, n.aval.shape)) return values;
  return OPS.get("expand")!.reference([values], [n.arg(i)], n.aval.shape, { shape: n.aval.shape, dtype });
}

/** Terms of argument i with the result's shape, times an integer. Owned by the caller. */
async function operandTerms(n: NodeRun, i: number, sign: number): Promise<readonly Term[]> {
  // An eps of 1e-5 is no whole unit of 2^-16: beside a variance that a root reads it has more bits.
  const scale = n.isPublic(i) && n.run.plan.fine.has(n.id) ? ROOT_BITS : fractionBitsOf(n.arg(i), n.f);
  const times = (t: Term): Term => timesKnown(t, sign);
  if (n.isPublic(i)) {
    const shares = fromPublic(n.ctx, toRing(await publicOperand(n, i), scale));
    return [{ source: new Held(n.ctx, shares), scale, factor: sign, key: "", bits: SHARE_BITS }];
  }
  if (sizeOf(n.arg(i).shape) === sizeOf(n.aval.shape)) return (await n.terms(i)).map(times);
  return n.moved(i, (x) => {
    const wide = broadcast(n.ctx, x.shares, n.arg(i).shape, n.aval.shape);
    const { shares: _, ...like } = x;
    return [times({ source: new Held(n.ctx, wide), scale, ...like })];
  });
}

/** Steps from here on truncate terms of a sum that are too large to meet a factor. */
const BOUNDED_STEP = 100;

/** a + sign b. What needs no truncation is added at once; the rest waits for its reader. */
async function sumOf(n: NodeRun, sign: 1 | -1): Promise<readonly Term[]> {
  const terms = (await Promise.all([operandTerms(n, 0, 1), operandTerms(n, 1, sign)])).flat();
  const scale = Math.max(fractionBitsOf(n.arg(0), n.f), fractionBitsOf(n.arg(1), n.f));
  const local = terms.every((t) => t.key === "" && t.source instanceof Held && t.scale <= scale);
  if (!local) return n.bounded(terms, BOUNDED_STEP);
  const { held } = await combine(n.ctx, 0, terms, scale, NEVER);
  return [{ source: held, scale, factor: 1, key: "", bits: n.bits }];
}

const addition =
  (sign: 1 | -1): Handler =>
  async (n) =>
    n.of(await sumOf(n, sign));

/** A product times 1/2 or 1/4, known from the Program: its scale grows. Exact, whatever the product's size. */
function shifted(t: Term, total: number, f: number): Term | undefined {
  const k = -exponentOf(total);
  const power = Math.abs(total) === 2 ** -k && k > 0 && k <= MOST_SHIFT;
  if (t.key !== "" || !power || t.scale < 2 * f || t.scale + k - f > NARROW_SHIFT) return undefined;
  return { ...t, scale: t.scale + k, factor: Math.sign(total), bits: t.bits - k };
}

/** The terms times a public number known from the Program (an integer: exactly) or from an input. */
function scaled(n: NodeRun, terms: readonly Term[], factor: number, fixed: boolean, key: string): Term[] {
  return terms.map((t) => {
    const total = t.factor * factor;
    const moved = fixed ? shifted(t, total, n.f) : undefined;
    if (moved) return moved;
    const exact = fixed && t.key === "" && Number.isInteger(total) && Math.abs(total) <= EXACT_LIMIT;
    // An integer from before is a part of the constant now.
    const before = t.key === "" && t.factor !== 0 ? log2(t.factor) : (t.fixed ?? 0);
    const constant = before + (fixed && factor !== 0 ? log2(factor) : 0);
    if (exact) return { ...t, factor: total, fixed: 0, key: "" };
    return { ...t, factor: total, fixed: constant, key: t.key === "" ? key : `${t.key}*${key}`, by: integerOf(t) };
  });
}

async function byUniform(n: NodeRun, secret: number, known: number, invert: boolean): Promise<Value> {
  const c = await n.scalar(known);
  const fixed = n.fixed(known) !== undefined;
  const key = `${fixed ? "" : "?"}${invert ? "1/" : ""}${n.node.args[known]}`;
  const factor = invert ? (c === 0 && !fixed ? 0 : 1 / c) : c;
  return n.of(await n.bounded(scaled(n, await operandTerms(n, secret, 1), factor, fixed, key)));
}

/** A public array times a secret: integers with f fraction bits, local. */
async function byPublic(n: NodeRun, secret: number, known: number, invert: boolean): Promise<Value> {
  let values = await publicOperand(n, known);
  if (invert) values = Float64Array.from(values as Float32Array, (v) => (v === 0 ? 0 : 1 / v));
  const factors = toRing(values, n.f);
  return n.singles([secret], (x) => {
    const same = sizeOf(n.arg(secret).shape) === factors.length;
    const wide = same ? x!.shares : broadcast(n.ctx, x!.shares, n.arg(secret).shape, n.aval.shape);
    const out = mulPublicInteger(n.ctx, wide, factors);
    if (!same) free(n.ctx, wide);
    return n.result(out, 2 * n.f, x!);
  });
}

/** x and y with the result's shape; `use` gets them for its time. */
export async function broadcastPair<T>(
  n: NodeRun,
  x: Shares,
  y: Shares,
  use: (x: Shares, y: Shares) => Promise<T> | T,
): Promise<T> {
  const size = sizeOf(n.aval.shape);
  const [wx, wy] = [x, y].map((v, i) => (v.n === size ? v : broadcast(n.ctx, v, n.arg(i).shape, n.aval.shape))) as [
    Shares,
    Shares,
  ];
  const result = await use(wx, wy);
  if (wx !== x) free(n.ctx, wx);
  if (wy !== y) free(n.ctx, wy);
  return result;
}

const mul: Handler = (n) => {
  const known = [0, 1].find((i) => n.isPublic(i));
  if (known !== undefined) {
    return n.isUniform(known) ? byUniform(n, 1 - known, known, false) : byPublic(n, 1 - known, known, false);
  }
  return n.operands((x, y) =>
    broadcastPair(n, x.shares, y.shares, (a, b) =>
      n.of([{ source: mulRaw(n.ctx, a, b), scale: 2 * n.f, ...product(x, y), bits: n.bits }]),
    ),
  );
};

/** Division by a public value; see functions for the rest. */
export const divideByPublic: Handler = (n) => (n.isUniform(1) ? byUniform(n, 0, 1, true) : byPublic(n, 0, 1, true));

const negation: Handler = async (n) => n.of((await n.terms(0)).map((t) => timesKnown(t, -1)));

/** Bits [x > 0] and x where they are set. A linear layer's truncation and the comparison overlap: 7 rounds for both. */
async function reluTerms(n: NodeRun): Promise<{ y: Shares; bits: SplitBits }> {
  const terms = await n.terms(0);
  const ready = asRaw(n.ctx, terms, n.f);
  if (ready) {
    const made = await truncateSigns(n.ctx, n.step(0), ready.raw, ready.shift, {
      threshold: 1n,
      injectSelf: true,
      width: n.width,
    });
    free(n.ctx, made.y);
    return { y: made.injected[0]!, bits: made.bits };
  }
  const { held } = await combine(n.ctx, n.step(4), terms, n.f, NEVER);
  const made = await reluOf(n.ctx, n.step(0), held.shares, n.width);
  held.release();
  return made;
}

const relu: Handler = async (n) => {
  if (n.run.plan.afterPool.has(n.id)) return n.of(await n.terms(0));
  const { y, bits } = await reluTerms(n);
  return n.of([{ source: new Held(n.ctx, y), scale: n.f, factor: 1, key: "", bits: n.bits }], { relu: bits });
};

const reluGrad: Handler = async (n) => {
  if (n.run.plan.afterPool.has(n.node.args[1]!)) return n.of(await n.terms(0));
  const y = await n.value(1);
  if (n.isPublic(1)) {
    const mask = flags(await n.publicValues(1));
    return n.moved(0, (g) => n.result(mulPublicInteger(n.ctx, g.shares, mask), n.f, g));
  }
  const kept = y instanceof SecretValue ? y.kept.relu : undefined;
  if (kept) return n.moved(0, async (g) => n.result(await inject(n.ctx, n.step(0), kept, g.shares), n.f, g));
  return n.plain(1, (x) =>
    n.moved(0, async (g) => {
      const { bits, injected } = await signBits(n.ctx, n.step(0), x, { threshold: 1n, inject: [g.shares], width: n.width });
      free(n.ctx, bits);
      return n.result(injected[0]!, n.f, g);
    }),
  );
};

/** 2 [x >= 0] x - x. */
const abs: Handler = (n) =>
  n.plain(0, async (x) => {
    const { bits, injected } = await signBits(n.ctx, n.step(0), x, { inject: [x], width: n.width });
    const twice = mulPublicInteger(n.ctx, injected[0]!, 2n);
    const out = sub(n.ctx, twice, x);
    for (const y of [bits, injected[0]!, twice]) free(n.ctx, y);
    return n.result(out, fractionBitsOf(n.aval, n.f));
  });

/** [x >= 2^-f] + [x >= 0] - 1. */
const sign: Handler = (n) =>
  n.plain(0, async (x) => {
    const [above, from] = await Promise.all(
      [1n, 0n].map((threshold, i) => signBits(n.ctx, n.step(8 * i), x, { threshold, integers: true, width: n.width })),
    );
    const both = add(n.ctx, above!.integers!, from!.integers!);
    const out = addPublic(n.ctx, both, -1n);
    for (const s of [above!, from!]) for (const y of [s.bits, s.integers!]) free(n.ctx, y);
    free(n.ctx, both);
    return n.result(out, 0);
  });

/** a - b in plain fixed point, for the time of `use`. */
async function difference<T>(n: NodeRun, use: (d: Shares) => Promise<T>): Promise<T> {
  await n.checkPublic();
  const scale = Math.max(fractionBitsOf(n.arg(0), n.f), fractionBitsOf(n.arg(1), n.f));
  const { held } = await combine(n.ctx, n.step(60), await sumOf(n, -1), scale, NEVER);
  const result = await use(held.shares);
  held.release();
  return result;
}

/** max(a, b) = b + [a >= b] (a - b); min(a, b) = a - [a >= b] (a - b). */
const extremum =
  (largest: boolean): Handler =>
  async (n) => {
    await n.checkPublic();
    const held = await Promise.all([broadcastPlain(n, 0), broadcastPlain(n, 1)]);
    const [a, b] = held.map((h) => h.shares) as [Shares, Shares];
    const d = sub(n.ctx, a, b);
    const { bits, injected } = await signBits(n.ctx, n.step(0), d, { inject: [d], width: n.width });
    const out = largest ? add(n.ctx, b, injected[0]!) : sub(n.ctx, a, injected[0]!);
    for (const x of [bits, d, injected[0]!]) free(n.ctx, x);
    for (const h of held) h.release();
    return n.result(out, fractionBitsOf(n.aval, n.f));
  };

/** Argument i in plain fixed point (an integer: as it is) with the result's shape; owned by the caller. */
export async function broadcastPlain(n: NodeRun, i: number): Promise<Held> {
  if (n.isPublic(i)) {
    return new Held(n.ctx, fromPublic(n.ctx, toRing(await publicOperand(n, i), fractionBitsOf(n.arg(i), n.f))));
  }
  const held = await n.run.plain(n.node.args[i]!);
  if (held.shares.n === sizeOf(n.aval.shape)) return held;
  const wide = new Held(n.ctx, broadcast(n.ctx, held.shares, n.arg(i).shape, n.aval.shape));
  held.release();
  return wide;
}

/** [a - b >= threshold], negated on request. */
const compare =
  (threshold: bigint, negated: boolean): Handler =>
  (n) =>
    difference(n, async (d) => {
      const { bits } = await signBits(n.ctx, n.step(0), d, { threshold, width: n.width });
      if (!negated) return new SecretBits(n.ctx, n.aval.shape, bits);
      const out = notBits(n.ctx, bits);
      free(n.ctx, bits);
      return new SecretBits(n.ctx, n.aval.shape, out);
    });

/** [d >= 0] - [d >= 1 unit], as integers. */
const equality =
  (equal: boolean): Handler =>
  (n) =>
    difference(n, async (d) => {
      const [from, above] = await Promise.all(
        [0n, 1n].map((threshold, i) => signBits(n.ctx, n.step(8 * i), d, { threshold, integers: true, width: n.width })),
      );
      const same = sub(n.ctx, from!.integers!, above!.integers!);
      for (const s of [from!, above!]) for (const y of [s.bits, s.integers!]) free(n.ctx, y);
      if (equal) return n.result(same, 0);
      const minus = neg(n.ctx, same);
      const out = addPublic(n.ctx, minus, 1n);
      free(n.ctx, same);
      free(n.ctx, minus);
      return n.result(out, 0);
    });

/** b + cond (a - b). */
const where: Handler = async (n) => {
  const scale = fractionBitsOf(n.aval, n.f);
  const held = await Promise.all([1, 2].map((i) => broadcastPlain(n, i)));
  const [a, b] = held.map((h) => h.shares) as [Shares, Shares];
  const d = sub(n.ctx, a, b);
  const moved = await chosen(n, d);
  const out = add(n.ctx, b, moved);
  for (const x of [d, moved]) free(n.ctx, x);
  for (const h of held) h.release();
  return n.result(out, scale);
};

/** 1 where a public value is above 0. */
export function flags(values: TypedArray): BigInt64Array {
  const out = new BigInt64Array(values.length);
  for (let i = 0; i < out.length; i++) if (Number(values[i]) > 0) out[i] = 1n;
  return out;
}

/** cond * d, cond being argument 0: public, split bits or integers. */
async function chosen(n: NodeRun, d: Shares): Promise<Shares> {
  if (n.isPublic(0)) return mulPublicInteger(n.ctx, d, flags(await publicOperand(n, 0)));
  const cond = await n.value(0);
  if (cond instanceof SecretBits && cond.bits.n === d.n) return inject(n.ctx, n.step(0), cond.bits, d);
  return n.plain(0, (c) => {
    const wide = c.n === d.n ? c : broadcast(n.ctx, c, n.arg(0).shape, n.aval.shape);
    const raw = mulRaw(n.ctx, wide, d);
    if (wide !== c) free(n.ctx, wide);
    return reshare(n.ctx, n.step(0), raw);
  });
}

/** Integers stay integers: a consumer of f32 reads them with 0 fraction bits. */
const cast: Handler = async (n) => n.of(await n.terms(0));

const bitNot: Handler = async (n) => {
  const x = await n.value(0);
  if (x instanceof SecretBits) return new SecretBits(n.ctx, n.aval.shape, notBits(n.ctx, x.bits));
  return n.plain(0, (c) => {
    const minus = neg(n.ctx, c);
    const out = addPublic(n.ctx, minus, 1n);
    free(n.ctx, minus);
    return n.result(out, 0);
  });
};

export const ELEMENTWISE: ReadonlyMap<string, Handler> = new Map(
  Object.entries({
    add: addition(1),
    sub: addition(-1),
    mul,
    neg: negation,
    relu,
    reluGrad,
    abs,
    sign,
    maximum: extremum(true),
    minimum: extremum(false),
    gt: compare(1n, false),
    ge: compare(0n, false),
    lt: compare(0n, true),
    le: compare(1n, true),
    eq: equality(true),
    ne: equality(false),
    where,
    cast,
    bitNot,
  }),
);
