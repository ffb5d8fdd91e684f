/** @file Inflating gzip with an output bound, by the platform's DecompressionStream: the same in Node and browsers. */
import { TacitError } from "../errors.ts";

/** Whether the bytes begin like a gzip member (RFC 1952 §2.3.1). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** No deflate stream inflates by more: a match of 258 bytes costs at least 2 bits, plus one block header. */
export const DEFLATE_MAX_RATIO = 1032;

/**
 * The inflated bytes in pieces, as they come.
 * @throws GZIP_INVALID when the stream is damaged or cut short.
 */
export async function* inflate(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const source = new ReadableStream<BufferSource>({
    start(controller) {
      controller.enqueue(new Uint8Array(bytes));
      controller.close();
    },
  });
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw new TacitError("GZIP_INVALID", `gunzip: expected a complete gzip stream, got a damaged one of ${bytes.length} bytes`, {
      hint: "the file is cut short or altered: fetch it again",
      cause,
    });
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * Inflates a gzip stream whole; never holds more than `limit` bytes plus one piece (64 KiB).
 * @throws GZIP_INVALID, or SIZE_LIMIT when the output is longer than `limit`.
 */
export async function gunzip(bytes: Uint8Array, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for await (const piece of inflate(bytes)) {
    total += piece.length;
    if (total > limit) throw new TacitError("SIZE_LIMIT", `gunzip: expected at most ${limit} bytes of output, got more`);
    pieces.push(piece);
  }
  const out = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
