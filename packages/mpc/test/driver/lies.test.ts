/** @file A lying driver and a lying provider against three real processes of replicated3: caught before anything secret is sent. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Program } from "@tacit/core/program";
import { afterEach, describe, expect, it } from "vitest";
import { Group, together } from "../../src/client/group.ts";
import { PartyClient } from "../../src/client/party-client.ts";
import { ChildParty } from "../../src/driver/child-party.ts";
import { sealerTo } from "../../src/identity/seal.ts";
import { type Command, chunkPlace } from "../../src/party/messages.ts";
import { inputInfo } from "../../src/party/purposes.ts";
import { replicated3 } from "../../src/protocols/replicated3/index.ts";
import { toCbor } from "../../src/session/cbor.ts";
import { grantToBytes, signGrant } from "../../src/session/grant.ts";
import { Session } from "../../src/session/session-file.ts";
import { connectClient } from "../../src/transport/client.ts";
import { codeOf, inAnHour, makeWorld, type World } from "../support.ts";

const entry = fileURLToPath(new URL("../../src/party/main.ts", import.meta.url));
const aval = { shape: [200], dtype: "f32" } as const;
const unary = (op: string): Program => new Program([aval], [{ op, attrs: [], args: [0], aval }], [1]);
const [relu, absolute] = [unary("relu"), unary("abs")];

interface Parties {
  readonly world: World;
  readonly children: readonly ChildParty[];
  readonly group: Group;
  readonly directory: string;
}
const open: Parties[] = [];
afterEach(async () => {
  for (const p of open.splice(0)) {
    p.group.close();
    for (const c of p.children) c.kill();
    await Promise.all(p.children.map((c) => c.exited));
    rmSync(p.directory, { recursive: true, force: true });
  }
});

/** Three processes, and a driver's connections without the driver's honesty. */
async function start(): Promise<Parties> {
  const draft = await makeWorld({ protocol: "replicated3", people: ["driver", "data-owner"] });
  const directory = mkdtempSync(join(tmpdir(), "tacit-lies-"));
  const children = await Promise.all(
    draft.parties.map((p, i) => ChildParty.start(entry, p, { directory: mkdtempSync(join(directory, `${i}-`)), mode: "" })),
  );
  const ports = await Promise.all(children.map((c) => c.listening()));
  const parties = draft.session.file.parties.map((p, i) => ({
    ...p,
    address: `127.0.0.1:${ports[i]!.address}`,
    client: `127.0.0.1:${ports[i]!.client}`,
  }));
  const session = new Session({ ...draft.session.file, parties });
  await Promise.all(children.map((c) => c.serve(session)));
  const clients = await Promise.all(children.map(async (_, i) => PartyClient.open(session, i, await connectClient(session, i))));
  const made = { world: { ...draft, session }, children, group: new Group(clients), directory };
  open.push(made);
  await made.group.all(draft.people.get("driver")!, { type: "drive" });
  for (const p of [relu, absolute]) await drive(made, () => ({ type: "program", bytes: p.toBytes() }));
  return made;
}

const drive = (p: Parties, command: (i: number) => Command): Promise<unknown> =>
  p.group.each(p.world.people.get("driver")!, command);

/** Gives 200 numbers; `change` may spoil a payload. */
function give(p: Parties, handle: string, change: (payload: Uint8Array, i: number) => void = () => {}): Promise<unknown> {
  const { session, people } = p.world;
  const owner = people.get("data-owner")!;
  const payloads = replicated3.share(new Float32Array(200).fill(0.5), aval, replicated3.defaults);
  const attempt = crypto.getRandomValues(new Uint8Array(16));
  return together(
    p.group.clients.map(async (client, i) => {
      change(payloads[i]!, i);
      const sealer = await sealerTo(session.file.parties[i]!.identity.seal, inputInfo(session.id, i, handle));
      const { encapsulated } = sealer;
      const total = payloads[i]!.length;
      await client.request(owner, { type: "put", handle, attempt, aval, total, chunks: 1, encapsulated });
      const sealed = await sealer.seal(payloads[i]!, toCbor(chunkPlace(handle, 0, 1)));
      await client.request(owner, { type: "chunk", handle, index: 0, sealed });
    }),
  );
}

async function allow(p: Parties, program: Program, handle: string): Promise<void> {
  const inputs = [{ owners: ["data-owner"], sources: [{ kind: "handle", handle }], rows: 200 }] as const;
  const disclosures = [{ output: 0, to: "data-owner", why: "check" }];
  const grant = { program: program.id, inputs, disclosures, runs: 9, reveals: 9, expires: inAnHour() };
  const signed = await signGrant(p.world.session.id, grant, [p.world.people.get("data-owner")!]);
  await drive(p, () => ({ type: "grant", bytes: grantToBytes(signed) }));
}

const runOf = (run: number, program: Program, handle: string): Command => ({
  type: "run",
  run,
  program: program.id,
  inputs: [{ kind: "handle", handle }],
  outputs: [`y${run}`],
  frees: [],
});

describe("three processes of replicated3", () => {
  it("refuse a provider's unequal components, use nothing of them, and go on", async () => {
    const p = await start();
    await allow(p, relu, "data-owner/x");
    // A bit of the key of component 1, at party 1 alone.
    const lie = (payload: Uint8Array, i: number): void => void (payload[0]! ^= i === 1 ? 1 : 0);
    expect(await codeOf(() => give(p, "data-owner/x", lie))).toBe("INPUT_UNEQUAL");
    expect(await codeOf(() => drive(p, () => runOf(0, relu, "data-owner/x")))).toBe("HANDLE_UNKNOWN");
    await give(p, "data-owner/x");
    await drive(p, () => runOf(1, relu, "data-owner/x"));
  });

  it("end with code 4 before any message of a run for which the driver names different Programs, each approved", async () => {
    const p = await start();
    await give(p, "data-owner/x");
    await allow(p, relu, "data-owner/x");
    await allow(p, absolute, "data-owner/x");
    expect(await codeOf(() => drive(p, (i) => runOf(0, i === 2 ? absolute : relu, "data-owner/x")))).toBe("RUN_MISMATCH");
    expect(await Promise.all(p.children.map((c) => c.exited))).toEqual([4, 4, 4]);
  });

  it("end with code 4 where a driver closed the session at one of them alone", async () => {
    const p = await start();
    const driver = p.world.people.get("driver")!;
    await p.group.clients[1]!.request(driver, { type: "close" });
    expect(await Promise.all(p.children.map((c) => c.exited))).toEqual([4, 0, 4]);
  });

  it("refuse a reveal that the owner did not sign, whoever asks, and stay", async () => {
    const p = await start();
    await give(p, "data-owner/x");
    await allow(p, relu, "data-owner/x");
    await drive(p, () => runOf(0, relu, "data-owner/x"));
    const reveal = (run: number, to: string): Command => ({ type: "reveal", run, handle: "y0", to, why: "check" });
    expect(await codeOf(() => drive(p, () => reveal(1, "driver")))).toBe("POLICY_REFUSED");
    expect(await codeOf(() => drive(p, () => reveal(2, "clinic-a")))).toBe("POLICY_REFUSED");
    await drive(p, () => reveal(3, "data-owner"));
  });
});
