/** @file Rules of ops with indices. Each says what an element of the result reads, for every value that indices can have. */
import { meet, placeOf, type Rows, type Rule, type Site } from "./domain.ts";

/**
 * x, index; attrs: axis. The element at an index reads
 *  1. of x: along `axis` anything, along all others its own index: rows lie along another axis (an index may be shorter there, never longer);
 *  2. of index: its own place.
 */
const gather: Rule = (s) => meet(s, (place, i) => (i === 0 && place.axis === s.node.attrs[0] ? undefined : place));

/**
 * base, index, src of index's shape; attrs: axis. The element at an index reads
 *  1. of base: its own place;
 *  2. of index and src: along `axis` everything, along all others its own index, or nothing: rows lie along another axis.
 */
const scatter: Rule = (s) => meet(s, (place, i) => (i > 0 && place.axis === s.node.attrs[0] ? undefined : place));

/**
 * base, index [K], src; attrs: axis. The element at an index reads
 *  1. of base: its own place;
 *  2. of index: everything, so that it may hold no rows;
 *  3. of src: along `axis` everything, along all others its own index: rows lie along another axis.
 */
const indexAdd: Rule = (s) => meet(s, (place, i) => (i === 1 || (i === 2 && place.axis === s.node.attrs[0]) ? undefined : place));

/**
 * Rows that are selected, each once at most: public row numbers that are all different, of all rows as given, along an axis as long as there
 * are rows, which so holds nothing else. Slice j of the result is row index[j]; one person's row becomes one slice, or none. Rows of other selections are others.
 */
function selection(s: Site): Rows | undefined {
  const [x, index] = s.args;
  const place = x && index === undefined ? placeOf(x, s.shapes[0]!) : undefined;
  if (place === undefined || place.axis !== s.node.attrs[0] || s.shapes[0]![place.axis] !== s.count) return undefined;
  if (s.chosen !== -1 || !s.distinct(1)) return undefined;
  const { shape } = s.node.aval;
  const stride = shape.slice(place.axis + 1).reduce((n, d) => n * d, 1);
  return { kind: "rows", stride, count: shape[place.axis]!, chosen: s.node.args[1]! };
}

/**
 * x, index [K]; attrs: axis. The element at an index reads
 *  1. of x: along `axis` anything, along all others its own index: rows lie along another axis, or are selected;
 *  2. of index: place j for index j along `axis`.
 */
const indexSelect: Rule = (s) => {
  const [axis] = s.node.attrs as [number];
  return (
    selection(s) ??
    meet(s, (place, i) => {
      if (i === 1) return { axis, inner: place.inner };
      return place.axis === axis ? undefined : place;
    })
  );
};

/** index to [..., classes]: an element reads its own place of index. */
const oneHot: Rule = (s) => meet(s, (place) => place);

export const INDEXING: readonly [string, Rule][] = Object.entries({
  gather,
  scatter,
  scatterAdd: scatter,
  indexSelect,
  indexAdd,
  oneHot,
});
