/** @file Who is blamed when the parties cannot all be joined: the one that is missing, and not the one that waits for it. */
import { readFileSync } from "node:fs";
import { TacitError } from "@tacit/core/errors";
import { afterEach, describe, expect, it } from "vitest";
import { PartyClient } from "../../src/client/party-client.ts";
import { toCbor } from "../../src/session/cbor.ts";
import { channelPair } from "../../src/transport/channel.ts";
import { FrameLink } from "../../src/transport/frame-link.ts";
import { connectParties } from "../../src/transport/gathering.ts";
import { type Mesh, openMesh } from "../../src/transport/mesh.ts";
import type { PartyServer } from "../../src/transport/tls.ts";
import { CLIENT_VERSION, PROTOCOL_VERSION, SOFTWARE } from "../../src/version.ts";
import { errorOf, listeningWorld, makeWorld, pipes, type World } from "../support.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((x) => x.close()));
});

type Listening = World & { servers: PartyServer[] };

async function listening(timeout = 4000): Promise<Listening> {
  const world = await listeningWorld({ limits: { timeout } });
  open.push(...world.servers);
  return world;
}

interface More {
  readonly patience?: number;
  readonly unreachable?: string;
  readonly waiting?: (missing: readonly number[]) => void;
  readonly signal?: AbortSignal;
}

/** Party `index` joins the others; addresses of one of them may lead nowhere. */
function join(world: Listening, index: number, { unreachable, ...more }: More = {}): Promise<Mesh> {
  const peers = new Map(unreachable === undefined ? [] : [[unreachable, "127.0.0.1:1"]]);
  const { session } = world;
  const mesh = connectParties(world.servers[index]!, {
    session,
    index,
    identity: world.parties[index]!,
    attempt: 1,
    mode: "",
    peers,
    ...more,
  });
  mesh.then(
    (m) => open.push(m),
    () => {},
  );
  return mesh;
}

describe("parties that gather", () => {
  it("are joined when the last one comes, long after the session's time for a silent one", async () => {
    const world = await listening(300);
    const early = [0, 1].map((i) => join(world, i, { patience: 20_000 }));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const meshes = await Promise.all([...early, join(world, 2, { patience: 20_000 })]);
    expect(meshes.map((m) => m.attempt)).toEqual([1, 1, 1]);
  });

  it("name the one that never came, and do not blame each other", async () => {
    const world = await listening();
    const [a, b] = await Promise.all([0, 1].map((i) => errorOf(() => join(world, i, { patience: 1200 }))));
    for (const e of [a!, b!]) expect(e).toMatchObject({ code: "MPC_TIMEOUT" });
    expect([a!.message, b!.message].sort()[0]).toMatch(
      /^waiting for party 2 \(clinic-c\): expected it within 1.2 s, got nobody; party \d \(clinic-[ab]\) waits for clinic-c too/,
    );
    for (const e of [a!, b!]) expect(e.message).toMatch(/^waiting for party 2 \(clinic-c\)/);
  });

  it("name the two that cannot reach each other, at each of the three", async () => {
    const world = await listening();
    const heard: number[][] = [];
    const errors = await Promise.all([
      errorOf(() => join(world, 0, { patience: 2000, waiting: (missing) => void heard.push([...missing]) })),
      errorOf(() => join(world, 1, { patience: 2000 })),
      errorOf(() => join(world, 2, { patience: 2000, unreachable: "clinic-b" })),
    ]);
    const [a, b, c] = errors.map((e) => e.message);
    // Party 0 is joined with both, and hears from both that they wait for each other.
    expect(heard).toContainEqual([1, 2]);
    expect(a).toMatch(/clinic-b.*clinic-c|clinic-c.*clinic-b/);
    for (const text of [a, b, c]) expect(text).not.toMatch(/clinic-a\) (sent nothing|closed)/);
    expect(b).toMatch(/waiting for party 2 \(clinic-c\)|clinic-b/);
    expect(c).toMatch(/waiting for party 1 \(clinic-b\)|clinic-c/);
  });

  it("take up with one that was started anew meanwhile, and tell it who is missing", async () => {
    const world = await listening();
    const stop = new AbortController();
    const first = errorOf(() => join(world, 1, { signal: stop.signal, patience: 20_000 }));
    const waiting = join(world, 0, { patience: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 600));
    stop.abort(new TacitError("MPC_PARTY_LOST", "party 1 (clinic-b): expected to serve, got a signal to stop"));
    expect((await first).message).toContain("a signal to stop");
    const meshes = await Promise.all([waiting, join(world, 1), join(world, 2)]);
    expect(meshes).toHaveLength(3);
  });
});

