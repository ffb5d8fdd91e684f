/** @file Rows of the reductions and cumsum. */
import type { Expr } from "../../expr.ts";
import type { Shape } from "../../program/aval.ts";
import type { DType } from "../../program/dtype.ts";
import { BOOL, checkAxis, checkCount, checkKind, type Kind, NUMBER } from "../check.ts";
import { largerBig, maximumOf, minimumOf, smallerBig } from "../elementwise/scalar.ts";
import {
  cast,
  div,
  eq,
  expand,
  flip,
  lit,
  mul,
  prod as product,
  reshape,
  cumsum as running,
  sum as total,
  where,
} from "../emit.ts";
import type { GradContext, OpRow } from "../row.ts";
import { argInfer, reduceInfer } from "./infer.ts";
import { argReference, cumsumReference, type Monoid, reduceReference } from "./reference.ts";
import { batchArg, batchCumsum, batchReduce } from "./vmap.ts";

type Grad = NonNullable<OpRow["grad"]>;

function reduction(name: string, kind: Kind, monoid: Monoid, grad: Grad | null, needsElements = false): OpRow {
  return {
    name,
    arity: 1,
    attrs: ["keepdim", "axes..."],
    infer: reduceInfer(name, kind, needsElements),
    ...(grad && { grad }),
    vmap: batchReduce(name),
    reference: reduceReference(monoid),
  };
}

const keptShape = (x: Expr, attrs: readonly number[]): Shape => x.shape.map((d, i) => (attrs.indexOf(i, 1) >= 0 ? 1 : d));
/** A result with its reduced axes back as 1, so that it broadcasts against x. */
const kept = (v: Expr, { args, attrs }: GradContext): Expr => reshape(v, keptShape(args[0]!, attrs));

/**
 * ∂/∂x_i Π x = the product of the others. With no zero that is P / x_i; with one zero only that place gets the product of the rest;
 * with more nothing. Second derivatives at an exact zero leave out the cross terms.
 */
const prodGrad: Grad = (c) => {
  const x = c.args[0]!;
  const axes = c.attrs.slice(1);
  const zero = lit(x, 0);
  const one = lit(x, 1);
  const isZero = eq(x, zero);
  const zeroCount = total(cast(isZero, x.dtype), axes, true);
  const filled = where(isZero, one, x);
  const others = div(product(filled, axes, true), filled);
  const alone = where(eq(zeroCount, one), where(isZero, others, zero), zero);
  return [mul(kept(c.grad, c), where(eq(zeroCount, zero), others, alone))];
};

/** Ties share the gradient evenly, as PyTorch's amax. */
const extremumGrad: Grad = (c) => {
  const x = c.args[0]!;
  const ties = cast(eq(x, kept(c.out, c)), x.dtype);
  return [mul(ties, div(kept(c.grad, c), total(ties, c.attrs.slice(1), true)))];
};

const int32 = (a: number, b: number): number => (a + b) | 0;
/** Identities of maximum and minimum; rows refuse empty axes, so they are never seen. */
const LOWEST: Readonly<Partial<Record<DType, number>>> = { i32: -(2 ** 31), u8: 0, u32: 0 };
const HIGHEST: Readonly<Partial<Record<DType, number>>> = { i32: 2 ** 31 - 1, u8: 255, u32: 2 ** 32 - 1 };

const SUM: Monoid = { start: () => 0, step: (a, b) => a + b, int: int32, bigStart: () => 0n, bigStep: (a, b) => a + b };
const PROD: Monoid = { start: () => 1, step: (a, b) => a * b, int: Math.imul, bigStart: () => 1n, bigStep: (a, b) => a * b };
const MAX: Monoid = {
  start: (d) => LOWEST[d] ?? Number.NEGATIVE_INFINITY,
  step: maximumOf,
  bigStart: (d) => (d === "i64" ? -(2n ** 63n) : 0n),
  bigStep: largerBig,
};
const MIN: Monoid = {
  start: (d) => HIGHEST[d] ?? Number.POSITIVE_INFINITY,
  step: minimumOf,
  bigStart: (d) => (d === "i64" ? 2n ** 63n - 1n : 2n ** 64n - 1n),
  bigStep: smallerBig,
};
const ALL: Monoid = { start: () => 1, step: (a, b) => a & b };
const ANY: Monoid = { start: () => 0, step: (a, b) => a | b };

const argRow = (name: string, better: (a: number | bigint, b: number | bigint) => boolean): OpRow => ({
  name,
  arity: 1,
  attrs: ["axis", "keepdim"],
  infer: argInfer(name, NUMBER),
  vmap: batchArg(name),
  reference: argReference(better),
});

const cumsum: OpRow = {
  name: "cumsum",
  arity: 1,
  attrs: ["axis"],
  infer([x], attrs) {
    checkCount("cumsum", attrs, 1);
    checkKind("cumsum", x!, NUMBER);
    checkAxis("cumsum", attrs[0], x!.shape.length);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  grad: ({ attrs, grad }) => [flip(running(flip(grad, attrs), attrs[0]!), attrs)],
  vmap: batchCumsum,
  reference: cumsumReference,
};

export const REDUCE_ROWS: readonly OpRow[] = [
  reduction("sum", NUMBER, SUM, (c) => [expand(kept(c.grad, c), c.args[0]!.shape)]),
  reduction("prod", NUMBER, PROD, prodGrad),
  reduction("amax", NUMBER, MAX, extremumGrad, true),
  reduction("amin", NUMBER, MIN, extremumGrad, true),
  argRow("argmax", (a, b) => a > b),
  argRow("argmin", (a, b) => a < b),
  reduction("all", BOOL, ALL, null),
  reduction("any", BOOL, ANY, null),
  cumsum,
];
