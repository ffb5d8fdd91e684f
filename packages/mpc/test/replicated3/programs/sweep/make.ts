/**
 * @file Random Programs with bounds on their inputs and values inside: made of what `replicated3` runs, grown node by node. A node that `ranges` would
 * warn of is thrown back, most of the time, so that Programs end just below where it warns.
 */
import type { Binding } from "@tacit/core/device";
import { Expr, ops, type Program, sizeOf, type TypedArray, trace } from "@tacit/core/program";
import type { ProtocolOptions } from "../../../../src/protocols/protocol.ts";
import { replicated3 } from "../../../../src/protocols/replicated3/index.ts";
import { analyse } from "../../../../src/protocols/replicated3/ranges.ts";
import { Dice } from "../../../fuzz/dice.ts";
import { PUBLIC, SECRET } from "../parties.ts";
import { STEPS } from "./steps.ts";

/** A Program with all that a run and `ranges` want of it. */
export interface Trial {
  readonly program: Program;
  readonly bindings: readonly Binding[];
  readonly bounds: readonly number[];
  readonly inputs: readonly TypedArray[];
}

interface Leaf {
  readonly expr: Expr;
  readonly known: boolean;
  readonly bound: number;
  readonly values: TypedArray;
}

const UNIT = 2 ** -16;
/** Most elements of a value. */
export const MOST: number = 2 ** 12;

export class Maker {
  readonly dice: Dice;
  readonly #leaves: Leaf[] = [];
  /** Values of dtype f32 so far. */
  readonly floats: Expr[] = [];
  readonly bools: Expr[] = [];
  readonly #constants: number[] = [];
  readonly #scalars: Expr[] = [];
  readonly #most: number;

  /** `most`: log2 of the largest bound of an input. */
  constructor(dice: Dice, most: number) {
    this.dice = dice;
    this.#most = most;
    const count = 2 + dice.below(2);
    for (let i = 0; i < count; i++) this.#constants.push(this.number(-14, 10));
  }

  /** A number with a sign and a magnitude even in the logarithm; every third a power of two. */
  number(lo: number, hi: number): number {
    const e = lo + this.dice.below(hi - lo + 1);
    const sign = this.dice.once(3) ? -1 : 1;
    return sign * 2 ** e * (this.dice.once(3) ? 1 : 0.5 + this.dice.below(1000) / 2000);
  }

  shape(): number[] {
    const { dice } = this;
    if (dice.once(8)) return [1 + dice.below(MOST)];
    const rank = 1 + dice.below(3);
    return Array.from({ length: rank }, () => (dice.once(4) ? 1 + dice.below(64) : 1 + dice.below(6))).map((d, i, all) =>
      sizeOf(all) > MOST && i > 0 ? 2 : d,
    );
  }

