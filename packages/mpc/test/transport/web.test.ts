/** @file A party's web endpoint: who may come, what it answers, and whom it takes for gone. Real parties, plain WebSocket on loopback. */
import { once } from "node:events";
import { request } from "node:http";
import { inspect } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { WebSocket as Client, WebSocketServer } from "ws";
import { type LocalParties, localParties } from "../../src/driver/local.ts";
import type { MpcSession } from "../../src/driver/mpc-session.ts";
import { openSession } from "../../src/driver/open.ts";
import { leafOf } from "../../src/identity/certificate.ts";
import { Identity } from "../../src/identity/identity.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { ClientServer } from "../../src/transport/client-server.ts";
import { checkAddresses, webConnector } from "../../src/transport/web-client.ts";
import { codeOf, errorOf, makeWorld } from "../support.ts";

const ORIGIN = "https://clinic.example";
const driver = await Identity.generate("driver", { extractable: false });
const parties: LocalParties = await localParties(3, {
  driver: driver.public,
  web: [ORIGIN],
  quiet: true,
  limits: { timeout: 3000 },
});
afterAll(() => parties.close());

/** A WebSocket as pages have it, from ORIGIN. */
const page = (url: string, options: object = {}): WebSocket =>
  new Client(url, { origin: ORIGIN, ...options }) as unknown as WebSocket;

const drive = (make = page): Promise<MpcSession> =>
  openSession(parties.session, webConnector(parties.web, make), {
    protocol: replicated3,
    identities: new Map([[driver.name, driver]]),
    owner: driver.name,
  });

