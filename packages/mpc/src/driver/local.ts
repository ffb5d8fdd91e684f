/** @file mpc.local: three real party processes on this machine, for tests and a first run. Node only. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TacitError } from "@tacit/core/errors";
import { Identity, type PublicIdentity } from "../identity/identity.ts";
import { PROTOCOLS, protocolNamed } from "../protocols/index.ts";
import type { Protocol, ProtocolOptions } from "../protocols/protocol.ts";
import { newSession } from "../session/new-session.ts";
import type { Limits, Session } from "../session/session-file.ts";
import type { OnWaiting } from "../session/waiting.ts";
import { connectClient } from "../transport/client.ts";
import { checkNetwork, type NetworkOptions } from "../transport/emulated-network.ts";
import type { WebAddresses } from "../transport/web-client.ts";
import { ChildParty } from "./child-party.ts";
import { dataOf, keep, makeDirectory, readKept } from "./local-directory.ts";
import type { MpcSession } from "./mpc-session.ts";
import { openSession } from "./open.ts";

export interface LocalOptions {
  /** Default: the first protocol for this number of parties. */
  readonly protocol?: string;
  readonly options?: Partial<ProtocolOptions>;
  /** People besides the driver: names, which get fresh keys, or public identities whose keys are elsewhere. Default: model-owner, data-owner. */
  readonly people?: readonly (string | PublicIdentity)[];
  /** Who drives, with keys elsewhere (in a browser's tab): for `localParties`. Default: "driver", with fresh keys. */
  readonly driver?: PublicIdentity;
  /** Origins whose pages may connect. Default: none, and no web address. */
  readonly web?: readonly string[];
  /** Who owns what `tensor.to(session)` shares. Default: the first of the people. */
  readonly owner?: string;
  readonly limits?: Partial<Limits>;
  /** Not said on stderr: for tests. */
  readonly quiet?: boolean;
  /** Hears for whom the session waits. Default: a line on stderr, unless `quiet`. */
  readonly waiting?: OnWaiting;
  /** What the parties run in besides the session, as "shadow"; all must agree. */
  readonly mode?: string;
  /**
   * Where keys, session file and the parties' data are kept, for this user alone: the same call later takes up the same session, at
   * the same ports, with its checkpoints. Default: a temporary directory that goes with the session.
   */
  readonly directory?: string;
  /** The network to emulate between the parties, each link apart: `{ bandwidth: 352e6, latency: 0.02 }`. Default: none. */
  readonly network?: NetworkOptions;
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

/** Parties on this machine that nobody drives yet. */
export interface LocalParties extends AsyncDisposable {
  readonly session: Session;
  /** Where pages reach each party, by its name; empty without `web`. */
  readonly web: WebAddresses;
  /** The people whose keys were made here. */
  readonly identities: ReadonlyMap<string, Identity>;
  readonly children: readonly ChildParty[];
  /** Ends the processes and removes what they wrote. */
  close(): Promise<void>;
}

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

/** Everyone of a session that is not a party: who drives comes first. */
async function gather({ people = ["model-owner", "data-owner"], driver }: LocalOptions): Promise<(Identity | PublicIdentity)[]> {
  const first = driver ?? "driver";
  const nameOf = (p: string | PublicIdentity): string => (typeof p === "string" ? p : p.name);
  const all = [first, ...people.filter((p) => nameOf(p) !== nameOf(first))];
  return Promise.all(all.map((p) => (typeof p === "string" ? Identity.generate(p) : p)));
}

function sessionOf(
  options: LocalOptions,
  protocol: Protocol,
  parties: readonly Identity[],
  people: readonly (Identity | PublicIdentity)[],
  ports: readonly { readonly address: number; readonly client: number }[],
): Session {
  return newSession({
    parties: parties.map((p, i) => ({
      identity: p.public,
      address: `127.0.0.1:${ports[i]!.address}`,
      client: `127.0.0.1:${ports[i]!.client}`,
    })),
    people: people.map((p) => (p instanceof Identity ? p.public : p)),
    driver: people[0]!.name,
    protocol,
    options: options.options ?? {},
    limits: options.limits ?? {},
  });
}

/**
 * Starts `count` party processes on loopback, with fresh keys and free ports, and drives none: with `driver` and `web`, a page does.
 * @throws TacitError PROTOCOL_UNKNOWN, SESSION_INVALID, MPC_*
 */
export async function localParties(
  count = 3,
  options: LocalOptions = {},
  parts: LocalParts = { entry: ENTRY, protocols: PROTOCOLS },
): Promise<LocalParties> {
  const protocol = chooseProtocol(count, options, parts.protocols);
  const network = options.network === undefined ? {} : { network: checkNetwork(options.network) };
  warn(options.quiet);
  const kept = options.directory === undefined ? null : await readKept(options.directory, protocol.name);
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "tacit-local-")));
  await makeDirectory(directory);
  const children: ChildParty[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map((c) => c.end()));
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  try {
    const people = kept?.people ?? (await gather(options));
    const parties = kept?.parties ?? (await Promise.all(NAMES.slice(0, count).map((n) => Identity.generate(n))));
    for (const [i, p] of parties.entries()) {
      const own = await dataOf(directory, p.name);
      const web = options.web === undefined ? {} : { web: [...options.web] };
      const before = kept?.session.file.parties[i];
      const at = before === undefined ? {} : { at: { address: before.address, client: before.client } };
      children.push(
        await ChildParty.start(parts.entry, p, { directory: own, mode: options.mode ?? "", ...at, ...network, ...web }),
      );
    }
    const ports = await Promise.all(children.map((c) => c.listening()));
    const session = kept?.session ?? sessionOf(options, protocol, parties, people, ports);
    if (kept === null && options.directory !== undefined)
      await keep(directory, session, [...parties, ...people.filter((p) => p instanceof Identity)]);
    await Promise.all(children.map((c) => c.serve(session)));
    const identities = new Map(people.flatMap((p): [string, Identity][] => (p instanceof Identity ? [[p.name, p]] : [])));
    const at = options.web === undefined ? [] : parties.map((p, i) => [p.name, `ws://127.0.0.1:${ports[i]!.web}`]);
    return { session, web: Object.fromEntries(at), identities, children, close: dispose, [Symbol.asyncDispose]: dispose };
  } catch (e) {
    for (const c of children) c.kill();
    await dispose();
    throw e;
  }
}

export async function startLocal(count: number, options: LocalOptions = {}, parts?: LocalParts): Promise<LocalSession> {
  const { session, children, identities, close } = await localParties(count, options, parts);
  try {
    const waiting = options.waiting ?? (options.quiet === true ? undefined : waitingOnStderr);
    const owner = options.owner ?? session.file.people[1]?.name ?? session.file.driver;
    const protocol = protocolNamed(session.file.protocol.name, parts?.protocols);
    const opened = await openSession(session, connectClient, { protocol, identities, owner, waiting, dispose: close });
    return { session: opened, children, identities };
  } catch (e) {
    for (const c of children) c.kill();
    await close();
    throw e;
  }
}