  /** A fresh input. `known`: public; absent: one in five. */
  input(shape: readonly number[], known: boolean = this.dice.once(5), dtype: "f32" | "i32" = "f32", places = 0): Expr {
    const { dice } = this;
    const expr = Expr.placeholder({ shape, dtype });
    const n = sizeOf(shape);
    if (dtype === "i32") {
      this.#leaves.push({
        expr,
        known,
        bound: Math.max(places - 1, 1),
        values: Int32Array.from({ length: n }, () => dice.below(places)),
      });
      return expr;
    }
    const bound = 2 ** Math.min(-8 + dice.below(19), this.#most - UNIT);
    this.#leaves.push({ expr, known, bound, values: fill(dice, n, bound, known) });
    return expr;
  }

  /** A value of dtype f32 so far, recent ones more often, or a fresh input. */
  any(fits: (x: Expr) => boolean = () => true): Expr | undefined {
    const found = this.floats.filter(fits);
    if (found.length === 0) return undefined;
    return this.dice.once(2) ? found.at(-1) : this.dice.pick(found);
  }

  operand(): Expr {
    return (this.dice.once(5) ? undefined : this.any()) ?? this.input(this.shape());
  }

  /** One that broadcasts with x. */
  beside(x: Expr): Expr {
    const { dice } = this;
    const fits = (y: Expr): boolean =>
      y.shape.length <= x.shape.length && y.shape.every((d, i) => d === 1 || d === x.shape[x.shape.length - y.shape.length + i]);
    const found = dice.once(4) ? undefined : this.any(fits);
    if (found) return found;
    if (dice.once(4)) return this.scalar(x);
    return this.input(dice.once(3) ? x.shape.map((d) => (dice.once(2) ? 1 : d)) : x.shape);
  }

  /** A public scalar: a constant of the Program, of a few, or an input. */
  scalar(x: Expr): Expr {
    const { dice } = this;
    if (!dice.once(3))
      return ops.lit(x, dice.once(4) ? dice.pick([0.5, 0.25, 2, -1, 3, 1 / 3, 1e-3]) : dice.pick(this.#constants));
    return this.rate();
  }

  /** A public input, perhaps one from before. */
  rate(): Expr {
    const { dice } = this;
    if (this.#scalars.length > 0 && dice.once(2)) return dice.pick(this.#scalars);
    const value = this.number(-14, 10);
    const expr = Expr.placeholder({ shape: [], dtype: "f32" });
    this.#leaves.push({ expr, known: true, bound: Math.abs(Math.fround(value)), values: Float32Array.of(value) });
    this.#scalars.push(expr);
    return expr;
  }

  keep(e: Expr): void {
    if (e.dtype === "f32") this.floats.push(e);
    else if (e.dtype === "bool") this.bools.push(e);
  }

  /** The Program that gives these. */
  trial(results: readonly Expr[]): Trial {
    const reached = new Set<Expr>();
    const visit = (e: Expr): void => {
      if (reached.has(e)) return;
      reached.add(e);
      e.args.forEach(visit);
    };
    results.forEach(visit);
    const leaves = this.#leaves.filter((x) => reached.has(x.expr));
    const { program } = trace(
      results,
      leaves.map((x) => x.expr),
    );
    return {
      program,
      bindings: leaves.map((x): Binding => (x.known ? PUBLIC : SECRET)),
      bounds: leaves.map((x) => x.bound),
      inputs: leaves.map((x) => x.values),
    };
  }
}

/** Values up to a bound: even, all at the bound, of one sign, small, mostly 0. Secret ones are whole units. */
function fill(dice: Dice, n: number, bound: number, known: boolean): Float32Array {
  const kind = dice.below(6);
  const one = (): number => {
    const u = dice.below(2 ** 20) / 2 ** 20;
    if (kind === 0) return bound;
    if (kind === 1) return dice.once(2) ? bound : -bound;
    if (kind === 2) return bound * u;
    if (kind === 3) return dice.once(4) ? bound * (2 * u - 1) : 0;
    if (kind === 4) return bound * (2 * u - 1) * 2 ** -dice.below(12);
    return bound * (2 * u - 1);
  };
  return Float32Array.from({ length: n }, () => {
    const v = one();
    return known ? v : Math.trunc(Math.fround(v) / UNIT) * UNIT;
  });
}

/** Whether the Program is to be had: nothing missing, and `ranges` says nothing. */
function isQuiet(t: Trial, options: ProtocolOptions): boolean {
  if (replicated3.check(t.program, t.bindings, options).length > 0) return false;
  return analyse(t.program, t.bindings, t.bounds, options).warnings.length === 0;
}

/** The Program of a seed, for a session with these options. */
export function makeTrial(seed: number, options: ProtocolOptions): Trial {
  const dice = new Dice(seed);
  const maker = new Maker(dice, Math.min(options.range ?? 14, 14) - 2 ** -8);
  maker.keep(maker.input(maker.shape(), false));
  const made: Expr[] = [];
  const size = 3 + dice.below(10);
  for (let tries = 0; made.length < size && tries < 8 * size; tries++) {
    const e = dice.pick(STEPS)(maker);
    if (!e || sizeOf(e.shape) > MOST || sizeOf(e.shape) === 0) continue;
    const t = maker.trial([e]);
    const secret = t.bindings.some((b) => b.kind !== "public");
    if (!secret || (!isQuiet(t, options) && !dice.once(200))) continue;
    made.push(e);
    maker.keep(e);
  }
  const read = new Set(made.flatMap((e) => e.args));
  const results = made.filter((e) => !read.has(e) || dice.once(8));
  return maker.trial(results.length > 0 ? results : [ops.neg(maker.floats[0]!)]);
}
