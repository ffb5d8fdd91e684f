/** @file Frames: bounded before they are parsed, whatever comes. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONTROL_RUN, type FrameHeader, FrameParser, readHeader, writeHeader } from "../../src/transport/frame.ts";
import { FrameLink } from "../../src/transport/frame-link.ts";
import { HEADER_BYTES, type Tag } from "../../src/transport/link.ts";
import { codeOf } from "../support.ts";

const OPTIONS = { peer: "party 1 (clinic-b)", message: 1000, queue: 3000, timeout: 5000 };
const link = (): FrameLink =>
  new FrameLink({ write: (_b, done) => done(), end: () => Promise.resolve(), destroy: () => {} }, OPTIONS);

function frame(tag: Tag, body: Uint8Array, depth = 0, length = body.length): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, length, tag, depth);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}
const tag = (op: number, run = 1, lane = 0): Tag => ({ run, op, lane });

describe("frames", () => {
  it("keep their header, and refuse fields that would wrap", () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31),
        fc.nat(2 ** 31),
        fc.nat(65535),
        fc.nat(65535),
        fc.nat(2 ** 31),
        (run, op, lane, depth, length) => {
          const bytes = new Uint8Array(HEADER_BYTES);
          writeHeader(bytes, 0, length, { run, op, lane }, depth);
          expect(readHeader(bytes)).toEqual({ length, tag: { run, op, lane }, depth });
        },
      ),
    );
    for (const bad of [tag(2 ** 32), tag(1, 2 ** 32), tag(1, 1, 65536), tag(-1)]) {
      expect(() => writeHeader(new Uint8Array(16), 0, 0, bad, 0)).toThrow(RangeError);
    }
  });

  it("are the same however the stream is cut", () => {
    const bodies = [0, 1, 17, 300].map((n, i) => new Uint8Array(n).fill(i + 1));
    const stream = Buffer.concat(bodies.map((b, i) => frame(tag(i), b, i)));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (cuts) => {
        const seen: [FrameHeader, Uint8Array][] = [];
        const parser = new FrameParser({ begin: (h) => new Uint8Array(h.length), end: (h, body) => void seen.push([h, body]) });
        for (let at = 0, i = 0; at < stream.length; i++) {
          const n = cuts[i % cuts.length]!;
          parser.feed(stream.subarray(at, at + n));
          at += n;
        }
        expect(seen.map(([h]) => h.tag.op)).toEqual([0, 1, 2, 3]);
        for (const [i, [h, body]] of seen.entries()) expect([h.depth, Buffer.compare(body, bodies[i]!)]).toEqual([i, 0]);
      }),
    );
  });

  const refusals: [string, (l: FrameLink) => void][] = [
    ["longer than the limit", (l) => l.feed(frame(tag(1), new Uint8Array(8), 0, 1001))],
    ["of another length than its receiver waits for", (l) => l.feed(frame(tag(9, 2), new Uint8Array(7)))],
    ["twice under one tag", (l) => l.feed(Buffer.concat([1, 1].map((op) => frame(tag(op), new Uint8Array(8)))))],
    ["beyond what may wait", (l) => l.feed(Buffer.concat([1, 2, 3, 4].map((op) => frame(tag(op), new Uint8Array(900)))))],
    [
      "of an earlier run",
      (l) => {
        l.openRun(2);
        l.feed(frame(tag(1, 1), new Uint8Array(8)));
      },
    ],
    ["of control and too long", (l) => l.feed(frame(tag(0, CONTROL_RUN), new Uint8Array(8), 0, 5000))],
  ];
  for (const [what, act] of refusals) {
    it(`${what} end the link, naming the party and the op`, async () => {
      const l = link();
      const waiting = l.receive(tag(9, 2), new Uint8Array(8));
      const code = codeOf(() => waiting);
      act(l);
      expect(await code).toBe("MPC_FRAME_INVALID");
      expect(await codeOf(() => l.receive(tag(10), new Uint8Array(8)))).toBe("MPC_FRAME_INVALID");
    });
  }

  it("that came early must have the length that their receiver wants", async () => {
    const l = link();
    l.feed(frame(tag(1), new Uint8Array(8)));
    expect(await codeOf(() => l.receive(tag(1), new Uint8Array(9)))).toBe("MPC_FRAME_INVALID");
  });

  it("half received when the receiver comes are delivered whole", async () => {
    const l = link();
    const bytes = frame(tag(1), new Uint8Array(100).fill(7), 3);
    l.feed(bytes.subarray(0, 50));
    const into = new Uint8Array(100);
    const received = l.receive(tag(1), into);
    l.feed(bytes.subarray(50));
    expect(await received).toBe(3);
    expect(into.every((b) => b === 7)).toBe(true);
  });

  it("of random bytes never throw out of the link, nor make it hold more than its limit", () => {
    return fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 40 }), fc.boolean(), async (chunks, small) => {
        const l = link();
        const code = codeOf(() => l.receive(tag(1), new Uint8Array(8)));
        for (const c of chunks) l.feed(small && c.length > 16 ? frame(tag(c[0]!), c.subarray(16), 0, c[1]! & 31) : c);
        l.closed();
        expect(await code).toMatch(/^(MPC_|Error: nothing)/);
      }),
      { numRuns: 500 },
    );
  });

  it("refuse to be sent beyond the limit", () => {
    expect(() => link().send(tag(1), 0, new Uint8Array(1001))).toThrow("at most 1000 bytes");
  });
});
