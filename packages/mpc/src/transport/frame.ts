/** @file Frames between parties: a 16-byte header (little-endian) and a body. Everything is bounded before it is parsed. */
import { HEADER_BYTES, type Tag } from "./link.ts";

/** Frames of this run number carry control messages of the parties themselves (CBOR), never shares. */
export const CONTROL_RUN = 0xffff_ffff;
/** Most bytes of a control message: a hello is below 300, an abort's text is cut at 400 characters. */
export const CONTROL_LIMIT = 4096;

export interface FrameHeader {
  /** Bytes of the body. */
  readonly length: number;
  readonly tag: Tag;
  /** Rounds that the content depends on. */
  readonly depth: number;
}

const isUint = (x: number, bits: number): boolean => Number.isInteger(x) && x >= 0 && x < 2 ** bits;

/** @throws RangeError when a field does not fit: a counter that wraps would reuse a tag. */
export function writeHeader(into: Uint8Array, at: number, length: number, tag: Tag, depth: number): void {
  if (!isUint(length, 32) || !isUint(tag.run, 32) || !isUint(tag.op, 32) || !isUint(tag.lane, 16) || !isUint(depth, 16)) {
    throw new RangeError(`frame: expected fields of 32, 32, 32, 16, 16 bits, got a larger one at op ${tag.op}`);
  }
  const view = new DataView(into.buffer, into.byteOffset + at, HEADER_BYTES);
  view.setUint32(0, length, true);
  view.setUint32(4, tag.run, true);
  view.setUint32(8, tag.op, true);
  view.setUint16(12, tag.lane, true);
  view.setUint16(14, depth, true);
}

export function readHeader(from: Uint8Array): FrameHeader {
  const view = new DataView(from.buffer, from.byteOffset, HEADER_BYTES);
  const tag = { run: view.getUint32(4, true), op: view.getUint32(8, true), lane: view.getUint16(12, true) };
  return { length: view.getUint32(0, true), tag, depth: view.getUint16(14, true) };
}

/** Where a parser puts what it reads. Both may throw: parsing then stops for good. */
export interface FrameSink {
  /** A header came: the place for its body, exactly `length` bytes. Refuses by throwing, before anything is allocated. */
  begin(header: FrameHeader): Uint8Array;
  /** The body is complete. */
  end(header: FrameHeader, body: Uint8Array): void;
}

/** Cuts a stream of bytes into frames. Holds one header and the sink's buffer, never more. */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #head = new Uint8Array(HEADER_BYTES);
  #headAt = 0;
  #header: FrameHeader | null = null;
  #body: Uint8Array = new Uint8Array(0);
  #bodyAt = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#header === null ? this.#feedHead(chunk, at) : this.#feedBody(this.#header, chunk, at);
  }

  #feedHead(chunk: Uint8Array, at: number): number {
    const n = Math.min(HEADER_BYTES - this.#headAt, chunk.length - at);
    this.#head.set(chunk.subarray(at, at + n), this.#headAt);
    this.#headAt += n;
    if (this.#headAt < HEADER_BYTES) return at + n;
    this.#headAt = 0;
    const header = readHeader(this.#head);
    this.#body = this.#sink.begin(header);
    this.#bodyAt = 0;
    if (header.length === 0) this.#sink.end(header, this.#body);
    else this.#header = header;
    return at + n;
  }

  #feedBody(header: FrameHeader, chunk: Uint8Array, at: number): number {
    const n = Math.min(header.length - this.#bodyAt, chunk.length - at);
    this.#body.set(at === 0 && n === chunk.length ? chunk : chunk.subarray(at, at + n), this.#bodyAt);
    this.#bodyAt += n;
    if (this.#bodyAt === header.length) {
      this.#header = null;
      this.#sink.end(header, this.#body);
    }
    return at + n;
  }
}
