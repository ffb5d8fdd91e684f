/** @file Providers and recipients who are not there when the driver is: what they give, what waits for them, and who can take it. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { afterEach, describe, expect, it } from "vitest";
import { type Gift, give } from "../../src/client/give.ts";
import { together } from "../../src/client/group.ts";
import { type ReceiveOptions, receive } from "../../src/client/receive.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { Identity } from "../../src/identity/identity.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { chunkPlace } from "../../src/party/messages.ts";
import { inputInfo } from "../../src/party/purposes.ts";
import { toCbor } from "../../src/session/cbor.ts";
import { signGrant } from "../../src/session/grant.ts";
import type { Connector } from "../../src/transport/channel.ts";
import { type InProcess, inProcess, startParties } from "../in-process.ts";
import { plain3 } from "../plain3.ts";
import { codeOf, errorOf, inAnHour } from "../support.ts";

const protocols = [plain3];
const open: InProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.stop()));
});
async function start(): Promise<InProcess> {
  const made = await inProcess({ people: ["driver", "hospital-a", "hospital-b", "clinic"] });
  open.push(made);
  return made;
}
const who = (p: InProcess, name: string): Identity => p.world.people.get(name)!;
const gift = (name: string, values: readonly number[]): Gift => ({
  name,
  values: Float32Array.from(values),
  shape: [values.length],
});
const gives = (p: InProcess, name: string, gifts: readonly Gift[], options: object = {}): Promise<unknown> =>
  give(p.world.session, p.connector, gifts, { identity: who(p, name), protocols, ...options });
const receives = (p: InProcess, name: string, options: Partial<ReceiveOptions> = {}): ReturnType<typeof receive> =>
  receive(p.world.session, p.connector, { identity: who(p, name), protocols, ...options });

/** Three times what hospital-a gave as x, for the clinic. */
async function prediction(session: MpcSession): ReturnType<MpcSession["deliver"]> {
  const [x] = await session.inputs(["hospital-a/x"]);
  const y = x!.mul(3);
  await y.realize();
  return session.deliver(y, { to: "clinic", why: "prediction" });
}