describe("a handshake that fails at one party", () => {
  it("is told to the others, who report its cause and not its consequence", async () => {
    const world = await makeWorld({ limits: { timeout: 600 } });
    const ends = pipes(3);
    // Party 2 is connected and never says a word; parties 0 and 1 are fine.
    for (const j of [0, 1]) {
      ends[2]![j]!.attach((carrier) => new FrameLink(carrier, { peer: `party ${j}`, message: 1000, queue: 1000, timeout: 500 }));
    }
    const errors = await Promise.all(
      [0, 1].map((index) =>
        errorOf(() =>
          openMesh(ends[index]!, { session: world.session, index, identity: world.parties[index]!, attempt: 1, mode: "" }),
        ),
      ),
    );
    for (const e of errors) expect(e.message).toMatch(/^handshake: party 2 \(clinic-c\) sent nothing for 0.6 s/);
  });
});

describe("an old version", () => {
  it("of a party is refused, and both versions are named", async () => {
    const world = await makeWorld({ limits: { timeout: 2000 } });
    const ends = pipes(3);
    const speakers = [
      ["hello", 1, world.session.id, 2, 1, new Uint8Array(32), new Uint8Array(32), ""],
      ["hello", 1, "0.0.7", world.session.id],
    ];
    for (const j of [0, 1]) {
      ends[2]![j]!.attach((carrier) => {
        const link = new FrameLink(carrier, { peer: `party ${j}`, message: 1000, queue: 1000, timeout: 500 });
        setTimeout(() => link.sendControl(toCbor(speakers[j]!)), 50);
        return link;
      });
    }
    const errors = await Promise.all(
      [0, 1].map((index) =>
        errorOf(() =>
          openMesh(ends[index]!, { session: world.session, index, identity: world.parties[index]!, attempt: 1, mode: "" }),
        ),
      ),
    );
    const want = `expected protocol version ${PROTOCOL_VERSION} (Tacit ${SOFTWARE}), got version 1`;
    for (const e of errors) {
      expect(e).toMatchObject({ code: "MPC_VERSION" });
      expect(e.message).toContain(`handshake with party 2 (clinic-c): ${want}`);
    }
    expect(errors.some((e) => / \((an unknown Tacit|Tacit 0\.0\.7)\)/.test(e.message))).toBe(true);
  });

  it("of a party is refused by a client, and both versions are named", async () => {
    const { session } = await makeWorld();
    for (const [greeting, software] of [
      [["tacit", 1, new Uint8Array(32)], "an unknown Tacit"],
      [["tacit", 1, ["0.0.7"]], "Tacit 0.0.7"],
    ] as const) {
      const [mine, other] = channelPair();
      other.send(toCbor(greeting));
      const e = await errorOf(() => PartyClient.open(session, 1, mine));
      expect(e).toMatchObject({ code: "MPC_VERSION" });
      expect(e.message).toBe(
        `greeting of party 1 (clinic-b): expected protocol version ${CLIENT_VERSION} (Tacit ${SOFTWARE}), got version 1 (${software})`,
      );
    }
  });

  it("is that of the packages", () => {
    for (const name of ["mpc", "core", "cli"]) {
      const text = readFileSync(new URL(`../../../${name}/package.json`, import.meta.url), "utf8");
      expect((JSON.parse(text) as { version: string }).version).toBe(SOFTWARE);
    }
  });
});
