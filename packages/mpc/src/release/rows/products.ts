/** @file Rules of matrix products and convolutions. */
import type { Place, Rule, Site } from "./domain.ts";
import { meet } from "./domain.ts";

/**
 * [.., m, k] by [.., k, n]; attrs: transposeA, transposeB. Element [.., i, j] reads [.., i, :] and [.., :, j].
 *  1. A batch axis is one of the result: an argument with batch axes has all of them, at the same index.
 *  2. m is the last axis but one of the result, n the last.
 *  3. Along k it reads everything: never rows.
 * Two factors with rows can so agree on a batch axis alone.
 */
const matmul: Rule = (s) =>
  meet(s, ({ axis, inner }, i) => {
    const rank = s.node.aval.shape.length;
    const fromRight = s.shapes[i]!.length - axis;
    const free = (i === 0) === (s.node.attrs[i] === 1) ? 1 : 2;
    if (fromRight > 2) return { axis: rank - fromRight, inner };
    return fromRight === free ? { axis: rank - 2 + i, inner } : undefined;
  });

/** Channels of image and result in each group: [C / groups, O / groups]. */
function perGroup(s: Site, channels: number, out: number): readonly [number, number] {
  const groups = s.node.attrs[6]!;
  return [channels / groups, out / groups];
}

/**
 * Rows at channels of one side of a convolution, of which there are `own` in each group, seen from the `other` channels in each group of the
 * other side, where each reads or feeds all `own` channels of its group.
 *  1. Group q has the channels q own .. (q + 1) own - 1. If own divides inner, they lie in one block of `inner`: they have one row,
 *     ⌊q own / inner⌋ = ⌊q / p⌋ mod count with p = inner / own, whole.
 *  2. Channel t of the other side is in group ⌊t / other⌋. So its row is ⌊⌊t / other⌋ / p⌋ = ⌊t / (other p)⌋ mod count.
 * Otherwise some group holds several rows, and each of its channels there reads them all.
 */
const acrossGroups = (axis: number, inner: number, own: number, other: number): Place | undefined =>
  inner % own === 0 ? { axis, inner: (other * inner) / own } : undefined;

/**
 * x [N, C, H, W], w [O, C / groups, KH, KW] to [N, O, ...]. Element (n, o) reads
 *  1. of x: image n, the channels of o's group, at many places: rows are images, or channels of whole groups;
 *  2. of w: filter o alone: rows are filters.
 */
const conv2d: Rule = (s) => {
  const [c, o] = perGroup(s, s.shapes[0]![1]!, s.shapes[1]![0]!);
  return meet(s, ({ axis, inner }, i) => {
    if (axis === 0) return { axis: i, inner };
    return i === 0 && axis === 1 ? acrossGroups(1, inner, c, o) : undefined;
  });
};

/**
 * g [N, O, ...], w [O, C / groups, ..] to [N, C, H, W]. Element (n, c) reads
 *  1. of g: image n, the channels of c's group: rows are images, or channels of whole groups;
 *  2. of w: all filters of c's group: rows are filters of whole groups.
 */
const conv2dGradInput: Rule = (s) => {
  const [c, o] = perGroup(s, s.node.aval.shape[1]!, s.shapes[1]![0]!);
  return meet(s, ({ axis, inner }, i) => {
    if (axis === 0 && i === 0) return { axis: 0, inner };
    return axis === 1 - i ? acrossGroups(1, inner, o, c) : undefined;
  });
};

/**
 * x [N, C, H, W], g [N, O, ...] to [O, C / groups, KH, KW]. Element (o, c) reads, of all images (so rows are no images here)
 *  1. of x: channel c of o's group: rows are channels of whole groups;
 *  2. of g: channel o alone: rows are channels.
 */
const conv2dGradWeight: Rule = (s) => {
  const [c, o] = perGroup(s, s.shapes[0]![1]!, s.node.aval.shape[0]!);
  return meet(s, ({ axis, inner }, i) => {
    if (axis !== 1) return undefined;
    return i === 0 ? acrossGroups(0, inner, c, o) : { axis: 0, inner };
  });
};

/** [N, C, ..] throughout: element (n, c) reads plane (n, c) of each argument, at many places. */
const pool: Rule = (s) => meet(s, (place) => (place.axis < 2 ? place : undefined));

export const PRODUCTS: readonly [string, Rule][] = Object.entries({
  matmul,
  conv2d,
  conv2dGradInput,
  conv2dGradWeight,
  maxPool2d: pool,
  maxPool2dGrad: pool,
  avgPool2d: pool,
  avgPool2dGrad: pool,
});
