/** @file Elementwise chains: parameters, and their translation into a micro-program on tile registers. */
import { KernelError } from "../errors.ts";
import { type ChainOp, expand } from "./chain-ops.ts";
import { type Address, bitsOf, ELEMENT_BYTES, type ElementType, type Instruction, type Kernel } from "./instruction.ts";
import { MICRO, OPCODES, TILE } from "./opcodes.gen.ts";

export type { ChainOp } from "./chain-ops.ts";

/** Values in memory, seen in the chain's shape. Without `strides` they lie in order (row-major, no gaps). */
export interface ChainLoad {
  readonly address: Address;
  readonly dtype: ElementType;
  /** Elements from one index to the next, per dimension of the chain's shape; 0 repeats (broadcasting). */
  readonly strides?: readonly number[];
}
/** The same number everywhere. */
export interface ChainConstant {
  readonly constant: number;
  readonly dtype: ElementType;
}
export type ChainInput = ChainLoad | ChainConstant;

/** One operation. `args` are numbers of values: inputs first (0, 1, ...), then the results of steps, in order. */
export interface ChainStep {
  readonly op: ChainOp;
  readonly args: readonly number[];
  /** The type to cast to (op "cast" only). */
  readonly to?: ElementType;
}
/** A value to keep, in order and in its own type, in a buffer padded to 64 bytes. */
export interface ChainOutput {
  readonly value: number;
  readonly address: Address;
}
/**
 * An output may lie where an input without strides lies (in-place update); it may not overlap any other input.
 * Limits: 64 inputs, steps and outputs kept at once; 6 dimensions after merging.
 */
export interface ChainParams {
  readonly shape: readonly number[];
  readonly inputs: readonly ChainInput[];
  readonly steps: readonly ChainStep[];
  readonly outputs: readonly ChainOutput[];
}

// Slot kinds and sizes; the same as in as/f32/chain.ts.
const KIND = { REGISTER: 0, MEMORY: 1, CONSTANT: 2, SCALAR: 3, BYTES: 4, BROADCAST: 5, STORE: 6 } as const;
const SLOT_WORDS = 12;
const HEADER_WORDS = 8;
const MAX_SLOTS = 64;
const MAX_DIMS = 6;
const REGISTER_BYTES = 4 * TILE + 64;

interface Slot {
  readonly kind: number;
  readonly value: number;
  readonly register: number;
  readonly bytes: number;
  readonly strides: readonly number[];
}
/** A micro-operation on value numbers of the expanded program. */
interface MicroStep {
  readonly micro: number;
  readonly args: readonly number[];
}
interface Expanded {
  readonly types: ElementType[];
  readonly steps: MicroStep[];
  /** Value number (inputs, then public steps) -> value number in the expanded program. */
  readonly numbers: number[];
}

function expandAll(p: ChainParams): Expanded {
  const types = p.inputs.map((i) => i.dtype);
  const numbers = p.inputs.map((_, i) => i);
  const steps: MicroStep[] = [];
  const push = (micro: number, args: readonly number[], type: ElementType): number => {
    steps.push({ micro, args });
    return types.push(type) - 1;
  };
  for (const step of p.steps) {
    const args = step.args.map((a) => numbers[a]!);
    const operand = types[args[step.op === "where" ? 1 : 0]!]!;
    const { micro, exchanged, type } = expand(step.op, operand, step.to);
    let value = args[0]!;
    micro.forEach((m, i) => {
      const first = exchanged ? [args[1]!, args[0]!] : args;
      value = push(MICRO[m], i === 0 ? first : [value], type);
    });
    numbers.push(value);
  }
  return { types, steps, numbers };
}

/** Dimensions of size 1 dropped, neighbours merged where every strided input allows it. */
function mergeDims(shape: readonly number[], strided: readonly (readonly number[])[]): { shape: number[]; strides: number[][] } {
  const merged: number[] = [];
  const strides = strided.map((): number[] => []);
  shape.forEach((size, d) => {
    if (size === 1) return;
    const last = merged.length - 1;
    if (last >= 0 && strided.every((s, i) => strides[i]![last] === s[d]! * size)) {
      merged[last]! *= size;
      for (const [i, s] of strided.entries()) strides[i]![last] = s[d]!;
      return;
    }
    merged.push(size);
    for (const [i, s] of strided.entries()) strides[i]!.push(s[d]!);
  });
  if (merged.length === 0) return { shape: [1], strides: strides.map(() => [0]) };
  if (merged.length > MAX_DIMS) {
    const message = `chain: expected at most ${MAX_DIMS} dimensions after merging, got ${merged.length}`;
    throw new KernelError("KERNEL_TOO_MANY_DIMENSIONS", message, "copy the input first");
  }
  return { shape: merged, strides };
}

function inOrder(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}

/** Allocates slots and registers; the result is the side table. */
class Layout {
  readonly slots: Slot[] = [];
  readonly program: number[] = [];
  readonly slotOf = new Map<number, number>();
  registers = 0;
  private readonly freeRegisters: number[] = [];
  readonly dims: readonly number[];

