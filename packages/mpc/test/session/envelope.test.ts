/** @file Envelopes: what is signed, and what is refused. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { toCbor } from "../../src/session/cbor.ts";
import { channelId, EnvelopeReader, sealEnvelope } from "../../src/session/envelope.ts";
import { codeOf, makeWorld, type World } from "../support.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
const channel = (challenge = 0, party = 0): Uint8Array =>
  channelId(new Uint8Array(32).fill(challenge), new Uint8Array(32).fill(1), world.parties[party]!.public);
const scope = (): { session: Uint8Array; channel: Uint8Array } => ({ session: world.session.id, channel: channel() });
const reader = (): EnvelopeReader => new EnvelopeReader(scope(), world.session.everyone);

describe("envelopes", () => {
  it("arrive once, in the order of their sender", async () => {
    const [a, b] = [world.people.get("driver")!, world.people.get("data-owner")!];
    const r = reader();
    const first = await sealEnvelope(scope(), a, 0, ["list"]);
    expect((await r.open(first)).sender).toBe("driver");
    expect(await codeOf(() => r.open(first))).toBe("ENVELOPE_INVALID");
    expect((await r.open(await sealEnvelope(scope(), b, 0, ["list"]))).sequence).toBe(0);
    expect(await codeOf(async () => r.open(await sealEnvelope(scope(), a, 2, ["list"])))).toBe("ENVELOPE_INVALID");
    expect((await r.open(await sealEnvelope(scope(), a, 1, ["list"]))).body.text()).toBe("list");
  });

  it("of another session, another connection or another signer are refused", async () => {
    const a = world.people.get("driver")!;
    const other = await makeWorld();
    const replayed = await sealEnvelope({ ...scope(), channel: channel(9) }, a, 0, ["close"]);
    const relayed = await sealEnvelope({ ...scope(), channel: channel(0, 1) }, a, 0, ["close"]);
    const foreign = await sealEnvelope({ ...scope(), session: other.session.id }, a, 0, ["close"]);
    const stranger = await sealEnvelope(scope(), other.people.get("driver")!, 0, ["close"]);
    for (const bytes of [replayed, relayed, foreign, stranger])
      expect(await codeOf(() => reader().open(bytes))).toBe("ENVELOPE_INVALID");
  });

  it("with any byte changed are refused with a code, whatever the bytes", async () => {
    const good = await sealEnvelope(scope(), world.people.get("driver")!, 0, ["run", 3, "x", [], [], []]);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = good.slice();
        bytes[at] = bytes[at]! ^ flip;
        expect(await codeOf(() => reader().open(bytes))).toBe("ENVELOPE_INVALID");
      }),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(await codeOf(() => reader().open(bytes))).toBe("ENVELOPE_INVALID");
      }),
      { numRuns: 500 },
    );
  });

  it("with deeply nested or huge claims are refused before they cost anything", async () => {
    const nested = new Uint8Array(200_000).fill(0x81);
    const huge = new Uint8Array([0x9b, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    const bytes = toCbor([new Uint8Array([0x5b, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), new Uint8Array(64)]);
    for (const bad of [nested, huge, bytes]) expect(await codeOf(() => reader().open(bad))).toBe("ENVELOPE_INVALID");
  });
});
