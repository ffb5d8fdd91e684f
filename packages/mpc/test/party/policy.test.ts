/** @file What honest parties refuse by themselves, and what they notice before anything secret is sent. */
import { Program } from "@tacit/core/program";
import { afterEach, describe, expect, it } from "vitest";
import { approve, revoke } from "../../src/client/approve.ts";
import { together } from "../../src/client/group.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { type Command, chunkPlace } from "../../src/party/messages.ts";
import { inputInfo } from "../../src/party/purposes.ts";
import { toCbor } from "../../src/session/cbor.ts";
import { type Grant, grantId, grantToBytes, signGrant } from "../../src/session/grant.ts";
import { type InProcess, inProcess, startParties } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { codeOf, errorOf, inAnHour } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});
async function start(options = {}): Promise<InProcess> {
  const made = await inProcess(options);
  open.push(made);
  return made;
}

const aval = { shape: [4], dtype: "f32" } as const;
/** y = -x, f32[4]. */
const negate = new Program([aval], [{ op: "neg", attrs: [], args: [0], aval }], [1]);
/** y = |x|. */
const absolute = new Program([aval], [{ op: "abs", attrs: [], args: [0], aval }], [1]);
/** One moment for all: grants with other terms are other grants, with counts of their own. */
const EXPIRES = inAnHour();
const terms = (change: Partial<Grant> = {}): Grant => ({
  program: negate.id,
  inputs: [{ owners: ["data-owner"], sources: [{ kind: "handle", handle: "data-owner/x" }], rows: 4 }],
  disclosures: [{ output: 0, to: "model-owner", why: "result" }],
  runs: 2,
  reveals: 1,
  expires: EXPIRES,
  ...change,
});

/** A driver that speaks to the parties directly, so that it can lie. */
async function driver(p: InProcess): Promise<{
  each: (command: (i: number) => Command) => Promise<unknown>;
  one: (i: number, command: Command) => Promise<unknown>;
  give: (handle: string, parts: readonly number[]) => Promise<unknown>;
  grant: (g: Grant, signers?: readonly string[]) => Promise<unknown>;
}> {
  const group = await p.group();
  const { session } = p.world;
  const me = p.world.people.get("driver")!;
  await group.all(me, { type: "drive" });
  await group.all(me, { type: "program", bytes: negate.toBytes() });
  const owner = p.world.people.get("data-owner")!;
  const give = (
    handle: string,
    parts: readonly number[],
    attempt = crypto.getRandomValues(new Uint8Array(16)),
  ): Promise<unknown> =>
    together(
      group.clients.map(async (client, i) => {
        const [payload] = plain3.share(new Float32Array(4).fill(parts[i]!), aval, plain3.defaults);
        const sealer = await sealerTo(session.file.parties[i]!.identity.seal, inputInfo(session.id, i, handle));
        const { encapsulated } = sealer;
        await client.request(owner, { type: "put", handle, attempt, aval, total: 32, chunks: 1, encapsulated });
        const sealed = await sealer.seal(payload!, toCbor(chunkPlace(handle, 0, 1)));
        await client.request(owner, { type: "chunk", handle, index: 0, sealed });
      }),
    );
  const grant = async (g: Grant, signers: readonly string[] = ["data-owner"]): Promise<unknown> => {
    const signed = await signGrant(
      session.id,
      g,
      signers.map((s) => p.world.people.get(s)!),
    );
    return group.all(me, { type: "grant", bytes: grantToBytes(signed) });
  };
  return {
    each: (command) => group.each(me, command),
    one: (i, command) => group.clients[i]!.request(me, command),
    give,
    grant,
  };
}

const runOf = (run: number, change: object = {}): Command => ({
  type: "run",
  run,
  program: negate.id,
  inputs: [{ kind: "handle", handle: "data-owner/x" }],
  outputs: [`y${run}`],
  frees: [],
  ...change,
});
const revealOf = (run: number, change: object = {}): Command => ({
  type: "reveal",
  run,
  handle: "y0",
  to: "model-owner",
  why: "result",
  ...change,
});

