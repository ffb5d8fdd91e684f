/** @file One person or party alone takes nothing from the others: not their places, not their room for grants, not their counts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { PartyClient } from "../../src/client/party-client.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { Consents } from "../../src/party/consents.ts";
import { Counters } from "../../src/party/counters.ts";
import { addTo, checkFairShare, type Holding, ownShare } from "../../src/party/fair-share.ts";
import { Inputs } from "../../src/party/inputs.ts";
import { LinkProbe } from "../../src/party/link-probe.ts";
import { chunkPlace } from "../../src/party/messages.ts";
import type { Peers } from "../../src/party/peers.ts";
import { Unanswered } from "../../src/party/places.ts";
import { inputInfo } from "../../src/party/purposes.ts";
import { Store } from "../../src/party/store.ts";
import { Transcript } from "../../src/party/transcript.ts";
import { Fields, toCbor } from "../../src/session/cbor.ts";
import { type Consent, permitRun } from "../../src/session/consent.ts";
import { type Grant, grantToBytes, signGrant } from "../../src/session/grant.ts";
import { type Channel, channelPair } from "../../src/transport/channel.ts";
import type { FrameLink } from "../../src/transport/frame-link.ts";
import { type InProcess, inProcess } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { codeOf, errorOf, inAnHour, makeWorld, pipeMeshes } from "../support.ts";

const open: InProcess[] = [];
const made: string[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
  for (const d of made.splice(0)) rmSync(d, { recursive: true, force: true });
});
async function start(options = {}): Promise<InProcess> {
  const p = await inProcess(options);
  open.push(p);
  return p;
}
function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tacit-crowding-"));
  made.push(directory);
  return directory;
}

/** A channel's methods, apart from it. */
const bound = (c: Channel): Channel => ({ send: (m) => c.send(m), listen: (x) => c.listen(x), close: () => c.close() });

/** One second for all: two grants that were made in different ones are two. */
const LATER = inAnHour();

const terms = (change: Partial<Grant> = {}): Grant => ({
  program: "p",
  inputs: [{ owners: ["data-owner"], sources: [{ kind: "handle", handle: "data-owner/x" }], rows: 4 }],
  disclosures: [],
  runs: 1,
  reveals: 0,
  expires: LATER,
  ...change,
});

describe("grants", () => {
  it("that one person signs and nobody asked for leave room for the owners', after a restart too", async () => {
    const { session, people } = await makeWorld();
    const directory = newDirectory();
    const bytesOf = async (who: string, runs: number): Promise<Uint8Array> =>
      grantToBytes(await signGrant(session.id, terms({ runs }), [people.get(who)!]));
    const limits = { grants: 3, bytes: 1000 };
    const first = await Consents.open(session, directory, limits);
    for (let i = 1; i <= 3; i++) await first.admit(await bytesOf("model-owner", i));
    expect(await codeOf(async () => first.admit(await bytesOf("model-owner", 4)))).toBe("GRANT_INVALID");
    await first.admit(await bytesOf("data-owner", 1));
    first.close();
    const second = await Consents.open(session, directory, limits);
    expect(second.all.size).toBe(3);
    expect(await codeOf(async () => second.admit(await bytesOf("model-owner", 5)))).toBe("GRANT_INVALID");
    expect((await second.admit(await bytesOf("data-owner", 9))).fresh).toBe(true);
    second.close();
  });

  it("of one person take no more bytes than that person's share", async () => {
    const { session, people } = await makeWorld();
    const consents = await Consents.open(session, newDirectory(), { grants: 100, bytes: 2000 });
    const sources = Array.from({ length: 8 }, (_, i) => ({
      kind: "handle" as const,
      handle: `data-owner/${"x".repeat(100)}${i}`,
    }));
    const large = (runs: number): Grant => terms({ runs, inputs: [{ owners: ["data-owner"], sources, rows: 4 }] });
    const admit = async (runs: number): Promise<unknown> =>
      consents.admit(grantToBytes(await signGrant(session.id, large(runs), [people.get("model-owner")!])));
    await admit(1);
    expect(await codeOf(() => admit(2))).toBe("GRANT_INVALID");
    consents.close();
  });

  it("that lack signatures fill no refusal, which parties write down", async () => {
    const consents = Array.from(
      { length: 500 },
      (_, i): Consent => ({ id: `${i}`, grant: terms({ runs: i }), signers: new Set() }),
    );
    const x = { owners: ["data-owner"], source: { kind: "handle", handle: "data-owner/x" }, rows: 4 } as const;
    const e = await errorOf(() => permitRun(consents, { program: "p", inputs: [x] }, () => ({ runs: 0, reveals: 0 }), 0));
    expect(e.message).toContain("492 more");
    expect(e.message.length).toBeLessThan(1000);
  });
});

