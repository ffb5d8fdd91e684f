/** @file ChildParty: one party process on this machine, from start to end. Node only. */
import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { TacitError } from "@tacit/core/errors";
import { type Identity, isRecord } from "../identity/identity.ts";
import type { ChildStart } from "../party/child.ts";
import type { Session } from "../session/session-file.ts";

/** Longest time for a process to load and listen: far above the 0.3 s it takes, since machines may be busy (33 s were seen at a load of 30). */
const START_TIMEOUT = 120_000;
/** Time for an orderly end before the process is killed. */
const END_TIMEOUT = 2000;

/**
 * Node's young generation doubles when it likes, which a party has little use for: what lives in it are messages under way. With 2 MB the soak
 * ends at 113 MB instead of 194, and a step takes as long (lenet5-step-128 on 2026-11-29, alternating: 0.91 and 0.86 s with it, 0.79 and 0.93
 * without, 2 cores). V8 takes this at a start, or never.
 */
const NODE_FLAGS = ["--max-semi-space-size=2"];

/** Processes that must not outlive this one. */
const running = new Set<ChildProcess>();
let watching = false;

/** 'exit' is the last moment; whatever signal or error ends this process, party processes also end when their channel closes. */
function watchExit(): void {
  if (watching) return;
  watching = true;
  process.on("exit", () => {
    for (const child of running) child.kill("SIGKILL");
  });
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const textOf = (x: unknown): string => (typeof x === "string" ? x : "");

function failureOf(message: unknown): Failure | undefined {
  const failed = isRecord(message) ? message.failed : undefined;
  if (!isRecord(failed)) return undefined;
  return { code: textOf(failed.code), message: textOf(failed.message), hint: textOf(failed.hint) };
}

export class ChildParty {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  /** Heard from the beginning: a quick process may say it before anybody asks. */
  readonly #listening: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    running.add(child);
    this.#exited = new Promise((resolve) => {
      child.once("exit", (code) => {
        running.delete(child);
        resolve(code);
      });
    });
    this.#listening = this.#next("listening", START_TIMEOUT);
    this.#listening.catch(() => {});
  }

  /** Process id, for tests that stop or kill it. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Exit code, null for a signal; resolves when the process is gone. */
  get exited(): Promise<number | null> {
    return this.#exited;
  }

  /** Starts a process; its keys travel over its private channel, never in arguments. */
  static async start(entry: string, identity: Identity, options: Omit<ChildStart, "keys">): Promise<ChildParty> {
    watchExit();
    const stdio: StdioOptions = ["ignore", "ignore", "inherit", "ipc"];
    const child = fork(entry, [], { execArgv: NODE_FLAGS, stdio, serialization: "advanced" });
    const party = new ChildParty(child);
    const start: ChildStart = { ...options, keys: await identity.exportPrivate() };
    child.send(start);
    return party;
  }

  /** The next message with field `field`. @throws TacitError what the process said instead, MPC_PARTY_LOST, MPC_TIMEOUT */
  #next(field: string, timeout: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#child.off("message", message);
        this.#child.off("exit", gone);
      };
      const message = (m: unknown): void => {
        const failed = failureOf(m);
        if (failed === undefined && !(isRecord(m) && field in m)) return;
        done();
        if (failed === undefined) resolve(isRecord(m) ? m[field] : undefined);
        else reject(new TacitError(failed.code, failed.message, failed.hint === "" ? {} : { hint: failed.hint }));
      };
      const gone = (): void => {
        done();
        reject(
          new TacitError("MPC_PARTY_LOST", "party process: expected it to start, got its end", {
            hint: "its last words are on stderr",
          }),
        );
      };
      const timer = setTimeout(() => {
        done();
        reject(new TacitError("MPC_TIMEOUT", `party process: expected it to start within ${timeout / 1000} s, got nothing`));
      }, timeout);
      this.#child.on("message", message);
      this.#child.on("exit", gone);
    });
  }

  /** The ports it listens at. */
  async listening(): Promise<{ readonly address: number; readonly client: number; readonly web: number }> {
    const ports = await this.#listening;
    if (isRecord(ports) && typeof ports.address === "number" && typeof ports.client === "number") {
      return { address: ports.address, client: ports.client, web: Number(ports.web ?? 0) };
    }
    throw new TacitError("MPC_PARTY_LOST", "party process: expected its ports, got something else");
  }

  /** Gives it the session; resolves when it serves. */
  async serve(session: Session): Promise<void> {
    const serving = this.#next("serving", START_TIMEOUT + session.timeout);
    this.#child.send({ session: session.toJson() });
    await serving;
  }

  /** Waits for an orderly end, then kills. */
  async end(): Promise<void> {
    // A closed session ends its parties by themselves; the broken channel ends one that never had a session.
    const ask = setTimeout(() => this.#child.connected && this.#child.disconnect(), END_TIMEOUT / 2);
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_TIMEOUT);
    await this.#exited;
    clearTimeout(ask);
    clearTimeout(timer);
  }

  /** Breaks the private channel, as the end of this process would: for tests. */
  orphan(): void {
    this.#child.disconnect();
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
