/** @file A person's connection at a party: who may speak, and how long strangers may stay. */

import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { Identity } from "../../src/identity/identity.ts";
import { readCommand } from "../../src/party/messages.ts";
import { fromCbor, toCbor } from "../../src/session/cbor.ts";
import { type Channel, channelPair } from "../../src/transport/channel.ts";
import { type InProcess, inProcess } from "../in-process.ts";
import { codeOf } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});

/** A raw channel to party 0, and when it is closed. */
function raw(p: InProcess): { channel: Channel; closed: Promise<string> } {
  const [mine, theirs] = channelPair();
  const closed = new Promise<string>((resolve) => mine.listen({ message: () => {}, closed: resolve }));
  p.parties[0]!.serve(theirs);
  return { channel: mine, closed };
}

describe("a connection", () => {
  it("is closed when whoever opened it says nothing", async () => {
    const p = await inProcess({ limits: { timeout: 800 } });
    open.push(p);
    expect(await raw(p).closed).toBe("the other end closed");
  });

  it("is closed on anything that is not a hello and signed envelopes, and the party lives on", async () => {
    const p = await inProcess();
    open.push(p);
    const garbage = [
      new Uint8Array(0),
      new Uint8Array(100).fill(0x9f),
      toCbor(["hello"]),
      toCbor(["hello", new Uint8Array(31)]),
      toCbor(["list"]),
    ];
    for (const bytes of garbage) {
      const r = raw(p);
      r.channel.send(bytes);
      expect(await r.closed).toBe("the other end closed");
    }
    const session = await p.open();
    expect((await session.counters()).length).toBe(3);
  });

  it("of somebody with a name of this session and another key is closed", async () => {
    const p = await inProcess();
    open.push(p);
    const client = await p.client(0);
    expect(await codeOf(async () => client.request(await Identity.generate("driver"), { type: "drive" }))).toBe("MPC_PARTY_LOST");
  });
});

describe("commands", () => {
  it("from any bytes are refused with a code or read", () => {
    const types = ["put", "chunk", "program", "grant", "run", "reveal", "fetch", "free", "list", "close", "drive", "constructor"];
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.uint8Array({ maxLength: 40 }), fc.boolean(), fc.constant(null));
    const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 6 }), fc.array(fc.array(leaf, { maxLength: 4 }), { maxLength: 4 }));
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.array(value, { maxLength: 6 }), (type, rest) => {
        try {
          expect(readCommand(fromCbor(toCbor([type, ...rest]), "test", "ENVELOPE_INVALID")).type).toBe(type);
        } catch (e) {
          expect(e).toMatchObject({ code: "ENVELOPE_INVALID" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
