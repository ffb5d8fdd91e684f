/** @file Rows of the special functions: logarithms and exponentials near zero, trigonometric and hyperbolic functions, gamma functions. */
import type { Expr } from "../../expr.ts";
import { checkCount, checkInt, checkKind, FLOAT } from "../check.ts";
import { binaryInfer, unaryInfer } from "../elementwise/infer.ts";
import { mapBinary, mapUnary } from "../elementwise/reference.ts";
import { batchElementwise } from "../elementwise/vmap.ts";
import {
  add,
  cosh as coshOf,
  polygamma as derivative,
  div,
  exp,
  lit,
  mul,
  neg,
  rsqrt,
  sinh as sinhOf,
  sub,
  sumTo,
} from "../emit.ts";
import type { OpRow } from "../row.ts";
import * as as from "./decompose.ts";
import { erfcOf, erfinvOf, lgammaOf, polygammaOf } from "./scalar.ts";

type Decompose = NonNullable<OpRow["decompose"]>;

/** The gradient is g times `slope`, made from the argument and the result. */
function unary(name: string, f: (x: number) => number, slope: (x: Expr, y: Expr) => Expr, decompose: Decompose | null): OpRow {
  return {
    name,
    arity: 1,
    attrs: [],
    infer: unaryInfer(name, FLOAT),
    grad: ({ args, out, grad }) => [mul(grad, slope(args[0]!, out))],
    vmap: batchElementwise(name),
    reference: mapUnary(f),
    ...(decompose && { decompose }),
  };
}

const square = (x: Expr): Expr => mul(x, x);
/** c / (±1 ± x²) and its root, as derivatives have them. */
const over = (x: Expr, c: number, value: Expr): Expr => div(lit(x, c), value);
const onePlus = (x: Expr): Expr => add(lit(x, 1), square(x));
const oneMinus = (x: Expr): Expr => sub(lit(x, 1), square(x));

const atan2: OpRow = {
  name: "atan2",
  arity: 2,
  attrs: [],
  infer: binaryInfer("atan2", FLOAT),
  grad({ args, grad, needs }) {
    const [y, x] = args as [Expr, Expr];
    const scaled = div(grad, add(square(x), square(y)));
    return [needs(0) ? sumTo(mul(scaled, x), y.shape) : null, needs(1) ? sumTo(neg(mul(scaled, y)), x.shape) : null];
  },
  vmap: batchElementwise("atan2"),
  reference: mapBinary(Math.atan2),
  decompose: as.atan2Decompose,
};

/** Highest derivative of digamma: factorials up to 25! stay exact enough in f64, and nobody needs more. */
const MAX_ORDER = 10;

const polygamma: OpRow = {
  name: "polygamma",
  arity: 1,
  attrs: ["order"],
  infer([x], attrs) {
    checkCount("polygamma", attrs, 1);
    checkInt("polygamma", "order", attrs[0], 0, MAX_ORDER);
    checkKind("polygamma", x!, FLOAT);
    return { shape: x!.shape, dtype: x!.dtype };
  },
  grad: ({ args, attrs, grad }) => [mul(grad, derivative(args[0]!, attrs[0]! + 1))],
  vmap: batchElementwise("polygamma"),
  reference: (args, avals, attrs, out) => mapUnary((x) => polygammaOf(attrs[0]!, x))(args, avals, attrs, out),
  decompose: as.polygammaDecompose,
};

export const SPECIAL_ROWS: readonly OpRow[] = [
  unary("log1p", Math.log1p, (x) => over(x, 1, add(x, lit(x, 1))), as.log1pDecompose),
  unary("expm1", Math.expm1, (x, y) => add(y, lit(x, 1)), as.expm1Decompose),
  unary("log2", Math.log2, (x) => over(x, Math.LOG2E, x), as.log2Decompose),
  unary("log10", Math.log10, (x) => over(x, Math.LOG10E, x), as.log10Decompose),
  unary("tan", Math.tan, (x, y) => add(lit(x, 1), square(y)), as.tanDecompose),
  unary("asin", Math.asin, (x) => rsqrt(oneMinus(x)), as.asinDecompose),
  unary("acos", Math.acos, (x) => neg(rsqrt(oneMinus(x))), as.acosDecompose),
  unary("atan", Math.atan, (x) => over(x, 1, onePlus(x)), null),
  unary("sinh", Math.sinh, (x) => coshOf(x), as.sinhDecompose),
  unary("cosh", Math.cosh, (x) => sinhOf(x), as.coshDecompose),
  unary("asinh", Math.asinh, (x) => rsqrt(onePlus(x)), as.asinhDecompose),
  unary("acosh", Math.acosh, (x) => rsqrt(sub(square(x), lit(x, 1))), as.acoshDecompose),
  unary("atanh", Math.atanh, (x) => over(x, 1, oneMinus(x)), as.atanhDecompose),
  unary("erfc", erfcOf, (x) => mul(lit(x, -2 / Math.sqrt(Math.PI)), exp(neg(square(x)))), as.erfcDecompose),
  unary("erfinv", erfinvOf, (x, y) => mul(lit(x, Math.sqrt(Math.PI) / 2), exp(square(y))), null),
  unary("lgamma", lgammaOf, (x) => derivative(x, 0), as.lgammaDecompose),
  polygamma,
  atan2,
];
