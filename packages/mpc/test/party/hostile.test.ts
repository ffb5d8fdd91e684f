/** @file Insiders and strangers who try to get past bounds, memory limits and places: each found a way in once. */
import { sizeOf } from "@tacit/core/program";
import { afterEach, describe, expect, it } from "vitest";
import { PartyClient } from "../../src/client/party-client.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { chunkPlace } from "../../src/party/messages.ts";
import { inputInfo } from "../../src/party/purposes.ts";
import { publicSource } from "../../src/party/store.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { fromCbor, toCbor } from "../../src/session/cbor.ts";
import { type Consent, permitRun } from "../../src/session/consent.ts";
import { type Grant, grantToBytes, signGrant } from "../../src/session/grant.ts";
import { Session } from "../../src/session/session-file.ts";
import { type Channel, channelPair } from "../../src/transport/channel.ts";
import { type InProcess, inProcess, startParties } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { codeOf, inAnHour, makeWorld } from "../support.ts";

const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});
async function start(options = {}, protocol = plain3): Promise<InProcess> {
  const made = await inProcess(options, protocol);
  open.push(made);
  return made;
}

const attempt = (): Uint8Array => crypto.getRandomValues(new Uint8Array(16));
const terms = (change: Partial<Grant> = {}): Grant => ({
  program: "p",
  inputs: [{ owners: ["data-owner"], sources: [{ kind: "handle", handle: "x" }], rows: 4 }],
  disclosures: [],
  runs: 1,
  reveals: 0,
  expires: inAnHour(),
  ...change,
});

describe("bounds on public values", () => {
  it("are not passed by numbers that compare with nothing", () => {
    const weights = { owners: [], sources: [{ kind: "public", least: 1, most: 1, distinct: false }], rows: 1 } as const;
    const grant = terms({ inputs: [terms().inputs[0]!, weights] });
    const consent: Consent = { id: "g", grant, signers: new Set(["data-owner"]) };
    const x = { owners: ["data-owner"], source: { kind: "handle", handle: "x" }, rows: 4 } as const;
    const run = (w: readonly number[]): unknown =>
      permitRun(
        [consent],
        { program: "p", inputs: [x, { owners: [], source: publicSource(Float32Array.from(w)), rows: w.length }] },
        () => ({ runs: 0, reveals: 0 }),
        0,
      );
    expect(run([1, 1, 1, 1])).toBe(consent);
    for (const w of [[1, Number.NaN, Number.NaN, Number.NaN], [Number.NaN, 1], [Number.NaN], [1, Number.POSITIVE_INFINITY]]) {
      expect(() => run(w)).toThrow(/comes from a source that is not allowed/);
    }
  });
});