describe("honest parties", () => {
  it("run and reveal exactly what the owner signed, as often as was agreed", async () => {
    const d = await driver(await start());
    await d.give("data-owner/x", [1, 1, 1]);
    await d.grant(terms());
    await d.each(() => runOf(0));
    await d.each(() => revealOf(1));
    await d.each(() => runOf(2));
    expect(await codeOf(() => d.each(() => runOf(3)))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => d.each(() => revealOf(4, { handle: "y2" })))).toBe("POLICY_REFUSED");
  });

  it("count a run under the grant that the driver names, and under no other that would allow it", async () => {
    const p = await start();
    const d = await driver(p);
    await d.give("data-owner/x", [1, 1, 1]);
    const grants = [terms(), terms({ runs: 1 })];
    for (const g of grants) await d.grant(g);
    const [first, second] = grants.map(grantId);
    await d.each(() => runOf(0, { grant: second }));
    expect((await errorOf(() => d.each(() => runOf(1, { grant: second })))).message).toMatch(
      `run of program ${negate.id.slice(0, 12)} under grant ${second!.slice(0, 12)}`,
    );
    expect(await codeOf(() => d.each(() => runOf(2, { grant: grantId(terms({ runs: 9 })) })))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => d.each(() => runOf(3, { grant: "grant" })))).toBe("ENVELOPE_INVALID");
    await d.each(() => runOf(4, { grant: first }));
    await d.each(() => runOf(5));
    const used = await (await p.group()).all(p.world.people.get("data-owner")!, { type: "used", ids: [first!, second!] });
    for (const f of used)
      expect([f.uints(2), f.uints(2)]).toEqual([
        [2, 0],
        [1, 0],
      ]);
  });

  it("refuse a run that no owner signed, or that the wrong person signed", async () => {
    const d = await driver(await start());
    await d.give("data-owner/x", [1, 1, 1]);
    expect(await codeOf(() => d.each(() => runOf(0)))).toBe("POLICY_REFUSED");
    await d.grant(terms(), ["model-owner", "driver"]);
    expect(await codeOf(() => d.each(() => runOf(1)))).toBe("POLICY_REFUSED");
    await d.grant(terms());
    await d.each(() => runOf(2));
  });

  it("refuse a reveal outside the policy, even when the driver and one party ask for it", async () => {
    const p = await start();
    const d = await driver(p);
    await d.give("data-owner/x", [1, 1, 1]);
    await d.grant(terms());
    await d.each(() => runOf(0));
    for (const [i, change] of [{ to: "driver" }, { why: "curiosity" }, { to: "nobody" }, { handle: "data-owner/x" }].entries()) {
      expect(await codeOf(() => d.each(() => revealOf(i + 1, change)))).toBe("POLICY_REFUSED");
    }
    // Party 0 has turned: it takes a grant that the others never saw for true, and asks like the driver.
    const forged = await signGrant(p.world.session.id, terms({ disclosures: [{ output: 0, to: "driver", why: "result" }] }), [
      p.world.people.get("data-owner")!,
    ]);
    await d.one(0, { type: "grant", bytes: grantToBytes(forged) });
    const asked = await Promise.all([0, 1, 2].map((i) => codeOf(() => d.one(i, revealOf(9, { to: "driver" })))));
    expect(asked).toEqual(["POLICY_REFUSED", "POLICY_REFUSED", "POLICY_REFUSED"]);
  });

  it("refuse an approved Program on other inputs, and an expired grant", async () => {
    const d = await driver(await start());
    await d.give("data-owner/x", [1, 1, 1]);
    await d.give("data-owner/z", [1, 1, 1]);
    await d.grant(terms());
    expect(await codeOf(() => d.each(() => runOf(0, { inputs: [{ kind: "handle", handle: "data-owner/z" }] })))).toBe(
      "POLICY_REFUSED",
    );
    await d.grant(
      terms({ inputs: [{ ...terms().inputs[0]!, sources: [{ kind: "handle", handle: "data-owner/z" }] }], expires: 1000 }),
    );
    expect(await codeOf(() => d.each(() => runOf(1, { inputs: [{ kind: "handle", handle: "data-owner/z" }] })))).toBe(
      "POLICY_REFUSED",
    );
    const e = await errorOf(() => d.each(() => runOf(2, { inputs: [{ kind: "handle", handle: "y9" }] })));
    expect(e).toMatchObject({ code: "HANDLE_UNKNOWN" });
    expect(await codeOf(() => d.each(() => runOf(3, { program: absolute.id })))).toBe("PROGRAM_UNKNOWN");
  });

  it("notice a provider who gives unequal parts, and use nothing of it", async () => {
    const d = await driver(await start());
    await d.grant(terms());
    expect(await codeOf(() => d.give("data-owner/x", [1, 1, 2]))).toBe("INPUT_UNEQUAL");
    expect(await codeOf(() => d.each(() => runOf(0)))).toBe("HANDLE_UNKNOWN");
    await d.give("data-owner/x", [2, 2, 2]);
    await d.each(() => runOf(1));
  });

  const lies: [string, (i: number) => Command][] = [
    ["programs", (i) => runOf(0, i === 1 ? { program: absolute.id } : {})],
    ["inputs", (i) => runOf(0, i === 2 ? { inputs: [{ kind: "handle", handle: "data-owner/z" }] } : {})],
    ["names of results", (i) => runOf(0, i === 0 ? { outputs: ["other"] } : {})],
    ["grants", (i) => runOf(0, { grant: grantId(terms(i === 1 ? { runs: 3 } : {})) })],
    ["handles to drop", (i) => runOf(0, i === 0 ? { frees: ["data-owner/x"] } : {})],
    ["commands", (i) => (i === 0 ? revealOf(0, { handle: "data-owner/x", why: "input" }) : runOf(0))],
  ];
  for (const [what, lie] of lies) {
    it(`notice a driver who sends different ${what} to different parties, before any message of the run`, async () => {
      const p = await start();
      const d = await driver(p);
      await d.each(() => ({ type: "program", bytes: absolute.toBytes() }));
      await d.give("data-owner/x", [1, 1, 1]);
      await d.give("data-owner/z", [1, 1, 1]);
      await d.grant(terms());
      await d.grant(terms({ program: absolute.id }));
      await d.grant(terms({ runs: 3 }));
      await d.grant(terms({ inputs: [{ ...terms().inputs[0]!, sources: [{ kind: "handle", handle: "data-owner/z" }] }] }));
      await d.grant(terms({ program: "", disclosures: [{ output: 0, to: "model-owner", why: "input" }] }));
      expect(await codeOf(() => d.each(lie))).toBe("RUN_MISMATCH");
      const sent = p.meshes.flatMap((m) => m.links.map((l) => l?.counters.framesSent ?? 0));
      expect(sent).toEqual(new Array(9).fill(0));
      const endings = await Promise.all(p.parties.map((x) => x.ended));
      expect(endings.map((e) => e?.code)).toEqual(["RUN_MISMATCH", "RUN_MISMATCH", "RUN_MISMATCH"]);
    });
  }

  it("refuse a run number that was used, commands of others than the driver, and a second driver", async () => {
    const p = await start();
    const d = await driver(p);
    await d.give("data-owner/x", [1, 1, 1]);
    await d.grant(terms({ runs: 9 }));
    await d.each(() => runOf(5));
    expect(await codeOf(() => d.each(() => runOf(5, { outputs: ["again"] })))).toBe("RUN_NUMBER");
    const second = await p.group();
    expect(await codeOf(() => second.all(p.world.people.get("driver")!, { type: "drive" }))).toBe("DRIVER_BUSY");
    expect(await codeOf(() => second.all(p.world.people.get("data-owner")!, { type: "drive" }))).toBe("DRIVER_ONLY");
    expect(await codeOf(() => second.all(p.world.people.get("driver")!, runOf(6)))).toBe("DRIVER_ONLY");
    expect(await codeOf(() => second.all(p.world.people.get("data-owner")!, revealOf(6)))).toBe("DRIVER_ONLY");
  });

  it("keep run numbers and counts of grants over a restart", async () => {
    const first = await start();
    const d = await driver(first);
    await d.give("data-owner/x", [1, 1, 1]);
    await d.grant(terms({ runs: 1 }));
    await d.each(() => runOf(0));
    await first.stop();
    const again = await startParties(first.world, plain3, first.directories);
    open.push(again);
    expect(again.meshes.map((m) => m.attempt)).toEqual([2, 2, 2]);
    const e = await driver(again);
    await e.give("data-owner/x", [1, 1, 1]);
    await e.grant(terms({ runs: 1 }));
    expect(await codeOf(() => e.each(() => runOf(0)))).toBe("RUN_NUMBER");
    expect(await codeOf(() => e.each(() => runOf(1000)))).toBe("POLICY_REFUSED");
  });

  it("refuse after the session has expired", async () => {
    const p = await start({ expires: Math.floor(Date.now() / 1000) + 3 });
    const d = await driver(p);
    await new Promise((r) => setTimeout(r, 3100));
    expect(await codeOf(() => d.each(() => runOf(0)))).toBe("SESSION_EXPIRED");
  });

  it("end by themselves once it has", async () => {
    const p = await start({ expires: Math.floor(Date.now() / 1000) + 2 });
    const ends = await Promise.all(p.parties.map((party) => party.ended));
    expect(ends.map((e) => e?.code)).toEqual(["SESSION_EXPIRED", "SESSION_EXPIRED", "SESSION_EXPIRED"]);
  });

  it("cut off whoever replays or forges messages, without harm to others", async () => {
    const p = await start();
    const session = await p.open();
    const x = session.input("x", Float32Array.from([1, 2]), { owner: "data-owner" });
    const stranger = await p.client(0);
    const forger = (await inProcess()).world.people.get("driver")!;
    expect(await codeOf(() => stranger.request(forger, { type: "list" }))).toBe("MPC_PARTY_LOST");
    expect([...(await x.add(1).reveal({ to: "data-owner", why: "check" }))]).toEqual([2, 3]);
  });

  it("refuse more memory than was agreed, before they take it", async () => {
    const p = await start({ limits: { memory: 65_536 } });
    const session = await p.open();
    const x = session.input("x", new Float32Array(20_000), { owner: "data-owner" });
    expect(await codeOf(() => x.add(1).realize())).toBe("MPC_MEMORY");
  });
});

