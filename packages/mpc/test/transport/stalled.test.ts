/** @file Machines that accept a connection and then say nothing: a stopped process does, for the system accepts in its name. */
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { PartyClient } from "../../src/client/party-client.ts";
import { leafOf } from "../../src/identity/certificate.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { Session } from "../../src/session/session-file.ts";
import { channelPair } from "../../src/transport/channel.ts";
import { connectClient } from "../../src/transport/client.ts";
import { checkMode } from "../../src/transport/handshake.ts";
import { dial } from "../../src/transport/tls.ts";
import { codeOf, errorOf, makeWorld, pipeMeshes } from "../support.ts";

const servers: { server: Server; sockets: Set<Socket> }[] = [];
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const s of sockets) s.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function silent(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((s) => void sockets.add(s));
  servers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  return typeof at === "object" && at !== null ? at.port : 0;
}

const LIMIT = 300;

describe("whoever accepts and says nothing", () => {
  it("holds neither a party nor a person beyond the session's time", async () => {
    const port = await silent();
    const draft = await makeWorld({ limits: { timeout: LIMIT } });
    const [first, ...rest] = draft.session.file.parties;
    const at = { ...first!, address: `127.0.0.1:${port}`, client: `127.0.0.1:${port}` };
    const session = new Session({ ...draft.session.file, parties: [at, ...rest] });
    const leaf = await leafOf(draft.parties[1]!);
    for (const wait of [
      () => dial(session, 0, leaf, new AbortController().signal),
      () => connectClient(session, 0),
      () => PartyClient.open(session, 0, channelPair()[0]),
    ]) {
      const began = performance.now();
      expect(await codeOf(wait)).toBe("MPC_TIMEOUT");
      expect(performance.now() - began).toBeLessThan(4 * LIMIT);
    }
  });
});

describe("a party that waits for a silent one itself", () => {
  it("is not blamed for it, though its own message is due first", async () => {
    const world = await makeWorld({ limits: { timeout: 400 } });
    const meshes = await pipeMeshes(world);
    const tag = (op: number): { run: number; op: number; lane: number } => ({ run: 0, op, lane: 0 });
    const receive = (me: number, from: number, op: number): Promise<Error> =>
      errorOf(() => meshes[me]!.links[from]!.receive(tag(op), new Uint8Array(1)));
    // Parties 1 and 2 are in the run; party 0 stands still, and gives no sign of life.
    for (const link of meshes[0]!.links) if (link !== undefined) link.sendControl = () => undefined;
    meshes[2]!.links[1]!.send(tag(1), 0, new Uint8Array(1));
    await meshes[1]!.links[2]!.receive(tag(1), new Uint8Array(1));
    const fromHonest = receive(1, 2, 2);
    const atHonest = receive(2, 0, 3);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const fromSilent = receive(1, 0, 3);
    const first = await Promise.race([fromHonest, fromSilent]);
    expect(first.message).toMatch(/^party 0 \(clinic-a\) sent nothing for 0.4 s at op 3/);
    expect((await atHonest).message).toMatch(/^party 0 \(clinic-a\) sent nothing/);
    await Promise.all(meshes.map((m) => m.close()));
    await fromHonest;
  });
});

describe("a mode for tests", () => {
  it("exists in sessions on one machine alone, and only where the protocol has it", async () => {
    const { session } = await makeWorld();
    expect(() => checkMode(session, "shadow")).not.toThrow();
    for (const change of [{ address: "10.0.0.7:9000" }, { client: "127.0.0.1.example.org:9000" }, { client: "clinic-c:9000" }]) {
      const [a, b, c] = session.file.parties;
      const reaching = new Session({ ...session.file, parties: [a!, b!, { ...c!, ...change }] });
      expect(() => checkMode(reaching, "")).not.toThrow();
      expect(() => checkMode(reaching, "shadow")).toThrow(/expected no mode in a session that reaches other machines/);
    }
    const environment = {
      index: 0,
      links: [],
      runKey: () => new Uint8Array(32),
      options: replicated3.defaults,
      memoryLimit: 2 ** 20,
    };
    expect(await codeOf(() => replicated3.createParty({ ...environment, mode: "shadow" }))).toBe("MPC_HANDSHAKE");
  });
});
