/** @file backward: reverse accumulation over the lazy graph, without recursion. */
import type { Expr } from "../expr.ts";
import { add, ones } from "../ops/emit.ts";
import { DTYPE } from "../program/dtype.ts";

/** Nodes behind a root, arguments first, and whether each leads to something wanted. */
interface Walk {
  readonly order: readonly Expr[];
  readonly leads: ReadonlySet<Expr>;
}

/** Gradients flow between floats only. Behind a root that records gradients, what does not record (detach, noGrad) is constant. */
function flows(x: Expr, recorded: boolean): boolean {
  return DTYPE[x.dtype].float && (!recorded || x.requiresGrad);
}

/** Depth first with a stack of our own: graphs may be 10^5 nodes deep. */
function walk(root: Expr, wanted: ReadonlySet<Expr>): Walk {
  const order: Expr[] = [];
  const leads = new Set<Expr>();
  const seen = new Set<Expr>([root]);
  const stack: Expr[] = [root];
  const cursor: number[] = [0];
  const recorded = root.requiresGrad;
  while (stack.length > 0) {
    const x = stack.at(-1)!;
    const i = cursor[cursor.length - 1]!++;
    if (i < x.args.length) {
      const a = x.args[i]!;
      if (!seen.has(a) && (flows(a, recorded) || wanted.has(a))) {
        seen.add(a);
        stack.push(a);
        cursor.push(0);
      }
      continue;
    }
    stack.pop();
    cursor.pop();
    order.push(x);
    // Arguments are done before their reader, so their answers stand already.
    if (wanted.has(x) || (x.op?.grad !== undefined && x.args.some((a) => leads.has(a)))) leads.add(x);
  }
  return { order, leads };
}

/**
 * d(Σ root · seed) / d(each of `wrt`), as Exprs; null where root does not depend on it. `seed` defaults to ones of root's shape.
 * An Expr that was realized but kept its op is passed through; the stop is a node without op. The gradients are recorded themselves,
 * and so can be differentiated again, where `gradMode` is on.
 */
export function backward(root: Expr, seed: Expr | undefined, wrt: readonly Expr[]): readonly (Expr | null)[] {
  const wanted = new Set(wrt);
  if (!DTYPE[root.dtype].float) return wrt.map(() => null);
  const { order, leads } = walk(root, wanted);
  const grads = new Map<Expr, Expr>();
  if (leads.has(root)) grads.set(root, seed ?? ones(root));
  for (let k = order.length - 1; k >= 0; k--) {
    const x = order[k]!;
    const grad = grads.get(x);
    if (grad === undefined || x.op?.grad === undefined || !leads.has(x)) continue;
    if (!x.args.some((a) => leads.has(a))) continue;
    propagate(x, grad, leads, grads);
    if (!wanted.has(x)) grads.delete(x);
  }
  return wrt.map((x) => grads.get(x) ?? null);
}

/** Adds the contributions of one node to its arguments. */
function propagate(x: Expr, grad: Expr, leads: ReadonlySet<Expr>, grads: Map<Expr, Expr>): void {
  const { args, attrs } = x;
  const parts = x.op!.grad!({ args, attrs, out: x, grad, needs: (i) => leads.has(args[i]!) });
  for (let i = 0; i < args.length; i++) {
    const part = parts[i];
    const a = args[i]!;
    if (!part || !leads.has(a)) continue;
    const old = grads.get(a);
    grads.set(a, old === undefined ? part : add(old, part));
  }
}
