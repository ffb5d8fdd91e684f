/** @file backward: reverse accumulation over the lazy graph, without recursion. */
import { sites } from "../debug/site.ts";
import { type Expr, nextVisit } from "../expr.ts";
import { add, ones } from "../ops/emit.ts";
import { DTYPE } from "../program/dtype.ts";
import { hooked } from "./hooks.ts";

/** Nodes behind a root, arguments first. `id` of each is its index here, as long as nobody else walks the graph. */
interface Walk {
  readonly visit: number;
  readonly order: readonly Expr[];
  /** Whether the node leads to something wanted. */
  readonly leads: readonly boolean[];
}

/** Gradients flow between floats only. Behind a root that records gradients, what does not record (detach, noGrad) is constant. */
function flows(x: Expr, recorded: boolean): boolean {
  return DTYPE[x.dtype].float && (!recorded || x.requiresGrad);
}

/** Depth first with a stack of our own: graphs may be 10^5 nodes deep. */
function walk(root: Expr, wanted: ReadonlySet<Expr>): Walk {
  const visit = nextVisit();
  const order: Expr[] = [];
  const leads: boolean[] = [];
  const stack: Expr[] = [root];
  const cursor: number[] = [0];
  const recorded = root.requiresGrad;
  root.mark = visit;
  while (stack.length > 0) {
    const x = stack.at(-1)!;
    const i = cursor[cursor.length - 1]!++;
    if (i < x.args.length) {
      const a = x.args[i]!;
      if (a.mark !== visit && (flows(a, recorded) || wanted.has(a))) {
        a.mark = visit;
        stack.push(a);
        cursor.push(0);
      }
      continue;
    }
    stack.pop();
    cursor.pop();
    x.id = order.length;
    order.push(x);
    // Arguments are done before their reader, so their answers stand already.
    leads.push((x.op?.grad !== undefined && x.args.some((a) => a.mark === visit && leads[a.id]!)) || wanted.has(x));
  }
  return { visit, order, leads };
}

/**
 * d(Σ root · seed) / d(each of `wrt`), as Exprs; null where root does not depend on it. `seed` defaults to ones of root's shape.
 * An Expr that was realized but kept its op is passed through; the stop is a node without op. The gradients are recorded themselves,
 * and so can be differentiated again, where `gradMode` is on.
 */
export function backward(root: Expr, seed: Expr | undefined, wrt: readonly Expr[]): readonly (Expr | null)[] {
  if (!DTYPE[root.dtype].float) return wrt.map(() => null);
  const found = walk(root, new Set(wrt));
  const { visit, order, leads } = found;
  const grads = new Array<Expr | null>(order.length).fill(null);
  if (leads[root.id]) grads[root.id] = seed ?? ones(root);
  const outer = sites.inherited;
  try {
    for (let k = order.length - 1; k >= 0; k--) {
      const x = order[k]!;
      sites.inherited = x.site ?? outer;
      const arrived = grads[k]!;
      const grad = arrived === null ? null : (grads[k] = hooked(x, arrived));
      if (grad !== null && x.op?.grad !== undefined) propagate(x, grad, found, grads);
    }
  } finally {
    sites.inherited = outer;
  }
  return wrt.map((x) => (x.mark === visit ? grads[x.id]! : null));
}

/** Adds the contributions of one node to its arguments. Gradient rules make nodes but walk no graph, so marks and ids hold. */
function propagate(x: Expr, grad: Expr, { visit, leads }: Walk, grads: (Expr | null)[]): void {
  const { args, attrs } = x;
  const needs = (i: number): boolean => args[i]!.mark === visit && leads[args[i]!.id]!;
  let some = false;
  for (let i = 0; i < args.length && !some; i++) some = needs(i);
  if (!some) return;
  const parts = x.op!.grad!({ args, attrs, out: x, grad, needs });
  for (let i = 0; i < args.length; i++) {
    const part = parts[i];
    if (!part || !needs(i)) continue;
    const { id } = args[i]!;
    const old = grads[id]!;
    grads[id] = old === null ? part : add(old, part);
  }
}
