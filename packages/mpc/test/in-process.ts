/** @file inProcess(3): a session whose parties live in this process, over pipes; what they would say to the network stays here. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { Group } from "../src/client/group.ts";
import { PartyClient } from "../src/client/party-client.ts";
import { MpcSession } from "../src/driver/mpc-session.ts";
import type { Identity } from "../src/identity/identity.ts";
import { Counters } from "../src/party/counters.ts";
import { Party } from "../src/party/party.ts";
import type { Protocol } from "../src/protocols/protocol.ts";
import { type Connector, channelPair } from "../src/transport/channel.ts";
import type { Mesh } from "../src/transport/mesh.ts";
import { openMesh } from "../src/transport/mesh.ts";
import { plain3 } from "./plain3.ts";
import { makeWorld, pipes, type World, type WorldOptions } from "./support.ts";

const made: string[] = [];
afterAll(() => {
  for (const d of made) rmSync(d, { recursive: true, force: true });
});

function newDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `tacit-test-${name}-`));
  made.push(directory);
  return directory;
}

export interface InProcess {
  readonly world: World;
  readonly parties: readonly Party[];
  readonly meshes: readonly Mesh[];
  readonly directories: readonly string[];
  /** A person's connection to one party. */
  client(index: number): Promise<PartyClient>;
  group(): Promise<Group>;
  /** For programs of people that find the parties by themselves. */
  readonly connector: Connector;
  /** The driver's session; `keys` are the people whose keys it has. */
  open(keys?: readonly string[], owner?: string): Promise<MpcSession>;
  /** Breaks a driver's connections without a word. */
  disconnect(session: MpcSession): Promise<void>;
  stop(): Promise<void>;
}

export async function startParties(
  world: World,
  protocol: Protocol = plain3,
  directories: readonly string[] = world.parties.map((p) => newDirectory(p.name)),
): Promise<InProcess> {
  const { session } = world;
  const ends = pipes(world.parties.length);
  const counters = directories.map((d) => Counters.open(d, session));
  const meshes = await Promise.all(
    world.parties.map((identity, index) =>
      openMesh(ends[index]!, { session, index, identity, attempt: counters[index]!.nextAttempt, mode: "" }),
    ),
  );
  const parties = await Promise.all(
    world.parties.map((identity, index) =>
      Party.start({
        session,
        index,
        identity,
        protocol,
        mesh: meshes[index]!,
        counters: counters[index]!,
        directory: directories[index]!,
      }),
    ),
  );
  const connector: Connector = async (_session, index) => {
    const [mine, theirs] = channelPair();
    parties[index]!.serve(theirs);
    return mine;
  };
  const client = async (index: number): Promise<PartyClient> =>
    PartyClient.open(session, index, await connector(session, index, AbortSignal.any([])));
  const group = async (): Promise<Group> => new Group(await Promise.all(parties.map((_, i) => client(i))));
  const groups = new WeakMap<MpcSession, Group>();
  const open = async (keys: readonly string[] = [...world.people.keys()], owner = "model-owner"): Promise<MpcSession> => {
    const identities = new Map(keys.flatMap((k): [string, Identity][] => [[k, world.people.get(k)!]]));
    const driver = world.people.get(session.file.driver)!;
    const all = await group();
    const opened = await MpcSession.open({ session, protocol, group: all, driver, identities, owner });
    groups.set(opened, all);
    return opened;
  };
  const disconnect = async (session: MpcSession): Promise<void> => {
    groups.get(session)?.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const stop = async (): Promise<void> => void (await Promise.all(parties.map((p) => p.stop())));
  return { world, parties, meshes, directories, client, connector, group, open, disconnect, stop };
}

export async function inProcess(options: WorldOptions = {}, protocol: Protocol = plain3): Promise<InProcess> {
  return startParties(await makeWorld({ protocol: protocol.name, ...options }), protocol);
}
