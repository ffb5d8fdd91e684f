/** @file Shape rules of the reductions. */
import { expected } from "../../errors.ts";
import { type Aval, showAval } from "../../program/aval.ts";
import { checkAtLeast, checkAxes, checkAxis, checkCount, checkFlag, checkKind, type Kind } from "../check.ts";

export function reduceInfer(
  name: string,
  kind: Kind,
  needsElements: boolean,
): (args: readonly Aval[], attrs: readonly number[]) => Aval {
  return ([x], attrs) => {
    checkAtLeast(name, attrs, 1);
    const keepdim = checkFlag(name, "keepdim", attrs[0]);
    checkKind(name, x!, kind);
    const axes = checkAxes(name, attrs.slice(1), x!.shape.length);
    const shape: number[] = [];
    for (let d = 0; d < x!.shape.length; d++) {
      const size = x!.shape[d]!;
      const reduced = axes.includes(d);
      if (reduced && needsElements && size === 0) expected("SHAPE_MISMATCH", name, "axes that are not empty", showAval(x!));
      if (!reduced) shape.push(size);
      else if (keepdim) shape.push(1);
    }
    return { shape, dtype: x!.dtype };
  };
}

export function argInfer(name: string, kind: Kind): (args: readonly Aval[], attrs: readonly number[]) => Aval {
  return ([x], attrs) => {
    checkCount(name, attrs, 2);
    checkKind(name, x!, kind);
    const axis = checkAxis(name, attrs[0], x!.shape.length);
    const keepdim = checkFlag(name, "keepdim", attrs[1]);
    if (x!.shape[axis] === 0) expected("SHAPE_MISMATCH", name, "an axis that is not empty", showAval(x!));
    return { shape: x!.shape.flatMap((size, d) => (d !== axis ? [size] : keepdim ? [1] : [])), dtype: "i32" };
  };
}
