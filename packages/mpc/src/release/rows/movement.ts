/** @file Rules of ops that move elements. */
import type { Rule } from "./domain.ts";
import { meet } from "./domain.ts";

/** Places stay as they are, and the row is a digit of the place. */
const reshape: Rule = (s) => s.args[0];

/** Axis j of the result is axis attrs[j] of the argument, index for index. */
const permute: Rule = (s) => meet(s, ({ axis, inner }) => ({ axis: s.node.attrs.indexOf(axis), inner }));

/**
 * attrs: starts, stops, steps.
 *  1. Along an axis without rows nothing is asked: indices along the axis of rows stay.
 *  2. Along the axis of rows index j reads index start + j. Where start is a multiple of inner · count that has the row of j.
 */
const slice: Rule = (s) =>
  meet(s, (place) => {
    const rank = s.shapes[0]!.length;
    const [start, step] = [s.node.attrs[place.axis]!, s.node.attrs[2 * rank + place.axis]!];
    return step === 1 && start % (place.inner * s.count) === 0 ? place : undefined;
  });

/** attrs: lo, hi, interior. As slice: index j reads index j - lo, or nothing. */
const pad: Rule = (s) =>
  meet(s, (place) => {
    const rank = s.shapes[0]!.length;
    const [lo, interior] = [s.node.attrs[place.axis]!, s.node.attrs[2 * rank + place.axis]!];
    return interior === 0 && lo % (place.inner * s.count) === 0 ? place : undefined;
  });

/** attrs: axis. As pad, for each argument: along that axis index j reads index j less the sizes before. */
const cat: Rule = (s) =>
  meet(s, (place, i) => {
    const [axis] = s.node.attrs;
    if (place.axis !== axis) return place;
    const before = s.shapes.slice(0, i).reduce((n, shape) => n + shape[axis]!, 0);
    return before % (place.inner * s.count) === 0 ? place : undefined;
  });

/** attrs: axes, along which the order turns; along others indices stay. */
const flip: Rule = (s) => meet(s, (place) => (s.node.attrs.includes(place.axis) ? undefined : place));

export const MOVEMENT: readonly [string, Rule][] = Object.entries({ reshape, permute, slice, pad, cat, flip });