describe("a provider", () => {
  it("gives under its own name, once, whoever else gives, and a driver who was there before finds it", async () => {
    const p = await start();
    const session = await p.open(["driver", "hospital-a"], "driver");
    const late = session.inputs(["hospital-a/x", "hospital-b/x"]);
    await Promise.all(["hospital-a", "hospital-b"].map((name) => gives(p, name, [gift("x", [1, 2])])));
    expect((await late).map((t) => t.shape)).toEqual([[2], [2]]);
    expect((await errorOf(() => session.input("x"))).message).toContain("several");
    const again = await errorOf(() => gives(p, "hospital-a", [gift("y", [1]), gift("x", [1, 2])]));
    expect(again).toMatchObject({ code: "HANDLE_USED" });
    expect(again.message).toContain("hospital-a/x");
    expect(await gives(p, "hospital-a", [gift("x", [1, 2]), gift("y", [1])], { missing: true })).toMatchObject([
      { handle: "hospital-a/x", given: false },
      { handle: "hospital-a/y", given: true },
    ]);
    expect(await codeOf(() => gives(p, "hospital-b", [gift("hospital-a/z", [1])]))).toBe("INPUT_INVALID");
    const error = await errorOf(() => session.inputs(["hospital-b/labels"], { wait: 10 }));
    expect(error).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(error.message).toContain("hospital-b/labels");
  });

  it("is never taken for another who gave the same name: the driver must say whose, also where the second came after it looked", async () => {
    const p = await start();
    await gives(p, "hospital-b", [gift("x", [7, 7])]);
    const session = await p.open(["driver", "hospital-a", "hospital-b"], "driver");
    await session.input("x").mul(2).realize();
    const [waited] = await session.inputs(["x"]);
    const early = session.input("x");
    await gives(p, "hospital-a", [gift("x", [1, 2])]);
    // Whose it is was decided while one owner alone had it.
    await waited!.mul(2).realize();
    const read = session.input("x").mul(2);
    for (const work of [() => read.realize(), () => session.inputs(["x", "nobody/y"], { wait: 60_000 })])
      expect(await errorOf(work)).toMatchObject({ code: "HANDLE_UNKNOWN", hint: expect.stringContaining("hospital-a/x") });
    await early.mul(3).realize();
    const own = session.input("hospital-a/x").mul(2);
    expect([...(await own.reveal({ to: "driver", why: "look" }))]).toEqual([2, 4]);
  });

  it("whose messages somebody recorded has given once: played again they end the connection", async () => {
    const p = await start();
    const recorded: Uint8Array[] = [];
    const listening: Connector = async (session, index, signal) => {
      const channel = await p.connector(session, index, signal);
      if (index !== 0) return channel;
      const send = (message: Uint8Array): void => {
        recorded.push(message.slice());
        channel.send(message);
      };
      return { ...channel, send, listen: (on) => channel.listen(on), close: () => channel.close() };
    };
    const { session } = p.world;
    await give(session, listening, [gift("x", [1, 2])], { identity: who(p, "hospital-a"), protocols });
    expect(recorded.length).toBeGreaterThan(3);
    const again = await p.connector(session, 0, AbortSignal.any([]));
    const closed = new Promise<void>((resolve) => again.listen({ message: () => undefined, closed: () => resolve() }));
    for (const message of recorded) again.send(message);
    await closed;
    const driver = await p.open(["driver"], "driver");
    expect((await driver.listed()).map((i) => i.handle)).toEqual(["hospital-a/x"]);
  });

  it("hears of the connection that was lost, not of what others heard of it; known by its code, whatever a message holds", async () => {
    const words = "input hospital-a/x: expected all of it, got the end of its provider's connection";
    const lost = new TacitError("MPC_PARTY_LOST", "party 2 (clinic-c) closed its connection in input hospital-a/x");
    const all = (code: string): Promise<unknown> =>
      together([Promise.reject(new TacitError(code, words)), Promise.reject(lost), Promise.reject(new TacitError(code, words))]);
    expect(await codeOf(() => all("INPUT_BROKEN_OFF"))).toBe("MPC_PARTY_LOST");
    expect(await codeOf(() => all("INPUT_INVALID"))).toBe("INPUT_INVALID");
  });

  it("who is nobody of the session gives nothing", async () => {
    const p = await start();
    const twin = await Identity.generate("hospital-a");
    const work = (identity: Identity) => (): unknown =>
      give(p.world.session, p.connector, [gift("x", [1])], { identity, protocols });
    expect(await codeOf(work(twin))).toBe("SESSION_INVALID");
    expect(await codeOf(work(await Identity.generate("mallory")))).toBe("SESSION_INVALID");
  });

  for (const [what, whole] of [
    ["before any party has its part", 0],
    ["when one party has all of its part", 1],
    ["when two have", 2],
  ] as const) {
    it(`that is gone ${what} leaves nothing behind, and gives again`, async () => {
      const p = await start();
      const { session } = p.world;
      const owner = who(p, "hospital-a");
      const aval = { shape: [4], dtype: "f32" } as const;
      const attempt = new Uint8Array(16).fill(1);
      const group = await p.group();
      const handle = "hospital-a/x";
      const payloads = plain3.share(new Float32Array(4), aval, plain3.defaults);
      for (const [i, client] of group.clients.entries()) {
        const sealer = await sealerTo(session.file.parties[i]!.identity.seal, inputInfo(session.id, i, handle));
        const { encapsulated } = sealer;
        await client.request(owner, { type: "put", handle, attempt, aval, total: 32, chunks: 1, encapsulated });
        if (i >= whole) continue;
        const sealed = await sealer.seal(payloads[i]!, toCbor(chunkPlace(handle, 0, 1)));
        client.request(owner, { type: "chunk", handle, index: 0, sealed }).catch(() => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      group.close();
      // The second try may come before the parties see that the first is gone.
      await gives(p, "hospital-a", [gift("x", [1, 2, 3, 4])]);
      const reader = await p.open(["driver"], "driver");
      expect((await reader.counters()).map((c) => c.bytes)).toEqual([32, 32, 32]);
    });
  }
});

describe("a recipient", () => {
  it("collects after the driver has left and the parties were started anew; then it is gone", async () => {
    const p = await start();
    await gives(p, "hospital-a", [gift("x", [1, 2])]);
    const session = await p.open(["driver", "hospital-a"], "driver");
    const receipt = await prediction(session);
    expect(receipt).toMatchObject({ to: "clinic", why: "prediction", shape: [2] });
    expect(Object.values(receipt).some((v) => v instanceof Float32Array)).toBe(false);
    await session.leave();
    await p.stop();
    const again = await startParties(p.world, plain3, p.directories);
    open.push(again);
    const taken: number[][] = [];
    const { deliveries, faults } = await receives(again, "clinic", {
      take: async (came) => {
        for (const d of came) taken.push([...d.values].map(Number));
        // The parts are there until it is written down.
        expect(again.directories.map((d) => readdirSync(d).filter((f) => f.endsWith(".letter")).length)).toEqual([1, 1, 1]);
      },
    });
    expect(faults).toEqual([]);
    expect(deliveries[0]).toMatchObject({ run: receipt.run, why: "prediction", to: "clinic", aval: { shape: [2] } });
    expect(taken).toEqual([[3, 6]]);
    expect(again.directories.map((d) => readdirSync(d).filter((f) => f.endsWith(".letter")))).toEqual([[], [], []]);
    expect((await receives(again, "clinic")).deliveries).toEqual([]);
  });

  it("waits for a delivery, and is told when none came", async () => {
    const p = await start();
    await gives(p, "hospital-a", [gift("x", [1])]);
    expect(await codeOf(() => receives(p, "clinic", { wait: 200 }))).toBe("MPC_TIMEOUT");
    const early = receives(p, "clinic", { wait: 20_000 });
    const session = await p.open(["driver", "hospital-a"], "driver");
    await prediction(session);
    expect((await early).deliveries.map((d) => [...d.values])).toEqual([[3]]);
  });

  it("who is told that none came hears of a party that hung up meanwhile, though it was there again", async () => {
    const p = await start();
    let connections = 0;
    const cut: Connector = async (session, index, signal) => {
      const channel = await p.connector(session, index, signal);
      if (index !== 1 || connections++ > 0) return channel;
      const listen: typeof channel.listen = (on) => {
        channel.listen(on);
        setTimeout(() => on.closed("the line broke"), 100);
      };
      return { send: (m) => channel.send(m), close: () => channel.close(), listen };
    };
    const identity = who(p, "clinic");
    const told = await errorOf(() => receive(p.world.session, cut, { identity, protocols, wait: 1500 }));
    expect(told).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(told.message).toContain("party 1 (clinic-b)");
    expect(connections).toBe(2);
  });

  it("who is hung up on each time hears of that, and not that the last moment was too short", async () => {
    const p = await start();
    let connections = 0;
    const cut: Connector = async (session, index, signal) => {
      // The last time nobody is there.
      if (connections > 3) return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      const channel = await p.connector(session, index, signal);
      if (index === 1) connections++;
      const listen: typeof channel.listen = (on) => {
        channel.listen(on);
        setTimeout(() => on.closed("the line broke"), 5);
      };
      return { send: (m) => channel.send(m), close: () => channel.close(), listen };
    };
    const told = await errorOf(() => receive(p.world.session, cut, { identity: who(p, "clinic"), protocols, wait: 2600 }));
    expect(told).toMatchObject({ code: "MPC_PARTY_LOST" });
  });

  it("alone can collect, and nobody else learns that something waits", async () => {
    const p = await start();
    await gives(p, "hospital-a", [gift("x", [1])]);
    const session = await p.open(["driver", "hospital-a"], "driver");
    const { run } = await prediction(session);
    for (const other of ["driver", "hospital-a", "hospital-b"]) {
      expect(await receives(p, other)).toEqual({ deliveries: [], faults: [] });
      const client = await p.client(0);
      const [there, not] = await Promise.all(
        [run, run + 1].map((n) => errorOf(() => client.request(who(p, other), { type: "letter", run: n }))),
      );
      expect([there!.message.replace(String(run), "N"), "LETTER_UNKNOWN"]).toEqual([
        not!.message.replace(String(run + 1), "N"),
        await codeOf(() => client.request(who(p, other), { type: "letter", run })),
      ]);
      await client.request(who(p, other), { type: "received", runs: [run] });
    }
    expect((await receives(p, "clinic")).deliveries).toHaveLength(1);
  });

  it("names the party that withholds its part, or has an altered one, and still gets the others", async () => {
    const p = await start();
    await gives(p, "hospital-a", [gift("x", [1]), gift("z", [5])]);
    const session = await p.open(["driver", "hospital-a"], "driver");
    const sent: number[] = [];
    for (const factor of [2, 3, 4]) {
      const y = session.input("hospital-a/x").mul(factor);
      await y.realize();
      sent.push((await session.deliver(y, { to: "clinic", why: "prediction" })).run);
    }
    await session.leave();
    await p.stop();
    const file = (party: number, run: number): string =>
      join(p.directories[party]!, readdirSync(p.directories[party]!).find((f) => f.endsWith(`.${run}.letter`))!);
    rmSync(file(1, sent[0]!));
    const bytes = readFileSync(file(2, sent[1]!));
    bytes[bytes.length - 80]! ^= 1;
    writeFileSync(file(2, sent[1]!), bytes);
    const again = await startParties(p.world, plain3, p.directories);
    open.push(again);
    const first = await receives(again, "clinic");
    expect(first.deliveries.map((d) => [...d.values])).toEqual([[4]]);
    expect(first.faults.map((f) => [f.code, /party \d \(clinic-.\)/.exec(f.message)?.[0]])).toEqual([
      ["LETTER_INVALID", "party 1 (clinic-b)"],
      ["LETTER_INVALID", "party 2 (clinic-c)"],
    ]);
    expect((await receives(again, "clinic", { discard: true })).faults).toHaveLength(2);
    expect(await receives(again, "clinic")).toEqual({ deliveries: [], faults: [] });
  });

  it("gets nothing that its owners did not agree to", async () => {
    const p = await start();
    await gives(p, "hospital-a", [gift("x", [1])]);
    const session = await p.open(["driver"], "driver");
    const x = session.input("hospital-a/x");
    expect(await codeOf(() => session.deliver(x, { to: "clinic", why: "prediction" }))).toBe("POLICY_REFUSED");
    const bound = { owners: ["hospital-a"], sources: [{ kind: "handle", handle: "hospital-a/x" }], rows: 1 } as const;
    const disclosures = [{ output: 0, to: "clinic", why: "prediction" }];
    const grant = { program: "", inputs: [bound], disclosures, runs: 0, reveals: 1, expires: inAnHour() };
    await session.grant(await signGrant(p.world.session.id, grant, [who(p, "hospital-a")]));
    expect(await codeOf(() => session.deliver(x, { to: "hospital-b", why: "prediction" }))).toBe("POLICY_REFUSED");
    await session.deliver(x, { to: "clinic", why: "prediction" });
    // The same again is the same delivery; another reason is another.
    await session.deliver(x, { to: "clinic", why: "prediction" });
    expect(await codeOf(() => session.deliver(x, { to: "clinic", why: "again" }))).toBe("POLICY_REFUSED");
    expect((await receives(p, "clinic")).deliveries.map((d) => [d.program, ...d.values])).toEqual([["", 1]]);
    expect(await codeOf(() => session.deliver(session.public(Float32Array.from([1])), { to: "clinic", why: "x" }))).toBe(
      "ARGUMENT_INVALID",
    );
  });
});
