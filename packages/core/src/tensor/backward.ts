/** @file Autograd on tensors: `backward`, `gradients`, `noGrad`. All of it extends the lazy graph; nothing is computed. */
import { activity } from "../debug/activity.ts";
import { lineOf } from "../debug/site.ts";
import { stale } from "../engine/trace.ts";
import { expected, TacitError } from "../errors.ts";
import { type Expr, gradMode } from "../expr.ts";
import { sameShape, showAval, sizeOf } from "../program/aval.ts";
import { backward as backwardExpr } from "../transform/backward.ts";

export interface BackwardOptions {
  /** Gradients get a graph of their own, so that they can be differentiated again. */
  readonly createGraph?: boolean;
}

/** Runs `fn` without recording gradients, as `torch.no_grad()`: what `fn` builds before its first `await`, if it has one. */
export function noGrad<T>(fn: () => T): T {
  return withGrad(false, fn);
}

/** Runs `fn` recording gradients, also inside `noGrad`. */
export function enableGrad<T>(fn: () => T): T {
  return withGrad(true, fn);
}

function withGrad<T>(enabled: boolean, fn: () => T): T {
  const before = gradMode.enabled;
  gradMode.enabled = enabled;
  try {
    return fn();
  } finally {
    gradMode.enabled = before;
  }
}

/** d(Σ root·seed)/d(each of wrt); null where root does not depend on it. Seed: ones by default, only for one element. */
export function gradientsOf(
  root: Expr,
  seed: Expr | undefined,
  wrt: readonly Expr[],
  options: BackwardOptions,
): readonly (Expr | null)[] {
  if (root.requiresGrad) visitRecorded(root, () => {});
  return pull(root, seed, wrt, options);
}

function check(root: Expr, seed: Expr | undefined): void {
  if (!root.requiresGrad) {
    expected(
      "AUTOGRAD_NO_GRAPH",
      "backward",
      "a tensor that depends on one with requiresGrad",
      `${showAval(root)} without graph`,
      "a step and noGrad() leave values without graph; call backward() before them",
    );
  }
  if (seed === undefined && sizeOf(root.shape) !== 1) {
    expected(
      "SHAPE_MISMATCH",
      "backward",
      "one element, or a gradient of its shape",
      showAval(root),
      "loss.mean() or loss.sum() has one",
    );
  }
  if (seed !== undefined && (!sameShape(seed.shape, root.shape) || seed.dtype !== root.dtype)) {
    expected("SHAPE_MISMATCH", "backward", `a gradient ${showAval(root)}`, showAval(seed));
  }
}

function pull(root: Expr, seed: Expr | undefined, wrt: readonly Expr[], options: BackwardOptions): readonly (Expr | null)[] {
  check(root, seed);
  activity.gradients++;
  const { used } = root;
  const out = withGrad(options.createGraph ?? false, () => backwardExpr(root, seed, wrt));
  // Gradient rules may read the root; to the user it is still a value that nothing consumed.
  root.used = used;
  return out;
}

/** A value whose graph a step released: its part of the gradient would be missing. */
function released(reader: Expr, cut: Expr): never {
  let [x, a] = [reader, cut];
  // What reads a cut value is cut as well: the value that lost its graph is named.
  for (let next = a.args.find((b) => b.cut); next !== undefined; next = a.args.find((b) => b.cut)) [x, a] = [a, next];
  throw new TacitError(
    "AUTOGRAD_NO_GRAPH",
    `backward: ${x.op!.name}: expected arguments with their graph, got ${showAval(a)}, whose graph a step released`,
    {
      at: lineOf(x.site),
      hint: "build both losses before one step, or use detach() where only its value is meant",
    },
  );
}

/**
 * Visits the recorded graph behind `root`, reader before argument. @throws TENSOR_STALE when a step replaced what it reads
 */
function visitRecorded(root: Expr, visit: (x: Expr) => void): void {
  const seen = new Set<Expr>([root]);
  const stack = [root];
  for (let x = stack.pop(); x !== undefined; x = stack.pop()) {
    visit(x);
    for (const a of x.args) {
      if (a.leaf !== null && a.leaf.version > x.born) stale(x, a);
      if (a.cut && x.op?.grad !== undefined) released(x, a);
      if (!a.requiresGrad || seen.has(a)) continue;
      seen.add(a);
      stack.push(a);
    }
  }
}

/** Everything behind `root` that collects a gradient. */
function owners(root: Expr): Expr[] {
  const found: Expr[] = [];
  visitRecorded(root, (x) => {
    if (x.owner !== null) found.push(x);
  });
  return found;
}

/** Whether some gradient could still be collected behind `root`. */
export const collects = (root: Expr): boolean => owners(root).length > 0;

/** Adds gradients to every owner behind `root`. */
export function backward(root: Expr, seed: Expr | undefined, options: BackwardOptions): void {
  const wrt = root.requiresGrad ? owners(root) : [];
  activity.loss = seed === undefined ? root : null;
  pull(root, seed, wrt, options).forEach((g, i) => {
    if (g !== null) withGrad(options.createGraph ?? false, () => wrt[i]!.owner!.accumulateGrad(g));
  });
}
