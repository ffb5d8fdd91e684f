/** @file The session file: one id for one content. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Identity } from "../../src/identity/identity.ts";
import { signGrant } from "../../src/session/grant.ts";
import { Session, type SessionFile } from "../../src/session/session-file.ts";
import { codeOf, inAnHour, makeWorld } from "../support.ts";

const grant = { program: "ab", inputs: [], disclosures: [], runs: 1, reveals: 0, expires: inAnHour() };

describe("a session file", () => {
  it("comes back the same from JSON and from bytes, grants included", async () => {
    const { session, people } = await makeWorld();
    const bounds = { owners: [], sources: [{ kind: "public", least: -0.5, most: null, distinct: true } as const], rows: 3 };
    const secret = {
      owners: ["data-owner"],
      sources: [{ kind: "handle", handle: "x" } as const, { kind: "result", program: "cd" } as const],
      rows: 1,
    };
    const terms = { ...grant, inputs: [bounds, secret], disclosures: [{ output: 0, to: "driver", why: "progress" }] };
    const full = new Session({ ...session.file, grants: [await signGrant(session.root, terms, [...people.values()])] });
    for (const again of [Session.fromJson(full.toJson()), Session.fromBytes(full.toBytes())]) {
      expect(again.hex).toBe(full.hex);
      expect(again.file).toEqual(full.file);
    }
  });

  it("has another id when anything in it differs, policy included; its root only ignores the policy", async () => {
    const { session, people } = await makeWorld();
    const f = session.file;
    const other = (await Identity.generate("somebody")).public;
    const signed = await signGrant(session.root, grant, [people.get("data-owner")!]);
    const changed: Partial<SessionFile>[] = [
      { parties: f.parties.map((p, i) => (i === 1 ? { ...p, address: "127.0.0.1:9" } : p)) },
      { parties: f.parties.toReversed() },
      { parties: f.parties.map((p, i) => (i === 2 ? { ...p, identity: other } : p)) },
      { people: [...f.people, other] },
      { driver: "data-owner" },
      { protocol: { ...f.protocol, name: "other" } },
      { protocol: { ...f.protocol, options: { ...f.protocol.options, fractionBits: 15 } } },
      { protocol: { ...f.protocol, options: { ...f.protocol.options, prgRounds: 12 } } },
      { protocol: { ...f.protocol, options: { ...f.protocol.options, range: 14 } } },
      { limits: { ...f.limits, timeout: 77 } },
      { expires: f.expires + 1 },
      { nonce: new Uint8Array(16) },
    ];
    const ids = changed.map((c) => new Session({ ...f, ...c }));
    const policy = new Session({ ...f, grants: [signed] });
    expect(new Set([session, ...ids, policy].map((s) => s.hex)).size).toBe(changed.length + 2);
    expect(policy.root).toEqual(session.root);
    for (const s of ids) expect(s.root).not.toEqual(session.root);
  });

  it("is refused when its content is not that of its id", async () => {
    const { session } = await makeWorld();
    const text = session.toJson();
    expect(await codeOf(() => Session.fromJson(text.replace('"driver": "driver"', '"driver": "data-owner"')))).toBe(
      "SESSION_INVALID",
    );
    expect(await codeOf(() => Session.fromJson("{}"))).toBe("SESSION_INVALID");
    expect(await codeOf(() => Session.fromJson("nothing"))).toBe("SESSION_INVALID");
  });

  it("is refused with names or keys twice, a driver who is nobody, addresses of another form, other rounds", async () => {
    const { session } = await makeWorld();
    const f = session.file;
    const bad: Partial<SessionFile>[] = [
      { people: [...f.people, f.people[0]!] },
      { people: [...f.people, { ...f.people[0]!, name: "another" }] },
      { driver: "clinic-a" },
      { parties: f.parties.map((p) => ({ ...p, address: "nowhere" })) },
    ];
    for (const b of bad) expect(await codeOf(() => new Session({ ...f, ...b }))).toBe("SESSION_INVALID");
    expect(await codeOf(() => Session.fromJson(session.toJson().replace('"prgRounds": 20', '"prgRounds": 16')))).toBe(
      "SESSION_INVALID",
    );
  });

  it("expires", async () => {
    const { session } = await makeWorld({ expires: 1000 });
    expect(await codeOf(() => session.checkTime())).toBe("SESSION_EXPIRED");
    expect(await codeOf(() => session.checkTime(999))).toBe("Error: nothing was thrown");
  });

  it("read from any bytes either is refused with a code or encodes to the same bytes", async () => {
    const { session } = await makeWorld();
    const good = session.toBytes();
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(good.length), async (at, value, end) => {
        const bytes = good.slice(0, Math.max(end, good.length - (end % 7)));
        if (at < bytes.length) bytes[at] = value;
        try {
          expect(Session.fromBytes(bytes).toBytes()).toEqual(bytes);
        } catch (e) {
          expect(e).toHaveProperty("code");
        }
      }),
      { numRuns: 300 },
    );
  });
});
