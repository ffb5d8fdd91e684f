/** @file And, or, exclusive or of bools: bits as integers, and one product. Local where one side is public. */
import { add, free, mulPublicInteger, mulRaw, reshare, type Shares, sub } from "../primitives/index.ts";
import { broadcastPlain, flags, publicOperand } from "./elementwise.ts";
import type { Handler, NodeRun } from "./run.ts";

/** x y of integers 0 and 1. */
async function both(n: NodeRun, x: Shares, y: Shares): Promise<Shares> {
  const known = [0, 1].find((i) => n.isPublic(i));
  if (known === undefined) return reshare(n.ctx, n.step(0), mulRaw(n.ctx, x, y));
  const bits = flags(await publicOperand(n, known));
  return mulPublicInteger(n.ctx, known === 0 ? y : x, bits);
}

/** x + y - `times` x y; `times` 0: x y. */
const logical =
  (times: 0n | 1n | 2n): Handler =>
  async (n) => {
    const held = await Promise.all([0, 1].map((i) => broadcastPlain(n, i)));
    const [x, y] = held.map((h) => h.shares) as [Shares, Shares];
    const product = await both(n, x, y);
    let out = product;
    if (times !== 0n) {
      const either = add(n.ctx, x, y);
      const twice = mulPublicInteger(n.ctx, product, times);
      out = sub(n.ctx, either, twice);
      for (const z of [product, either, twice]) free(n.ctx, z);
    }
    for (const h of held) h.release();
    return n.result(out, 0);
  };

export const LOGIC: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ bitAnd: logical(0n), bitOr: logical(1n), bitXor: logical(2n) }),
);