describe("places", () => {
  it("at a party are not all one person's", async () => {
    const p = await start();
    const owner = p.world.people.get("model-owner")!;
    const clients: PartyClient[] = [];
    for (let i = 0; i < 16; i++) {
      clients.push(await p.client(0));
      await clients[i]!.request(owner, { type: "list" });
    }
    const late = await p.client(0);
    expect(await codeOf(() => late.request(owner, { type: "list" }))).toBe("MPC_CONNECTIONS");
    const other = await p.client(0);
    await other.request(p.world.people.get("data-owner")!, { type: "list" });
    clients[3]!.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await (await p.client(0)).request(owner, { type: "list" });
  });

  it("beyond one person's are cut off, also where the other end does not hang up", async () => {
    const p = await start();
    const { session, people } = p.world;
    const owner = people.get("model-owner")!;
    for (let i = 0; i < 16; i++) await (await p.client(0)).request(owner, { type: "list" });
    const [ours, theirs] = channelPair();
    let cut = false;
    const stubborn = { ...bound(theirs), close: () => undefined, cut: () => void (cut = true) };
    p.parties[0]!.serve(stubborn);
    const late = await PartyClient.open(session, 0, ours);
    expect(await codeOf(() => late.request(owner, { type: "list" }))).toBe("MPC_CONNECTIONS");
    await expect.poll(() => cut).toBe(true);
  });

  it("are not kept by those who connect and say nothing", async () => {
    const p = await start();
    let cut = 0;
    for (let i = 0; i < 40; i++) {
      const [, theirs] = channelPair();
      let on: Parameters<typeof theirs.listen>[0] | null = null;
      const listen: typeof theirs.listen = (x) => {
        on = x;
      };
      const end = (): void => {
        cut++;
        on?.closed("cut");
      };
      p.parties[0]!.serve({ send: () => undefined, listen, close: end, cut: end });
    }
    expect(cut).toBe(40 - 16);
    await (await p.client(0)).request(p.world.people.get("data-owner")!, { type: "list" });
  });

  it("for inputs under way are not all one person's", { timeout: 120_000 }, async () => {
    const p = await start();
    const { session } = p.world;
    const client = await p.client(0);
    const announce = async (who: string, name: string, whole = false): Promise<void> => {
      const handle = `${who}/${name}`;
      const sealer = await sealerTo(session.file.parties[0]!.identity.seal, inputInfo(session.id, 0, handle));
      const attempt = crypto.getRandomValues(new Uint8Array(16));
      const aval = { shape: [4], dtype: "f32" } as const;
      const [person, { encapsulated }] = [p.world.people.get(who)!, sealer];
      await client.request(person, { type: "put", handle, attempt, aval, total: 32, chunks: 1, encapsulated });
      if (!whole) return;
      const sealed = await sealer.seal(new Uint8Array(32), toCbor(chunkPlace(handle, 0, 1)));
      client.request(person, { type: "chunk", handle, index: 0, sealed }).catch(() => undefined);
    };
    // Some are compared, which the other parties never hear of; they count as well.
    for (let i = 0; i < 256; i++) await announce("model-owner", `x${i}`, i < 8);
    expect(await codeOf(() => announce("model-owner", "y"))).toBe("INPUT_INVALID");
    await announce("data-owner", "x");
  });
});

