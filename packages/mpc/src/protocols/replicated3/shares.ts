/** @file The client's side: a value into shares and back. Nothing here runs at a party. */
import { expected } from "@tacit/core/errors";
import { type Aval, DTYPE, showAval, sizeOf, type TypedArray } from "@tacit/core/program";
import type { ProtocolOptions } from "../protocol.ts";
import { fromRing, toRing } from "./lower/fixed-point.ts";
import { rangeOf } from "./range.ts";
import { seedStream } from "./seed-stream.ts";

/** log2 of the largest magnitude of a fixed-point input: products of two stay below 2^62 with 16 fraction bits. */
export const INPUT_BITS = 14;
/** log2 of the largest magnitude of an integer input. */
const INTEGER_BITS = 31;
const KEY_BYTES = 32;

/** Fraction bits of a value of this dtype. */
export function scaleOf(aval: Aval, options: ProtocolOptions): number {
  return DTYPE[aval.dtype].float ? options.fractionBits : 0;
}

/** Where the session agreed on a range, the ring integer stays below it, and not at it: differences of two must not leave 32 bits. */
function checkRange(values: TypedArray, aval: Aval, options: ProtocolOptions): void {
  const agreed = DTYPE[aval.dtype].float && rangeOf(options) <= INPUT_BITS;
  const bits = agreed ? rangeOf(options) : DTYPE[aval.dtype].float ? INPUT_BITS : INTEGER_BITS;
  const limit = 2 ** bits - (agreed ? 2 ** -options.fractionBits : 0);
  for (let i = 0; i < values.length; i++) {
    const v = Number(values[i]);
    if (!(Math.abs(v) <= limit)) {
      const hint = "scale the data (to zero mean and unit variance, say); NaN and infinities have no shares";
      expected("INPUT_OUT_OF_RANGE", "share", `magnitudes up to 2^${bits} in ${showAval(aval)}`, `another at element ${i}`, hint);
    }
  }
}

/**
 * One payload per party: x = x_0 + x_1 + x_2, party i gets (x_i, x_(i+1)). x_0 and x_1 are streams of fresh 32-byte keys, so that
 * party 0 gets 64 bytes, parties 1 and 2 a key and 8 bytes per element.
 * @throws TacitError INPUT_OUT_OF_RANGE, naming the first element's position, never its value
 */
export function share(values: TypedArray, aval: Aval, options: ProtocolOptions): readonly Uint8Array[] {
  checkRange(values, aval, options);
  const ring = toRing(values, scaleOf(aval, options));
  const [k0, k1] = [0, 1].map(() => crypto.getRandomValues(new Uint8Array(KEY_BYTES))) as [Uint8Array, Uint8Array];
  const [x0, x1] = [k0, k1].map((k) => stream(k, ring.length)) as [BigInt64Array, BigInt64Array];
  const x2 = new BigInt64Array(ring.length);
  for (let i = 0; i < ring.length; i++) x2[i] = ring[i]! - x0[i]! - x1[i]!;
  const last = new Uint8Array(x2.buffer);
  return [concat(k0, k1), concat(k1, last), concat(last, k0)];
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

function stream(key: Uint8Array, n: number): BigInt64Array {
  return new BigInt64Array(seedStream(key, 8 * n).buffer);
}

/** Bytes of the two components in a payload to party `index`. */
export function payloadSizes(aval: Aval, index: number): readonly [number, number] {
  const sizes = [KEY_BYTES, KEY_BYTES, 8 * sizeOf(aval.shape)] as const;
  return [sizes[index]!, sizes[(index + 1) % 3]!];
}

/** The two components of a payload at party `index`. @throws TacitError MPC_PAYLOAD for a wrong length */
export function components(payload: Uint8Array, aval: Aval, index: number): readonly [BigInt64Array, BigInt64Array] {
  const n = sizeOf(aval.shape);
  const [first, second] = payloadSizes(aval, index);
  if (payload.length !== first + second) {
    expected("MPC_PAYLOAD", "importShare", `${first + second} bytes for ${showAval(aval)}`, `${payload.length}`);
  }
  const read = (bytes: Uint8Array, component: number): BigInt64Array =>
    component === 2 ? new BigInt64Array(bytes.slice().buffer) : stream(bytes, n);
  return [read(payload.subarray(0, first), index), read(payload.subarray(first), (index + 1) % 3)];
}

/** The value from every party's export: their sum. @throws TacitError MPC_PAYLOAD */
export function reconstruct(payloads: readonly Uint8Array[], aval: Aval, options: ProtocolOptions): TypedArray {
  const n = sizeOf(aval.shape);
  if (payloads.length !== 3 || payloads.some((p) => p.length !== 8 * n)) {
    expected("MPC_PAYLOAD", "reconstruct", `three payloads of ${8 * n} bytes for ${showAval(aval)}`, "others");
  }
  const parts = payloads.map((p) => new BigInt64Array(p.slice().buffer));
  const ring = new BigInt64Array(n);
  for (let i = 0; i < n; i++) ring[i] = parts[0]![i]! + parts[1]![i]! + parts[2]![i]!;
  const out = DTYPE[aval.dtype].make(n);
  fromRing(ring, scaleOf(aval, options), out);
  return out;
}
