/** @file Sessions, identities and meshes for the tests. */
import { Identity } from "../src/identity/identity.ts";
import { DEFAULT_LIMITS, type Limits, Session, type SessionFile } from "../src/session/session-file.ts";
import type { Connection } from "../src/transport/mesh.ts";
import { type Mesh, openMesh } from "../src/transport/mesh.ts";
import { pipePair } from "../src/transport/pipe.ts";
import { PartyServer } from "../src/transport/tls.ts";

export interface World {
  readonly session: Session;
  readonly parties: readonly Identity[];
  readonly people: ReadonlyMap<string, Identity>;
}

export interface WorldOptions {
  readonly parties?: number;
  readonly people?: readonly string[];
  readonly limits?: Partial<Limits>;
  readonly protocol?: string;
  readonly expires?: number;
  readonly ports?: readonly number[];
  readonly change?: (file: SessionFile) => SessionFile;
}

export const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600;

export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const n = options.parties ?? 3;
  const parties = await Promise.all(Array.from({ length: n }, (_, i) => Identity.generate(`clinic-${"abcdefgh"[i]}`)));
  const people = await Promise.all((options.people ?? ["driver", "model-owner", "data-owner"]).map((p) => Identity.generate(p)));
  const file: SessionFile = {
    parties: parties.map((p, i) => ({
      identity: p.public,
      address: `127.0.0.1:${options.ports?.[i] ?? 1}`,
      client: "127.0.0.1:1",
    })),
    people: people.map((p) => p.public),
    driver: people[0]!.name,
    protocol: { name: options.protocol ?? "plain3", options: { fractionBits: 16, prgRounds: 20 } },
    limits: { ...DEFAULT_LIMITS, timeout: 5000, ...options.limits },
    expires: options.expires ?? inAnHour(),
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    grants: [],
  };
  const session = new Session(options.change?.(file) ?? file);
  return { session, parties, people: new Map(people.map((p) => [p.name, p])) };
}

/** Listening servers of new parties, and a world whose addresses are theirs. */
export async function listeningWorld(options: WorldOptions = {}): Promise<World & { servers: PartyServer[] }> {
  const draft = await makeWorld(options);
  const servers = await Promise.all(draft.parties.map((p) => PartyServer.listen(p, "127.0.0.1", 0)));
  const parties = draft.session.file.parties.map((p, i) => ({ ...p, address: `127.0.0.1:${servers[i]!.port}` }));
  return { ...draft, session: new Session({ ...draft.session.file, parties }), servers };
}

/** Connections between all parties of one process: [i][j] is party i's end to party j. */
export function pipes(n: number): (Connection | undefined)[][] {
  const ends: (Connection | undefined)[][] = Array.from({ length: n }, () =>
    new Array<Connection | undefined>(n).fill(undefined),
  );
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const [a, b] = pipePair();
      ends[i]![j] = a;
      ends[j]![i] = b;
    }
  }
  return ends;
}

export function pipeMeshes(world: World, attempts: readonly number[] = [1, 1, 1]): Promise<Mesh[]> {
  const ends = pipes(world.parties.length);
  return Promise.all(
    world.parties.map((identity, index) =>
      openMesh(ends[index]!, { session: world.session, index, identity, attempt: attempts[index] ?? 1, mode: "" }),
    ),
  );
}

/** The code of the error that `work` throws; fails the test's expectation when it does not throw. */
export async function codeOf(work: () => unknown): Promise<string> {
  const e = await errorOf(work);
  return e instanceof Error && "code" in e && typeof e.code === "string" ? e.code : String(e);
}

export async function errorOf(work: () => unknown): Promise<Error> {
  try {
    await work();
  } catch (e) {
    if (e instanceof Error) return e;
    throw e;
  }
  return new Error("nothing was thrown");
}
