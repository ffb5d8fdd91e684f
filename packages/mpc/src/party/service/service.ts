/** @file A party on its own machine, from its configuration to its end: lock, keys, limits, health, signals. Node only. */
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { TacitError } from "@tacit/core/errors";
import { toHex } from "../../identity/encoding.ts";
import { readKeyFile } from "../../identity/key-file.ts";
import type { Passphrase } from "../../identity/key-text.ts";
import { protocolNamed } from "../../protocols/index.ts";
import { readSession } from "../../session/read-session.ts";
import type { Session } from "../../session/session-file.ts";
import { sayWaiting, whileWaiting } from "../../session/waiting.ts";
import type { WebEndpoint } from "../../transport/client-server.ts";
import { bytesIn, diskError, diskWords } from "../disk.ts";
import { awaitLock, dropLock, holderOf, type LockTimes } from "../lock.ts";
import type { Ending, Party } from "../party.ts";
import { indexOf, listen, serve } from "../process.ts";
import type { PartyConfig } from "./config.ts";
import { type Health, serveHealth } from "./health.ts";
import type { Log } from "./log.ts";

export interface ServiceOptions {
  readonly config: PartyConfig;
  readonly log: Log;
  /** Opens a sealed key file. */
  readonly passphrase?: Passphrase;
}

export type StopSignal = "SIGTERM" | "SIGINT";

/** How a service ended: why its session did, and the signal that asked for it. */
export interface ServiceEnd {
  readonly ending: Ending;
  readonly stopped: StopSignal | null;
}

/** The disk is looked at this often. */
const DISK_MS = 5000;

/**
 * The data directory, made if need be, for this process alone: its lock. Waits, and says so, for a lock that a power cut or a container
 * left over; `times` are shorter in tests. @throws TacitError PARTY_CONFIG, PARTY_BUSY, MPC_DISK
 */
export async function takeData(data: string, log: Log, times?: LockTimes): Promise<string> {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    const mode = statSync(data).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      const hint = `chmod 700 ${data}`;
      throw new TacitError("PARTY_CONFIG", `data: expected a directory of mode 0700, got 0${mode.toString(8)} at ${data}`, {
        hint,
      });
    }
    const lock = join(data, "party.lock");
    const left = `the lock at ${lock} to be touched or left over`;
    const waiting = whileWaiting(
      awaitLock(lock, times),
      1,
      () => [left],
      (words, w) => log.info("waiting", words, { ...w }),
    );
    if (await waiting) return lock;
    const holder = holderOf(lock);
    const who = holder === null ? "a process" : `process ${holder.pid}`;
    throw new TacitError("PARTY_BUSY", `party: expected a data directory that no other process uses, got ${data} (${who})`, {
      hint: "end that process, wherever it runs: one in another container or on another machine has said within the last minute that it lives",
    });
  } catch (cause) {
    if (cause instanceof TacitError) throw cause;
    const full = diskWords(cause);
    if (full !== undefined) throw diskError("lock", full, cause);
    throw new TacitError("PARTY_CONFIG", `data: expected a directory where files can be made, got another at ${data}`, { cause });
  }
}

function checkDisk({ data, limits }: PartyConfig): void {
  if (bytesIn(data) > limits.disk) throw diskError("data", `more than its ${limits.disk / 1e6} MB there`);
}

/** @throws TacitError PARTY_SESSIONS, MPC_DISK */
function checkLimits(config: PartyConfig, session: Session): void {
  const own = `${toHex(session.root)}.counters`;
  const others = readdirSync(config.data).filter((f) => f.endsWith(".counters") && f !== own).length;
  const { sessions } = config.limits;
  if (others >= sessions) {
    throw new TacitError("PARTY_SESSIONS", `party: expected at most ${sessions} sessions in its data directory, got one more`, {
      hint: "raise limits.sessions in party.json, or move the files of sessions that have expired elsewhere",
    });
  }
  checkDisk(config);
}

/** SIGTERM and SIGINT end the party, and its runs with an error at all others; a second SIGINT ends the process at once. */
class Stop implements Disposable {
  signal: StopSignal | null = null;
  party: Party | null = null;
  readonly #gathering = new AbortController();
  readonly #who: string;
  readonly #log: Log;

  constructor(who: string, log: Log) {
    this.#who = who;
    this.#log = log;
    process.on("SIGTERM", this.#heard).on("SIGINT", this.#heard);
  }

  get aborted(): AbortSignal {
    return this.#gathering.signal;
  }

  readonly #heard = (signal: NodeJS.Signals): void => {
    if (signal !== "SIGTERM" && signal !== "SIGINT") return;
    if (this.signal !== null) {
      if (signal === "SIGINT") process.exit(130);
      return;
    }
    this.signal = signal;
    this.#log.info("stopping", `stopping: ${signal}`, { signal });
    this.end(new TacitError("MPC_PARTY_LOST", `${this.#who}: expected to serve, got a signal to stop`));
  };

  end(error: TacitError): void {
    this.#gathering.abort(error);
    void this.party?.abort(error);
  }

