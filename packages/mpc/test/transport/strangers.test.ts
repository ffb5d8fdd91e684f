/** @file What a connection may bring to a party before anybody of the session has spoken on it: at both of a party's addresses, over real sockets. */
import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { PartyClient } from "../../src/client/party-client.ts";
import { echo } from "../../src/client/probing.ts";
import { leafOf } from "../../src/identity/certificate.ts";
import { Identity } from "../../src/identity/identity.ts";
import { type Channel, CLIENT_MESSAGE, payloadLimit, STRANGER_BYTES } from "../../src/transport/channel.ts";
import { ClientServer } from "../../src/transport/client-server.ts";
import { type InProcess, inProcess } from "../in-process.ts";

const ORIGIN = "https://clinic.example";
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.close()));
});

const leaf = await leafOf(await Identity.generate("clinic-a"));
const ENDS = [
  ["the address for people", () => ClientServer.listen(leaf, "127.0.0.1", 0, CLIENT_MESSAGE), "wss"],
  [
    "the address for pages",
    () => ClientServer.listenWeb({ address: "127.0.0.1:0", origins: [ORIGIN], tls: null }, CLIENT_MESSAGE),
    "ws",
  ],
] as const;

async function listening(
  make: () => Promise<ClientServer>,
  serve: (channel: Channel) => void,
  scheme: string,
): Promise<WebSocket> {
  const server = await make();
  open.push(server);
  server.open(600_000, serve);
  const socket = new WebSocket(`${scheme}://127.0.0.1:${server.port}`, { origin: ORIGIN, rejectUnauthorized: false });
  socket.on("error", () => undefined);
  await once(socket, "open");
  return socket;
}

describe.each(ENDS)("a connection to %s", (_name, make, scheme) => {
  it("on which nobody has spoken is ended after 64 KiB, also of a message that never becomes whole", async () => {
    for (const pieces of [[STRANGER_BYTES + 1], [30_000, 30_000, 30_000]]) {
      const socket = await listening(
        make,
        (channel) => channel.listen({ message: () => undefined, closed: () => undefined }),
        scheme,
      );
      const closed = once(socket, "close");
      for (const bytes of pieces) socket.send(new Uint8Array(bytes), { fin: false });
      await closed;
    }
  });

  it("brings what the session allows once somebody is known", async () => {
    const came = Promise.withResolvers<number>();
    const socket = await listening(
      make,
      (channel) => {
        channel.listen({
          message: (bytes) => (bytes.length < 10 ? channel.admit?.() : came.resolve(bytes.length)),
          closed: () => came.resolve(0),
        });
        channel.send(new Uint8Array(1));
      },
      scheme,
    );
    const pong = once(socket, "pong");
    socket.send(new Uint8Array(5));
    socket.ping();
    await pong;
    socket.send(new Uint8Array(1_000_000));
    expect(await came.promise).toBe(1_000_000);
  });
});

describe("a person whose first command is large", () => {
  async function start(): Promise<InProcess> {
    const p = await inProcess();
    open.push({ close: () => p.stop() });
    return p;
  }

  it("is known before it comes, and is served", async () => {
    const p = await start();
    const owner = p.world.people.get("data-owner")!;
    expect(await echo(await p.client(0), owner, 1_048_576, 0)).toBeGreaterThan(0);
    const many = await p.client(1);
    await Promise.all(Array.from({ length: 8 }, () => echo(many, owner, 30_000, 0)));
  });

  it("and unknown is cut off without an answer", async () => {
    const p = await start();
    const stranger = await Identity.generate("data-owner");
    await expect(echo(await p.client(0), stranger, 1_048_576, 0)).rejects.toMatchObject({ code: "MPC_PARTY_LOST" });
    await expect(
      PartyClient.open(p.world.session, 0, await p.connector(p.world.session, 0, AbortSignal.any([]))),
    ).resolves.toBeDefined();
  });
});

it("a limit that does not fit 31 bits is no reason for ws to have none", () => {
  expect([2 ** 20, 2 ** 32 - 1].map((n) => payloadLimit(n) | 0)).toEqual([2 ** 20, 2 ** 31 - 1]);
});
