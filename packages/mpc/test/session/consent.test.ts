/** @file Consent: who must have signed what. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BoundRun, type Consent, consents, permitReveal, permitRun, unionOfOwners } from "../../src/session/consent.ts";
import { type Grant, grantFromBytes, grantId, grantToBytes, signersOf, signGrant } from "../../src/session/grant.ts";
import { codeOf, errorOf, makeWorld } from "../support.ts";

const run: BoundRun = {
  program: "train",
  inputs: [
    { owners: ["data"], source: { kind: "handle", handle: "images" }, rows: 100 },
    { owners: ["model"], source: { kind: "result", program: "train" }, rows: 10 },
    { owners: [], source: { kind: "public", least: 0, most: 99, distinct: true }, rows: 32 },
  ],
};
const grant: Grant = {
  program: "train",
  inputs: [
    { owners: ["data"], sources: [{ kind: "handle", handle: "images" }], rows: 100 },
    {
      owners: ["model"],
      sources: [
        { kind: "handle", handle: "w" },
        { kind: "result", program: "train" },
      ],
      rows: 10,
    },
    { owners: [], sources: [{ kind: "public", least: 0, most: 99, distinct: true }], rows: 32 },
  ],
  disclosures: [{ output: 1, to: "model", why: "progress" }],
  runs: 5,
  reveals: 2,
  expires: 1000,
};
const consent = (change: Partial<Grant> = {}, signers = ["data", "model"]): Consent => ({
  id: grantId({ ...grant, ...change }),
  grant: { ...grant, ...change },
  signers: new Set(signers),
});
const none = (): { runs: number; reveals: number } => ({ runs: 0, reveals: 0 });
const refused = (c: Consent, r: BoundRun = run, now = 999): Promise<string> => codeOf(() => permitRun([c], r, none, now));
const with0 = (change: object): BoundRun => ({ ...run, inputs: run.inputs.map((x, i) => (i === 0 ? { ...x, ...change } : x)) });
const with2 = (change: object): BoundRun => ({
  ...run,
  inputs: run.inputs.map((x, i) =>
    i === 2 ? { ...x, source: { kind: "public", least: 0, most: 99, distinct: true, ...change } } : x,
  ),
});

describe("consent", () => {
  it("lets a run pass that fits a grant signed by every owner", () => {
    expect(permitRun([consent({ program: "other" }), consent()], run, none, 999)?.grant.program).toBe("train");
  });

  it("refuses when an owner has not signed, whoever else has", async () => {
    expect(await refused(consent({}, ["data"]))).toBe("POLICY_REFUSED");
    expect(await refused(consent({}, ["model", "somebody"]))).toBe("POLICY_REFUSED");
  });

  it("refuses other inputs, fewer rows, other owners, repeated or larger public values, expiry, no runs left", async () => {
    const bad: BoundRun[] = [
      with0({ source: { kind: "handle", handle: "other" } }),
      with0({ source: { kind: "result", program: "train" } }),
      with0({ source: { kind: "public", least: 0, most: 0, distinct: false } }),
      with0({ rows: 99 }),
      with0({ owners: ["data", "third"] }),
      with2({ distinct: false }),
      with2({ most: 100 }),
      with2({ least: -1 }),
      with2({ least: null }),
      { ...run, inputs: run.inputs.slice(1) },
      { ...run, program: "other" },
    ];
    for (const b of bad) expect(await refused(consent(), b)).toBe("POLICY_REFUSED");
    expect(await refused(consent(), run, 1000)).toBe("POLICY_REFUSED");
    expect(await codeOf(() => permitRun([consent()], run, () => ({ runs: 5, reveals: 0 }), 1))).toBe("POLICY_REFUSED");
    const e = await errorOf(() => permitRun([consent()], with0({ rows: 1 }), none, 1));
    expect(e.message).toContain("input 0 has 1 rows where at least 100 are asked");
  });

  it("needs no grant where no owner's data flows in", () => {
    const open: BoundRun = { program: "p", inputs: [run.inputs[2]!] };
    expect(permitRun([], open, none, 1)).toBe(undefined);
  });

  it("reveals only the named output, to the named person, for the named reason, as often as was agreed", async () => {
    const wish = { output: 1, to: "model", why: "progress" };
    expect(permitReveal([consent()], run, wish, none, 1).id).toBe(consent().id);
    for (const bad of [{ output: 0 }, { to: "data" }, { why: "curiosity" }]) {
      expect(await codeOf(() => permitReveal([consent()], run, { ...wish, ...bad }, none, 1))).toBe("POLICY_REFUSED");
    }
    expect(await codeOf(() => permitReveal([consent()], with0({ rows: 1 }), wish, none, 1))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => permitReveal([consent({}, ["model"])], run, wish, none, 1))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => permitReveal([consent()], run, wish, () => ({ runs: 0, reveals: 2 }), 1))).toBe("POLICY_REFUSED");
  });

  it("unites owners without order, and consents grow with signers", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
    fc.assert(
      fc.property(names, names, names, (x, y, signers) => {
        expect(unionOfOwners([{ owners: x }, { owners: y }])).toEqual(unionOfOwners([{ owners: y }, { owners: x }]));
        const union = unionOfOwners([{ owners: x }, { owners: y }]);
        expect(consents(new Set(signers), union)).toBe(consents(new Set(signers), x) && consents(new Set(signers), y));
      }),
    );
  });
});

describe("signed grants", () => {
  it("come back from bytes, and verify in their session alone", async () => {
    const { session, people } = await makeWorld();
    const other = await makeWorld();
    const signers = [people.get("data-owner")!, people.get("model-owner")!];
    const signed = grantFromBytes(grantToBytes(await signGrant(session.id, grant, signers)));
    expect(signed.grant).toEqual(grant);
    expect([...(await signersOf(session.id, signed, session.everyone))]).toEqual(["data-owner", "model-owner"]);
    expect(await codeOf(() => signersOf(other.session.id, signed, session.everyone))).toBe("GRANT_INVALID");
    expect(await codeOf(() => signersOf(session.id, signed, other.session.everyone))).toBe("GRANT_INVALID");
    const more = { ...signed, grant: { ...grant, runs: 6 } };
    expect(await codeOf(() => signersOf(session.id, more, session.everyone))).toBe("GRANT_INVALID");
  });

  it("from any bytes are refused with a code or are canonical", async () => {
    const { session, people } = await makeWorld();
    const good = grantToBytes(await signGrant(session.id, grant, [people.get("data-owner")!]));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bytes = good.slice();
        bytes[at] = value;
        try {
          expect(grantToBytes(grantFromBytes(bytes))).toEqual(bytes);
        } catch (e) {
          expect(e).toMatchObject({ code: "GRANT_INVALID" });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