describe("commands that are not answered yet", () => {
  it("are few of one person, who holds up nobody else meanwhile and has no more connections than before", async () => {
    // 2 x 64 KiB of commands.
    const p = await start({ limits: { message: 2 ** 16 } });
    const { session } = p.world;
    const owner = p.world.people.get("model-owner")!;
    const client = await p.client(0);
    const codes: string[] = [];
    const note = (e: unknown): void => void codes.push((e as { code: string }).code);
    // The other parties never hear of these: their last chunks wait to be compared.
    for (let i = 0; i < 64 && codes.length === 0; i++) {
      const handle = `model-owner/x${i}`;
      const elements = i < 2 ? 8000 : 4;
      const sealer = await sealerTo(session.file.parties[0]!.identity.seal, inputInfo(session.id, 0, handle));
      const attempt = crypto.getRandomValues(new Uint8Array(16));
      const aval = { shape: [elements], dtype: "f32" } as const;
      const total = 8 * elements;
      const put = { type: "put", handle, attempt, aval, total, chunks: 1, encapsulated: sealer.encapsulated } as const;
      await client.request(owner, put).catch(note);
      const sealed = await sealer.seal(new Uint8Array(total), toCbor(chunkPlace(handle, 0, 1)));
      if (codes.length === 0) client.request(owner, { type: "chunk", handle, index: 0, sealed }).catch(note);
    }
    await expect.poll(() => codes).toEqual(["MPC_BUSY"]);
    // Refused or not, each of these is a connection of this person, and not a stranger's.
    for (let i = 1; i < 16; i++) await codeOf(async () => (await p.client(0)).request(owner, { type: "list" }));
    const [late, other] = [await p.client(0), await p.client(0)];
    expect(await codeOf(() => late.request(owner, { type: "list" }))).toBe("MPC_CONNECTIONS");
    await other.request(p.world.people.get("data-owner")!, { type: "list" });
  });

  it("count by their bytes too, until they are answered", async () => {
    const unanswered = new Unanswered(100);
    const first = unanswered.take("a", 60);
    expect(await codeOf(() => unanswered.take("a", 60))).toBe("MPC_BUSY");
    unanswered.take("b", 60);
    first();
    // One alone may be as large as a message may be.
    unanswered.take("a", 1000);
  });
});

describe("share memory", () => {
  const MEMORY = 2 ** 20;
  const ELEMENTS = 2 ** 16;

  /** Announces `elements` numbers to party 0, and nothing of them. */
  async function announcing(
    options: object = {},
  ): Promise<(who: string, name: string, elements: number, total?: number) => Promise<unknown>> {
    const p = await start({ limits: { memory: MEMORY, ...options } });
    const { session, people } = p.world;
    const client = await p.client(0);
    return async (who, name, elements, total = 8 * elements) => {
      const handle = `${who}/${name}`;
      const { encapsulated } = await sealerTo(session.file.parties[0]!.identity.seal, inputInfo(session.id, 0, handle));
      const attempt = crypto.getRandomValues(new Uint8Array(16));
      const aval = { shape: [elements], dtype: "f32" } as const;
      const chunks = Math.max(1, Math.ceil(total / 2 ** 20));
      return client.request(people.get(who)!, { type: "put", handle, attempt, aval, total, chunks, encapsulated });
    };
  }

  it("is announced in the size that the shape says, and in no other", async () => {
    const announce = await announcing();
    for (const total of [0, 31, 33, 2 ** 40])
      expect(await codeOf(() => announce("model-owner", "x", 4, total))).toBe("INPUT_INVALID");
    await announce("model-owner", "x", 4);
  });

  it("is not one person's: others keep their shares, and runs a quarter, whoever comes first", async () => {
    const announce = await announcing();
    let taken = 0;
    for (let i = 0; i < 64; i++)
      if ((await codeOf(() => announce("model-owner", `x${i}`, ELEMENTS / 32))) !== "MPC_MEMORY") taken += ELEMENTS / 4;
    expect(taken).toBe(MEMORY / 2);
    for (const who of ["driver", "data-owner"]) {
      for (let i = 0; i < 8; i++) await announce(who, `x${i}`, ELEMENTS / 32);
      expect(await codeOf(() => announce(who, "more", ELEMENTS / 32))).toBe("MPC_MEMORY");
    }
  });

  it("is free again when nothing comes of what was announced", async () => {
    // No parties, whose own patience would be as short.
    const { session, parties, people } = await makeWorld({ limits: { timeout: 50 } });
    const environment = { index: 0, links: [], options: plain3.defaults, memoryLimit: MEMORY, runKey: () => new Uint8Array(32) };
    const party = await plain3.createParty(environment);
    const store = new Store(party, MEMORY);
    const heard: string[] = [];
    const peers = { refuse: (subject: string) => heard.push(subject.slice(0, 20)) } as unknown as Peers;
    const transcript = new Transcript(null);
    const inputs = new Inputs({ session, index: 0, identity: parties[0]!, party, store, peers, transcript });
    const owner = people.get("model-owner")!.name;
    const handle = `${owner}/x`;
    const { encapsulated } = await sealerTo(session.file.parties[0]!.identity.seal, inputInfo(session.id, 0, handle));
    const aval = { shape: [ELEMENTS], dtype: "f32" } as const;
    const put = { type: "put", handle, attempt: new Uint8Array(16), aval, total: 8 * ELEMENTS, chunks: 1, encapsulated } as const;
    await inputs.begin(put, owner, {});
    expect(store.bytes).toBe(8 * ELEMENTS);
    await expect.poll(() => store.bytes, { timeout: 30_000 }).toBe(0);
    // The others need not wait for it.
    expect(heard).toEqual(["input model-owner/x ", "accept model-owner/x"]);
    await inputs.begin(put, owner, {});
    inputs.close();
  });
});

