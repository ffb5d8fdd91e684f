/** @file Copies between strided views, and fills. */
import { F32_KERNELS } from "@tacit/kernels";
import { type Aval, sizeOf } from "../../../program/aval.ts";
import { DTYPE, type DType } from "../../../program/dtype.ts";
import { type At, type Call, call, type KernelStep } from "../steps.ts";
import { collapse, type View, whole } from "../view.ts";
import type { Lowering } from "./lowering.ts";

/** Axes that one strided copy takes. */
const MAX_AXES = 6;

/** The calls that copy `from` into `target` (views of one shape). More axes than a kernel takes become several calls. */
export function copyInto(from: View, target: View, dtype: DType, at: At): Call[] {
  const bytes = DTYPE[dtype].bytes as 1 | 4 | 8;
  const { shape, strides } = collapse(from.shape, [from.strides, target.strides]);
  const lead = Math.max(0, shape.length - MAX_AXES);
  const calls: Call[] = [];
  const visit = (d: number, src: number, dst: number): void => {
    if (d < lead) {
      for (let i = 0; i < shape[d]!; i++) visit(d + 1, src + i * strides[0]![d]!, dst + i * strides[1]![d]!);
      return;
    }
    calls.push(
      call(F32_KERNELS.stridedCopy, {
        src: at(from.base) + src * bytes,
        dst: at(target.base) + dst * bytes,
        shape: shape.slice(lead),
        srcStrides: strides[0]!.slice(lead),
        dstStrides: strides[1]!.slice(lead),
        elementBytes: bytes,
      }),
    );
  };
  visit(0, from.offset, target.offset);
  return calls;
}

/** A step that writes the view into the new value `out`, row-major. */
export function copyViewStep(from: View, out: number, dtype: DType): KernelStep {
  return {
    kind: "kernel",
    label: "copy",
    reads: [from.base],
    writes: [out],
    calls: (at) => copyInto(from, whole(out, from.shape), dtype, at),
  };
}

/** A step that copies the whole buffer of a value. */
export const copyStep = (aval: Aval, from: number, out: number): KernelStep =>
  copyViewStep(whole(from, [sizeOf(aval.shape)]), out, aval.dtype);

/** The call that sets every element of `v` to one number. 64-bit elements: 0 only. */
export function fillCall(v: number, aval: Aval, value: number, at: At): Call {
  const words = DTYPE[aval.dtype].big ? 2 : 1;
  const dtype = aval.dtype === "i64" || aval.dtype === "u64" || aval.dtype === "f64" ? "i32" : aval.dtype;
  return call(F32_KERNELS.fill, { y: at(v), n: sizeOf(aval.shape) * words, dtype, value });
}

export function fillStep(to: Lowering, v: number, value: number): void {
  to.kernel({ label: "fill", reads: [], writes: [v], calls: (at) => [fillCall(v, to.aval(v), value, at)] });
}
