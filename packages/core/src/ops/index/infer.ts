/** @file Shape rules of the indexing ops. Whether the indices lie inside is known only when they are read. */
import { expected } from "../../errors.ts";
import { type Aval, type Shape, showAval } from "../../program/aval.ts";
import {
  checkAxis,
  checkCount,
  checkDTypeCode,
  checkFlag,
  checkInt,
  checkKind,
  checkRank,
  checkSameDType,
  checkShape,
  INDEX,
  type Kind,
  LABEL,
  NUMBER,
} from "../check.ts";

type Infer = (args: readonly Aval[], attrs: readonly number[]) => Aval;

/** Throws unless b fits in a along every axis but one. */
function checkInside(op: string, a: Aval, b: Aval, axis: number): void {
  checkRank(op, b, a.shape.length);
  if (b.shape.some((size, d) => d !== axis && size > a.shape[d]!)) {
    expected("SHAPE_MISMATCH", op, `an index no larger than ${showAval(a)} but along axis ${axis}`, showAval(b));
  }
}

const replaced = (shape: Shape, axis: number, size: number): Shape => shape.map((d, i) => (i === axis ? size : d));

export const gatherInfer: Infer = ([x, index], attrs) => {
  checkCount("gather", attrs, 1);
  checkKind("gather", index!, INDEX);
  checkInside("gather", x!, index!, checkAxis("gather", attrs[0], x!.shape.length));
  return { shape: index!.shape, dtype: x!.dtype };
};

export const scatterInfer =
  (name: string, kind: Kind): Infer =>
  ([base, index, src], attrs) => {
    checkCount(name, attrs, 1);
    checkSameDType(name, base!, src!);
    checkKind(name, base!, kind);
    checkKind(name, index!, INDEX);
    checkShape(name, src!, index!.shape);
    checkInside(name, base!, index!, checkAxis(name, attrs[0], base!.shape.length));
    return { shape: base!.shape, dtype: base!.dtype };
  };

export const indexSelectInfer: Infer = ([x, index], attrs) => {
  checkCount("indexSelect", attrs, 1);
  checkKind("indexSelect", index!, INDEX);
  checkRank("indexSelect", index!, 1);
  const axis = checkAxis("indexSelect", attrs[0], x!.shape.length);
  return { shape: replaced(x!.shape, axis, index!.shape[0]!), dtype: x!.dtype };
};

export const indexAddInfer: Infer = ([base, index, src], attrs) => {
  checkCount("indexAdd", attrs, 1);
  checkSameDType("indexAdd", base!, src!);
  checkKind("indexAdd", base!, NUMBER);
  checkKind("indexAdd", index!, INDEX);
  checkRank("indexAdd", index!, 1);
  const axis = checkAxis("indexAdd", attrs[0], base!.shape.length);
  checkShape("indexAdd", src!, replaced(base!.shape, axis, index!.shape[0]!));
  return { shape: base!.shape, dtype: base!.dtype };
};

export const oneHotInfer: Infer = ([index], attrs) => {
  checkCount("oneHot", attrs, 2);
  checkKind("oneHot", index!, LABEL);
  return { shape: [...index!.shape, checkInt("oneHot", "classes", attrs[0], 1)], dtype: checkDTypeCode("oneHot", attrs[1]) };
};

export const sortInfer =
  (name: string, dtype: "i32" | null): Infer =>
  ([x], attrs) => {
    checkCount(name, attrs, 2);
    checkKind(name, x!, NUMBER);
    checkAxis(name, attrs[0], x!.shape.length);
    checkFlag(name, "descending", attrs[1]);
    return { shape: x!.shape, dtype: dtype ?? x!.dtype };
  };
