/**
 * @file Sinks: live lazy tensors that no op reads. A step computes those that read what it replaces, so that awaiting them later
 * gives the value they had, never a recomputation.
 */
import { type Expr, type Leaf, nextVisit } from "../expr.ts";

interface Handle {
  expr: Expr;
}

/** Lazy tensors made in the current job. Most are read by an op at once, and never cost a WeakRef (100 ns). */
let recent: Handle[] = [];
let handles: WeakRef<Handle>[] = [];
/** Realized nodes that keep their graph for a later `backward()`. */
let histories: WeakRef<Expr>[] = [];
const LIMIT = 512;
let handleLimit = LIMIT;
let historyLimit = LIMIT;

const isSink = (e: Expr): boolean => e.leaf === null && !e.used;

/** Remembers a new lazy tensor, weakly from the end of the current job on. */
export function track(handle: Handle): void {
  if (recent.length === 0) queueMicrotask(flush);
  else if (recent.length === LIMIT) flush();
  recent.push(handle);
}

/** Recent tensors that are still sinks become weak entries. */
function flush(): void {
  for (const handle of recent) if (isSink(handle.expr)) handles.push(new WeakRef(handle));
  recent = [];
  if (handles.length <= handleLimit) return;
  handles = handles.filter((ref) => {
    const handle = ref.deref();
    return handle !== undefined && isSink(handle.expr);
  });
  handleLimit = Math.max(LIMIT, 2 * handles.length);
}

/** Remembers (weakly) a realized node that keeps its graph. */
export function trackHistory(e: Expr): void {
  histories.push(new WeakRef(e));
  if (histories.length > historyLimit) {
    histories = histories.filter((ref) => ref.deref()?.op != null);
    historyLimit = Math.max(LIMIT, 2 * histories.length);
  }
}

/**
 * The sinks that read one of `leaves`, in the order in which they were made. Others stay; everything that can no longer become a
 * sink is forgotten. So is what an earlier step made stale (a GAN's gradient of both networks, after the step of one): it has no value,
 * and whoever asks for it is told so.
 */
export function sinksReading(leaves: readonly Leaf[]): Expr[] {
  flush();
  if (handles.length === 0) return [];
  const reads = reader(leaves);
  const found: Expr[] = [];
  handles = handles.filter((ref) => {
    const e = ref.deref()?.expr;
    if (e === undefined || !isSink(e)) return false;
    const answer = reads(e);
    if (answer === NO) return true;
    if (answer === YES) found.push(e);
    return false;
  });
  return found;
}

/** Lets go of graphs that were kept for a `backward()` and read one of `leaves`: a step is about to replace these. */
export function dropHistories(leaves: readonly Leaf[]): void {
  if (histories.length === 0) return;
  const reads = reader(leaves);
  histories = histories.filter((ref) => {
    const e = ref.deref();
    if (e === undefined || e.op === null) return false;
    if (!e.args.some((a) => reads(a) !== NO)) return true;
    e.forget();
    return false;
  });
}

const [NO, YES, STALE] = [0, 1, 2];

/**
 * Whether a node reads one of `leaves`, through unrealized nodes; STALE where it, or what it reads, is older than the value of a leaf.
 * Remembers its answers: linear in the graph, no recursion.
 */
function reader(leaves: readonly Leaf[]): (root: Expr) => number {
  const wanted = nextVisit();
  for (const leaf of leaves) leaf.mark = wanted;
  const visit = nextVisit();
  const stack: Expr[] = [];
  const cursor: number[] = [];
  const push = (e: Expr): void => {
    e.mark = visit;
    e.id = e.leaf !== null && e.leaf.mark === wanted ? YES : NO;
    if (e.leaf === null) {
      stack.push(e);
      cursor.push(0);
    }
  };
  return (root) => {
    if (root.mark !== visit) push(root);
    while (stack.length > 0) {
      const top = stack.length - 1;
      const x = stack[top]!;
      const i = cursor[top]!++;
      const a = x.args[i];
      if (a === undefined) {
        stack.pop();
        cursor.pop();
        for (const arg of x.args) x.id = Math.max(x.id, arg.leaf !== null && arg.leaf.version > x.born ? STALE : arg.id);
      } else if (a.mark !== visit) push(a);
    }
    return root.id;
  };
}