describe("a grant that an owner has taken back", () => {
  it("allows nothing any more, after a restart too; nobody takes back another's signature, and other grants stand", async () => {
    const p = await start();
    const { session, people } = p.world;
    const owner = people.get("data-owner")!;
    const [first, second, third] = [5, 6, 7].map((runs) => terms({ runs, reveals: 5 })) as [Grant, Grant, Grant];
    const takesBack = (at: InProcess, who: string, id: string): Promise<string[]> =>
      revoke(session, at.connector, [id], { identity: people.get(who)! });
    const d = await driver(p);
    await d.give("data-owner/x", [1, 1, 1]);
    await d.grant(first);
    await d.each(() => runOf(0));
    await takesBack(p, "model-owner", grantId(first));
    await d.each(() => runOf(1));
    expect(await codeOf(() => takesBack(p, "data-owner", "ab".repeat(8)))).toBe("GRANT_INVALID");
    expect(await codeOf(() => takesBack(p, "model-owner", grantId(first).slice(1, 17)))).toBe("GRANT_INVALID");

    expect(await takesBack(p, "data-owner", grantId(first).slice(0, 16))).toEqual([grantId(first)]);
    expect(await errorOf(() => d.each(() => runOf(2)))).toMatchObject({
      code: "POLICY_REFUSED",
      message: expect.stringContaining("was withdrawn by data-owner"),
    });
    expect(await codeOf(() => d.each(() => revealOf(3)))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => d.grant(first))).toBe("GRANT_INVALID");
    await d.grant(second);
    await d.each(() => runOf(4));
    // Before the parties know it, too: whoever has the signed grant brings it in vain.
    await takesBack(p, "data-owner", grantId(second));
    await takesBack(p, "data-owner", grantId(third));
    expect(await codeOf(() => d.grant(third))).toBe("GRANT_INVALID");

    await p.stop();
    const q = await startParties(p.world, plain3, p.directories);
    open.push(q);
    const again = await driver(q);
    await again.give("data-owner/x", [1, 1, 1]);
    expect(await codeOf(() => again.each(() => runOf(200)))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => again.grant(second))).toBe("GRANT_INVALID");
    const signed = await signGrant(session.id, terms({ runs: 8 }), [owner]);
    expect(await approve(session, q.connector, [signed], { identity: owner })).toMatchObject([{ signers: ["data-owner"] }]);
    await again.each(() => runOf(201));
  });
});
