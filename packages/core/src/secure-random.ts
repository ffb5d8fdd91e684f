/** @file secureRandom: the other door to randomness. The platform's CSPRNG, never seedable: shares, keys, masks, DP noise. */
import { expected } from "./errors.ts";

/** `getRandomValues` gives at most this many bytes a call (Web Crypto). */
const QUOTA = 65536;

/** `bytes` bytes from the platform's cryptographic generator. @throws ARGUMENT_INVALID unless a non-negative integer */
export function secureRandom(bytes: number): Uint8Array<ArrayBuffer> {
  if (!Number.isSafeInteger(bytes) || bytes < 0) expected("ARGUMENT_INVALID", "secureRandom", "a number of bytes", `${bytes}`);
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += QUOTA) crypto.getRandomValues(out.subarray(at, Math.min(at + QUOTA, bytes)));
  return out;
}
