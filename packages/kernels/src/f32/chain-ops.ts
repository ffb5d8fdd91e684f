/** @file Which micro-operations compute each operation of an elementwise chain, by element type. */
import { KernelError } from "../errors.ts";
import type { ElementType } from "./instruction.ts";
import type { MICRO } from "./opcodes.gen.ts";

export type SameOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "rem"
  | "pow"
  | "maximum"
  | "minimum"
  | "fma"
  | "neg"
  | "abs"
  | "sign"
  | "exp"
  | "log"
  | "sqrt"
  | "rsqrt"
  | "reciprocal"
  | "sigmoid"
  | "tanh"
  | "erf"
  | "log1p"
  | "expm1"
  | "atan"
  | "erfinv"
  | "sin"
  | "cos"
  | "floor"
  | "ceil"
  | "round"
  | "relu"
  | "reluGrad"
  | "bitAnd"
  | "bitOr"
  | "bitXor"
  | "bitNot"
  | "shiftLeft"
  | "shiftRight";
export type CompareOp = "eq" | "ne" | "lt" | "le" | "gt" | "ge";

type Micro = keyof typeof MICRO;
type Row = Readonly<Partial<Record<ElementType, Micro>>>;

const float = (m: Micro): Row => ({ f32: m });
const integer = (m: Micro): Row => ({ i32: m, u32: m, u8: m });
const bits = (m: Micro): Row => ({ i32: m, u32: m, u8: m, bool: m });
const all = (f: Micro, i: Micro, u: Micro): Row => ({ f32: f, i32: i, u32: u, u8: i, bool: i });

/** Operations on values of one type. Where a type is missing, the operation is not defined for it. */
const SAME: Readonly<Record<SameOp, Row>> = {
  add: { f32: "addF", ...integer("addI"), bool: "or" },
  sub: { f32: "subF", ...integer("subI") },
  mul: { f32: "mulF", ...integer("mulI"), bool: "and" },
  div: float("divF"),
  rem: { f32: "remF", i32: "remI", u32: "remU", u8: "remU" },
  pow: float("powF"),
  maximum: all("maxF", "maxI", "maxU"),
  minimum: all("minF", "minI", "minU"),
  fma: float("fmaF"),
  neg: { f32: "negF", ...integer("negI") },
  abs: { f32: "absF", i32: "absI", u32: "copy", u8: "copy" },
  sign: { f32: "signF", i32: "signI", u32: "boolI", u8: "boolI" },
  exp: float("expF"),
  log: float("logF"),
  sqrt: float("sqrtF"),
  rsqrt: float("rsqrtF"),
  reciprocal: float("reciprocalF"),
  sigmoid: float("sigmoidF"),
  tanh: float("tanhF"),
  erf: float("erfF"),
  log1p: float("log1pF"),
  expm1: float("expm1F"),
  atan: float("atanF"),
  erfinv: float("erfinvF"),
  sin: float("sinF"),
  cos: float("cosF"),
  floor: float("floorF"),
  ceil: float("ceilF"),
  round: float("roundF"),
  relu: float("reluF"),
  reluGrad: float("reluGradF"),
  bitAnd: bits("and"),
  bitOr: bits("or"),
  bitXor: bits("xor"),
  bitNot: { ...integer("not"), bool: "notBool" },
  shiftLeft: integer("shiftLeft"),
  shiftRight: { i32: "shiftRightI", u32: "shiftRightU", u8: "shiftRightU" },
};

/** Comparisons: operands of one type, result bool. gt and ge of integers are lt and le with operands exchanged. */
const COMPARE: Readonly<Record<CompareOp, Row>> = {
  eq: all("eqF", "eqI", "eqI"),
  ne: all("neF", "neI", "neI"),
  lt: all("ltF", "ltI", "ltU"),
  le: all("leF", "leI", "leU"),
  gt: all("gtF", "ltI", "ltU"),
  ge: all("geF", "leI", "leU"),
};

/** `where(cond bool, a, b)`, `cast` (from the operand's type to the step's), and all others. */
export type ChainOp = SameOp | CompareOp | "where" | "cast";

/** Operations whose u8 result may leave 0..255 before it is cut to a byte. */
const WRAPS: ReadonlySet<string> = new Set(["add", "sub", "mul", "neg", "bitNot", "shiftLeft"]);

/** How one step is computed: micro-operations in order, the first on the operands, the others on the result before. */
export interface Expansion {
  readonly micro: readonly Micro[];
  /** The first micro-operation takes its two operands exchanged. */
  readonly exchanged: boolean;
  readonly type: ElementType;
}

function undefinedFor(op: string, type: string): KernelError {
  return new KernelError("KERNEL_UNDEFINED_OPERATION", `chain: expected an operation on ${type}, got ${op}`, "cast first");
}

/** Between types of the same lanes a cast is a copy: the value needs a place of its own, in its own type. */
function cast(from: ElementType, to: ElementType): readonly Micro[] {
  if (from === to) return [];
  if (to === "bool") return [from === "f32" ? "boolF" : "boolI"];
  if (to === "f32") return [from === "u32" ? "f32FromU32" : "f32FromI32"];
  const wide: readonly Micro[] = from === "f32" ? [to === "u32" ? "u32FromF32" : "i32FromF32"] : [];
  if (to === "u8" && from !== "bool") return [...wide, "byte"];
  return from === "f32" ? wide : ["copy"];
}

/** @throws KernelError `KERNEL_UNDEFINED_OPERATION` if the operation is not defined for the operand type. */
export function expand(op: ChainOp, operand: ElementType, to: ElementType | undefined): Expansion {
  if (op === "cast") return { micro: cast(operand, to ?? operand), exchanged: false, type: to ?? operand };
  if (op === "where") return { micro: ["where"], exchanged: false, type: operand };
  if (op in COMPARE) {
    const row: Row = COMPARE[op as CompareOp];
    return { micro: [row[operand]!], exchanged: operand !== "f32" && (op === "gt" || op === "ge"), type: "bool" };
  }
  const row: Row | undefined = SAME[op as SameOp];
  const first = row?.[operand];
  if (!first) throw undefinedFor(op, operand);
  return { micro: operand === "u8" && WRAPS.has(op) ? [first, "byte"] : [first], exchanged: false, type: operand };
}