/** Drives, once whoever drove before is gone. */
async function driveNext(make = page): Promise<MpcSession> {
  for (;;) {
    try {
      return await drive(make);
    } catch (e) {
      if ((e as { code?: string }).code !== "DRIVER_BUSY") throw e;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const statusOf = async (url: string, origin: string | undefined, options: object = {}): Promise<number> => {
  const socket = new Client(url, origin === undefined ? options : { origin, ...options });
  const [reply] = (await Promise.race([once(socket, "unexpected-response"), once(socket, "open")]).then((args) =>
    args.slice(1),
  )) as {
    statusCode?: number;
  }[];
  socket.on("error", () => undefined).terminate();
  return reply?.statusCode ?? 101;
};

describe("a party's web endpoint", () => {
  it("carries inputs, runs and a reveal for a driver whose keys cannot be read, and refuses a second driver meanwhile", async () => {
    const session = await drive();
    const x = session.input("x", Float32Array.of(1, 2, 3));
    const y = await x.mul(2).reveal({ to: "driver", why: "test" });
    expect([...y].map((v) => Math.round(Number(v)))).toEqual([2, 4, 6]);
    expect(session.cost().rounds).toBeGreaterThanOrEqual(0);
    expect(await codeOf(() => drive())).toBe("DRIVER_BUSY");
    await session.leave();
    const again = await driveNext();
    expect(again.input("x").shape).toEqual([3]);
    await again.leave();
  });

  it("admits the origins that its operator lists, and nobody else", async () => {
    const [url] = Object.values(parties.web) as [string];
    expect(await statusOf(url, ORIGIN)).toBe(101);
    for (const other of [
      undefined,
      "null",
      "https://evil.example",
      "http://clinic.example",
      `${ORIGIN}:8443`,
      `${ORIGIN}.evil.example`,
    ]) {
      expect(await statusOf(url, other)).toBe(403);
    }
  });

  it("serves no pages, and nobody before its party serves", async () => {
    const { port } = new URL(Object.values(parties.web)[0]!);
    const [reply] = await once(request({ port, host: "127.0.0.1", headers: { origin: ORIGIN } }).end(), "response");
    expect((reply as { statusCode: number }).statusCode).toBe(426);
    const early = await ClientServer.listenWeb({ address: "127.0.0.1:0", origins: [ORIGIN], tls: null }, 1000);
    expect(await statusOf(`ws://127.0.0.1:${early.port}`, ORIGIN)).toBe(503);
    await early.close();
  });

  it("speaks TLS with its operator's certificate, and says no key where that is none", async () => {
    const tls = await leafOf(await Identity.generate("operator"));
    const secured = await ClientServer.listenWeb({ address: "127.0.0.1:0", origins: [ORIGIN], tls }, 1000);
    const url = `wss://127.0.0.1:${secured.port}`;
    expect(await statusOf(url, ORIGIN, { rejectUnauthorized: false })).toBe(503);
    expect(await statusOf(url, "https://evil.example", { rejectUnauthorized: false })).toBe(403);
    await secured.close();
    const damaged = { ...tls, key: tls.key.replace(/A/g, "B") };
    const e = await errorOf(async () =>
      ClientServer.listenWeb({ address: "127.0.0.1:0", origins: [ORIGIN], tls: damaged }, 1000),
    );
    expect(e).toMatchObject({ code: "PARTY_CONFIG" });
    expect(inspect(e)).not.toContain(damaged.key.slice(40, 60));
  });

  it("frees the driver's place when its machine falls silent", async () => {
    const session = await driveNext((url) => page(url, { autoPong: false }));
    expect(await codeOf(() => drive())).toBe("DRIVER_BUSY");
    const began = performance.now();
    await (await driveNext()).leave();
    expect(performance.now() - began).toBeLessThan(60_000);
    await session.leave();
  });

  it("cuts off whoever says too much or something that is not binary", async () => {
    const [url] = Object.values(parties.web) as [string];
    for (const what of ["text", new Uint8Array(70_000_000)]) {
      const socket = new Client(url, { origin: ORIGIN });
      await once(socket, "open");
      const closed = once(socket, "close");
      socket.on("error", () => undefined).send(what, () => undefined);
      await closed;
    }
  });
});

describe("a page's connection", () => {
  it("ends where the other end keeps it open and falls silent, and lasts while empty messages come", async () => {
    const { session } = await makeWorld({ limits: { timeout: 300 } });
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
    await once(server, "listening");
    let beating = true;
    server.on("connection", (socket) => {
      const beat = setInterval(() => beating && socket.send(new Uint8Array(0)), 50);
      socket.on("close", () => clearInterval(beat));
    });
    const url = `ws://127.0.0.1:${(server.address() as { port: number }).port}`;
    const web = Object.fromEntries(session.file.parties.map((p) => [p.identity.name, url]));
    const channel = await webConnector(web, page)(session, 0, new AbortController().signal);
    const heard: Uint8Array[] = [];
    let over: string | undefined;
    const ended = new Promise<void>((resolve) => {
      channel.listen({
        message: (m) => heard.push(m),
        closed(why) {
          over = why;
          resolve();
        },
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect([over, heard.length]).toEqual([undefined, 0]);
    beating = false;
    await ended;
    expect(over).toBe("silent");
    server.close();
  });
});

describe("the addresses of a page", () => {
  it("name every party of the session once, with ws or wss", async () => {
    const { session } = await makeWorld();
    const names = session.file.parties.map((p) => p.identity.name);
    const good = Object.fromEntries(names.map((n) => [n, "wss://a.example/tacit"]));
    checkAddresses(session, good);
    for (const bad of [
      {},
      { ...good, stranger: "wss://x.example" },
      { ...good, [names[0]!]: "https://a.example" },
      { ...good, [names[1]!]: "" },
    ]) {
      expect(await codeOf(() => checkAddresses(session, bad))).toBe("WEB_ADDRESS");
    }
  });

  it("that nobody serves end in who is missing, within the session's time", async () => {
    const { session } = await makeWorld({ limits: { timeout: 600 } });
    const nobody = Object.fromEntries(session.file.parties.map((p) => [p.identity.name, "ws://127.0.0.1:9"]));
    const e = await errorOf(() => webConnector(nobody, page)(session, 1, new AbortController().signal));
    expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
    expect(e.message).toContain(session.showParty(1));
  });
});
