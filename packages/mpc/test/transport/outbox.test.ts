/** @file What an Outbox hands to its carrier, write by write. */
import { describe, expect, it } from "vitest";
import { Outbox } from "../../src/transport/outbox.ts";

interface Write {
  readonly bytes: Uint8Array;
  /** What the bytes were when the write began. */
  readonly seen: Uint8Array;
  readonly written: () => void;
}

/** A carrier that finishes a write when told to. */
function slowCarrier(): { writes: Write[]; outbox: Outbox } {
  const writes: Write[] = [];
  const write = (bytes: Uint8Array, written: () => void): void => void writes.push({ bytes, seen: bytes.slice(), written });
  return { writes, outbox: new Outbox({ write, end: () => Promise.resolve(), destroy: () => {} }) };
}

const pattern = (n: number, from: number): Uint8Array => Uint8Array.from({ length: n }, (_, i) => (from + i * 7) & 255);
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const joined = (writes: readonly Write[]): Uint8Array => Uint8Array.from(writes.flatMap((w) => [...w.seen]));

describe("an outbox", () => {
  it("writes what one tick sends at once, and nothing before the tick ends", async () => {
    const { writes, outbox } = slowCarrier();
    outbox.put(pattern(5, 0));
    outbox.put(pattern(11, 5));
    expect(writes.length).toBe(0);
    await tick();
    expect(writes.map((w) => w.seen.length)).toEqual([16]);
  });

  it("has one write under way, and sends meanwhile what came in as few further ones as chunks hold it", async () => {
    const { writes, outbox } = slowCarrier();
    const parts = [pattern(700_001, 1), pattern(3, 2), pattern(262_144, 3), pattern(0, 4), pattern(17, 5)];
    for (const part of parts) {
      outbox.put(part);
      await tick();
      expect(writes.length).toBe(1);
    }
    for (let i = 0; i < writes.length; i++) {
      writes[i]!.written();
      expect(writes.length).toBeLessThanOrEqual(i + 2);
    }
    expect(joined(writes)).toEqual(Uint8Array.from(parts.flatMap((p) => [...p])));
    expect(writes.length).toBeLessThanOrEqual(5);
  });

  it("leaves no byte of a written chunk behind, and uses the chunk again", async () => {
    const { writes, outbox } = slowCarrier();
    outbox.put(pattern(4099, 9));
    await tick();
    writes[0]!.written();
    expect(writes[0]!.bytes.every((b) => b === 0)).toBe(true);
    outbox.put(pattern(10, 3));
    await tick();
    expect(writes[1]!.bytes.buffer).toBe(writes[0]!.bytes.buffer);
    expect(writes[1]!.seen).toEqual(pattern(10, 3));
  });

  it("is drained when the last write is done, not before", async () => {
    const { writes, outbox } = slowCarrier();
    let drained = false;
    outbox.put(pattern(300_000, 0));
    const done = outbox.drain().then(() => {
      drained = true;
    });
    await tick();
    writes[0]!.written();
    await tick();
    expect([writes.length, drained]).toEqual([2, false]);
    writes[1]!.written();
    await done;
    expect(joined(writes)).toEqual(pattern(300_000, 0));
    await outbox.drain();
  });
});
