/** @file mpc.local: three real party processes on this machine, for tests and a first run. Node only. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TacitError } from "@tacit/core/errors";
import { Identity } from "../identity/identity.ts";
import { PROTOCOLS, protocolNamed } from "../protocols/index.ts";
import type { Protocol, ProtocolOptions } from "../protocols/protocol.ts";
import { newSession } from "../session/new-session.ts";
import type { Limits } from "../session/session-file.ts";
import type { OnWaiting } from "../session/waiting.ts";
import { connectClient } from "../transport/client.ts";
import { checkNetwork, type NetworkOptions } from "../transport/emulated-network.ts";
import { ChildParty } from "./child-party.ts";
import type { MpcSession } from "./mpc-session.ts";
import { openSession } from "./open.ts";

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
  const network = options.network === undefined ? {} : { network: checkNetwork(options.network) };
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
      children.push(await ChildParty.start(parts.entry, p, { directory: own, mode: options.mode ?? "", ...network }));
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
    const owner = options.owner ?? names[0] ?? "driver";
    const opened = await openSession(session, connectClient, { protocol, identities, owner, waiting, dispose });
    return { session: opened, children, identities };
  } catch (e) {
    for (const c of children) c.kill();
    await dispose();
    throw e;
  }
}
