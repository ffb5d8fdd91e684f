/** @file Rules of ops that work along some axes, each line by itself: reductions, running sums, softmax and its loss, sorts. */
import { each, meet, type Rule } from "./domain.ts";

/** Along attrs[0] alone: an element reads those of its own line, which have its index along every other axis. */
const along: Rule = (s) => meet(s, (place) => (place.axis === s.node.attrs[0] ? undefined : place));

/** An element reads those with its index along all axes that are left. */
const reduced = (s: Parameters<Rule>[0], axes: readonly number[], keep: boolean): ReturnType<Rule> =>
  meet(s, ({ axis, inner }) => {
    if (axes.includes(axis)) return undefined;
    return { axis: keep ? axis : axis - axes.filter((d) => d < axis).length, inner };
  });

/** attrs: keepdim, axes. */
const reduction: Rule = (s) => reduced(s, s.node.attrs.slice(1), s.node.attrs[0] === 1);

/** attrs: axis, keepdim. */
const extremum: Rule = (s) => reduced(s, [s.node.attrs[0]!], s.node.attrs[1] === 1);

/** [N, C] and [N] to [N] or [N, C]: element n.. reads index n along axis 0 of each. */
const crossEntropy: Rule = (s) => meet(s, (place) => (place.axis === 0 ? place : undefined));

export const WITHIN: readonly [string, Rule][] = [
  ...each("sum amax amin prod all any", reduction),
  ...each("argmax argmin", extremum),
  ...each("softmax logSoftmax cumsum sort argsort", along),
  ...each("softmaxCrossEntropy softmaxCrossEntropyGrad", crossEntropy),
];
