/** @file The reference device: runs a Program node by node with the op table's own plain computations. Slow, and the oracle of all others. */
import { expected, TacitError } from "../../errors.ts";
import { OPS } from "../../ops/table.ts";
import { type Aval, showAval, sizeOf } from "../../program/aval.ts";
import { DTYPE, type TypedArray } from "../../program/dtype.ts";
import type { Program } from "../../program/program.ts";
import type { Binding, Device, Executable, Storage } from "../device.ts";

/** `f64`: every f32 of a Program is computed and kept as f64. `f32`: sums inside an op in f64, every result rounded to f32. */
export type Precision = "f64" | "f32";

class HostStorage {
  readonly values: TypedArray;
  constructor(values: TypedArray) {
    this.values = values;
  }
}

const PLAIN: Binding = { kind: "resident", donate: false };

/** What a value is while it is computed: f32 is f64 at the higher precision. */
const widened = (aval: Aval, precision: Precision): Aval =>
  precision === "f64" && aval.dtype === "f32" ? { shape: aval.shape, dtype: "f64" } : aval;

/** Throws unless the array has the element type and length of the value. A Float64Array may stand for f32. */
function checkValues(values: TypedArray, aval: Aval): void {
  const same = values.constructor === DTYPE[aval.dtype].make(0).constructor;
  const wide = aval.dtype === "f32" && values instanceof Float64Array;
  if ((!same && !wide) || values.length !== sizeOf(aval.shape)) {
    expected("SHAPE_MISMATCH", "reference", `values for ${showAval(aval)}`, `a ${values.constructor.name} of ${values.length}`);
  }
}

/** A copy of the values in the array type of `aval`. */
function converted(values: TypedArray, aval: Aval): TypedArray {
  if (aval.dtype === "f64") return Float64Array.from(values as Float32Array | Float64Array);
  if (aval.dtype === "f32") return Float32Array.from(values as Float32Array | Float64Array);
  return values.slice();
}

/** For each value of the Program the last node that reads it; outputs stay. */
function lastReaders(program: Program): Int32Array {
  const last = new Int32Array(program.inputs.length + program.nodes.length).fill(-1);
  program.nodes.forEach((n, i) => {
    for (const a of n.args) last[a] = i;
  });
  for (const id of program.outputs) last[id] = program.nodes.length;
  return last;
}

/** Computes a Program on arrays; each value is dropped after its last reader. @throws what an op throws on bad indices or labels */
export function interpret(program: Program, inputs: readonly TypedArray[], precision: Precision): TypedArray[] {
  if (inputs.length !== program.inputs.length) {
    throw new TacitError("ARITY_MISMATCH", `reference: expected ${program.inputs.length} inputs, got ${inputs.length}`);
  }
  const last = lastReaders(program);
  const values: (TypedArray | null)[] = inputs.map((x, i) => converted(x, widened(program.inputs[i]!, precision)));
  program.nodes.forEach((n, i) => {
    const avals = n.args.map((a) => widened(program.aval(a), precision));
    values.push(
      OPS.get(n.op)!.reference(
        n.args.map((a) => values[a]!),
        avals,
        n.attrs,
        widened(n.aval, precision),
      ),
    );
    for (const a of n.args) if (last[a] === i) values[a] = null;
  });
  return program.outputs.map((id) => values[id]!);
}

function valuesOf(storage: Storage): TypedArray {
  if (!(storage instanceof HostStorage)) {
    throw new TacitError("DEVICE_MISMATCH", "reference: expected a storage of this device, got another");
  }
  return storage.values;
}

/** A device that is an oracle: synchronous, readable, knows every op. At precision `f64`, `read` gives a Float64Array for f32. */
export function referenceDevice(precision: Precision): Device {
  return {
    name: `reference ${precision}`,
    readable: true,
    binding: () => PLAIN,
    put(values, aval) {
      checkValues(values, aval);
      return new HostStorage(converted(values, widened(aval, precision)));
    },
    read: (storage) => valuesOf(storage).slice(),
    check: () => [],
    prepare: ({ program }): Executable => ({
      run: (inputs) => interpret(program, inputs.map(valuesOf), precision).map((values) => new HostStorage(values)),
    }),
  };
}
