/** @file A writer of safetensors files for tests, independent of the product's: it also writes what is wrong. */

export interface Part {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Any header before any data. Format: u64 little-endian header length, JSON header, data. */
export function rawSafetensors(header: string, data: Uint8Array, length: bigint = BigInt(Buffer.byteLength(header))): Uint8Array {
  const size = new Uint8Array(8);
  new DataView(size.buffer).setBigUint64(0, length, true);
  return Buffer.concat([size, Buffer.from(header), data]);
}

/** A well-formed file. */
export function encodeSafetensors(parts: readonly Part[]): Uint8Array {
  const header: Record<string, object> = {};
  let at = 0;
  for (const { name, dtype, shape, bytes } of parts) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  return rawSafetensors(JSON.stringify(header), Buffer.concat(parts.map((p) => p.bytes)));
}
