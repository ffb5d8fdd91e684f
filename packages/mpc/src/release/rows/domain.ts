/**
 * @file The domain of the analysis of rows. A value of `rows` is read through its places in row-major order: place e depends on row
 * ⌊e / stride⌋ mod count alone (of one selection of rows), and on clean values. The row is one digit of e, so that reshape, which keeps
 * places, keeps it; and axes that hold rows beside something else (rows x channels, steps x rows) are in the domain too.
 *
 * Lemma 1. Let axis k have `size` indices, and `after` places behind it. If after divides stride, and inner · count divides size for
 * inner = stride / after, then a place of index j along axis k has row ⌊j / inner⌋ mod count.
 *   1. Places are e = (a size + j) after + b with 0 <= b < after.
 *   2. ⌊e / stride⌋ = ⌊(a size + j) / inner⌋, since after divides stride and b < after.
 *   3. size / inner is a multiple of count: what remains modulo count is ⌊j / inner⌋.
 * Lemma 2. For count > 1 at most one axis is so. Of two, let `after` be the number of places behind the outer one: it is at least size'
 * after' of the inner one, which is at least stride · count, more than stride; and so it does not divide stride.
 * Lemma 3. The other way round: where index j along axis k has row ⌊j / inner⌋ mod count, and inner · count divides size, the stride is
 * inner · after. By steps 3, 2, 1.
 */
import type { Node, Shape } from "@tacit/core/program";
import { sizeOf } from "@tacit/core/program";

export interface Rows {
  readonly kind: "rows";
  /** Places until the next row. At least 1. */
  readonly stride: number;
  /** Rows. At least 1. */
  readonly count: number;
  /** The value id of the row numbers by which rows were selected; -1: all, as given. */
  readonly chosen: number;
}

export type Dependence =
  /** No data of protected rows flows in but through noise. */
  | { readonly kind: "clean" }
  | Rows
  /** Σ of clipped rows: one row changes it by at most `bound` in the 2-norm. */
  | { readonly kind: "sum"; readonly bound: number }
  /** Anything else. `why`: what made it so. */
  | { readonly kind: "mixed"; readonly why: string };

/** Where an axis holds rows: index j along it has row ⌊j / inner⌋ mod count. */
export interface Place {
  readonly axis: number;
  readonly inner: number;
}

/** A node that reads rows of one selection, at least 2 of them, and else clean values alone. */
export interface Site {
  readonly node: Node;
  readonly shapes: readonly Shape[];
  /** Undefined: clean. */
  readonly args: readonly (Rows | undefined)[];
  readonly count: number;
  readonly chosen: number;
  /** Whether argument i is a public input whose elements are all different. */
  readonly distinct: (i: number) => boolean;
}

/** What the result is; undefined: mixed. */
export type Rule = (s: Site) => Rows | undefined;

/** Lemma 1. */
export function placeOf(rows: Rows, shape: Shape): Place | undefined {
  let after = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const inner = rows.stride / after;
    const size = shape[axis]!;
    if (Number.isInteger(inner) && size % (inner * rows.count) === 0) return { axis, inner };
    after *= size;
  }
  return undefined;
}

/** Lemma 3; undefined where `place` is none in the result. */
export function rowsAt({ node, count, chosen }: Site, { axis, inner }: Place): Rows | undefined {
  const { shape } = node.aval;
  const size = shape[axis];
  if (size === undefined || size % (inner * count) !== 0) return undefined;
  return { kind: "rows", stride: inner * sizeOf(shape.slice(axis + 1)), count, chosen };
}

/**
 * The one place in the result to which `to` takes the places of all arguments with rows. Sound if, for each argument i by itself: every
 * element of argument i that an element of the result reads has the row of `to(place, i)` there. The arguments of rules are for that.
 */
export function meet(s: Site, to: (place: Place, i: number) => Place | undefined): Rows | undefined {
  let found: Place | undefined;
  for (const [i, rows] of s.args.entries()) {
    if (rows === undefined) continue;
    const place = placeOf(rows, s.shapes[i]!);
    const at = place && to(place, i);
    if (at === undefined || (found && (found.axis !== at.axis || found.inner !== at.inner))) return undefined;
    found = at;
  }
  return found && rowsAt(s, found);
}

/** One rule for several ops. */
export const each = (names: string, rule: Rule): [string, Rule][] => names.split(" ").map((name) => [name, rule]);
