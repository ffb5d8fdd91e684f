/** @file The links between parties over TLS. */
import { connect } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { leafOf } from "../../src/identity/certificate.ts";
import { Identity } from "../../src/identity/identity.ts";
import { Session } from "../../src/session/session-file.ts";
import { connectParties } from "../../src/transport/gathering.ts";
import type { Mesh } from "../../src/transport/mesh.ts";
import type { PartyServer } from "../../src/transport/tls.ts";
import { codeOf, errorOf, listeningWorld, type World } from "../support.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.close()));
});

async function mesh3(options = {}): Promise<{ world: World & { servers: PartyServer[] }; meshes: Mesh[] }> {
  const world = await listeningWorld(options);
  open.push(...world.servers);
  const meshes = await Promise.all(
    world.parties.map((identity, index) =>
      connectParties(world.servers[index]!, { session: world.session, index, identity, attempt: index + 4, mode: "" }),
    ),
  );
  open.push(...meshes);
  return { world, meshes };
}

const tag = (op: number, lane = 0): { run: number; op: number; lane: number } => ({ run: 1, op, lane });

describe("links over TLS", () => {
  it("deliver frames in either order of sending and receiving, and count them exactly", async () => {
    const { meshes } = await mesh3();
    const bytes = crypto.getRandomValues(new Uint8Array(1001));
    const into = [new Uint8Array(1001), new Uint8Array(3)];
    const early = meshes[2]!.links[0]!.receive(tag(7), into[0]!);
    meshes[0]!.links[2]!.send(tag(9), 4, new Uint8Array([1, 2, 3]));
    meshes[0]!.links[2]!.send(tag(7), 3, bytes);
    const sent = bytes.slice();
    bytes.fill(0);
    expect(await early).toBe(3);
    expect(await meshes[2]!.links[0]!.receive(tag(9), into[1]!)).toBe(4);
    expect(into[0]).toEqual(sent);
    expect([...into[1]!]).toEqual([1, 2, 3]);
    expect(meshes[0]!.links[2]!.counters).toEqual({ bytesSent: 1001 + 3 + 32, framesSent: 2 });
  });

  it("carry frames larger than a chunk whose sender overwrites its buffer at once", async () => {
    const { meshes } = await mesh3();
    const n = 3_000_007;
    const bytes = new Uint8Array(n).map((_, i) => (i * 31) & 255);
    const into = new Uint8Array(n);
    meshes[1]!.links[0]!.send(tag(1), 0, bytes);
    bytes.fill(0);
    await meshes[0]!.links[1]!.receive(tag(1), into);
    expect(into.every((b, i) => b === ((i * 31) & 255))).toBe(true);
  });

  it("send and receive nothing once they close", async () => {
    const { meshes } = await mesh3();
    const link = meshes[0]!.links[1]!;
    const waiting = codeOf(() => link.receive(tag(1), new Uint8Array(3)));
    const closing = link.close();
    expect(await codeOf(async () => link.send(tag(2), 0, new Uint8Array(3)))).toBe("MPC_PARTY_LOST");
    expect(await waiting).toBe("MPC_PARTY_LOST");
    await closing;
    expect(link.counters.framesSent).toBe(0);
  });

  it("agree on the largest attempt, and hold each pair's keys alone", async () => {
    const { meshes } = await mesh3();
    expect(meshes.map((m) => m.attempt)).toEqual([6, 6, 6]);
    for (let which = 0; which < 3; which++) {
      const holders = [which, (which + 2) % 3];
      const keys = holders.map((i) => Buffer.from(meshes[i]!.keys.runKey(which, 5, 6)).toString("hex"));
      expect(keys[0]).toBe(keys[1]);
      expect(await codeOf(() => meshes[3 - holders[0]! - holders[1]!]!.keys.runKey(which, 5, 6))).toBe("MPC_KEY");
      expect(Buffer.from(meshes[holders[0]!]!.keys.runKey(which, 6, 6)).toString("hex")).not.toBe(keys[0]);
    }
    const common = meshes.map((m) => Buffer.from(m.keys.runKey(3, 5, 6)).toString("hex"));
    expect(new Set(common).size).toBe(1);
  });

  it("refuse a party whose key is not the pinned one", async () => {
    const world = await listeningWorld({ limits: { timeout: 600 } });
    open.push(...world.servers);
    const impostor = await Identity.generate("impostor");
    const connectAs = (index: number, identity: Identity, server: PartyServer): Promise<Mesh> =>
      connectParties(server, { session: world.session, index, identity, attempt: 1, mode: "" });
    const { PartyServer: Server } = await import("../../src/transport/tls.ts");
    const server = await Server.listen(impostor, "127.0.0.1", 0);
    open.push(server);
    const results = await Promise.all([
      codeOf(() => connectAs(0, world.parties[0]!, world.servers[0]!)),
      codeOf(() => connectAs(1, impostor, server)),
    ]);
    expect(results[0]).toBe("MPC_TIMEOUT");
    expect(["MPC_TIMEOUT", "MPC_PARTY_LOST"]).toContain(results[1]);
  });

  it("refuse at the dialling end when somebody else listens at a party's address", async () => {
    const world = await listeningWorld({ limits: { timeout: 600 } });
    open.push(...world.servers);
    const parties = world.session.file.parties.map((p, i) =>
      i === 0 ? { ...p, address: world.session.file.parties[2]!.address } : p,
    );
    const session = new Session({ ...world.session.file, parties });
    const dialler = connectParties(world.servers[1]!, { session, index: 1, identity: world.parties[1]!, attempt: 1, mode: "" });
    expect(await codeOf(() => dialler)).toBe("MPC_HANDSHAKE");
  });

  it("refuse another session, another mode and say which party differs", async () => {
    for (const variant of ["session", "mode"]) {
      const world = await listeningWorld({ limits: { timeout: 800 } });
      open.push(...world.servers);
      const other = new Session({ ...world.session.file, expires: world.session.file.expires + 1 });
      const errors = await Promise.all(
        world.parties.map((identity, index) =>
          errorOf(() =>
            connectParties(world.servers[index]!, {
              session: variant === "session" && index === 2 ? other : world.session,
              index,
              identity,
              attempt: 1,
              mode: variant === "mode" && index === 2 ? "shadow" : "",
            }),
          ),
        ),
      );
      expect(errors.some((e) => /clinic-c/.test(e.message) && "code" in e && e.code === "MPC_HANDSHAKE")).toBe(true);
      expect(errors.map((e) => e.message)).not.toContain("nothing was thrown");
    }
  });

  it("do not resume TLS sessions", async () => {
    const world = await listeningWorld();
    open.push(...world.servers);
    const leaf = await leafOf(world.parties[1]!);
    const dialAs = (session?: Buffer): Promise<{ reused: boolean; ticket: Buffer | undefined }> =>
      new Promise((resolve, reject) => {
        const options = {
          ...leaf,
          host: "127.0.0.1",
          port: world.servers[0]!.port,
          rejectUnauthorized: false,
          ALPNProtocols: ["tacit-party/1"],
        };
        const socket = connect(session === undefined ? options : { ...options, session });
        let ticket: Buffer | undefined;
        socket.on("session", (t) => {
          ticket = t;
        });
        socket.on("error", reject);
        socket.once("secureConnect", () => {
          setTimeout(() => {
            resolve({ reused: socket.isSessionReused(), ticket });
            socket.destroy();
          }, 50);
        });
      });
    const first = await dialAs();
    const second = await dialAs(first.ticket);
    expect(second.reused).toBe(false);
  });

  it("reject every pending receive, naming party and op, when a party goes away", async () => {
    const { meshes } = await mesh3();
    meshes[0]!.links[2]!.describe = () => "op 14 of 37 (matmul)";
    const pending = [1, 2, 3].map((op) => errorOf(() => meshes[0]!.links[2]!.receive(tag(op), new Uint8Array(8))));
    await meshes[2]!.close();
    for (const e of await Promise.all(pending))
      expect(e.message).toBe("party 2 (clinic-c) closed the connection at op 14 of 37 (matmul)");
    expect(await codeOf(() => meshes[0]!.links[2]!.receive(tag(4), new Uint8Array(8)))).toBe("MPC_PARTY_LOST");
  });

  it("time out on a silent party within the limit", async () => {
    const { meshes } = await mesh3({ limits: { timeout: 800 } });
    const start = performance.now();
    const e = await errorOf(() => meshes[0]!.links[1]!.receive(tag(1), new Uint8Array(8)));
    expect(e).toMatchObject({ code: "MPC_TIMEOUT", message: "party 1 (clinic-b) sent nothing for 0.8 s at op 1" });
    expect(performance.now() - start).toBeLessThan(8000);
  });
});
