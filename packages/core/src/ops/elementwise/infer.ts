/** @file Shape and dtype rules of the elementwise ops: NumPy broadcasting, equal dtypes. */
import { type Aval, broadcastShapes, sameShape } from "../../program/aval.ts";
import { BOOL, checkCount, checkDTypeCode, checkFlag, checkKind, checkSameDType, FLOAT, type Kind } from "../check.ts";

type Infer = (args: readonly Aval[], attrs: readonly number[]) => Aval;

const plain = (x: Aval): Aval => ({ shape: x.shape, dtype: x.dtype });

export const unaryInfer =
  (name: string, kind: Kind): Infer =>
  ([x], attrs) => {
    checkCount(name, attrs, 0);
    checkKind(name, x!, kind);
    return plain(x!);
  };

export const binaryInfer =
  (name: string, kind: Kind): Infer =>
  ([a, b], attrs) => {
    checkCount(name, attrs, 0);
    checkSameDType(name, a!, b!);
    checkKind(name, a!, kind);
    return { shape: broadcastShapes(name, a!.shape, b!.shape), dtype: a!.dtype };
  };

export const compareInfer =
  (name: string): Infer =>
  ([a, b], attrs) => {
    checkCount(name, attrs, 0);
    checkSameDType(name, a!, b!);
    return { shape: broadcastShapes(name, a!.shape, b!.shape), dtype: "bool" };
  };

export const whereInfer: Infer = ([c, a, b], attrs) => {
  checkCount("where", attrs, 0);
  checkKind("where", c!, BOOL);
  checkSameDType("where", a!, b!);
  const shape = broadcastShapes("where", a!.shape, b!.shape);
  return { shape: sameShape(shape, c!.shape) ? shape : broadcastShapes("where", c!.shape, shape), dtype: a!.dtype };
};

export const castInfer: Infer = ([x], attrs) => {
  checkCount("cast", attrs, 1);
  return { shape: x!.shape, dtype: checkDTypeCode("cast", attrs[0]) };
};

export const geluInfer: Infer = ([x], attrs) => {
  checkCount("gelu", attrs, 1);
  checkFlag("gelu", "tanhApprox", attrs[0]);
  checkKind("gelu", x!, FLOAT);
  return plain(x!);
};