  constructor(p: ChainParams) {
    const strided = p.inputs.map((i) => ("strides" in i && i.strides && !inOrder(p.shape, i.strides) ? i.strides : undefined));
    const { shape, strides } = mergeDims(
      p.shape,
      strided.filter((s) => s !== undefined),
    );
    this.dims = shape;
    let next = 0;
    p.inputs.forEach((input, i) => {
      this.slotOf.set(i, this.addInput(input, strided[i] && strides[next++]));
    });
  }

  private add(kind: number, value: number, register: number, bytes = 4, strides: readonly number[] = []): number {
    if (this.slots.length >= MAX_SLOTS) {
      const message = `chain: expected at most ${MAX_SLOTS} values, got more`;
      throw new KernelError("KERNEL_CHAIN_TOO_LONG", message, "split the chain");
    }
    return this.slots.push({ kind, value, register, bytes, strides }) - 1;
  }

  private addInput(input: ChainInput, strides: readonly number[] | undefined): number {
    if ("constant" in input) {
      const bits = input.dtype === "f32" ? bitsOf(input.constant) : input.constant | 0;
      return this.add(KIND.CONSTANT, bits, this.registers++);
    }
    const bytes = ELEMENT_BYTES[input.dtype];
    if (strides?.every((s) => s === 0)) return this.add(KIND.SCALAR, input.address, this.registers++, bytes);
    if (strides) return this.add(KIND.BROADCAST, input.address, this.registers++, bytes, strides);
    return bytes === 4 ? this.memory(input.address) : this.add(KIND.BYTES, input.address, this.registers++, bytes);
  }

  memory(address: Address): number {
    return this.add(KIND.MEMORY, address, 0);
  }

  store(address: Address): number {
    return this.add(KIND.STORE, address, this.registers++, 1);
  }

  register(): number {
    return this.freeRegisters.pop() ?? this.add(KIND.REGISTER, 0, this.registers++);
  }

  release(slot: number): void {
    if (this.slots[slot]!.kind === KIND.REGISTER) this.freeRegisters.push(slot);
  }

  emit(micro: number, destination: number, args: readonly number[]): void {
    const [a = 0, b = a, c = a] = args.map((v) => this.slotOf.get(v)!);
    this.program.push(micro, destination, a, b, c);
  }

  table(): Int32Array {
    const sizes = [...this.dims.slice(1), 0, 0, 0, 0, 0].slice(0, HEADER_WORDS - 3);
    const header = [this.slots.length, this.program.length / 5, this.dims.length, ...sizes];
    const slots = this.slots.flatMap((s) => [s.kind, s.value, s.register, s.bytes, ...padTo(s.strides, SLOT_WORDS - 4)]);
    return Int32Array.from([...header, ...slots, ...this.program]);
  }
}

function padTo(list: readonly number[], n: number): number[] {
  return [...list, ...new Array<number>(n - list.length).fill(0)];
}

/** Step number after which nobody reads a value; outputs that are copied at the end live for ever. */
function lastReads(steps: readonly MicroStep[], count: number): number[] {
  const last = new Array<number>(count).fill(-1);
  steps.forEach((s, i) => {
    for (const a of s.args) last[a] = i;
  });
  return last;
}

function layout(p: ChainParams): Layout {
  const { types, steps, numbers } = expandAll(p);
  const l = new Layout(p);
  const last = lastReads(steps, types.length);
  const firstOutput = new Map<number, ChainOutput>();
  const copies: ChainOutput[] = [];
  for (const { value } of p.outputs) if (value < p.inputs.length) last[value] = Number.POSITIVE_INFINITY;
  for (const output of p.outputs) {
    const value = numbers[output.value]!;
    const inputLater = p.inputs.some(
      (i, n) => "address" in i && i.address === output.address && last[n]! > value - p.inputs.length,
    );
    if (value < p.inputs.length || firstOutput.has(value) || inputLater) copies.push({ value, address: output.address });
    else firstOutput.set(value, output);
  }
  for (const c of copies) last[c.value] = Number.POSITIVE_INFINITY;
  const place = (value: number, address: Address): number =>
    ELEMENT_BYTES[types[value]!] === 1 ? l.store(address) : l.memory(address);
  steps.forEach((step, i) => {
    const value = p.inputs.length + i;
    const output = firstOutput.get(value);
    // Operands that die here give their registers back first: every operation may work in place.
    for (const a of new Set(step.args)) if (last[a] === i && !firstOutput.has(a)) l.release(l.slotOf.get(a)!);
    const slot = output ? place(value, output.address) : l.register();
    l.emit(step.micro, slot, step.args);
    l.slotOf.set(value, slot);
    if (!output && last[value] === -1) l.release(slot);
  });
  for (const c of copies) l.emit(MICRO.copy, place(c.value, c.address), [c.value]);
  return l;
}

export const chain: Kernel<ChainParams> = {
  name: "chain",
  opcode: OPCODES.chain,
  encode(p): Instruction {
    const n = p.shape.reduce((a, b) => a * b, 1);
    return { opcode: OPCODES.chain, words: [0, n], side: layout(p).table() };
  },
  scratchBytes: (p) => 4 * MAX_SLOTS + layout(p).registers * REGISTER_BYTES,
};
