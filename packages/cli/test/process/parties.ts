/** @file Real `tacit party` processes for the tests: keys, a session file, configurations; started, watched and ended by id. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { mpc } from "@tacit/mpc";
import { MAIN, type scratch } from "./tacit.ts";

const COMPILED = join(import.meta.dirname, "../../../../node_modules/.cache/tacit-tests");
export const NAMES: readonly string[] = ["clinic-a", "clinic-b", "clinic-c"];

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().on("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });

/** Where the next search begins: no port is given twice until all were. */
let next = randomInt(1000);

/**
 * Ports that were free a moment ago, and that nobody takes until they are used: they lie below those that systems hand out by themselves (from
 * 32768 on Linux), and each test worker looks among a thousand of its own.
 */
export async function freePorts(count: number): Promise<number[]> {
  const first = 20_000 + 1000 * (Number(process.env.VITEST_POOL_ID ?? 0) % 12);
  const ports: number[] = [];
  for (let i = 0; i < 1000 && ports.length < count; i++) {
    const port = first + (next++ % 1000);
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`expected ${count} free ports from ${first} on, got ${ports.length}`);
  return ports;
}

export class PartyProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  log = "";
  #heard: () => void = () => {};

  constructor(cwd: string, config: string, options: { readonly words?: readonly string[]; readonly fileLimit?: number } = {}) {
    const command = [process.execPath, MAIN, "party", "--config", config, ...(options.words ?? ["--log", "json"])];
    const limited = ["bash", "-c", `ulimit -f ${options.fileLimit}; exec "$@"`, "bash", ...command];
    const [file, ...rest] = options.fileLimit === undefined ? command : limited;
    const env = { ...process.env, NO_COLOR: "1", ...(options.fileLimit === undefined && { NODE_COMPILE_CACHE: COMPILED }) };
    this.child = spawn(file!, rest, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.log += text;
      this.#heard();
    });
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => {
        resolve(code);
        this.#heard();
      });
    });
  }

  /** Resolves when the log holds `text`; fails when the process ends before. */
  async says(text: string): Promise<void> {
    while (!this.log.includes(text)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(`ended before ${text}:\n${this.log}`);
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }
}

export interface Place {
  readonly session: mpc.Session;
  readonly driver: mpc.Identity;
  readonly owner: mpc.Identity;
  /** Everybody who is no party; each one's key lies in NAME.key. */
  readonly people: ReadonlyMap<string, mpc.Identity>;
  readonly health: readonly number[];
  /** The configuration of party i, as it is on disk. */
  readonly config: (i: number) => Record<string, unknown>;
}

/** Keys, session file and configurations of three parties on loopback, in `place`. */
export async function lay(
  place: ReturnType<typeof scratch>,
  timeout = 20_000,
  names: readonly string[] = ["driver", "owner"],
): Promise<Place> {
  const ports = await freePorts(9);
  const parties = await Promise.all(NAMES.map((n) => mpc.Identity.generate(n)));
  const people = await Promise.all(names.map((n) => mpc.Identity.generate(n)));
  const [driver, owner] = people;
  const at = (i: number): string => `127.0.0.1:${ports[i]}`;
  const session = mpc.newSession({
    parties: parties.map((p, i) => ({ identity: p.public, address: at(3 * i), client: at(3 * i + 1) })),
    people: people.map((p) => p.public),
    driver: "driver",
    protocol: mpc.PROTOCOLS[0]!,
    limits: { timeout },
  });
  place.write("session.json", session.toJson());
  const config = (i: number): Record<string, unknown> => ({
    session: "session.json",
    key: `${NAMES[i]}.key`,
    data: `${NAMES[i]}-data`,
    health: ports[3 * i + 2],
    wait: 60,
  });
  for (const [i, p] of parties.entries()) {
    await mpc.writeKeyFile(place.file(`${p.name}.key`), p);
    mkdirSync(place.file(`${p.name}-data`), { mode: 0o700 });
    place.write(`${p.name}.json`, JSON.stringify(config(i)));
  }
  for (const p of people) await mpc.writeKeyFile(place.file(`${p.name}.key`), p);
  return {
    session,
    driver: driver!,
    owner: owner!,
    people: new Map(people.map((p) => [p.name, p])),
    health: [2, 5, 8].map((i) => ports[i]!),
    config,
  };
}
