/** @file mpc.local: three real party processes on this machine, for tests and a first run. Node only. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TacitError } from "@tacit/core/errors";
import { Group } from "../client/group.ts";
import { PartyClient } from "../client/party-client.ts";
import { Identity } from "../identity/identity.ts";
import { PROTOCOLS, protocolNamed } from "../protocols/index.ts";
import type { Protocol, ProtocolOptions } from "../protocols/protocol.ts";
import { newSession } from "../session/new-session.ts";
import type { Limits, Session } from "../session/session-file.ts";
import { type OnWaiting, whileWaiting } from "../session/waiting.ts";
import { connectClient } from "../transport/client.ts";
import { ChildParty } from "./child-party.ts";
import { MpcSession } from "./mpc-session.ts";

export interface LocalOptions {
  /** Default: the first protocol for this number of parties. */
  readonly protocol?: string;
  readonly options?: Partial<ProtocolOptions>;
  /** People besides the driver; each gets fresh keys. Default: model-owner, data-owner. */
  readonly people?: readonly string[];
  /** Who owns what `tensor.to(session)` shares. Default: the first of the people. */
  readonly owner?: string;
  readonly limits?: Partial<Limits>;
  /** Not said on stderr: for tests. */
  readonly quiet?: boolean;
  /** Hears for whom the session waits. Default: a line on stderr, unless `quiet`. */
  readonly waiting?: OnWaiting;
  /** What the parties run in besides the session, as "shadow"; all must agree. */
  readonly mode?: string;
}

/** What tests replace: the process's entry and the protocols it knows. */
export interface LocalParts {
  readonly entry: string;
  readonly protocols: readonly Protocol[];
}

/** Beside this file, in the language this file is in. */
const ENTRY = fileURLToPath(new URL(`../party/main${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url));
const NAMES = ["party-a", "party-b", "party-c", "party-d", "party-e"];
let warned = false;

function warn(quiet: boolean | undefined): void {
  if (warned || quiet === true) return;
  warned = true;
  process.stderr.write("tacit: three parties on one machine protect nothing: this is for tests and a first run\n");
}

/** The default of whoever connects: said where people look. */
export const waitingOnStderr: OnWaiting = (words) => void process.stderr.write(`tacit: ${words}\n`);

/** A local session and its processes, for tests that stop or kill them. */
export interface LocalSession {
  readonly session: MpcSession;
  readonly children: readonly ChildParty[];
  readonly identities: ReadonlyMap<string, Identity>;
}

/**
 * Starts `count` party processes on loopback, with fresh keys and free ports, and drives them. Everything ends with `close()`.
 * @throws TacitError PROTOCOL_UNKNOWN, MPC_*
 */
export async function local(count = 3, options: LocalOptions = {}): Promise<MpcSession> {
  return (await startLocal(count, options)).session;
}

function chooseProtocol(count: number, { protocol }: LocalOptions, protocols: readonly Protocol[]): Protocol {
  const named = protocol ?? protocols.find((p) => p.parties === count)?.name ?? `one for ${count} parties`;
  const chosen = protocolNamed(named, protocols);
  if (chosen.parties === count) return chosen;
  throw new TacitError("SESSION_INVALID", `local: expected ${chosen.parties} parties for ${chosen.name}, got ${count}`);
}

export async function startLocal(
  count: number,
  options: LocalOptions = {},
  parts: LocalParts = { entry: ENTRY, protocols: PROTOCOLS },
): Promise<LocalSession> {
  const protocol = chooseProtocol(count, options, parts.protocols);
  warn(options.quiet);
  const directory = await mkdtemp(join(tmpdir(), "tacit-local-"));
  await chmod(directory, 0o700);
  const children: ChildParty[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map((c) => c.end()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const names = options.people ?? ["model-owner", "data-owner"];
    const people = await Promise.all(["driver", ...names.filter((n) => n !== "driver")].map((n) => Identity.generate(n)));
    const parties = await Promise.all(NAMES.slice(0, count).map((n) => Identity.generate(n)));
    for (const p of parties) {
      const own = await mkdtemp(join(directory, `${p.name}-`));
      children.push(await ChildParty.start(parts.entry, p, own, options.mode ?? ""));
    }
    const ports = await Promise.all(children.map((c) => c.listening()));
    const session = newSession({
      parties: parties.map((p, i) => ({
        identity: p.public,
        address: `127.0.0.1:${ports[i]!.address}`,
        client: `127.0.0.1:${ports[i]!.client}`,
      })),
      people: people.map((p) => p.public),
      driver: "driver",
      protocol,
      options: options.options ?? {},
      limits: options.limits ?? {},
    });
    await Promise.all(children.map((c) => c.serve(session)));
    const identities = new Map(people.map((p) => [p.name, p]));
    const waiting = options.waiting ?? (options.quiet === true ? undefined : waitingOnStderr);
    const opened = await openSession(session, protocol, identities, {
      owner: options.owner ?? names[0] ?? "driver",
      dispose,
      ...(waiting === undefined ? {} : { waiting }),
    });
    return { session: opened, children, identities };
  } catch (e) {
    for (const c of children) c.kill();
    await dispose();
    throw e;
  }
}

export interface OpenOptions {
  readonly owner: string;
  /** Hears for whom it waits: parties that do not serve yet, and later those that a command waits for. */
  readonly waiting?: OnWaiting;
  readonly dispose?: () => Promise<void>;
}

/** Connects to all parties of a session, as its driver, and says for whom it waits. */
export async function openSession(
  session: Session,
  protocol: Protocol,
  identities: ReadonlyMap<string, Identity>,
  { owner, waiting, dispose }: OpenOptions,
): Promise<MpcSession> {
  const driver = identities.get(session.file.driver);
  if (driver === undefined) {
    throw new TacitError(
      "DRIVER_ONLY",
      `connect: expected the key of ${session.file.driver}, who drives this session, got other keys`,
    );
  }
  const group = new Group(await connectAll(session, waiting), waiting);
  try {
    return await MpcSession.open({
      session,
      protocol,
      group,
      driver,
      identities,
      owner,
      ...(dispose === undefined ? {} : { dispose }),
    });
  } catch (e) {
    group.close();
    throw e;
  }
}

/** A client at every party. @throws TacitError MPC_TIMEOUT, MPC_HANDSHAKE naming all that are missing; no connection is left then */
async function connectAll(session: Session, waiting: OnWaiting | undefined): Promise<PartyClient[]> {
  const { parties } = session.file;
  const missing = new Set(parties.map((p) => p.identity.name));
  const giveUp = new AbortController();
  const work = parties.map(async (p, i) => {
    const client = await PartyClient.open(session, i, await connectClient(session, i, giveUp.signal));
    missing.delete(p.identity.name);
    return client;
  });
  try {
    return await whileWaiting(Promise.all(work), parties.length, () => [...missing], waiting);
  } catch (e) {
    giveUp.abort();
    for (const w of work) w.then((c) => c.close()).catch(() => undefined);
    if (!(e instanceof TacitError) || e.code !== "MPC_TIMEOUT" || missing.size < 2) throw e;
    const names = parties.flatMap((p, i) => (missing.has(p.identity.name) ? [session.showParty(i)] : []));
    const seconds = session.timeout / 1000;
    throw new TacitError("MPC_TIMEOUT", `connect to ${names.join(", ")}: expected them within ${seconds} s, got nobody`, {
      hint: "are they started, and are their client addresses reachable from here?",
    });
  }
}
