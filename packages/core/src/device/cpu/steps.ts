/** @file Step: one unit of work of a plan. A kernel step becomes instructions in WASM memory, a host step is a function. */
import type { Instruction, Kernel } from "@tacit/kernels";
import type { TypedArray } from "../../program/dtype.ts";

/** Byte address of a value while a plan is written to memory. */
export type At = (value: number) => number;

/** A kernel with its parameters: one instruction. */
export interface Call {
  readonly kernel: string;
  readonly params: unknown;
  /** Bytes of scratch that every thread needs. */
  scratchBytes(): number;
  encode(): Instruction;
}

/** The call of `kernel` on `params`. */
export function call<P>(kernel: Kernel<P>, params: P): Call {
  return {
    kernel: kernel.name,
    params,
    scratchBytes: () => kernel.scratchBytes(params),
    encode: () => kernel.encode(params),
  };
}

/** What to say when a kernel finds bad data: the kernels' error word is read after a guarded step. */
export interface Guard {
  readonly code: "LABEL_OUT_OF_RANGE" | "INDEX_INVALID";
  readonly message: string;
}

interface StepBase {
  /** Shown in profiles. */
  readonly label: string;
  /** Values that must exist before the step runs. */
  readonly reads: readonly number[];
  /** Values that it makes; every value is made by one step. */
  readonly writes: readonly number[];
}

export interface KernelStep extends StepBase {
  readonly kind: "kernel";
  /** The instructions for these addresses, always the same number of them. */
  calls(at: At): readonly Call[];
  /** Per write, the reads whose buffer it may take over: read at an index before the write at that index, and nowhere else. */
  readonly inPlace?: readonly (readonly number[])[];
  readonly guard?: Guard;
  /** Floating-point operations, for profiles. */
  readonly flops?: number;
}

export interface HostStep extends StepBase {
  readonly kind: "host";
  /** One array per read, in order; returns the one written value. */
  run(args: readonly TypedArray[]): TypedArray;
}

export type Step = KernelStep | HostStep;
