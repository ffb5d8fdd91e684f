/** @file What parties say to each other about commands, and what a hostile one can say. */

import { TacitError } from "@tacit/core/errors";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { PeerRefusal, Peers } from "../../src/party/peers.ts";
import { toCbor } from "../../src/session/cbor.ts";
import { FrameLink } from "../../src/transport/frame-link.ts";
import { type Hello, helloBytes, newEphemeral } from "../../src/transport/handshake.ts";
import { type Mesh, openMesh } from "../../src/transport/mesh.ts";
import { SOFTWARE } from "../../src/version.ts";
import { codeOf, errorOf, makeWorld, pipeMeshes, pipes, type World } from "../support.ts";

const open: Mesh[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((m) => m.close()));
});

interface Three {
  readonly world: World;
  readonly meshes: readonly Mesh[];
  readonly peers: readonly Peers[];
  readonly lost: TacitError[][];
}

async function three(timeout = 2000): Promise<Three> {
  const world = await makeWorld({ limits: { timeout } });
  const meshes = await pipeMeshes(world);
  open.push(...meshes);
  const lost: TacitError[][] = [[], [], []];
  const peers = meshes.map((m, i) => new Peers(world.session, m, { lost: (e) => void lost[i]!.push(e) }));
  return { world, meshes, peers, lost };
}

const digest = (x: number): Uint8Array => new Uint8Array(32).fill(x);
const compare = (p: Peers, x: number): Promise<string> =>
  codeOf(() => p.compare("run 1", () => digest(x), "RUN_MISMATCH", "hint"));
const FINE = "Error: nothing was thrown";

describe("parties comparing", () => {
  it("agree on equal digests, and each notices a different one", async () => {
    const { peers } = await three();
    expect(await Promise.all(peers.map((p) => compare(p, 1)))).toEqual([FINE, FINE, FINE]);
    const codes = await Promise.all(peers.map((p, i) => compare(p, i === 2 ? 2 : 1)));
    expect(codes).toEqual(["RUN_MISMATCH", "RUN_MISMATCH", "RUN_MISMATCH"]);
  });

  it("hear a refusal with its code, before or after they ask", async () => {
    const { peers } = await three();
    const asked = compare(peers[0]!, 1);
    peers[2]!.refuse("run 1", new TacitError("POLICY_REFUSED", "no\u001b[31m"));
    peers[1]!.refuse("run 1", new TacitError("POLICY_REFUSED", "no"));
    expect(await asked).toBe("POLICY_REFUSED");
    expect(await compare(peers[1]!, 1)).not.toBe(FINE);
  });

  it("know a refusal by what it is, whatever words a peer chooses for another error", async () => {
    const { peers } = await three();
    const refused = errorOf(() => peers[0]!.compare("run 1", () => digest(1), "RUN_MISMATCH", "hint"));
    peers[1]!.refuse("run 1", new TacitError("POLICY_REFUSED", "no"));
    peers[2]!.refuse("run 1", new TacitError("POLICY_REFUSED", "no"));
    expect(await refused).toBeInstanceOf(PeerRefusal);
    const other = errorOf(() => peers[0]!.compare("run 2", () => digest(1), "RUN_MISMATCH", "hint"));
    await Promise.resolve();
    peers[0]!.end(new TacitError("MPC_PARTY_LOST", "party 2 (clinic-c) refused: no"));
    expect(await other).not.toBeInstanceOf(PeerRefusal);
  });

  it("do not wait for ever", async () => {
    const { peers } = await three(100);
    expect(await compare(peers[0]!, 1)).toBe("MPC_TIMEOUT");
  });

  it("take a party that says goodbye as gone, and one that does not as lost", async () => {
    const { peers, meshes, lost } = await three();
    peers[1]!.leave();
    await meshes[1]!.close();
    await new Promise((r) => setTimeout(r, 50));
    expect(lost).toEqual([[], [], []]);
    await meshes[2]!.close();
    await new Promise((r) => setTimeout(r, 50));
    expect(lost[0]!.map((e) => e.code)).toEqual(["MPC_PARTY_LOST"]);
  });

  it("pass on why another ended, in plain characters", async () => {
    const { peers, lost } = await three();
    peers[0]!.abort(new TacitError("MPC_TIMEOUT", "party 2 (clinic-c) sent nothing\n\u0007 at op 3"));
    await new Promise((r) => setTimeout(r, 50));
    expect(lost[1]!.map((e) => [e.code, e.message])).toEqual([
      ["MPC_TIMEOUT", "party 2 (clinic-c) sent nothing?? at op 3 (said party 0 (clinic-a))"],
    ]);
  });

  it("survive any control message: it is understood, or ends the link with a code", async () => {
    const words = fc.constantFrom("digest", "refuse", "abort", "leave", "hello", "waits", "ping", "pong", "filler", "");
    const field = fc.oneof(fc.string(), fc.integer(), fc.uint8Array({ maxLength: 40 }), fc.constant(null));
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(words, fc.array(field, { maxLength: 4 })).map(([w, rest]) => toCbor([w, ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 5 }), async (messages) => {
        const { meshes, lost } = await three();
        open.splice(0);
        for (const m of messages) meshes[0]!.links[1]!.sendControl(m);
        await new Promise((r) => setTimeout(r, 3));
        for (const e of lost[1]!) expect(e.code).toMatch(/^[A-Z][A-Z0-9_]+$/);
        await Promise.all(meshes.map((m) => m.close()));
      }),
      { numRuns: 40 },
    );
  });
});

describe("the handshake", () => {
  it("notices a party that tells different things to different parties", async () => {
    const world = await makeWorld({ limits: { timeout: 500 } });
    const ends = pipes(3);
    const honest = [0, 1].map((index) =>
      codeOf(() =>
        openMesh(ends[index]!, { session: world.session, index, identity: world.parties[index]!, attempt: 1, mode: "" }),
      ),
    );
    for (const j of [0, 1]) {
      ends[2]![j]!.attach((carrier) => {
        const link = new FrameLink(carrier, { peer: `party ${j}`, message: 1000, queue: 1000, timeout: 500 });
        void newEphemeral().then((e) => {
          const hello: Hello = {
            software: SOFTWARE,
            index: 2,
            session: world.session.id,
            attempt: 1,
            ephemeral: e.public,
            contribution: digest(j),
            mode: "",
          };
          link.sendControl(helloBytes(hello));
        });
        // Agrees with whatever each says of the whole: only the other honest party can notice.
        let heard = 0;
        link.onControl = (bytes) => void (heard++ > 0 && link.sendControl(bytes));
        return link;
      });
    }
    const codes = await Promise.all(honest);
    expect(codes).toContain("MPC_HANDSHAKE");
    expect(codes).not.toContain(FINE);
  });

  it("takes the largest attempt that any party proposes", async () => {
    const world = await makeWorld();
    const meshes = await pipeMeshes(world, [3, 9, 4]);
    open.push(...meshes);
    expect(meshes.map((m) => m.attempt)).toEqual([9, 9, 9]);
  });

  it("names a party whose attempt is so far ahead that it would use up the numbers of all", async () => {
    const world = await makeWorld();
    const ends = pipes(3);
    const errors = await Promise.all(
      [1, 1, 2 ** 32 - 2].map((attempt, index) =>
        errorOf(async () => {
          const { session, parties } = world;
          open.push(await openMesh(ends[index]!, { session, index, identity: parties[index]!, attempt, mode: "" }));
        }),
      ),
    );
    for (const e of errors.slice(0, 2))
      expect(e).toMatchObject({ code: "MPC_HANDSHAKE", message: expect.stringContaining("party 2") });
  });
});
