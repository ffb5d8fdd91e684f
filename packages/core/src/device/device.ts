/** @file Device: something that can run a Program on tensors that live there. The whole interface between core and devices. */
import type { Aval } from "../program/aval.ts";
import type { DType, TypedArray } from "../program/dtype.ts";
import type { Program } from "../program/program.ts";

/** A value on a device. Only its device looks inside. */
export type Storage = object;

/**
 * How an input of a Program is bound for a run. `public`: every executor may know it. `resident`: lives on the device; with
 * `donate` its storage may be overwritten by the output that replaces it. `secret`: known to nobody who executes; `owners` must consent to reveals.
 */
export type Binding =
  | { readonly kind: "public" }
  | { readonly kind: "resident"; readonly donate: boolean }
  | { readonly kind: "secret"; readonly owners: readonly string[] };

/** Output `output` of the Program replaces the value of input `input` (an optimizer's update): the executor may work in place. */
export interface Update {
  readonly output: number;
  readonly input: number;
}

/** What the engine asks a device to prepare once and run often. */
export interface Job {
  readonly program: Program;
  readonly bindings: readonly Binding[];
  readonly updates: readonly Update[];
}

/** A Program made ready. `run` takes one storage per input and returns one per output, in order. */
export interface Executable {
  run(inputs: readonly Storage[]): readonly Storage[] | Promise<readonly Storage[]>;
  /** What it does, as text for people. */
  describe?(): string;
  /** Frees what `prepare` reserved (plan tables). */
  release?(): void;
}

/** One op that a device cannot do as bound, and why. */
export interface Gap {
  readonly node: number;
  readonly op: string;
  readonly reason: string;
}

/** To whom a secret is disclosed (a name of the session), and why. */
export interface Disclosure {
  readonly to: string;
  readonly why: string;
}

/** How long one step of a run took, for profiles. */
export interface StepTime {
  /** The same object in every run of one plan. */
  readonly step: object;
  readonly label: string;
  /** Its first result. */
  readonly result: Aval;
  /** `performance.now()`, ms. */
  readonly start: number;
  readonly ms: number;
  /** Floating-point operations; 0 where not counted. */
  readonly flops: number;
  /** The node of the Program whose value it makes; -1 where it stands for none. */
  readonly node: number;
}

export interface Device {
  /** Shown by `Tensor.toString()`: `Tensor<f32[3,4] cpu>`. */
  readonly name: string;
  /** Whether `await tensor.data()` may return values here; where false, only `reveal({ to, why })`. */
  readonly readable: boolean;
  /** The binding of a value that lives here. */
  binding(storage: Storage): Binding;
  /** Brings a host value here, as a public or plain value. */
  put(values: TypedArray, aval: Aval): Storage;
  /** Where `tensor.to(device)` must not use `put`: turns a host value into shares or ciphertexts. */
  share?(values: TypedArray, aval: Aval): Storage | Promise<Storage>;
  /** Whether values of this dtype can live here; absent: all of them. */
  supports?(dtype: DType): boolean;
  /** Discloses a secret, if the policy lets it. Absent: no way out. */
  reveal?(storage: Storage, aval: Aval, options: Disclosure): Promise<TypedArray>;
  /** The host value, in an array that the caller may keep. Throws where the device is not readable. */
  read(storage: Storage, aval: Aval): TypedArray | Promise<TypedArray>;
  /** All gaps at once, empty when the Program can run. */
  check(program: Program, bindings: readonly Binding[]): readonly Gap[];
  prepare(job: Job): Executable | Promise<Executable>;
  /** Tells `listener` of every step of the runs from now on, which are then done one by one. Returns the way to stop. */
  onStep?(listener: (time: StepTime) => void): () => void;
}