describe("fair shares", () => {
  it("hold whatever others do: within its own nobody is refused, and inputs take no more than three quarters", () => {
    const amounts = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 400 })), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), amounts, (people, asked) => {
        const held = new Map<string, Holding>();
        for (const [i, bytes] of asked) {
          const owner = `p${i % people}`;
          const before = held.get(owner)?.bytes ?? 0;
          try {
            checkFairShare({ limit: 1000, people }, held, owner, bytes);
            addTo(held, owner, bytes);
          } catch {
            expect(before + bytes).toBeGreaterThan(ownShare(1000, people));
          }
        }
        expect([...held.values()].reduce((n, h) => n + h.bytes, 0)).toBeLessThanOrEqual(750);
      }),
    );
  });

  it("bound the names of one person, however little they hold", async () => {
    const held = new Map<string, Holding>();
    for (let i = 0; i < 16_384; i++) addTo(held, "a", 0);
    expect(await codeOf(() => checkFairShare({ limit: 1000, people: 2 }, held, "a", 0))).toBe("MPC_MEMORY");
    checkFairShare({ limit: 1000, people: 2 }, held, "b", 0);
  });
});

describe("replies", () => {
  it("that a person asks for and never reads end the connection, not the party's memory", async () => {
    const p = await start();
    const owner = p.world.people.get("model-owner")!;
    const [mine, theirs] = channelPair();
    let unread = 0;
    let closed = false;
    const close = (): void => {
      closed = true;
      theirs.close();
    };
    p.parties[0]!.serve({ send: (m) => theirs.send(m), listen: (on) => theirs.listen(on), close, buffered: () => unread });
    const client = await PartyClient.open(p.world.session, 0, mine);
    await client.request(owner, { type: "list" });
    unread = 2 ** 28;
    expect(await codeOf(() => client.request(owner, { type: "list" }))).toBe("MPC_PARTY_LOST");
    expect(closed).toBe(true);
  });

  it("to a peer's pings are few: a party that asks and never reads fills no outbox", async () => {
    const meshes = await pipeMeshes(await makeWorld());
    try {
      const sent: Uint8Array[] = [];
      const link = { sendControl: (bytes: Uint8Array) => void sent.push(bytes) } as unknown as FrameLink;
      const probe = new LinkProbe(meshes[0]!);
      for (let i = 0; i < 1000; i++) expect(probe.control(1, link, "ping", new Fields([i], "peer", "X"))).toBe(true);
      expect(sent.length).toBeGreaterThanOrEqual(8);
      expect(sent.length).toBeLessThanOrEqual(256);
    } finally {
      await Promise.all(meshes.map((m) => m.close()));
    }
  });
});

describe("counts that a party tells", () => {
  const session = { root: new Uint8Array(32).fill(0xcd) };
  const id = (i: number): Uint8Array => {
    const bytes = new Uint8Array(32).fill(1);
    new DataView(bytes.buffer).setUint32(0, i);
    return bytes;
  };
  const counts = (from: number, n: number): Uint8Array => toCbor([5, Array.from({ length: n }, (_, i) => [id(from + i), 1, 0])]);

  it("of made-up grants neither grow without end nor hide those that were used here", async () => {
    const counters = Counters.open(newDirectory(), session, 100);
    counters.learn(counts(0, 100), "party 2 (c)");
    expect(await codeOf(() => counters.learn(counts(200, 1), "party 2 (c)"))).toBe("MPC_FRAME_INVALID");
    const own = "ee".repeat(32);
    counters.countRun(own, 5);
    const third = Counters.open(newDirectory(), session);
    third.learn(counters.told(), "party 0 (a)");
    expect(third.used(own).runs).toBe(1);
    counters.close();
    third.close();
  });
});
