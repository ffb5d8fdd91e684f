/** @file Ops that move elements, on shares: local. A public factor moves along. */
import { type Shape, sizeOf, stridesOf } from "@tacit/core/program";
import { type Context, type Shares, stridedRead, stridedWrite, zeros } from "../primitives/index.ts";
import { fractionBitsOf, type Handler, type NodeRun } from "./run.ts";
import { Held, type SecretValue, type Term } from "./value.ts";

/** Strides that read a value of shape `from` as if it were broadcast to `to`. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const strides = stridesOf(from);
  const lead = to.length - from.length;
  return to.map((_, d) => (d < lead || from[d - lead] === 1 ? 0 : strides[d - lead]!));
}

/** A copy broadcast to a shape; fresh. */
export function broadcast(ctx: Context, x: Shares, from: Shape, to: Shape): Shares {
  return stridedRead(ctx, x, to, broadcastStrides(from, to));
}

/** Applies a local linear map to the argument as one sharing; the factor stays aside. */
async function map(n: NodeRun, f: (x: Shares) => Shares): Promise<SecretValue> {
  return n.moved(0, (x) => n.result(f(x.shares), fractionBitsOf(n.aval, n.f), x));
}

const reshape: Handler = async (n) => n.of(await n.terms(0));

const permute: Handler = (n) => {
  const strides = stridesOf(n.arg(0).shape);
  return map(n, (x) =>
    stridedRead(
      n.ctx,
      x,
      n.aval.shape,
      n.attrs.map((a) => strides[a]!),
    ),
  );
};

const expand: Handler = (n) => map(n, (x) => broadcast(n.ctx, x, n.arg(0).shape, n.aval.shape));

const slice: Handler = (n) => {
  const { shape } = n.arg(0);
  const rank = shape.length;
  const strides = stridesOf(shape);
  const offset = strides.reduce((sum, s, d) => sum + s * n.attrs[d]!, 0);
  const steps = strides.map((s, d) => s * n.attrs[2 * rank + d]!);
  return map(n, (x) => stridedRead(n.ctx, x, n.aval.shape, steps, sizeOf(n.aval.shape) === 0 ? 0 : offset));
};

const pad: Handler = (n) => {
  const { shape } = n.arg(0);
  const rank = shape.length;
  const strides = stridesOf(n.aval.shape);
  const offset = strides.reduce((sum, s, d) => sum + s * n.attrs[d]!, 0);
  const steps = strides.map((s, d) => s * (n.attrs[2 * rank + d]! + 1));
  return map(n, (x) => {
    const out = zeros(n.ctx, sizeOf(n.aval.shape));
    return sizeOf(shape) === 0 ? out : stridedWrite(n.ctx, x, out, shape, steps, offset);
  });
};

const flip: Handler = (n) => {
  const { shape } = n.arg(0);
  const strides = stridesOf(shape);
  const offset = n.attrs.reduce((sum, d) => sum + strides[d]! * (shape[d]! - 1), 0);
  const steps = strides.map((s, d) => (n.attrs.includes(d) ? -s : s));
  return map(n, (x) => stridedRead(n.ctx, x, shape, steps, sizeOf(shape) === 0 ? 0 : offset));
};

const cat: Handler = async (n) => {
  const axis = n.attrs[0]!;
  const strides = stridesOf(n.aval.shape);
  const all = await Promise.all(n.node.args.map((id) => n.run.plain(id)));
  let out = zeros(n.ctx, sizeOf(n.aval.shape));
  let at = 0;
  all.forEach((held, i) => {
    const { shape } = n.arg(i);
    out = stridedWrite(n.ctx, held.shares, out, shape, strides, at * strides[axis]!);
    at += shape[axis]!;
    held.release();
  });
  return n.result(out, fractionBitsOf(n.aval, n.f));
};

/** Applies a map to shares and keeps scale and factor. */
export function mapTerm(ctx: Context, term: Term & { readonly source: Held }, f: (x: Shares) => Shares): Term {
  const out = new Held(ctx, f(term.source.shares));
  term.source.release();
  return { ...term, source: out };
}

export const MOVEMENT: ReadonlyMap<string, Handler> = new Map(
  Object.entries({ reshape, permute, expand, slice, pad, flip, cat }),
);
