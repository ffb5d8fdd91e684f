/** @file Link: an ordered, authenticated, encrypted connection to one other party, as protocols see it. */

/**
 * What a message belongs to. `run` is the session's persisted run counter, `op` the immutable id of a step of the Program
 * (never a counter read late), `lane` the piece of the tensor and the message's number inside it. No two messages on one
 * link in one direction share a tag.
 */
export interface Tag {
  /** 0 .. 2^32-1 */
  readonly run: number;
  /** 0 .. 2^32-1 */
  readonly op: number;
  /** 0 .. 2^16-1 */
  readonly lane: number;
}

/** Bytes of a frame's header: length u32, run u32, op u32, lane u16, depth u16. They count as sent bytes. */
export const HEADER_BYTES = 16;

/** What a link has sent so far: payload plus frame headers, and frames. */
export interface LinkCounters {
  bytesSent: number;
  framesSent: number;
}

export interface Link {
  /**
   * Sends `bytes` under `tag`. The bytes are copied (or held until written) before this returns: the caller may overwrite
   * the buffer at once. `depth` is the number of rounds the content depends on; it travels in the header.
   */
  send(tag: Tag, depth: number, bytes: Uint8Array): void;
  /**
   * Waits for the message under `tag`, which must have exactly `into.byteLength` bytes, and writes it there.
   * Resolves with the sender's depth. Rejects with a TacitError (MPC_PARTY_LOST, MPC_TIMEOUT, MPC_FRAME_INVALID) that names party and op.
   */
  receive(tag: Tag, into: Uint8Array): Promise<number>;
  readonly counters: LinkCounters;
}