  [Symbol.dispose](): void {
    process.off("SIGTERM", this.#heard).off("SIGINT", this.#heard);
  }
}

/**
 * Runs one party until its session ends or a signal comes. Ends everything it started.
 * @throws TacitError PARTY_*, KEY_*, SESSION_*, MPC_*, COUNTERS_INVALID; KernelError where this machine lacks what a party runs
 */
export async function runService({ config, log, passphrase }: ServiceOptions): Promise<ServiceEnd> {
  const session = await readSession(config.session);
  session.checkTime();
  // Before it asks for a passphrase or listens: the others would meet a party that cannot compute.
  await protocolNamed(session.file.protocol.name).ready?.();
  const lock = await takeData(config.data, log);
  try {
    checkLimits(config, session);
    const identity = await readKeyFile(config.key, passphrase);
    const index = indexOf(session, identity);
    const peers = checkPeers(config, session, index);
    using stop = new Stop(session.showParty(index), log);
    const at = config.listen ?? session.file.parties[index]!;
    const listening = await listen(identity, { ...at, web: readWeb(config.web) });
    log.info("listening", `${session.showParty(index)} listens at ${at.address} for parties, at ${at.client} for people`, {
      address: at.address,
      client: at.client,
    });
    if (config.web !== null) {
      const { address, origins, tls } = config.web;
      const how = tls === null ? "plain WebSocket, for this machine or a proxy on it" : "TLS";
      log.info("web", `pages of ${origins.join(", ")} connect at ${address}: ${how}`, { address, origins });
    }
    const state = { connected: 0 };
    const of = session.file.parties.length - 1;
    const look = (): Health => {
      const ready = stop.party !== null;
      return {
        live: true,
        ready,
        session: session.hex,
        peers: { connected: ready ? of : state.connected, of },
        run: stop.party?.nextRun ?? 0,
      };
    };
    const unhealth =
      config.health === null
        ? undefined
        : await serveHealth(config.health, look).catch(async (e: unknown) => {
            await listening.close();
            throw e;
          });
    const disk = setInterval(() => watchDisk(config, stop), DISK_MS);
    const tell = sayWaiting(of + 1, (words, w) => log.info("waiting", words, { ...w }));
    const waiting = (missing: readonly number[], ms: number): void => {
      state.connected = of - missing.length;
      tell(
        missing.map((j) => session.partyName(j)),
        ms,
      );
    };
    try {
      const reach = { patience: config.wait, peers, waiting, signal: stop.aborted };
      const options = {
        session,
        identity,
        directory: config.data,
        memory: config.limits.memory,
        disk: config.limits.disk,
        ...reach,
      };
      const ending = await serve(listening, options, (party) => {
        stop.party = party;
        log.info("serving", `serving session ${session.hex.slice(0, 12)}, attempt ${party.attempt}`, {
          session: session.hex,
          attempt: party.attempt,
          run: party.nextRun,
        });
        if (stop.aborted.aborted) stop.end(stop.aborted.reason as TacitError);
      });
      if (ending === null) log.info("ended", "the session was closed by its driver");
      return { ending, stopped: stop.signal };
    } catch (e) {
      if (stop.signal !== null && e instanceof TacitError) return { ending: e, stopped: stop.signal };
      throw e;
    } finally {
      clearInterval(disk);
      await unhealth?.();
    }
  } finally {
    dropLock(lock);
  }
}

/** The web endpoint with its certificate. @throws TacitError PARTY_CONFIG; the message never holds what stands in a file */
function readWeb(web: PartyConfig["web"]): WebEndpoint | null {
  if (web === null || web.tls === null) return web === null ? null : { ...web, tls: null };
  const read = (key: string, path: string, secret: boolean): string => {
    try {
      const mode = statSync(path).mode & 0o777;
      if (!secret || process.platform === "win32" || (mode & 0o007) === 0) return readFileSync(path, "utf8");
    } catch (cause) {
      throw new TacitError("PARTY_CONFIG", `web.${key}: expected a file that can be read, got another at ${path}`, { cause });
    }
    throw new TacitError("PARTY_CONFIG", `web.${key}: expected a file that not everybody can read, got another at ${path}`, {
      hint: `chmod o= ${path}`,
    });
  };
  const { certificate, key } = web.tls;
  return { ...web, tls: { cert: read("certificate", certificate, false), key: read("key", key, true) } };
}

function watchDisk(config: PartyConfig, stop: Stop): void {
  try {
    checkDisk(config);
  } catch (e) {
    if (e instanceof TacitError) stop.end(e);
  }
}

function checkPeers({ peers }: PartyConfig, session: Session, index: number): ReadonlyMap<string, string> {
  const names = session.file.parties.map((p) => p.identity.name).filter((_, j) => j !== index);
  const other = [...peers.keys()].find((p) => !names.includes(p));
  if (other === undefined) return peers;
  throw new TacitError("PARTY_CONFIG", `peers: expected one of ${names.join(", ")}, got ${JSON.stringify(other.slice(0, 64))}`);
}
