/** @file Gradient hooks: functions that see, and may replace, the gradient that arrives at a node on the way back. */
import type { Expr } from "../expr.ts";

/** From the whole gradient of a node to the one that goes on from there. */
export type GradHook = (gradient: Expr) => Expr;

/** Takes back what was registered. */
export interface RemovableHandle {
  remove(): void;
}

/** By node; by owner for leaves, whose Expr changes when a tensor is given a new value. */
const hooks = new WeakMap<object, Set<GradHook>>();
/** Without any, a backward pass looks nothing up. */
let registered = 0;

export function registerGradHook(at: object, hook: GradHook): RemovableHandle {
  let set = hooks.get(at);
  if (set === undefined) hooks.set(at, (set = new Set()));
  const own = set;
  const entry: GradHook = (gradient) => hook(gradient); // the same function may be registered twice
  own.add(entry);
  registered++;
  return {
    remove(): void {
      if (own.delete(entry)) registered--;
    },
  };
}

/** The gradient that goes on from `x`, after its hooks in the order of their registration. */
export function hooked(x: Expr, gradient: Expr): Expr {
  if (registered === 0) return gradient;
  for (const at of x.owner === null ? [x] : [x, x.owner]) {
    const set = hooks.get(at);
    // A copy: hooks may come and go while they run, and one that registers itself anew must not run for ever.
    if (set !== undefined) for (const hook of [...set]) gradient = hook(gradient);
  }
  return gradient;
}