describe("a provider", () => {
  const aval = { shape: [4], dtype: "f32" } as const;

  /** Announces an input of `total` bytes to party 0 and returns what seals its chunks. */
  async function announce(p: InProcess, client: PartyClient, handle: string, total: number, shape: readonly number[] = [4]) {
    const owner = p.world.people.get("data-owner")!;
    const { session } = p.world;
    const sealer = await sealerTo(session.file.parties[0]!.identity.seal, inputInfo(session.id, 0, handle));
    const { encapsulated } = sealer;
    const put = { type: "put", handle, attempt: attempt(), aval: { ...aval, shape }, total, chunks: 1, encapsulated } as const;
    await client.request(owner, put);
    return sealer;
  }

  it("gets no memory back twice by spoiling one input many times at once", async () => {
    // Of 64 KiB one of three people may have half, if it comes first: 24,576 bytes, and 8,192 that are its own.
    const p = await start({ limits: { memory: 65_536 } });
    const client = await p.client(0);
    const owner = p.world.people.get("data-owner")!;
    for (let i = 0; i < 3; i++) {
      await announce(p, client, `data-owner/x${i}`, 20_000, [2500]);
      const bad = { type: "chunk", handle: `data-owner/x${i}`, index: 0, sealed: new Uint8Array(64) } as const;
      await Promise.all([bad, bad, bad, bad].map((c) => codeOf(() => client.request(owner, c))));
    }
    await announce(p, client, "data-owner/y", 20_000, [2500]);
    expect(await codeOf(() => announce(p, client, "data-owner/z", 20_000, [2500]))).toBe("MPC_MEMORY");
  });

  it("may begin an input again that it broke off, and nobody else may", async () => {
    const p = await start();
    const client = await p.client(0);
    await announce(p, client, "data-owner/x", 32);
    await announce(p, client, "data-owner/x", 32);
    const other = p.world.people.get("model-owner")!;
    const { session } = p.world;
    const { encapsulated } = await sealerTo(session.file.parties[0]!.identity.seal, inputInfo(session.id, 0, "data-owner/x"));
    const put = { type: "put", handle: "data-owner/x", attempt: attempt(), aval, total: 32, chunks: 1, encapsulated } as const;
    expect(await codeOf(() => client.request(other, put))).toBe("INPUT_INVALID");
  });

  it("cannot announce more elements than the agreed memory holds in a payload of 64 bytes", async () => {
    const p = await start({ protocol: "replicated3", limits: { memory: 2 ** 20 } }, replicated3);
    const client = await p.client(0);
    const owner = p.world.people.get("data-owner")!;
    const shape = [2 ** 20, 2 ** 10];
    expect(sizeOf(shape)).toBe(2 ** 30);
    const began = performance.now();
    const code = await codeOf(async () => {
      const sealer = await announce(p, client, "data-owner/x", 64, shape);
      const sealed = await sealer.seal(new Uint8Array(64), toCbor(chunkPlace("data-owner/x", 0, 1)));
      await client.request(owner, { type: "chunk", handle: "data-owner/x", index: 0, sealed });
    });
    expect(code).toBe("MPC_MEMORY");
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe("the names of results", () => {
  it("are never those of inputs: a driver cannot take a name before its owner gives it", async () => {
    const p = await start();
    const session = await p.open();
    const x = session.input("x", Float32Array.from([1, 2, 3, 4]), { owner: "data-owner" });
    await x.add(1).realize();
    const program = /"program":"([0-9a-f]{64})"/.exec((await session.transcript())[0]!.join("\n"))![1]!;
    await p.disconnect(session);
    const group = await p.group();
    const driver = p.world.people.get("driver")!;
    await group.all(driver, { type: "drive" });
    const run = { type: "run", run: 50, program, inputs: [{ kind: "handle", handle: "data-owner/x" }], frees: [] } as const;
    expect(await codeOf(() => group.all(driver, { ...run, outputs: ["data-owner/y"] }))).toBe("RUN_INVALID");
  });
});

describe("a grant", () => {
  it("without any signature is refused: it would only take a place", async () => {
    const p = await start();
    const client = await p.client(0);
    const bytes = grantToBytes(await signGrant(p.world.session.id, terms(), []));
    expect(await codeOf(() => client.request(p.world.people.get("data-owner")!, { type: "grant", bytes }))).toBe("GRANT_INVALID");
  });

  it("that stands in a session file counts over all files with the same terms: a second file begins nothing anew", async () => {
    const draft = await makeWorld();
    const owner = draft.people.get("data-owner")!;
    const signed = await signGrant(draft.session.root, terms(), [owner]);
    const more = await signGrant(draft.session.root, terms({ runs: 2 }), [draft.people.get("driver")!]);
    const first = await startParties({ ...draft, session: new Session({ ...draft.session.file, grants: [signed] }) });
    open.push(first);
    for (const p of first.meshes) expect(p.attempt).toBe(1);
    await first.stop();
    const second = { ...draft, session: new Session({ ...draft.session.file, grants: [signed, more] }) };
    expect(second.session.hex).not.toBe(first.world.session.hex);
    const again = await startParties(second, plain3, first.directories);
    open.push(again);
    for (const p of again.meshes) expect(p.attempt).toBe(2);
  });
});

describe("a stranger", () => {
  it("is cut off by the number of items that a message announces, before they are made", () => {
    for (const count of [2 ** 20, 2 ** 24]) {
      const bomb = new Uint8Array(5 + count);
      bomb[0] = 0x9a;
      new DataView(bomb.buffer).setUint32(1, count);
      const began = performance.now();
      expect(() => fromCbor(bomb, "hello", "ENVELOPE_INVALID", 2)).toThrow(/items/);
      expect(performance.now() - began).toBeLessThan(200);
    }
    expect(fromCbor(toCbor([new Array(10_000).fill("name")]), "frees", "X").texts(10_000)).toHaveLength(10_000);
  });

  it("gains nothing from a party that passes a person's messages on to another party", async () => {
    const p = await start();
    const { session } = p.world;
    // Party 1 has turned: it shows the driver the challenge of party 0, and passes on what the driver then signs.
    const [toParty, atParty] = channelPair();
    const [toPerson, atPerson] = channelPair();
    const relay = (from: Channel, to: Channel): void => from.listen({ message: (m) => to.send(m), closed: () => to.close() });
    relay(toParty, toPerson);
    relay(toPerson, toParty);
    p.parties[0]!.serve(atParty);
    const client = await PartyClient.open(session, 1, atPerson);
    expect(await codeOf(() => client.request(p.world.people.get("driver")!, { type: "drive" }))).toBe("MPC_PARTY_LOST");
    // The true driver finds its place free.
    expect((await (await p.open()).counters()).length).toBe(3);
  });
});
