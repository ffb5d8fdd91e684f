/** @file What people give to be plotted: tensors, typed arrays, numbers, nested arrays; all become f64 values with a shape. */
import type { Tensor } from "@tacit/core";
import { expected } from "@tacit/core/errors";

/** Numbers in a row; null and NaN are gaps. */
export type Numbers = ArrayLike<number | bigint | null>;
/** Row-major values with their shape. */
export interface Shaped {
  readonly values: ArrayLike<number | bigint>;
  readonly shape: readonly number[];
}
export type Nested = readonly Numbers[] | readonly Nested[];
/** Whatever holds numbers in the clear. */
export type Host = Numbers | Shaped | Nested;

/** Values as they are plotted: NaN is a gap. */
export interface Values {
  readonly values: Float64Array;
  readonly shape: readonly number[];
}

export const isTensor = (x: unknown): x is Tensor =>
  typeof x === "object" && x !== null && "data" in x && typeof x.data === "function" && "shape" in x && "dtype" in x;

const isShaped = (x: Host): x is Shaped => !Array.isArray(x) && "values" in x && "shape" in x;

/** @throws ARGUMENT_INVALID for what is not a number */
function numberAt(where: string, x: unknown): number {
  if (x === null) return Number.NaN;
  if (typeof x === "number" || typeof x === "bigint" || typeof x === "boolean") return Number(x);
  return expected("ARGUMENT_INVALID", where, "numbers", x === undefined ? "undefined" : typeof x);
}

const isList = (x: unknown): x is ArrayLike<unknown> => Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView));

function flatten(where: string, data: ArrayLike<unknown>): Values {
  const shape: number[] = [];
  for (let level: unknown = data; isList(level); level = level[0]) shape.push(level.length);
  const out: number[] = [];
  const walk = (part: ArrayLike<unknown>, depth: number): void => {
    if (part.length !== shape[depth])
      expected("SHAPE_MISMATCH", where, `nested arrays of shape [${shape}]`, `a part of length ${part.length}`);
    for (let i = 0; i < part.length; i++) {
      const x = part[i];
      if (isList(x) !== depth + 1 < shape.length)
        expected("SHAPE_MISMATCH", where, `nested arrays of shape [${shape}]`, "others");
      if (isList(x)) walk(x, depth + 1);
      else out.push(numberAt(where, x));
    }
  };
  walk(data, 0);
  return { values: Float64Array.from(out), shape };
}

/** @throws ARGUMENT_INVALID, SHAPE_MISMATCH */
export function hostValues(where: string, given: Host): Values {
  if (given === null || typeof given !== "object")
    expected("ARGUMENT_INVALID", where, "numbers or a tensor", given === null ? "null" : typeof given);
  if (!isShaped(given)) {
    if (!isList(given)) expected("ARGUMENT_INVALID", where, "numbers or a tensor", "an object");
    return flatten(where, given);
  }
  const size = given.shape.reduce((a, b) => a * b, 1);
  if (size !== given.values.length)
    expected("SHAPE_MISMATCH", where, `${size} values for [${given.shape}]`, `${given.values.length}`);
  return { values: Float64Array.from({ length: size }, (_, i) => numberAt(where, given.values[i])), shape: given.shape };
}

/**
 * Hands the values of all that was given to `make`: at once where all of it is in the clear, in a promise where a tensor has to be read.
 * @throws DEVICE_SECRET for a secret tensor
 */
export function read<R>(where: string, given: readonly (Host | Tensor)[], make: (values: Values[]) => R): R | Promise<R> {
  if (!given.some(isTensor)) return make(given.map((g) => hostValues(where, g as Host)));
  const one = async (g: Host | Tensor): Promise<Values> =>
    isTensor(g) ? { values: Float64Array.from(await g.data(), Number), shape: g.shape } : hostValues(where, g);
  return Promise.all(given.map(one)).then(make);
}

/** @throws SHAPE_MISMATCH unless the values stand in a row */
export function row(where: string, v: Values): Float64Array {
  if (v.shape.length > 1)
    expected("SHAPE_MISMATCH", where, "values of one dimension", `[${v.shape}]`, "flatten() or select a part");
  return v.values;
}

/** Beyond this, ranges would overflow a double. */
const MOST = 1e300;
const isGap = (v: number): boolean => !(Math.abs(v) <= MOST);

/** A gap for what is not finite, or beyond 1e300. */
export const gapped = (values: ArrayLike<number>): (number | null)[] => Array.from(values, (v) => (isGap(v) ? null : v));

/** How many are not finite, as a note; nothing where all are. */
export function noteGaps(values: ArrayLike<number>, what: string): string[] {
  let n = 0;
  for (let i = 0; i < values.length; i++) if (isGap(values[i]!)) n++;
  return n === 0 ? [] : [`${what}: ${n} of ${values.length} values are not finite`];
}
