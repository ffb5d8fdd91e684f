/** @file Values of a Program at one party: public arrays, and secrets as linear combinations of shares and raw products. */
import type { Shape, TypedArray } from "@tacit/core/program";
import { type Context, free, type Raw, type Shares, type SplitBits } from "../primitives/index.ts";

/** Shares with counted owners: freed (zeroised) when the last one lets go. */
export class Held {
  readonly shares: Shares;
  readonly #ctx: Context | undefined;
  #owners = 1;

  /** Without a context the owner is elsewhere (an input that rests at the party): nothing is freed. */
  constructor(ctx: Context | undefined, shares: Shares) {
    this.#ctx = ctx;
    this.shares = shares;
  }

  retain(): this {
    this.#owners++;
    return this;
  }

  release(): void {
    this.#owners--;
    if (this.#owners === 0 && this.#ctx) free(this.#ctx, this.shares);
  }

  /** Whether the caller is the only owner and may take the regions over. */
  get sole(): boolean {
    return this.#owners === 1 && this.#ctx !== undefined;
  }
}

/**
 * One summand of a secret: value = factor * 2^-scale * ring. A public factor stays aside until a consumer needs plain fixed point,
 * so that 1/N of a mean or a learning rate costs no round and no bit. `key` names where a factor came from; "" means a small integer
 * known from the Program itself, which is applied exactly; "?" marks what only a run knows. Message sizes and rounds depend on keys, never on a factor's value.
 */
export interface Term {
  readonly source: Held | Raw;
  readonly scale: number;
  readonly factor: number;
  readonly key: string;
  /** log2 of what the ring value is taken to be below, without the factor (`size.ts`). */
  readonly bits: number;
  /** log2 of what the Program's own constants make of the factor; absent: 0. Known before a run, unlike the factor. */
  readonly fixed?: number;
  /** The integer of the factor that the Program knows beside what `key` names, with its sign; absent: 1. One key and one `by` are one factor. */
  readonly by?: number;
}

/** What of a term's factor the Program knows as an integer. */
export const integerOf = (t: Pick<Term, "factor" | "key" | "by">): number => (t.key === "" ? t.factor : (t.by ?? 1));

/** A term times an integer that the Program knows. */
export const timesKnown = (t: Term, by: number): Term => ({ ...t, factor: t.factor * by, by: integerOf(t) * by });

/** The one-term form that products and nonlinear ops read. */
export interface Single {
  readonly shares: Shares;
  readonly factor: number;
  readonly key: string;
  readonly bits: number;
  readonly fixed?: number;
  readonly by?: number;
}

/** One-hot bits [places, n] of the columns [lo, lo + n): the place that won, or none. */
export interface WonColumns {
  readonly lo: number;
  readonly n: number;
  readonly hot: SplitBits;
}

/** Bits that an op kept for its gradient. Freed with the value. */
export interface Kept {
  /** [x > 0] of a ReLU (of the pooled value, where ReLU runs after the pool). */
  readonly relu?: SplitBits;
  /** The tournament of a maximum over windows: one entry per level. */
  readonly pool?: readonly SplitBits[];
  /** The winners of windows whose places were compared all at once. */
  readonly winners?: readonly WonColumns[];
}

export class PublicValue {
  readonly values: TypedArray;
  constructor(values: TypedArray) {
    this.values = values;
  }
}

/** A secret of dtype f32 (fraction bits f), i32 or bool as integers 0 and 1 (fraction bits 0). */
export class SecretValue {
  readonly shape: Shape;
  readonly terms: readonly Term[];
  readonly kept: Kept;
  readonly #ctx: Context;
  #moved = false;

  constructor(ctx: Context, shape: Shape, terms: readonly Term[], kept: Kept = {}) {
    this.#ctx = ctx;
    this.shape = shape;
    this.terms = terms;
    this.kept = kept;
  }

  /** The terms for a new owner: shares are shared, a raw product moves (it has one reader). */
  take(): readonly Term[] {
    this.#moved = true;
    for (const { source } of this.terms) if (source instanceof Held) source.retain();
    return this.terms;
  }

  release(): void {
    for (const { source } of this.terms) {
      if (source instanceof Held) source.release();
      else if (!this.#moved) source.drop(this.#ctx);
    }
    if (this.kept.relu) free(this.#ctx, this.kept.relu);
    for (const bits of this.kept.pool ?? []) free(this.#ctx, bits);
    for (const { hot } of this.kept.winners ?? []) free(this.#ctx, hot);
  }
}

/** A secret bool as split bits. */
export class SecretBits {
  readonly shape: Shape;
  readonly bits: SplitBits;
  readonly #ctx: Context;

  constructor(ctx: Context, shape: Shape, bits: SplitBits) {
    this.#ctx = ctx;
    this.shape = shape;
    this.bits = bits;
  }

  release(): void {
    free(this.#ctx, this.bits);
  }
}

export type Value = PublicValue | SecretValue | SecretBits;
