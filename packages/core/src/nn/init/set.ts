/** @file How initialisers write: in place, with values of a host generator. */
import { expected } from "../../errors.ts";
import { DTYPE } from "../../program/dtype.ts";
import type { Random } from "../../random.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { assign } from "../parameter.ts";

export interface InitOptions {
  /** The default generator of `nn` unless given. */
  readonly random?: Random;
}

/** Gives `target` the values that `draw` returns, in row-major order. @throws DTYPE_UNSUPPORTED unless it is a float tensor */
export function set<T extends Tensor>(target: T, draw: (i: number) => number): T {
  if (!DTYPE[target.dtype].float) expected("DTYPE_UNSUPPORTED", "init", "a float tensor", target.dtype);
  const values = DTYPE[target.dtype].make(target.numel);
  for (let i = 0; i < values.length; i++) values[i] = draw(i);
  const { device } = target;
  assign(target, Tensor.adopt(values, target.shape, target.dtype, target.expr.leaf?.host === null ? { device } : {}));
  return target;
}
