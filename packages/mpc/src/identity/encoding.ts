/** @file Bytes as text and back: hexadecimal, words of others, and comparison that does not depend on where bytes differ. */
import { TacitError } from "@tacit/core/errors";

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const b of bytes) text += b.toString(16).padStart(2, "0");
  return text;
}

/** @throws TacitError ENCODING_INVALID when `text` is not an even number of hexadecimal digits, or not `length` bytes. */
export function fromHex(where: string, text: unknown, length?: number): Uint8Array<ArrayBuffer> {
  if (typeof text !== "string" || text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) {
    throw new TacitError("ENCODING_INVALID", `${where}: expected lower-case hexadecimal digits, got something else`);
  }
  if (length !== undefined && text.length !== 2 * length) {
    throw new TacitError("ENCODING_INVALID", `${where}: expected ${length} bytes, got ${text.length / 2}`);
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let different = 0;
  for (let i = 0; i < a.length; i++) different |= a[i]! ^ b[i]!;
  return different === 0;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let n = 0;
  for (const p of parts) n += p.length;
  const all = new Uint8Array(n);
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(new TextEncoder().encode(text));

/** Words of others as they may stand in a message or on a terminal: ASCII without control characters. */
export const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?");

/** The code of an error that others tell of; `otherwise` where it is none. */
export const errorCode = (text: string, otherwise: string): string => (/^[A-Z][A-Z0-9_]{2,40}$/.test(text) ? text : otherwise);
